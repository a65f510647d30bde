"""What the application behind httpd learns of the caller, and from whom."""
import json
import re

import pytest

from support.client import parse, request, send
from support.conf import issuer, location, section
from support.tokens import claims, sign
from support.wait import until

KIB4, KIB16 = 4 * 1024, 16 * 1024
CGI = ("#!/bin/sh\n"
       "printf 'Content-Type: application/octet-stream\\r\\n\\r\\n'\n"
       "env -0\n")
MODULES = ["proxy", "proxy_http", "cgi", "rewrite"]


def conf(backend):
    there = f"http://127.0.0.1:{backend.port}"
    value = ["ApiPassClaim v header X-Value", "ApiPassClaim v env V"]
    user = "ApiPassClaim sub header X-Remote-User"

    def proxied(path, *lines, **more):
        return location(path, f"ProxyPass {there}/b", *lines, **more)

    return "".join([
        "LimitRequestFieldSize 65536\nMergeTrailers On\nScriptAlias /cgi/ cgi/\n", issuer(),
        section("Directory", "cgi", ["Require all granted"]),
        proxied("/api", user, *value),
        location("/cgi", user, *value),
        location("/index", *value),
        proxied("/five", *(f"ApiPassClaim v{i} header X-V{i}"
                           for i in range(5))),
        location("/cgi/five", *(f"ApiPassClaim v{i} env V{i}"
                                for i in range(5))),
        proxied("/nested", "ApiPassClaim realm.roles header X-Roles",
                "ApiPassClaim a.b header X-Dot",
                "ApiPassClaim sub header X-Either",
                "ApiPassClaim nickname header X-Either"),
        proxied("/anonymous", user, "ApiAnonymous On"),
        proxied("/preflight", user, "ApiPreflight pass"),
        proxied("/bearer-public", user, require="all granted"),
        section("Location", "/public", [f"ProxyPass {there}/b"]),
        section("Location", "/cgi/public", ["AuthType None",
                                            "Require all granted"]),
        proxied("/hop", user,
                'RequestHeader set Connection "X-Hop, X-Remote-User"'),
        proxied("/form", user, "ApiTokenFrom header form:t"),
        proxied("/form-public", user, "ApiTokenFrom header form:t",
                require="all granted"),
        proxied("/errors", user),
        section("Location", "/page", [f"ProxyPass {there}/page"]),
        section("Location", "/errors", ["ErrorDocument 401 /page"]),
        section("Location", "/none", ["ErrorDocument 404 /page"]),
    ])


@pytest.fixture(scope="module")
def server(module_httpd, backend, jwks):
    server = module_httpd(start=False, modules=MODULES,
                          files={"keys/corp.json": jwks, "cgi/show": CGI,
                                 "cgi/public": CGI, "cgi/five": CGI,
                                 "htdocs/index/index.html": "ok"})
    for path in (server.root / "cgi").iterdir():
        path.chmod(0o755)
    return server.start(conf(backend))


@pytest.fixture(scope="module")
def token(key):
    return sign(claims(), key)


def seen(answer):
    return json.loads(answer.body)["headers"]


def folded(name):
    return re.sub(r"[^a-z0-9]", "-", name.lower())


def fields(answer, name):
    """All that any reader could take for the field."""
    return [v for k, v in seen(answer) if folded(k) == folded(name)]


def variables(answer):
    assert answer.status == 200, answer
    pairs = answer.body.decode("latin-1").split("\0")[:-1]
    return dict(pair.split("=", 1) for pair in pairs)


# --- encodings ----------------------------------------------------------

