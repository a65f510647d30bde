"""Files that the configuration names: what is no good is refused at once,
whatever it is, and never waited for."""
import json
import os
import time

import pytest
from support import conf, tokens
from support.server import MPM

pytestmark = pytest.mark.skipif(
    MPM != "event", reason="configtest is the same with every MPM")


def issuer(*lines):
    return conf.section("ApiIssuer", "corp", [
        f"ApiIssuerURL {tokens.ISSUER}", *lines])


KEEP = "ApiJWKS file:keys/corp.json"
USERS = {  # every way to name a file
    "ApiJWKS": lambda f: issuer(f"ApiJWKS file:{f}"),
    "ApiPublicKey": lambda f: issuer(f"ApiPublicKey file:{f}"),
    "ApiSharedSecret": lambda f: issuer(f"ApiSharedSecret file:{f}"),
    "ApiClientAuth": lambda f: issuer(
        KEEP, f"ApiClientAuth private_key_jwt me file:{f}"),
    "ApiClientAuth secret": lambda f: issuer(
        KEEP, f"ApiClientAuth client_secret_basic me file:{f}"),
    "ApiCacheSecret": lambda f: f"ApiCacheSecret file:{f}\n",
    "ApiRevocations": lambda f: f"ApiRevocations file:{f}\n",
    "ApiTLS ca": lambda f: issuer(KEEP, f"ApiTLS ca={f}"),
    "ApiTLS cert": lambda f: issuer(
        KEEP, f"ApiTLS cert={f} key=keys/private.pem"),
    "ApiTLS key": lambda f: issuer(
        KEEP, f"ApiTLS cert=keys/public.pem key={f}"),
}
BAD = ["absent", "empty", "folder", "fifo", "device", "socket", "loop",
       "dangling", "huge"]
#: An empty list of revocations revokes nothing; TLS files are read by
#: libcurl when they are needed, and a folder may hold certificates.
FINE = {("ApiRevocations", "empty"), ("ApiTLS ca", "empty"),
        ("ApiTLS cert", "empty"), ("ApiTLS key", "empty"),
        ("ApiTLS ca", "folder"), ("ApiTLS ca", "huge"),
        ("ApiTLS cert", "huge"), ("ApiTLS key", "huge")}


@pytest.fixture(scope="module")
def server(module_httpd, key, jwks):
    server = module_httpd(start=False, modules=["socache_shmcb"], files={
        "keys/corp.json": jwks, "keys/empty": "",
        "keys/public.pem": key.export_to_pem().decode(),
        "keys/private.pem": key.export_to_pem(
            private_key=True, password=None).decode(),
        "keys/secret": "s" * 64})
    keys = server.root / "keys"
    (keys / "folder").mkdir()
    os.mkfifo(keys / "fifo")
    os.symlink("/dev/zero", keys / "device")
    os.symlink("loop", keys / "loop")
    os.symlink("nowhere", keys / "dangling")
    os.mknod(keys / "socket", 0o600 | 0o140000)
    with open(keys / "huge", "wb") as file:
        file.truncate(100 << 20)
    return server


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("user", USERS)
def test_bad_file(server, user, kind):
    began = time.monotonic()
    code, said = server.configtest(USERS[user](f"keys/{kind}"))
    assert time.monotonic() - began < 10
    if (user, kind) in FINE:
        assert code == 0, said
    else:
        assert code != 0
        assert user.split()[0] in said or "<ApiIssuer corp>" in said
        assert f"keys/{kind}" in said or "the file" in said.lower(), said


@pytest.mark.parametrize("user", USERS)
def test_good_file(server, user):
    name = {"ApiJWKS": "corp.json", "ApiPublicKey": "public.pem",
            "ApiClientAuth": "private.pem", "ApiTLS ca": "public.pem",
            "ApiTLS cert": "public.pem", "ApiTLS key": "private.pem",
            "ApiRevocations": "empty"}.get(user, "secret")
    code, said = server.configtest(USERS[user](f"keys/{name}"))
    assert code == 0, said
    # The path may be absolute as well.
    code, said = server.configtest(USERS[user](f"{server.root}/keys/{name}"))
    assert code == 0, said


