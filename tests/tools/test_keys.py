"""htapi key: what it makes, what it gives away, what it says."""
import base64
import json
import subprocess

import pytest
from jwcrypto import jwk, jws

from support import htapi
from support.htapi import DONE, WRONG

ALGORITHMS = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA",
    "PS384": "RSA", "PS512": "RSA", "ES256": "P-256", "ES384": "P-384",
    "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519",
    "Ed448": "Ed448", "HS256": 32, "HS384": 48, "HS512": 64,
}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def create(alg, *more):
    answer = htapi.run("key", "create", "--alg", alg, *more)
    assert (answer.returncode, answer.stderr) == (DONE, ""), answer.stderr
    assert answer.stdout.endswith("}\n")
    return json.loads(answer.stdout)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_create(alg):
    key = create(alg)
    kind = ALGORITHMS[alg]
    assert (key["alg"], key["use"]) == (alg, "sig")
    if alg.startswith("HS"):
        assert key["kty"] == "oct" and len(decode(key["k"])) == kind
    elif kind == "RSA":
        assert key["kty"] == "RSA" and len(decode(key["n"])) == 256
        assert decode(key["e"]) == b"\1\0\1"
    else:
        assert key["crv"] == kind and PRIVATE & set(key) == {"d"}
    assert key["kid"] == jwk.JWK(**key).thumbprint()


def test_each_key_is_another():
    assert create("ES256")["d"] != create("ES256")["d"]


def test_options():
    key = create("RS256", "--bits", "3072", "--kid=my key")
    assert len(decode(key["n"])) == 384 and key["kid"] == "my key"


@pytest.mark.parametrize("alg", ["RS256", "ES512", "EdDSA", "Ed448"])
def test_public(tmp_path, alg):
    key = create(alg, "--kid", "k")
    file = tmp_path / "key.jwk"
    file.write_text(json.dumps(key))
    answer = htapi.run("key", "public", file)
    assert (answer.returncode, answer.stderr) == (DONE, "")
    [public] = json.loads(answer.stdout)["keys"]
    assert public == {name: value for name, value in key.items()
                      if name not in PRIVATE}
    piped = htapi.run("key", "public", "-", input=file.read_text())
    assert piped.stdout == answer.stdout


def test_public_of_pem(tmp_path):
    key = jwk.JWK(**create("ES256"))
    file = tmp_path / "key.pem"
    for private in (True, False):
        file.write_bytes(key.export_to_pem(private_key=private,
                                           password=None))
        answer = htapi.run("key", "public", file)
        assert answer.returncode == DONE, answer.stderr
        [public] = json.loads(answer.stdout)["keys"]
        assert jwk.JWK(**public).thumbprint() == key.thumbprint()
        assert not PRIVATE & set(public)


def test_public_of_a_set(tmp_path):
    keys = [create(alg, "--kid", alg) for alg in ("ES256", "HS256", "RS256")]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": keys}))
    answer = htapi.run("key", "public", file)
    assert answer.returncode == DONE
    assert [key["kid"] for key in json.loads(answer.stdout)["keys"]] == [
        "ES256", "RS256"]
    assert keys[1]["k"] not in answer.stdout


def test_keys_of_others_sign_for_others():
    """The private part is the one of the public part."""
    for alg in ("PS384", "ES384", "EdDSA"):
        key = jwk.JWK(**create(alg))
        token = jws.JWS(b"x")
        token.add_signature(key, alg, json.dumps({"alg": alg}))
        check = jws.JWS()
        check.deserialize(token.serialize(True))
        check.verify(jwk.JWK(**key.export_public(as_dict=True)))


@pytest.mark.parametrize("words, said", [
    ("create", "--alg takes a signature algorithm"),
    ("create --alg", "--alg takes a value"),
    ("create --alg none", "--alg takes a signature algorithm"),
    ("create --alg es256", "--alg takes a signature algorithm"),
    ("create --alg ES256 more", "--alg takes a signature algorithm"),
    ("create --alg ES256 --alg ES256", "--alg is given twice"),
    ("create --alg ES256 --colour red", "unknown option --colour"),
    ("create --alg ES256 -k", "unknown option -k"),
    ("create --alg ES256 --bits 2048", "--bits is for RSA keys"),
    ("create --alg RS256 --bits", "--bits takes a value"),
    ("create --alg RS256 --bits 2047", "RSA keys have 2048 to 8192 bits"),
    ("create --alg RS256 --bits 8193", "--bits takes a number"),
    ("create --alg RS256 --bits 4294969344", "--bits takes a number"),
    ("create --alg RS256 --bits 2048x", "--bits takes a number"),
    ("create --alg RS256 --bits=", "--bits takes a number"),
    ("create --alg RS256 --bits -2048", "--bits takes a number"),
    ("create --alg ES256 --kid=", "--kid takes 1 to 256 bytes"),
    (f"create --alg ES256 --kid {'k' * 257}", "--kid takes 1 to 256 bytes"),
    ("public", "one FILE is needed"),
    ("public a b", "one FILE is needed"),
    ("public /nowhere", "/nowhere cannot be read"),
    ("public /dev/null", "/dev/null is no regular file"),
    ("public .", ". is no regular file"),
])
def test_wrong(words, said):
    answer = htapi.run("key", *words.split())
    assert (answer.returncode, answer.stdout) == (WRONG, "")
    assert answer.stderr.startswith("htapi: " + said)


def test_longest_kid():
    assert len(create("ES256", "--kid", "k" * 256)["kid"]) == 256


def test_kid_that_is_no_utf8():
    answer = subprocess.run([htapi.HTAPI, "key", "create", "--alg", "ES256",
                             "--kid", b"\xff"], capture_output=True)
    assert (answer.returncode, answer.stdout) == (WRONG, b"")
    assert b"not UTF-8" in answer.stderr


NO_KEYS = [
    ("", "empty"), ("{", "malformed"), ("{}", "kty"), ("[]", "PEM"),
    ("hello", "PEM"), ('{"keys": []}', "no usable key"),
    ('{"kty": "oct", "k": "AAAA"}', "no usable key in the set (1 skipped)"),
    ('{"kty": "EC", "kty": "EC"}', "malformed"),
    ("{" + " " * 524288 + "}", "longer than 524288 bytes"),
]


@pytest.mark.parametrize("row", range(len(NO_KEYS)))
def test_no_key(tmp_path, row):
    text, said = NO_KEYS[row]
    file = tmp_path / "key"
    file.write_text(text)
    for words in ([file], ["-"]):
        answer = htapi.run("key", "public", *words, input=text)
        assert (answer.returncode, answer.stdout) == (WRONG, "")
        assert said in answer.stderr


def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        answer = subprocess.run([htapi.HTAPI, "key", "create", "--alg",
                                 "ES256"], stdout=full,
                                stderr=subprocess.PIPE, text=True)
    assert answer.returncode == WRONG
    assert answer.stderr == "htapi: the result cannot be written\n"
