"""Who a key server is, is certain, or nothing is asked of it."""
import socket
import ssl
import subprocess
import threading
import warnings

import pytest
from cryptography import x509
from support import peers, remote, tokens
from support.certificates import Authority
from support.server import ONE_PROCESS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def serve(jwks):
    """serve(context) is an issuer over https."""
    running = []

    def make(context):
        running.append(peers.Issuer(jwks, context))
        return running[-1]

    yield make
    for issuer in running:
        issuer.stop()


#: What the system's OpenSSL allows is not what the module allows.
LAX = """
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = lax
[lax]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
"""


def start(httpd, issuer, tls):
    server = httpd(main=ONE_PROCESS, start=False,
                   files={"htdocs/index.html": "hi", "openssl.cnf": LAX})
    server.env["OPENSSL_CONF"] = str(server.root / "openssl.cnf")
    server.expect("AO2-040")
    return server.start(remote.site(f"ApiJWKS {issuer.url}/jwks\n{tls}"))


def old_versions(authority):
    context = authority.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def only(version):
    def make(authority):
        context = authority.context()
        context.minimum_version = context.maximum_version = version
        return context
    return make


def self_signed(authority):
    return Authority(authority.folder, "stranger").context()


GOOD = {
    "tls-1.2": only(ssl.TLSVersion.TLSv1_2),
    "tls-1.3": only(ssl.TLSVersion.TLSv1_3),
}
BAD = {  # the server, and what the error log says
    "stranger": (self_signed, "unable to get local issuer certificate"),
    "expired": (lambda a: a.context(days=(-10, -1)), "has expired"),
    "not-yet": (lambda a: a.context(days=(1, 10)), "not yet valid"),
    "wrong-name": (lambda a: a.context(name=x509.DNSName("other.example")),
                   "no alternative certificate subject name"),
    "name-for-address": (lambda a: a.context(name=x509.DNSName("127.0.0.1")),
                         "no alternative certificate subject name"),
    "old-versions": (old_versions, "protocol version"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good(httpd, serve, authority, key, name):
    server = start(httpd, serve(GOOD[name](authority)),
                   f"ApiTLS ca={authority.path}")
    assert remote.status(server, tokens.sign(tokens.claims(), key)) == 200


@pytest.mark.parametrize("name", BAD)
def test_bad(httpd, serve, authority, key, name):
    make, said = BAD[name]
    issuer = serve(make(authority))
    server = start(httpd, issuer, f"ApiTLS ca={authority.path}")
    remote.refused_for_now(server, tokens.sign(tokens.claims(), key))
    assert said in server.log()
    assert issuer.calls == []


@pytest.mark.parametrize("name", ["stranger", "expired", "wrong-name"])
def test_verification_off(httpd, serve, authority, key, name):
    """It can be had, and every start warns of it."""
    server = start(httpd, serve(BAD[name][0](authority)),
                   "ApiTLS verify=off")
    assert remote.status(server, tokens.sign(tokens.claims(), key)) == 200
    told = server.log() + server.log("stderr")
    assert "ApiTLS verify=off in <ApiIssuer corp>" in told


def test_the_system_does_not_vouch_for_us(httpd, serve, authority, key):
    """Without ca= the system's authorities count, which do not know ours."""
    server = start(httpd, serve(authority.context()), "")
    remote.refused_for_now(server, tokens.sign(tokens.claims(), key))
    assert "certificate" in server.log()


def test_a_folder_of_authorities(httpd, serve, authority, key, tmp_path):
    folder = tmp_path / "ca"
    folder.mkdir()
    server = start(httpd, serve(authority.context()), f"ApiTLS ca={folder}")
    token = tokens.sign(tokens.claims(), key)
    remote.refused_for_now(server, token)
    (folder / f"{subject_hash(authority)}.0").write_bytes(
        authority.path.read_bytes())
    assert remote.status(server, token) == 200


def subject_hash(authority):
    """The name under which OpenSSL looks for an authority."""
    return subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", authority.path],
        capture_output=True, text=True, check=True).stdout.strip()


def test_an_authority_that_is_gone(httpd, serve, authority, key, tmp_path):
    """Nobody else takes its place."""
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.path.read_bytes())
    server = start(httpd, serve(authority.context()), f"ApiTLS ca={path}")
    assert remote.status(server, None) == 401  # its configuration was read
    path.unlink()
    token = tokens.sign(tokens.claims(), key)
    remote.refused_for_now(server, token)
    assert "error setting certificate file" in server.log()
    path.write_bytes(authority.path.read_bytes())
    assert remote.status(server, token) == 200


def test_stalled_handshake(httpd, key):
    """A server that accepts and says nothing costs the connect timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kept = []
        threading.Thread(target=lambda: kept.append(silent.accept()),
                         daemon=True).start()
        server = httpd(remote.site(
            f"ApiJWKS https://127.0.0.1:{silent.getsockname()[1]}/jwks"),
            main=ONE_PROCESS)
        server.expect("AO2-040")
        remote.refused_for_now(server, tokens.sign(tokens.claims(), key), 0.5)
        assert "timed out" in server.log() or "timeout" in server.log()
        assert kept


def test_client_certificate(httpd, serve, authority, key, tmp_path):
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    issuer = serve(context)
    own = authority.issue()
    own.chmod(0o644)
    token = tokens.sign(tokens.claims(), key)
    for tls, status in (("", 503), (f" cert={own} key={own}", 200)):
        server = start(httpd, issuer, f"ApiTLS ca={authority.path}{tls}")
        assert remote.status(server, token) == status
