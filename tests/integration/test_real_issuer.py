"""A real authorization server, found by its metadata."""
import base64
import json

import pytest
from support import client, remote
from support.authserver import RESOURCE, RESOURCES, AuthorizationServer
from support.server import ONE_PROCESS
from support.wait import until


@pytest.fixture
def issuer(authserver):
    return authserver


def protected(path, lines):
    return (f"<Location {path}>\nAuthType Bearer\nAuthName api\n{lines}\n"
            "</Location>\n")


def start(httpd, issuer, lines="", locations=None,
          timeout="connect=2s total=5s"):
    conf = remote.issuer("corp", lines, url=issuer.url, timeout=timeout)
    server = httpd(conf + (locations or protected(
        "/", "ApiAudience any\nRequire valid-user")),
        main=ONE_PROCESS, files={"htdocs/index.html": "hi",
                                 "htdocs/es/index.html": "es"})
    server.expect("AO2-040")
    return server


def header_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))


@pytest.mark.parametrize("alg", RESOURCES)
def test_algorithm(httpd, issuer, alg):
    server = start(httpd, issuer)
    token = issuer.token(RESOURCES[alg])
    assert header_of(token)["alg"] == alg
    assert remote.status(server, token) == 200
    head, body, signature = token.split(".")
    for bad in (f"{head}.{body}.{signature[:-4]}AAAA",
                f"{head}.{body}x.{signature}"):
        assert remote.status(server, bad) == 401
    assert issuer.calls("/jwks") <= 2


def test_who_and_what(httpd, issuer):
    """The caller, scopes, audience and claims of a real token."""
    rows = {
        "aud": ("Require valid-user", 404),
        "scope": ("Require oauth2-scope write", 404),
        "scope-not": ("Require oauth2-scope admin", 403),
        "client": ("Require oauth2-client pizza-app", 404),
        "client-not": ("Require oauth2-client other-app", 403),
        "claim": ("Require oauth2-claim tier gold", 404),
        "claim-not": ("Require oauth2-claim tier silver", 403),
        "application": ("Require oauth2-token application", 404),
        "user": ("Require oauth2-token user", 403),
    }
    server = start(httpd, issuer, locations="".join(
        protected(f"/{name}", f"ApiAudience {RESOURCE}\n{line}")
        for name, (line, _) in rows.items()))
    token = issuer.token(scope="read write")
    got = {name: remote.status(server, token, f"/{name}") for name in rows}
    assert got == {name: status for name, (_, status) in rows.items()}
    assert "|pizza-app|" in server.log("access.log")
    # A token for another audience of the same issuer.
    assert remote.status(server, issuer.token("es"), "/aud") == 401


def test_type(httpd, issuer):
    """RFC 9068: what it issues is an access token, and says so."""
    server = start(httpd, issuer, "ApiRequireType at+jwt")
    assert remote.status(server, issuer.token()) == 200
    server = start(httpd, issuer, "ApiRequireType JWT")
    assert remote.status(server, issuer.token()) == 401


def test_rotation(httpd, issuer):
    """New keys at once; the old ones until the next look, or as long as
    they are published."""
    server = start(httpd, issuer)
    old = issuer.token()
    assert remote.status(server, old) == 200
    issuer.control("rotate", keep=1)
    assert remote.status(server, issuer.token()) == 200
    assert remote.status(server, issuer.token("es")) == 200
    assert remote.status(server, old) == 200
    assert issuer.calls("/jwks") == 2


def test_removed_keys(httpd, issuer):
    server = start(httpd, issuer, "ApiJWKSTTL 1s")
    old = issuer.token()
    assert remote.status(server, old) == 200
    issuer.control("rotate")
    until(lambda: remote.status(server, old) == 401, 5)
    assert remote.status(server, issuer.token()) == 200


def test_expired(httpd, issuer):
    server = start(httpd, issuer, "ApiClockSkew 0")
    token = issuer.token("short")
    assert remote.status(server, token) == 200
    until(lambda: remote.status(server, token) == 401, 5)
    assert "token_expired" in server.log()
    assert remote.status(server, issuer.token("short")) == 200