VALUES = [
    ("plain", "plain"), ("a b", "a b"), ("!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~",
                                         "!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ("100%", "100%25"), ("%0a", "%250a"), ("a\r\nX-Evil: 1",
                                           "a%0D%0AX-Evil: 1"),
    ("a\rb", "a%0Db"), ("a\nb", "a%0Ab"), ("a\0b", "a%00b"), ("\0", "%00"),
    ("a\tb", "a%09b"), ("\x7f\x1b[0m", "%7F%1B[0m"), ("\u00e9", "%C3%A9"),
    ("\u20ac", "%E2%82%AC"), ("\U0001f600", "%F0%9F%98%80"),
    ("\u0085\u2028", "%C2%85%E2%80%A8"), (0, "0"), (42, "42"), (-7, "-7"),
    (1.5, "1.5"), (2**63 - 1, "9223372036854775807"), (True, "true"),
    (False, "false"), (["a", "b"], "a,b"), (["a,b", "c"], "a%2Cb,c"),
    ([1, True, "x", 2.5], "1,true,x,2.5"), (["\r\n"], "%0D%0A"),
    (["a"], "a"), ([["a"]], '[["a"]]'), ([None], "[null]"),
    ([{"a": 1}, 2], '[{"a":1},2]'), ({"a": 1}, '{"a":1}'),
    ({"a": "\u00e9%"}, '{"a":"%C3%A9%25"}'), ({"a\n": "\r"},
                                              '{"a\\n":"\\r"}'),
    ({}, "{}"), ("x" * KIB4, "x" * KIB4), ("\u00e9" * 682, "%C3%A9" * 682),
]


@pytest.mark.parametrize("value,text", VALUES, ids=range(len(VALUES)))
def test_values(server, key, value, text):
    token = sign(claims(v=value), key)
    answer = request(server.port, "/api", token)
    assert fields(answer, "X-Value") == [text]
    assert fields(answer, "X-Evil") == []
    shown = variables(request(server.port, "/cgi/show", token))
    assert shown["V"] == shown["HTTP_X_VALUE"] == text


@pytest.mark.parametrize("value", [None, "x" * (KIB4 + 1),
                                   "\u00e9" * 683, ["x" * KIB4, ""]],
                         ids=["null", "long", "long_encoded", "long_array"])
def test_values_that_are_absent(server, key, value):
    server.expect("ApiPassClaim v: the value is over the limits")
    mark = len(server.log())
    token = sign(dict(claims(), v=value), key)
    assert fields(request(server.port, "/api", token), "X-Value") == []
    warnings = server.log()[mark:].count("over the limits")
    assert warnings == (0 if value is None else 1)
    shown = variables(request(server.port, "/cgi/show", token))
    assert "V" not in shown and "HTTP_X_VALUE" not in shown


@pytest.mark.parametrize("value,text", [
    (" a", "%20a"), ("a ", "a%20"), (" a b ", "%20a b%20"), (" ", "%20"),
    ("  a", "%20 a")])
def test_spaces_at_the_ends(server, key, value, text):
    """A field loses them on its way: " root" must not become "root"."""
    token = sign(claims(v=value, sub=value + "x"), key)
    answer = request(server.port, "/api", token)
    assert fields(answer, "X-Value") == [text]


@pytest.mark.parametrize("path,is_header", [("/five", True),
                                            ("/cgi/five", False)])
