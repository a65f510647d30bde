"""CORS preflights, and callers without a credential."""
import json

import pytest
from support import client, conf, peers, site

ORIGIN = ("Origin", "https://app.example")
ASKS = ("Access-Control-Request-Method", "POST")
PASS = "ApiPreflight pass"
CONF = (conf.location("/pass", PASS, "ApiPassClaim sub header X-User") +
        conf.location("/protect") + conf.location("/protect2",
                                                  "ApiPreflight protect") +
        conf.location("/pass/denied", require="all denied") +
        conf.location("/pass/scope", require="oauth2-scope write") +
        conf.location("/pass/none", PASS, require=None) +
        conf.location("/pass/expr", require="expr \"oauth2_claim('plan') == "
                                            "'gold'\"") +
        conf.location("/pass/ip", require="ip 192.0.2.1") +
        conf.location("/pass/key", "ApiTokenFrom header:X-Key cookie:T") +
        conf.location("/pass/unset", "ApiAccept corp", audience=None) +
        conf.location("/anon", "ApiAnonymous On",
                      "ApiPassClaim sub header X-User"))


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    backend = peers.start(peers.Echo)
    server = module_httpd(
        f"ProxyPass / http://127.0.0.1:{backend.port}/\n" + CONF,
        ["proxy", "proxy_http"], conf.issuer(), {"keys/corp.json": jwks})
    yield server
    backend.shutdown()


def ask(server, path, *headers, method="OPTIONS", token=None):
    return client.request(server.port, path, token, headers, method)


TRUE = (ORIGIN, ASKS)
ROWS = [  # path, header fields, method, status
    ("/pass", TRUE, "OPTIONS", 200),
    ("/pass", (*TRUE, ("Access-Control-Request-Headers", "authorization")),
     "OPTIONS", 200),
    ("/pass/deep/er?x=y", TRUE, "OPTIONS", 200),
    ("/pass/scope", TRUE, "OPTIONS", 200), ("/pass/none", TRUE, "OPTIONS", 200),
    ("/pass/expr", TRUE, "OPTIONS", 200),
    ("/pass/key", TRUE, "OPTIONS", 200),
    # What is closed to everybody stays closed.
    ("/pass/denied", TRUE, "OPTIONS", 403), ("/pass/ip", TRUE, "OPTIONS", 403),
    # No preflight: something is missing, or there is a credential.
    ("/pass", (ORIGIN,), "OPTIONS", 401), ("/pass", (ASKS,), "OPTIONS", 401),
    ("/pass", (), "OPTIONS", 401), ("/pass", TRUE, "GET", 401),
    ("/pass", TRUE, "POST", 401), ("/pass", TRUE, "HEAD", 401),
    ("/pass", TRUE, "options", 401),
    ("/pass", (*TRUE, ("Authorization", "Bearer x")), "OPTIONS", 401),
    ("/pass", (*TRUE, ("Authorization", "Basic eDp5")), "OPTIONS", 401),
    ("/pass", (*TRUE, ("Authorization", "")), "OPTIONS", 401),
    ("/pass", (*TRUE, ("Authorization", "Bearer a, Bearer b")), "OPTIONS",
     400),
    ("/pass/key", (*TRUE, ("X-Key", "x")), "OPTIONS", 401),
    ("/pass/key", (*TRUE, ("Cookie", "T=x")), "OPTIONS", 401),
    ("/pass/key", (*TRUE, ("Cookie", "T=x; T=y")), "OPTIONS", 400),
    ("/pass", (*TRUE, ("X-HTTP-Method-Override", "DELETE")), "OPTIONS", 200),
    ("/protect", TRUE, "OPTIONS", 401), ("/protect2", TRUE, "OPTIONS", 401),
]


@pytest.mark.parametrize("path,headers,method,status", ROWS)
def test_preflight(server, path, headers, method, status):
    answer = ask(server, path, *headers, method=method)
    assert answer.status == status
    assert len(answer.all("WWW-Authenticate")) == (status in (400, 401))


def test_preflight_is_scrubbed(server, key):
    """The backend hears of nobody, whatever the client claims."""
    forged = [("X-User", "root"), ("X_User", "root"), ("x.user", "root")]
    answer = ask(server, "/pass", *TRUE, *forged)
    assert answer.status == 200
    seen = json.loads(answer.body)
    assert seen["method"] == "OPTIONS"
    assert "root" not in json.dumps(seen["headers"])
    answer = ask(server, "/pass", *TRUE, *forged,
                 token=site.token_of("alice", key))
    assert answer.status == 200
    assert ["X-User", "alice"] in json.loads(answer.body)["headers"]


def test_preflight_is_no_door(server, key):
    """The same connection afterwards, and the same path by GET."""
    one = ("OPTIONS /pass HTTP/1.1\r\nHost: x\r\nOrigin: https://a\r\n"
           "Access-Control-Request-Method: GET\r\n\r\n")
    two = "GET /pass HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    data = client.send(server.port, (one + two).encode())
    assert data.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 401" in data


def test_options_star(server):
    """OPTIONS * is about the server: no location, nothing behind it."""
    answer = ask(server, "*", *TRUE)
    assert b'"path"' not in answer.body


ANONYMOUS = [  # credential as a header field, status, user at the backend
    (None, 200, None), ("Bearer GOOD", 200, "alice"), ("Bearer BAD", 401, None),
    ("Bearer x", 401, None), ("Bearer a b", 400, None), ("Bearer ", 400, None),
    ("Basic eDp5", 200, None), ("Bearer GOOD, Bearer GOOD", 400, None),
]


@pytest.mark.parametrize("value,status,user", ANONYMOUS)
def test_anonymous(server, key, value, status, user):
    headers = [("X-User", "root")]
    if value:
        value = value.replace("GOOD", site.token_of("alice", key))
        value = value.replace("BAD", site.token_of("mallory", key))
        headers.append(("Authorization", value))
    answer = ask(server, "/anon", *headers, method="GET")
    assert answer.status == status
    if status == 200:
        assert dict(json.loads(answer.body)["headers"]).get("X-User") == user
