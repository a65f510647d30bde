"""Beside other ways to let somebody in: what is possible, and what each of
them cannot open."""
import base64
import hashlib
import json

import pytest
from support import client, conf, peers, site

PASSWORDS = "joe:{SHA}" + base64.b64encode(
    hashlib.sha1(b"secret").digest()).decode() + "\n"
BASIC = """
    AuthType Basic
    AuthName files
    AuthBasicProvider file
    AuthUserFile ${root}/keys/passwords
"""
BEARER = "AuthType Bearer\nAuthName api\nApiAudience pizza\n"
JOE = "Basic " + base64.b64encode(b"joe:secret").decode()
BAD_JOE = "Basic " + base64.b64encode(b"joe:wrong").decode()
ROWS = {  # lines of the location; nobody, joe, bad joe, alice, mallory
    "Bearer alone": (BEARER + "Require valid-user", 401, 401, 401, 200, 401),
    "Basic alone": (BASIC + "Require valid-user", 401, 200, 401, 401, 401),
    "both, by <If>": (
        f"""<If "%{{HTTP:Authorization}} =~ /^Basic /i">{BASIC}
        Require valid-user\n</If>\n<Else>\n{BEARER}Require valid-user
        </Else>""", 401, 200, 401, 200, 401),
    "both, each with rights of its own": (
        f"""<If "%{{HTTP:Authorization}} =~ /^Basic /i">{BASIC}
        Require user jim\n</If>\n<Else>\n{BEARER}
        Require oauth2-scope write\n</Else>""", 401, 401, 401, 200, 401),
    # A rule about tokens is never met by another kind of user.
    "Basic with oauth2-scope": (
        BASIC + "Require oauth2-scope write", 401, 401, 401, 401, 401),
    "Basic with not oauth2-client": (
        BASIC + "<RequireAll>\nRequire valid-user\n"
        "Require not oauth2-client app\n</RequireAll>",
        401, 200, 401, 401, 401),
    "Basic with a claim in an expression": (
        BASIC + "Require expr \"oauth2_claim('plan') == 'gold'\"",
        403, 403, 403, 403, 403),
    "no AuthType": ("Require oauth2-scope write", 500, 500, 500, 500, 500),
    "unknown AuthType": (
        "AuthType Bearers\nRequire valid-user", 500, 500, 500, 500, 500),
    "AuthType in capitals": (
        BEARER.replace("Bearer", "BEARER") + "Require valid-user",
        401, 401, 401, 200, 401),
    "Bearer with the settings of Basic": (
        BASIC + BEARER + "Require valid-user", 401, 401, 401, 200, 401),
    # mod_access_compat
    "Satisfy All, allowed host": (
        BEARER + "Require valid-user\nOrder deny,allow\nDeny from all\n"
        "Allow from 127.0.0.1\nSatisfy All", 401, 401, 401, 200, 401),
    "Satisfy All, other host": (
        BEARER + "Require valid-user\nOrder deny,allow\nDeny from all\n"
        "Allow from 192.0.2.1\nSatisfy All", 403, 403, 403, 403, 403),
    "Satisfy Any, allowed host": (
        BEARER + "Require valid-user\nOrder deny,allow\nDeny from all\n"
        "Allow from 127.0.0.1\nSatisfy Any", 200, 200, 200, 200, 200),
    "Satisfy Any, other host": (
        BEARER + "Require oauth2-scope write\nOrder deny,allow\n"
        "Deny from all\nAllow from 192.0.2.1\nSatisfy Any",
        401, 401, 401, 200, 401),
    # httpd's own: no line about hosts allows every host.
    "Satisfy Any alone": (
        BEARER + "Require valid-user\nSatisfy Any",
        200, 200, 200, 200, 200),
    "Satisfy Any, other host, all granted": (
        BEARER + "Require all granted\nOrder deny,allow\nDeny from all\n"
        "Satisfy Any", 200, 200, 200, 200, 200),
    "Satisfy Any, other host, no Require": (
        BEARER + "Order deny,allow\nDeny from all\nSatisfy Any",
        401, 401, 401, 200, 401),
}
MODULES = ("authn_file auth_basic access_compat proxy proxy_http rewrite lua"
           .split())


def credentials(key):
    def bearer(who):
        return f"Bearer {site.token_of(who, key)}"
    return [None, JOE, BAD_JOE, bearer("alice"), bearer("mallory")]


def call(server, path, credential, *more):
    headers = [("Authorization", credential)] if credential else []
    return client.request(server.port, path, headers=headers + list(more))


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    backend = peers.start(peers.Echo)
    text = f"ProxyPass / http://127.0.0.1:{backend.port}/\n" + "".join(
        conf.section("Location", f"/row{i}", [row[0]])
        for i, row in enumerate(ROWS.values()))
    server = module_httpd(text, MODULES, conf.issuer(),
                          {"keys/corp.json": jwks,
                           "keys/passwords": PASSWORDS})
    # Wrong passwords, and AuthTypes that nobody serves.
    server.expect("AH01617|AH01618|AH01629|AH00027|AH01796|AH01614")
    yield server
    backend.shutdown()


@pytest.mark.parametrize("number,name", enumerate(ROWS))
def test_beside(server, key, number, name):
    got = [call(server, f"/row{number}/", c).status for c in credentials(key)]
    assert got == list(ROWS[name][1:])