def test_all_values_together(server, key, path, is_header):
    server.expect("ApiPassClaim v4: the value is over the limits")
    mark = len(server.log())
    token = sign(claims(**{f"v{i}": "x" * (KIB16 // 8) for i in range(5)}),
                 key)
    assert request(server.port, path, token).status == 200
    assert "over the limits" not in server.log()[mark:]
    full = {f"v{i}": "%" * (KIB16 // 12) for i in range(4)}  # 4 KiB encoded
    for more, warnings in ((dict(v4=None), 0), (dict(v4="xxxxx"), 1)):
        mark = len(server.log())
        token = sign({k: v for k, v in claims(**full, **more).items()
                      if v is not None}, key)
        answer = request(server.port, path, token)
        got = seen(answer) if is_header else variables(answer).items()
        names = [k for k, v in got if re.fullmatch("(?i)(x-)?v[0-9]", k)]
        assert len(names) == 4
        assert server.log()[mark:].count("over the limits") == warnings


def test_one_warning_a_request(server, key):
    """However many values, places and sub-requests there are."""
    server.expect("ApiPassClaim v[0-4]?: the value is over the limits")
    long = "x" * (KIB4 + 1)
    for path, payload in (("/index/", claims(v=long)),
                          ("/five", claims(v0=long, v1=long))):
        mark = len(server.log())
        token = sign(payload, key)
        assert request(server.port, path, token).status == 200
        assert server.log()[mark:].count("over the limits") == 1


def test_paths_of_claims(server, key):
    token = sign(claims(realm={"roles": ["a", "b"]}, **{"a.b": "dot"}), key)
    answer = request(server.port, "/nested", token)
    assert fields(answer, "X-Roles") == ["a,b"]
    assert fields(answer, "X-Dot") == ["dot"]
    assert fields(answer, "X-Either") == ["alice"]
    token = sign(claims(realm="x", nickname="al"), key)
    answer = request(server.port, "/nested", token)
    assert fields(answer, "X-Roles") == fields(answer, "X-Dot") == []
    assert fields(answer, "X-Either") == ["al"]


# --- what a client sends ------------------------------------------------

SPELLINGS = ["X-Remote-User", "x-remote-user", "X_Remote_User",
             "X-Remote_User", "X.Remote.User", "x~remote|user",
             "X-REMOTE-USER"]


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("path,method,status,more", [
    ("/api", "GET", 200, []), ("/public", "GET", 200, []),
    ("/bearer-public", "GET", 200, []), ("/anonymous", "GET", 200, []),
    ("/preflight", "OPTIONS", 200, [
        ("Origin", "https://app.example"),
        ("Access-Control-Request-Method", "PUT")]),
    ("/public", "OPTIONS", 200, []), ("/public", "POST", 200, []),
    # error pages, with the status of the server that they come from
    ("/errors", "GET", 200, []), ("/none", "GET", 200, [])])
def test_copies_of_clients_are_removed(server, token, name, path, method,
                                       status, more):
    wanted = ["alice"] if path == "/api" else []
    answer = request(server.port, path, token if wanted else None,
                     [(name, "root"), (name, "root2"), ("X-Other", "kept"),
                      *more], method, body="x" if method == "POST" else None)
    assert answer.status == status
    assert fields(answer, "X-Remote-User") == wanted
    assert fields(answer, "X-Other") == ["kept"]


@pytest.mark.parametrize("name", SPELLINGS)
def test_copies_of_clients_are_no_variables(server, token, name):
    shown = variables(request(server.port, "/cgi/show", token,
                              [(name, "root")]))
    assert shown["HTTP_X_REMOTE_USER"] == "alice"
    shown = variables(request(server.port, "/cgi/public",
                              headers=[(name, "root")]))
    assert "root" not in shown.values()


@pytest.mark.parametrize("value", [
    "X-Remote-User", "x-remote-user", "x_remote_user", "foo, X-Remote-User",
    "foo;X-Remote-User", "foo;;,X-Remote-User ;bar", "X-Remote-User,",
    "foo\tX-Remote-User", '"X-Remote-User', '"foo" X-Remote-User',
    "upgrade, X-Remote-User", "X-Value, X-Remote-User"])
def test_connection_drops_no_identity(server, key, value):
    token = sign(claims(v="x"), key)
    answer = request(server.port, "/api", token, [("Connection", value)])
    assert fields(answer, "X-Remote-User") == ["alice"]
    assert fields(answer, "X-Value") == ["x"]


def test_connection_drops_what_is_not_ours(server, token):
    answer = request(server.port, "/api", token, [
        ("X-Hop", "1"), ("Connection", "X-Hop, X-Remote-User")])
    assert fields(answer, "X-Hop") == []
    assert fields(answer, "X-Remote-User") == ["alice"]


def test_connection_of_the_operator_drops_no_identity(server, token):
    answer = request(server.port, "/hop", token, [("X-Hop", "1")])
    assert fields(answer, "X-Hop") == []
    assert fields(answer, "X-Remote-User") == ["alice"]


@pytest.mark.parametrize("path,wanted", [("/api", ["alice"]), ("/public", []),
                                         ("/anonymous", []),
                                         ("/form", ["alice"]),
                                         ("/form-public", [])])
def test_trailers_bring_no_identity(server, token, path, wanted):
    """With MergeTrailers they become header fields while the body is read."""
    lines = [f"POST {path} HTTP/1.1", "Host: server.example",
             "Connection: close", "Transfer-Encoding: chunked",
             "Trailer: X-Remote-User",
             "Content-Type: application/x-www-form-urlencoded"]
    if wanted:
        lines.append(f"Authorization: Bearer {token}")
    data = ("\r\n".join(lines) + "\r\n\r\n1\r\nx\r\n0\r\n"
            "X-Remote-User: root\r\nX_Remote_User: root\r\n"
            "X-Other: kept\r\n\r\n")
    answer = parse(send(server.port, data.encode()))
    assert answer.status == 200
    if path.startswith("/form"):
        assert fields(answer, "X-Other") == ["kept"]
    assert fields(answer, "X-Remote-User") == wanted


def test_parts_of_a_page_share_no_fields(httpd, backend, key, jwks):
    """What one sub-request hands to its backend is not for the next."""
    there = f"http://127.0.0.1:{backend.port}/"
    server = httpd(
        issuer() + location("/in", "ApiTokenFrom cookie:t", f"ProxyPass {there}",
                            "ApiForwardToken On",
                            "ApiPassClaim sub header X-User")
        + section("Location", "/out", [f"ProxyPass {there}"])
        + "AddOutputFilter INCLUDES .shtml\n<Directory ${root}/htdocs>\n"
          "Options +Includes\n</Directory>\n",
        ["proxy", "proxy_http", "include"],
        files={"keys/corp.json": jwks, "htdocs/page.shtml": "".join(
            f'<!--#include virtual="{path}" -->\n'
            for path in ("/out/1", "/in/2", "/out/3", "/in/4"))})
    token = sign(claims(), key)
    page = request(server.port, "/page.shtml", headers=[
        ("Cookie", f"t={token}")]).body.decode()
    parts = [json.loads(line)["headers"] for line in page.splitlines()]
    for part, inside in zip(parts, (False, True, False, True), strict=True):
        names = [name.lower() for name, _ in part]
        assert ("authorization" in names) == inside
        assert ("x-user" in names) == inside


@pytest.mark.parametrize("name,allowed", [
    ("X-Length", True), ("Content-Length", False), ("Content_Length", False),
    ("CONTENT.LENGTH", False), ("transfer_encoding", False),
    ("Host", False), ("Authorization", False), ("te", False), ("T.E", True)])
def test_names_of_the_message_itself(httpd, name, allowed):
    """What is named here is removed from every request."""
    server = httpd(start=False)
    status, text = server.configtest(
        section("Location", "/", [f"ApiPassClaim sub header {name}"]))
    assert (status == 0) == allowed
    assert allowed or f'ApiPassClaim: "{name}" is not allowed here' in text


# --- variables ----------------------------------------------------------

def test_variables(server, key):
    payload = claims(sub="al\u00efce", scope="  read   write ")
    token = sign(payload, key)
    shown = variables(request(server.port, "/cgi/show", token))
    assert shown["REMOTE_USER"] == "al\u00c3\u00afce"
    assert shown["AUTH_TYPE"] == "Bearer"
    assert shown["OAUTH2_SUBJECT"] == "al%C3%AFce"
    assert shown["OAUTH2_CLIENT"] == "app"
    assert shown["OAUTH2_SCOPE"] == "read write"
    assert shown["OAUTH2_ISSUER"] == "corp"
    assert shown["OAUTH2_EXPIRES"] == str(payload["exp"])
    assert re.fullmatch("[0-9a-f]{8}", shown["OAUTH2_TOKEN_ID"])
    assert "HTTP_AUTHORIZATION" not in shown
    assert not any(token in value for value in shown.values())


def test_variables_of_a_client_without_user(server, key):
    token = sign(claims(sub=None), key)
    shown = variables(request(server.port, "/cgi/show", token))
    assert shown["REMOTE_USER"] == shown["OAUTH2_CLIENT"] == "app"
    assert "OAUTH2_SUBJECT" not in shown


def test_no_variables_without_token(server):
    shown = variables(request(server.port, "/cgi/public"))
    assert not [name for name in shown if name.startswith("OAUTH2_")]
    assert "REMOTE_USER" not in shown and "AUTH_TYPE" not in shown


def test_token_is_named_alike_everywhere(server, token):
    shown = variables(request(server.port, "/cgi/show", token))
    name = shown["OAUTH2_TOKEN_ID"]
    assert f"(token {name})" in server.log()


def test_who_is_in_the_access_log(server, key):
    mark = len(server.log("access.log"))
    assert request(server.port, "/api", sign(claims(sub="zo\u00eb\u001f"[:3]),
                                             key)).status == 200
    line = until(lambda: server.log("access.log")[mark:])
    assert line.rstrip().endswith("|zo\\xc3\\xab|-|app")
