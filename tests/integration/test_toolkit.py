"""A second real authorization server, Django OAuth Toolkit. It differs from
what the RFCs suggest in small things: no iss, aud, sub or iat in its answers,
403 without a body for bad credentials of ours, a slash at the end of paths."""
import pytest
from support import client, conf, remote
from support.toolkit import Toolkit
from support.wait import until


@pytest.fixture(scope="module")
def running():
    server = Toolkit()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bearer(running):
    """What shows the gateway's right to ask about tokens."""
    return running.token(running.gateway, scope="introspection")


@pytest.fixture
def toolkit(running):
    yield running
    if running.process.poll() is not None:
        running.up()


def object_of(toolkit, name, *lines, path="/introspect/",
              auth="bearer file:keys/bearer"):
    return conf.section("ApiIssuer", name, [
        "ApiTokenFormat opaque", f"ApiIntrospection {toolkit.url}{path}",
        f"ApiClientAuth {auth}", *lines])


def start(httpd, toolkit, bearer, text):
    """keys/bearer and keys/secret are right, keys/other and keys/wrong not."""
    server = httpd(text, files={
        "htdocs/index.html": "hi", "keys/bearer": bearer,
        "keys/secret": toolkit.clients[toolkit.gateway],
        "keys/other": toolkit.token(), "keys/wrong": "not the secret"})
    server.expect("AO2-040")
    return server


def everywhere(toolkit, *lines, **more):
    return (object_of(toolkit, "corp", *lines, **more)
            + conf.location("/", audience="any"))


def junk(token):
    return token[:-1] + ("x" if token[-1] != "x" else "y")


def test_who_and_what(httpd, toolkit, bearer):
    """No sub: the client is the user. No aud: for no audience at all."""
    rows = {
        "any": ("any", "valid-user", 404),
        "audience": ("pizza", "valid-user", 401),
        "scope": ("any", "oauth2-scope write", 404),
        "scope-not": ("any", "oauth2-scope introspection", 403),
        "client": ("any", "oauth2-client pizza-app", 404),
        "client-not": ("any", "oauth2-client phone-app", 403),
        "user": ("any", "user pizza-app", 404),
        "user-not": ("any", "user alice", 403),
        "application": ("any", "oauth2-token application", 404),
        "person": ("any", "oauth2-token user", 403),
    }
    server = start(httpd, toolkit, bearer, object_of(toolkit, "corp") + "".join(
        conf.location(f"/{name}", audience=audience, require=line)
        for name, (audience, line, _) in rows.items()))
    token = toolkit.token(scope="read write")
    got = {name: remote.status(server, token, f"/{name}") for name in rows}
    assert got == {name: status for name, (_, _, status) in rows.items()}
    less = toolkit.token(scope="read")
    answer = client.request(server.port, "/scope", less)
    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.get("WWW-Authenticate")
    assert 'scope="write"' in answer.get("WWW-Authenticate")
    assert remote.status(server, less, "/any") == 404


def test_person(httpd, toolkit, bearer):
    """It names a person by username alone: ApiClaims makes that the user."""
    issuers = {"usual": "", "named": "ApiClaims subject=sub,username"}
    needs = {"alice": "user alice", "person": "oauth2-token user",
             "application": "oauth2-token application"}
    server = start(httpd, toolkit, bearer, "".join(
        object_of(toolkit, issuer, line) + "".join(
            conf.location(f"/{issuer}/{name}", f"ApiAccept {issuer}",
                          audience="any", require=need)
            for name, need in needs.items())
        for issuer, line in issuers.items()))

    def let_in(token, issuer):
        return {name for name in needs if
                remote.status(server, token, f"/{issuer}/{name}") == 404}

    person, application = toolkit.user_token(), toolkit.token()
    assert let_in(person, "named") == {"alice", "person"}
    assert let_in(person, "usual") == {"application"}
    for issuer in issuers:
        assert let_in(application, issuer) == {"application"}


def test_no_issuer(httpd, toolkit, bearer):
    """Its answers do not name it; with ApiIssuerURL they need not."""
    server = start(httpd, toolkit, bearer, everywhere(
        toolkit, "ApiIssuerURL https://toolkit.example", "ApiMetadata off"))
    token = toolkit.token()
    assert remote.status(server, token) == 200
    assert remote.status(server, junk(token)) == 401


@pytest.mark.parametrize("right,wrong", [
    ("bearer file:keys/bearer", "bearer file:keys/wrong"),
    ("bearer file:keys/bearer", "bearer file:keys/other"),
    ("client_secret_basic gate:way file:keys/secret",
     "client_secret_basic gate:way file:keys/wrong"),
    ("client_secret_basic gate:way file:keys/secret",
     "client_secret_basic gate-way file:keys/secret"),
    ("client_secret_post gate:way file:keys/secret",
     "client_secret_post gate:way file:keys/wrong"),
    ("client_secret_post gate:way file:keys/secret", "none"),
])
def test_our_credentials(httpd, toolkit, bearer, right, wrong):
    """403 without a body says that ours are bad, nothing of the caller's."""
    token = toolkit.token()
    server = start(httpd, toolkit, bearer, everywhere(toolkit, auth=right))
    assert remote.status(server, token) == 200
    assert remote.status(server, junk(token)) == 401
    server = start(httpd, toolkit, bearer, everywhere(toolkit, auth=wrong))
    answer = client.request(server.port, "/", token)
    assert answer.status == 503
    assert answer.get("WWW-Authenticate") is None
    assert int(answer.get("Retry-After")) > 0
    assert "(ApiClientAuth) are refused with status 403" in server.log()


@pytest.mark.parametrize("path,why", [
    ("/introspect", "301"),
    ("/introspection/", "404"),
])
def test_wrong_path(httpd, toolkit, bearer, path, why):
    """A redirect to the right place is not followed with the token."""
    server = start(httpd, toolkit, bearer, everywhere(toolkit, path=path))
    assert remote.status(server, toolkit.token()) == 503
    assert f"status {why}" in server.log()


def test_revoked(httpd, toolkit, bearer):
    server = start(httpd, toolkit, bearer,
                   everywhere(toolkit, "ApiCacheTTL 1s"))
    token, other = toolkit.token(), toolkit.token()
    assert remote.status(server, token) == remote.status(server, other) == 200
    toolkit.revoke(token)
    until(lambda: remote.status(server, token) == 401, 1.5)
    assert remote.status(server, other) == 200


def test_comes_and_goes(httpd, toolkit, bearer):
    server = start(httpd, toolkit, bearer, everywhere(
        toolkit, "ApiTimeout connect=500ms total=1s"))
    known, new, bad = toolkit.token(), toolkit.token(), junk(toolkit.token())
    assert remote.status(server, known) == 200
    toolkit.down()
    remote.refused_for_now(server, new)
    remote.refused_for_now(server, bad)
    assert remote.status(server, known) == 200
    toolkit.up()
    until(lambda: remote.status(server, new) == 200, 3)
    assert remote.status(server, bad) == 401