BROKEN = {  # contents, what is wrong
    "ApiJWKS": ["{", "[]", "{}", '{"keys":{}}', '{"keys":[]}', "x" * 100,
                '{"keys":[{"kty":"EC"}]}', '{"keys":[],"keys":[]}',
                '{"keys":[{"kty":"oct","k":"AAAA"}]}', "\0", "null"],
    "ApiPublicKey": ["x", "-----BEGIN PUBLIC KEY-----\n", "{}", "\0",
                     "-----BEGIN PUBLIC KEY-----\nAAAA\n"
                     "-----END PUBLIC KEY-----\n"],
    "ApiSharedSecret": ["s" * 31, "\n", "{}", '{"kty":"RSA"}',
                        '{"kty":"oct","k":"AAAA"}',
                        '{"keys":[{"kty":"oct","k":"AAAA"}]}'],
    "ApiClientAuth": ["x", "{}", "-----BEGIN PRIVATE KEY-----\n"],
    "ApiCacheSecret": ["s" * 15],
    "ApiRevocations": ["what:x\n", "sha256:xyz\n", "jti:\n",
                       "sub:a before=never\n"],
}


@pytest.mark.parametrize("user,text", [
    (user, text) for user, texts in BROKEN.items() for text in texts])
def test_broken_file(server, user, text):
    server.write("keys/broken", text)
    code, said = server.configtest(USERS[user]("keys/broken"))
    assert code != 0
    assert user in said or "<ApiIssuer corp>" in said
    assert len(said) < 1000


@pytest.mark.parametrize("size,alg,good", [
    (31, "HS256", False), (32, "HS256", True), (47, "HS384", True),
    (64, "HS512", True)])
def test_length_of_secrets(server, size, alg, good):
    """Shorter than the shortest hash: refused. A key that is too short for
    a longer hash is no key for it (the token tests show that)."""
    server.write("keys/broken", "s" * size + "\n")
    code, said = server.configtest(issuer(
        "ApiSharedSecret file:keys/broken", f"ApiAlgorithms {alg}"))
    assert (code == 0) == good
    if not good:
        assert "31 bytes" in said and "s" * 31 not in said


def test_secret_is_never_repeated(server):
    """Neither a secret nor a part of one, in whatever is said about it."""
    word = "hunter2" * 3
    for text in (issuer(f"ApiSharedSecret {word}"),
                 issuer(f"ApiSharedSecret {word} {word}"),
                 issuer(f"ApiSharedSecret '{word} x' {word} {word}"),
                 issuer(KEEP, f"ApiClientAuth client_secret_jwt me {word}"),
                 issuer(KEEP, "ApiClientAuth client_secret_basic me "
                              f"{word} {word}"),
                 issuer(KEEP, f"ApiClientAuth bearer {word} {word}"),
                 "ApiCacheSecret hunter2\n",
                 f"ApiCacheSecret {word} {word}\n"):
        code, said = server.configtest(text)
        assert code != 0
        assert "hunter2" not in said


def test_commands(server):
    """exec: gives one line; what fails, is silent or talks on is refused."""
    script = server.write("keys/say", "#!/bin/sh\n"
                          "printf '%s\\n%s\\n' \"$1\" more\nexit ${2:-0}\n")
    script.chmod(0o755)
    good = "g" * 40
    for words, wanted in [(good, 0), (f"{good} 3", 1), ("short", 1),
                          ("g" * 5000, 1)]:
        code, said = server.configtest(
            issuer(f"ApiSharedSecret 'exec:{script} {words}'"))
        assert (code == 0) == (wanted == 0), said
        assert words.split()[0] not in said
        assert code == 0 or "ApiSharedSecret" in said


def test_command_that_hangs(server):
    began = time.monotonic()
    code, said = server.configtest(
        issuer("ApiSharedSecret 'exec:/bin/sleep 60'"))
    assert code != 0 and "10 seconds" in said
    assert time.monotonic() - began < 30


def test_world_readable_secret(server):
    """A warning by name, and none once the mode is right."""
    path = server.root / "keys/secret"
    for mode, warned in [(0o644, True), (0o604, True), (0o640, False),
                         (0o600, False)]:
        path.chmod(mode)
        for user in ("ApiSharedSecret", "ApiClientAuth secret",
                     "ApiCacheSecret"):
            code, said = server.configtest(USERS[user]("keys/secret"))
            assert code == 0
            assert ("everybody can read the file" in said) == warned
            assert (user.split()[0] in said) == warned


def test_set_is_one_of_many(server, jwks):
    """One bad file among good ones refuses the whole."""
    text = issuer("ApiJWKS file:keys/corp.json file:keys/empty")
    code, said = server.configtest(text)
    assert code != 0 and "keys/empty" in said
    many = json.dumps({"keys": json.loads(jwks)["keys"] * 65})
    server.write("keys/many.json", many)
    code, said = server.configtest(issuer("ApiJWKS file:keys/many.json"))
    assert code != 0 and "many.json" in said