def test_a_foreign_issuer(httpd, issuer, tmp_path):
    """One that is as real, with the same clients, names and resources."""
    server = start(httpd, issuer)
    foreign = AuthorizationServer(tmp_path / "log")
    try:
        stranger = foreign.token()
    finally:
        foreign.stop()
    assert remote.status(server, stranger) == 401
    assert remote.status(server, issuer.token()) == 200


def test_opaque_without_introspection(httpd, issuer):
    server = start(httpd, issuer, "ApiTokenFormat jwt")
    token = issuer.token("opaque")
    assert "." not in token
    assert remote.status(server, token) == 401


def test_failing(httpd, issuer):
    """It fails, it is slow, it is back."""
    server = start(httpd, issuer, timeout="connect=500ms total=1s")
    token = issuer.token()
    issuer.control("fail", status=500)
    remote.refused_for_now(server, token)
    issuer.control("fail", status=0)
    until(lambda: remote.status(server, token) == 200, 2.5)
    known = issuer.token()
    issuer.control("rotate", keep=1)
    new = issuer.token()
    issuer.control("delay", ms=3000)
    remote.refused_for_now(server, new)
    assert remote.status(server, known) == 200
    issuer.control("delay", ms=0)
    until(lambda: remote.status(server, new) == 200, 2.5)


def test_metadata(httpd, issuer):
    """It is asked for once, where it is."""
    server = start(httpd, issuer)
    for name in RESOURCES.values():
        assert remote.status(server, issuer.token(name)) == 200
    calls = issuer.control("state")["calls"]
    asked = {path: count for path, count in calls.items()
             if path != "/token"}
    assert asked == {"/.well-known/oauth-authorization-server": 1,
                     "/jwks": 1} or asked == {
        "/.well-known/oauth-authorization-server": 1,
        "/.well-known/openid-configuration": 1, "/jwks": 1}


def test_challenge(httpd, issuer):
    server = start(httpd, issuer)
    answer = client.request(server.port, "/")
    assert answer.status == 401
    assert answer.get("WWW-Authenticate") == 'Bearer realm="api"'


def test_opaque_and_revoked(httpd, issuer):
    """A token that is no JWT: asked about once, and taken back."""
    server = start(httpd, issuer,
                   "ApiClientAuth client_secret_basic gateway gateway-secret\n"
                   "ApiCacheTTL 1s",
                   protected("/", "ApiAudience any\n"
                             "Require oauth2-scope read"))
    token, other = issuer.token("opaque"), issuer.token("opaque")
    assert token.count(".") == 0
    assert issuer.introspect(token)["active"]
    issuer.control("reset")
    assert remote.status(server, token) == 200
    assert remote.status(server, token) == 200
    assert issuer.calls("/token/introspection") == 1
    server.expect("AH01631")
    assert remote.status(server, issuer.token("opaque", "write")) == 403
    issuer.revoke(token)
    until(lambda: remote.status(server, token) == 401)
    assert remote.status(server, other) == 200
    assert remote.status(server, other[:-1]) == 401


def test_credentials_that_the_issuer_refuses(httpd, issuer):
    """Ours, not the caller's: 503, and the log says so."""
    server = start(httpd, issuer,
                   "ApiClientAuth client_secret_basic gateway wrong-secret")
    assert remote.status(server, issuer.token("opaque")) == 503
    assert "our credentials (ApiClientAuth) are refused" in server.log()
    assert remote.status(server, issuer.token()) == 200


def test_jwt_that_was_revoked_there(httpd, issuer):
    """oidc-provider tells nothing about a JWT: that is its fault."""
    server = start(httpd, issuer,
                   "ApiClientAuth client_secret_basic gateway gateway-secret\n"
                   "ApiIntrospectJWT On")
    assert remote.status(server, issuer.token()) == 503
    assert "introspection: answered with status 400" in server.log()