@pytest.mark.parametrize("name,challenges", [
    ("Bearer alone", {None: "Bearer", JOE: "Bearer"}),
    ("Basic alone", {None: "Basic", BAD_JOE: "Basic"}),
    ("both, by <If>", {None: "Bearer", BAD_JOE: "Basic"}),
])
def test_whose_challenge(server, name, challenges):
    number = list(ROWS).index(name)
    for credential, scheme in challenges.items():
        answer = call(server, f"/row{number}/", credential)
        assert answer.status == 401
        assert [c.split()[0] for c in answer.all("WWW-Authenticate")] == \
            [scheme]
        assert (b"AO2-010" in answer.body) == (scheme == "Bearer")


@pytest.mark.parametrize("name,credential,user", [
    ("both, by <If>", JOE, "joe"), ("Satisfy Any alone", "alice", None),
    ("Satisfy Any, allowed host", "alice", None)])
def test_who_the_backend_hears_of(httpd, key, jwks, name, credential, user):
    """Whom a host lets in is nobody, with a token or without; the token
    stays here all the same."""
    backend = peers.start(peers.Echo)
    server = httpd(f"ProxyPass / http://127.0.0.1:{backend.port}/\n" +
                   conf.section("Location", "/", [
                       ROWS[name][0], "ApiPassClaim sub header X-User",
                       "RequestHeader set X-Remote expr=%{REMOTE_USER}"]),
                   MODULES, conf.issuer(), {"keys/corp.json": jwks,
                                            "keys/passwords": PASSWORDS})
    if credential == "alice":
        credential = f"Bearer {site.token_of('alice', key)}"
    answer = call(server, "/", credential, ("X-User", "root"))
    seen = dict(json.loads(answer.body)["headers"])
    assert seen["X-Remote"] == (user or "")
    assert "X-User" not in seen
    assert ("Authorization" in seen) == (user == "joe")
    backend.shutdown()


LUA = """
function user(r)
    r.user = "eve"
    return apache2.OK
end
function grant(r)
    return apache2.OK
end
"""


@pytest.mark.parametrize("hooks,nobody", [
    ("", 401),
    ("LuaHookCheckUserID ${root}/keys/a.lua user early", 401),
    ("LuaHookCheckUserID ${root}/keys/a.lua user late", 401),
    ("LuaHookAuthChecker ${root}/keys/a.lua grant early", 401),
    ("LuaHookCheckUserID ${root}/keys/a.lua user early\n"
     "LuaHookAuthChecker ${root}/keys/a.lua grant early", 401),
])
def test_other_modules_user_proves_nothing(httpd, key, jwks, hooks, nobody):
    """A module that sets r->user, or grants, opens no Bearer location."""
    server = httpd(f"{hooks}\n" + conf.location("/x"), ["lua"],
                   conf.issuer(), {"keys/corp.json": jwks, "keys/a.lua": LUA,
                                   "htdocs/x/a.txt": "a"})
    answer = client.request(server.port, "/x/a.txt")
    assert answer.status == nobody
    assert len(answer.all("WWW-Authenticate")) == 1
    token = site.token_of("mallory", key)
    assert client.request(server.port, "/x/a.txt", token).status == 401


HEADERS = [  # lines about header fields; alice, nobody
    ("RequestHeader unset Authorization early", 401, 401),
    ("RequestHeader unset Authorization", 200, 401),
    ("RequestHeader set X-Key forged early", 200, 401),
    ("RequestHeader set Authorization \"Basic eDp5\" early", 401, 401),
    ("SetEnvIf X-Open 1 open\nRequire env open", 200, 401),
    ("SetEnvIf Authorization . REMOTE_USER=root", 200, 401),
    ("SetEnvIf X-Open 1 REMOTE_USER=root no-auth", 200, 401),
    ("SetEnv REMOTE_USER root", 200, 401),
    ("SetEnv AUTH_TYPE Bearer", 200, 401),
]


@pytest.mark.parametrize("lines,alice,nobody", HEADERS)
def test_header_and_environment_tricks(httpd, key, jwks, lines, alice,
                                       nobody):
    early = lines if "early" in lines else ""
    server = httpd(early + "\n" + conf.location(
        "/", *("" if early else lines).split("\n")), (), conf.issuer(),
        {"keys/corp.json": jwks, "htdocs/a.txt": "a"})
    token = site.token_of("alice", key)
    assert client.request(server.port, "/a.txt", token).status == alice
    assert client.request(server.port, "/a.txt").status == nobody


def test_identity_headers_set_by_the_operator(httpd, key, jwks):
    """What a claim speaks for, nothing else does: not RequestHeader either."""
    backend = peers.start(peers.Echo)
    server = httpd(f"""
ProxyPass / http://127.0.0.1:{backend.port}/
RequestHeader set X-User early early
RequestHeader set X-Other early early
<Location />
    RequestHeader set X_User late
    RequestHeader set X-User late
</Location>
""" + conf.location("/x", "ApiPassClaim sub header X-User"),
        ["proxy", "proxy_http"], conf.issuer(), {"keys/corp.json": jwks})
    for path, user in (("/x", "alice"), ("/public", None)):
        answer = client.request(server.port, path, site.token_of("alice", key),
                                [("X-User", "root"), ("X_User", "root")])
        seen = dict(json.loads(answer.body)["headers"])
        assert seen.get("X-User") == user
        assert "X_User" not in seen
        assert seen["X-Other"] == "early"
    backend.shutdown()
