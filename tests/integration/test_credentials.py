"""Where a credential may stand, and that it goes no further."""
import gzip
import hashlib
import json
import secrets
import socket
import threading

import pytest

from support import h2, peers, tokens
from support.client import parse, request, send
from support.conf import issuer, location, section
from support.server import MPM
from support.tokens import claims, sign
from support.wait import until

MISSING = (401, "AO2-010")
MALFORMED = (400, "AO2-011")
REPEATED = (400, "AO2-012")
INVALID = (401, "AO2-013")
OK = (200, None)

KIB16 = 16 * 1024
FORM = ("Content-Type", "application/x-www-form-urlencoded")
CARRIERS = {
    "header": "header", "key": "header:X-API-Key", "cookie": "cookie:token",
    "query": "query:access_token", "form": "form:access_token",
}
EVERY = " ".join(CARRIERS.values())
#: Fields in which a credential might be left to log.
LOGGED = ("%r|%q|%U|%{Authorization}i|%{X-API-Key}i|%{Cookie}i|%{Referer}i|"
          "%{token}C|"
          "%{REQUEST_URI}x|%{THE_REQUEST}x|%{QUERY_STRING}x")


def conf(backend):
    there = f"http://127.0.0.1:{backend.port}"
    proxied = "".join(
        location(f"/{name}", f"ApiTokenFrom {carrier}",
                 f"ProxyPass {there}/b", *more)
        for name, carrier, more in (
            *[(n, c, []) for n, c in CARRIERS.items()],
            *[(f"forward/{n}", c, ["ApiForwardToken On"])
              for n, c in CARRIERS.items()],
            ("all", EVERY, []),
            ("anonymous", EVERY, ["ApiAnonymous On"]),
            ("nocanon", CARRIERS["query"], [])))
    return "".join([
        "LimitRequestFieldSize 65536\nLimitRequestLine 65536\n",
        'LogFormat "', LOGGED.replace("x|", "e|").replace("}x", "}e"),
        '" fields\nCustomLog fields.log fields\n',
        issuer(),
        location("/", f"ApiTokenFrom {EVERY}"),
        proxied,
        location("/public", f"ApiTokenFrom {EVERY}",
                 f"ProxyPass {there}/b", require="all granted"),
        section("Location", "/open", ["AuthType None", "Require all granted",
                                      f"ProxyPass {there}/b"]),
        "RewriteEngine On\n",
        location("/served", f"ApiTokenFrom {CARRIERS['query']}"),
        f"ProxyPass /served {there}/b\n",
        "RewriteRule ^/qsa$ /served/x?added=1 [QSA,PT]\n",
        f"RewriteRule ^/p(/.*)$ {there}/b$1 [P]\n",
        f"RewriteRule ^/pq$ {there}/b?added=1 [P,QSA]\n",
        "<Location /query>\nRewriteEngine Off\n</Location>\n",
    ]).replace(f"ProxyPass {there}/b\n</Location>\n<Location /public",
               f"ProxyPass {there}/b nocanon\n</Location>\n"
               "<Location /public")


@pytest.fixture(scope="module")
def server(module_httpd, backend, jwks):
    return module_httpd(conf(backend), ["proxy", "proxy_http", "rewrite"],
                        files={"keys/corp.json": jwks,
                               "htdocs/index.html": "ok",
                               "htdocs/file": "ok", "htdocs/dir/x": "ok"})


@pytest.fixture(scope="module")
def token(key):
    return sign(claims(), key)


def stray(key):
    """A valid token that stands where nobody takes it from, so that nobody
    keeps it out of the log."""
    text = sign(json.dumps(dict(jti=secrets.token_hex(16), **claims())), key)
    tokens.minted.discard(text)
    return text


def outcome(answer):
    code = None
    if answer.status != 200:
        code = json.loads(answer.body)["code"]
    return answer.status, code


def seen(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)


def fields(answer, name):
    return [v for k, v in seen(answer)["headers"] if k.lower() == name.lower()]


def ask(server, path, where, token, method=None):
    """One request with the credential in the place of that name."""
    if where == "header":
        return request(server.port, path, token)
    if where == "key":
        return request(server.port, path, headers=[("X-API-Key", token)])
    if where == "cookie":
        return request(server.port, path, headers=[
            ("Cookie", f"token={token}")])
    if where == "query":
        return request(server.port, f"{path}?access_token={token}")
    return request(server.port, path, method=method or "POST",
                   headers=[FORM], body=f"access_token={token}")


# --- the places ---------------------------------------------------------

@pytest.mark.parametrize("where", CARRIERS)
@pytest.mark.parametrize("named", CARRIERS)
def test_only_named_carriers_count(server, key, token, named, where):
    if named != where:
        answer = ask(server, f"/{named}", where, stray(key))
        assert outcome(answer) == MISSING
    assert outcome(ask(server, f"/{where}", where, token)) == OK
    assert outcome(ask(server, "/all", where, token)) == OK


@pytest.mark.parametrize("where", CARRIERS)
@pytest.mark.parametrize("text,expected", [
    ("", MALFORMED), ("a%20b", MALFORMED), ("a=b", MALFORMED),
    ("a,b", REPEATED), ("x", INVALID), ("a.b.c", INVALID)])
def test_what_a_credential_may_hold(server, where, text, expected):
    if (where, text) == ("cookie", "a,b"):
        expected = INVALID  # a comma ends a cookie of several fields
    assert outcome(ask(server, f"/{where}", where, text)) == expected


@pytest.mark.parametrize("scheme,expected", [
    ("Bearer ", OK), ("bearer ", OK), ("BEARER ", OK), ("bEaReR ", OK),
    ("Bearer    ", OK), ("Bearer \t", MALFORMED), ("Bearer\t", MALFORMED),
    ("Bearer", MISSING), ("Bearers ", MISSING), ("Token ", MISSING),
    ("Basic ", MISSING), ("DPoP ", MISSING), ("", MISSING),
    ("Bearer=", MALFORMED), ("Bearer:", MALFORMED), ("Bearer,", REPEATED),
    ("Bearer;", MALFORMED), ('Bearer "', MALFORMED),
    ("Bearer Bearer ", MALFORMED)])
def test_scheme(server, key, token, scheme, expected):
    text = stray(key) if expected == MISSING else token
    answer = request(server.port, "/header", headers=[
        ("Authorization", scheme + text)])
    assert outcome(answer) == expected
    if expected == MISSING:
        assert answer.get("WWW-Authenticate") == 'Bearer realm="server.example"'


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "bearer"])
def test_scheme_alone(server, value):
    assert outcome(request(server.port, "/header", headers=[
        ("Authorization", value)])) == MALFORMED


@pytest.mark.parametrize("before", ["", "Bearer ", "bearer  "])
def test_scheme_is_optional_elsewhere(server, token, before):
    assert outcome(request(server.port, "/key", headers=[
        ("X-API-Key", before + token)])) == OK


@pytest.mark.parametrize("headers", [
    [("Authorization", "Bearer {t}"), ("Authorization", "Bearer {t}")],
    [("Authorization", "Bearer {t}"), ("authorization", "Basic dTpw")],
    [("Authorization", "Basic dTpw"), ("Authorization", "Bearer {t}")],
    [("Authorization", "Bearer {t}, Bearer {t}")],
    [("Authorization", "Bearer {t},Bearer {t}")],
    [("Authorization", "Bearer {t},")],
    [("Authorization", "Bearer {t}"), ("X-API-Key", "{t}")],
    [("X-API-Key", "{t}"), ("x-api-key", "{t}")],
    [("Authorization", "Bearer {t}"), ("Cookie", "token={t}")],
    [("Cookie", "token={t}; token={t}")],
    [("Cookie", "token={t}"), ("Cookie", "token={t}")],
    [("Cookie", "token={t}; a=1; token=")]])
def test_two_in_headers(server, token, headers):
    def filled(pairs):
        return [(name, value.format(t=token)) for name, value in pairs]
    assert outcome(request(server.port, "/all", headers=filled(headers))) \
        == REPEATED
    assert outcome(request(server.port, "/all",
                           headers=[("Cookie", f"token={token}")])) == OK


@pytest.mark.parametrize("query", [
    "access_token={t}&access_token={t}", "access_token={t}&access%5Ftoken={t}",
    "access_token={t}&a=1&access_token="])
def test_two_in_the_query(server, token, query):
    assert outcome(request(server.port, "/query?" + query.format(t=token))) \
        == REPEATED


@pytest.mark.parametrize("first", CARRIERS)
@pytest.mark.parametrize("second", CARRIERS)
def test_two_places(server, token, first, second):
    """The same credential in two places is as bad as two."""
    path, headers, body = "/all", [], None
    for where in {first, second}:
        if where == "header":
            headers.append(("Authorization", "Bearer " + token))
        elif where == "key":
            headers.append(("X-API-Key", token))
        elif where == "cookie":
            headers.append(("Cookie", "token=" + token))
        elif where == "query":
            path += "?access_token=" + token
        else:
            headers.append(FORM)
            body = "access_token=" + token
    answer = request(server.port, path, headers=headers, body=body,
                     method="POST" if body else "GET")
    assert outcome(answer) == (OK if first == second else REPEATED)


def sized(size, key):
    """A valid token of exactly so many characters."""
    for spaces in range(4):
        head = '{"alg":"ES256","kid":"k1"' + " " * spaces + "}"
        start = int(size * 3 / 4) - 600
        for pad in range(start, start + 600):
            if len(tokens.encode(head)) + 88 + -(-4 * (len(json.dumps(
                    claims())) + 9 + pad) // 3) != size:
                continue
            token = tokens.seal(head, claims(x="x" * pad), key)
            if len(token) == size:
                return token
    raise AssertionError("no token of that size")


@pytest.mark.parametrize("where", CARRIERS)
def test_largest_credential(server, key, where):
    assert outcome(ask(server, f"/{where}", where,
                       sized(KIB16, key))) == OK
    assert outcome(ask(server, f"/{where}", where,
                       sized(KIB16 + 1, key))) == MALFORMED
    assert outcome(ask(server, f"/{where}", where, "a" * KIB16)) == INVALID
    assert outcome(ask(server, f"/{where}", where,
                       "a" * (KIB16 + 1))) == MALFORMED


@pytest.mark.parametrize("places,wrong", [
    ("header header:X-Token cookie:t query:t form:t", None),
    ("cookie:t cookie:T query:t query:T", None),
    ("header header", "header"),
    ("header header:authorization", "header:authorization"),
    ("header:X-A cookie:t header:x-a", "header:x-a"),
    ("cookie:t query:t cookie:t", "cookie:t"), ("form:t form:t", "form:t")])
def test_a_place_is_named_once(httpd, places, wrong):
    status, text = httpd(start=False).configtest(f"ApiTokenFrom {places}\n")
    assert (status == 0) == (wrong is None)
    assert wrong is None or f'ApiTokenFrom: "{wrong}" is not allowed here: ' \
        "each place once" in text


# --- what the backend gets ----------------------------------------------

@pytest.mark.parametrize("where", CARRIERS)
def test_removed_from_what_the_backend_gets(server, token, where):
    answer = ask(server, f"/{where}/x", where, token)
    assert token not in json.dumps(seen(answer))
    assert token not in answer.body.decode()


@pytest.mark.parametrize("where", CARRIERS)
def test_removed_on_public_paths_too(server, token, where):
    assert token not in json.dumps(seen(ask(server, "/public", where, token)))


@pytest.mark.parametrize("where", CARRIERS)
def test_forwarded_in_one_place(server, token, where):
    """In the header where it came in one, else in Authorization."""
    answer = ask(server, f"/forward/{where}", where, token)
    got = seen(answer)
    if where == "key":
        assert fields(answer, "X-API-Key") == [token]
    else:
        assert fields(answer, "Authorization") == ["Bearer " + token]
    assert json.dumps(got).count(token) == 1


@pytest.mark.parametrize("where", CARRIERS)
def test_carriers_not_named_are_left_alone(server, key, where):
    other = stray(key)
    good = sign(claims(), key)
    named = "header" if where != "header" else "key"
    headers = [("Authorization", f"Bearer {good}") if named == "header"
               else ("X-API-Key", good)]
    path, method, body = f"/{named}", "GET", None
    if where == "header":
        headers.append(("Authorization", "Bearer " + other))
    elif where == "key":
        headers.append(("X-API-Key", other))
    elif where == "cookie":
        headers.append(("Cookie", f"a=1;  token={other}"))
    elif where == "query":
        path += f"?a=1&access_token={other}"
    else:
        method, body = "POST", f"access_token={other}"
        headers.append(FORM)
    answer = request(server.port, path, headers=headers, method=method,
                     body=body)
    assert json.dumps(seen(answer)).count(other) == 1
    assert good not in answer.body.decode()


def test_another_scheme_is_left_alone(server, token):
    answer = request(server.port, "/all", headers=[
        ("Authorization", "Basic dTpw"), ("X-API-Key", token)])
    assert fields(answer, "Authorization") == ["Basic dTpw"]
    assert fields(answer, "X-API-Key") == []


CUTS = [  # before, behind; @ is the parameter
    ("@", ""), ("a=1&@", "a=1"), ("@&a=1", "a=1"),
    ("a=%2f%2F&@&b=+%20", "a=%2f%2F&b=+%20"), ("&@&", "&"),
    ("a&&@&&b", "a&&&b"), ("x=?&@&y=/;", "x=?&y=/;"),
    ("a=access_token&@", "a=access_token"), ("access_token2=1&@",
                                             "access_token2=1"),
    ("Access_Token=1&@&%41=%zz", "Access_Token=1&%41=%zz")]


@pytest.mark.parametrize("spelling", ["access_token", "access%5ftoken",
                                      "%61ccess_token"])
@pytest.mark.parametrize("before,after", CUTS)
def test_query_is_cut_byte_for_byte(server, token, before, after, spelling):
    query = before.replace("@", f"{spelling}={token}")
    want = "?" + after if after else ""
    mark = len(server.log("access.log"))
    answer = request(server.port, "/query/x?" + query)
    assert seen(answer)["path"] == "/b/x" + want
    line = until(lambda: server.log("access.log")[mark:])
    assert f"|GET /query/x{want} HTTP/1.1|{want}|" in line


@pytest.mark.parametrize("path,want,logged", [
    ("/nocanon/a%2Bb?x=1&@", "/b/a%2Bb?x=1", "/nocanon/a%2Bb?x=1"),
    ("/qsa?@&x=1", "/b/x?added=1&x=1", "/qsa?x=1"),
    ("/p/y?x=1&@", "/b/y?x=1", "/p/y?x=1"),
    ("/pq?x=1&@", "/b?added=1&x=1", "/pq?x=1"),
    ("http://server.example/query/x?@&x=1", "/b/x?x=1",
     "http://server.example/query/x?x=1")])
def test_query_is_cut_wherever_it_was_copied_to(server, token, path, want,
                                                logged):
    target = path.replace("@", f"access_token={token}")
    mark = len(server.log("access.log"))
    answer = request(server.port, target)
    line = until(lambda: server.log("access.log")[mark:])
    assert seen(answer)["path"] == want
    assert f"|GET {logged} HTTP/1.1|" in line


def test_query_is_cut_from_redirects(server, token):
    """mod_dir adds a slash to the address, with the query that is left."""
    answer = request(server.port, f"/dir?a=1&access_token={token}&b=2")
    assert answer.status == 301
    assert answer.get("Location").endswith("/dir/?a=1&b=2")


@pytest.mark.parametrize("path", ["/query", "/header", "/public", "/open"])
def test_query_is_cut_from_the_referer(server, key, path):
    """Pages send the address they came by to wherever they lead, and httpd
    puts it behind every line of its log."""
    token = sign(claims(), key)
    page = f"https://server.example/query/x?a=1&access_token={token}&b=2"
    mark = len(server.log())
    answer = request(server.port, path, token if path == "/header" else None,
                     headers=[("Referer", page)])
    if path == "/query":
        assert outcome(answer) == MISSING
        assert ", referer: https://server.example/query/x?a=1&b=2\n" in \
            server.log()[mark:]
    else:
        assert fields(answer, "Referer") == [
            "https://server.example/query/x?a=1&b=2"]


@pytest.mark.parametrize("before,after", [
    ("@", []), ("a=1; @", ["a=1"]), ("@; a=1", ["a=1"]),
    ("a=1; @; b=\"2 3\"", ["a=1; b=\"2 3\""]), ("a=1;@;b=2", ["a=1; b=2"]),
    ("xtoken=1; @; tokens=2; TOKEN=3", ["xtoken=1; tokens=2; TOKEN=3"])])
def test_cookie_is_cut_out(server, token, before, after):
    answer = request(server.port, "/cookie", headers=[
        ("Cookie", before.replace("@", f"token={token}"))])
    assert fields(answer, "Cookie") == after
    answer = request(server.port, "/cookie", headers=[
        ("Cookie", before.replace("@", f'token="{token}"'))])
    assert fields(answer, "Cookie") == after


def test_nothing_is_left_to_log(server, key):
    """Not in any field that a LogFormat can name, refused or not."""
    for path in ("/all", "/forward/{}", "/public", "/anonymous"):
        for where in CARRIERS:
            for good in (True, False):
                token = sign(claims(exp=None if not good else
                                    claims()["exp"]), key)
                mark = len(server.log("fields.log"))
                ask(server, path.format(where), where, token)
                line = until(lambda: server.log("fields.log")[mark:])
                assert line.endswith("\n") and token not in line, line
                assert token.split(".")[2] not in line


@pytest.mark.parametrize("target,headers,status", [
    ("/missing?@", [], 404), ("/file/behind?@", [], 404),
    ("/%2e%2e/%2e%2e/x?@", [], 400), ("/a%2Fb?@", [], 404),
    ("/a%2fb?x=1&@", [], 404), ("x?@", [], 400), ("/%zz?@", [], 400),
    ("/%00?@", [], 404), ("/query?@", [("Host", "bad host")], 400),
    ("/query?@", [("No colon", "")], 400), ("/query?@#x", [], 400)])
def test_refused_before_the_location_is_known(server, key, target, headers,
                                              status):
    server.expect("AH10244: invalid URI path")
    token = sign(claims(), key)
    mark = len(server.log("access.log"))
    answer = request(server.port, target.replace(
        "@", f"access_token={token}"), headers=headers)
    assert answer.status == status
    line = until(lambda: server.log("access.log")[mark:])
    assert line.startswith(str(status)) and token not in line


def test_encoded_slash_and_a_parameter_of_another_name(server):
    """What is no credential stays in the log."""
    mark = len(server.log("access.log"))
    assert request(server.port, "/a%2Fb?access=1&x").status == 404
    line = until(lambda: server.log("access.log")[mark:])
    assert "|GET /a%2Fb?access=1&x HTTP/1.1|" in line


# --- answers are private ------------------------------------------------

@pytest.mark.parametrize("where,kept", [
    ("header", "public, max-age=60"), ("key", "public, max-age=60"),
    ("cookie", "private, max-age=60"), ("query", "private, max-age=60"),
    ("form", "public, max-age=60")])
def test_proxied_answers(server, token, where, kept):
    answer = ask(server, f"/{where}", where, token)
    assert answer.all("Cache-Control") == [kept]


class Verbose(peers.Echo):
    def end_headers(self):
        self.send_header("Cache-Control", "no-store, s-maxage=9")
        self.send_header("Cache-Control", "no-cache=\"Set-Cookie, X\"")
        super().end_headers()


def test_proxied_answers_with_several_fields(httpd, key, jwks):
    verbose = peers.start(Verbose)
    try:
        server = httpd(issuer() + location(
            "/", "ApiTokenFrom cookie:token",
            f"ProxyPass http://127.0.0.1:{verbose.port}/"),
            ["proxy", "proxy_http"], files={"keys/corp.json": jwks})
        answer = ask(server, "/", "cookie", sign(claims(), key))
        assert answer.all("Cache-Control") == [
            'private, max-age=60, no-store, no-cache="Set-Cookie, X"']
    finally:
        verbose.shutdown()
        verbose.server_close()


@pytest.mark.parametrize("where,expected", [
    ("header", []), ("key", []), ("cookie", ["private"]),
    ("query", ["private"])])
def test_static_answers(server, token, where, expected):
    answer = ask(server, "/file", where, token)
    assert answer.status == 200
    assert answer.all("Cache-Control") == expected


@pytest.mark.parametrize("path", ["/d/a", "/d/", "/d/x"])
def test_answers_of_redirected_requests(httpd, key, jwks, path):
    """Where httpd starts the request anew in the same place, it asks for no
    token again."""
    server = httpd(
        issuer() + location("/", "ApiTokenFrom query:access_token cookie:t")
        + "<Directory ${root}/htdocs/d>\nRewriteEngine On\n"
          "RewriteRule ^x$ /d/a\n</Directory>\n", ["rewrite"],
        files={"keys/corp.json": jwks, "htdocs/d/a": "ok",
               "htdocs/d/index.html": "ok"})
    token = sign(claims(), key)
    for answer in (request(server.port, f"{path}?access_token={token}"),
                   request(server.port, path, headers=[
                       ("Cookie", f"t={token}")])):
        assert answer.status == 200
        assert answer.all("Cache-Control") == ["private"]


class Waiting(peers.Echo):
    arrived, go_on = threading.Event(), threading.Event()

    def answer(self):
        self.arrived.set()
        self.go_on.wait(20)
        super().answer()

    do_GET = answer


def test_status_page_shows_no_token(httpd, key, jwks):
    slow = peers.start(Waiting)
    try:
        server = httpd(
            "ExtendedStatus On\n" + issuer() + location(
                "/q", "ApiTokenFrom query:t",
                f"ProxyPass http://127.0.0.1:{slow.port}/")
            + "<Location /status>\nSetHandler server-status\n</Location>\n",
            ["proxy", "proxy_http", "status"], files={"keys/corp.json": jwks})
        token = sign(claims(), key)
        thread = threading.Thread(target=request, args=(
            server.port, f"/q?t={token}&a=1"))
        thread.start()
        assert Waiting.arrived.wait(20)
        page = request(server.port, "/status").body.decode()
        Waiting.go_on.set()
        thread.join(20)
        assert "GET /q?a=1 HTTP/1.1" in page and token[:20] not in page
        assert token[:20] not in request(server.port,
                                         "/status").body.decode()
    finally:
        Waiting.go_on.set()
        slow.shutdown()
        slow.server_close()


# --- forms --------------------------------------------------------------

def post(server, path, body, kind=FORM[1], method="POST", headers=()):
    return request(server.port, path, method=method, body=body,
                   headers=[("Content-Type", kind), *headers])


@pytest.mark.parametrize("before,after", [
    ("@", ""), ("a=1&@&b=%2f+x", "a=1&b=%2f+x"), ("a=1&@", "a=1"),
    ("@&a=%00", "a=%00")])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_form_is_cut(server, token, before, after, method):
    if method == "PATCH":  # the backend knows no such method
        path, status = "/form", 501
    else:
        path, status = "/form", 200
    answer = post(server, path, before.replace("@", "access_token=" + token),
                  method=method)
    assert answer.status == status
    if status == 200:
        got = seen(answer)
        assert got["body"] == after and got["length"] == len(after)


@pytest.mark.parametrize("kind,expected", [
    ("application/x-www-form-urlencoded", OK),
    ("Application/X-WWW-Form-URLEncoded; charset=UTF-8", OK),
    ("application/x-www-form-urlencoded;charset=UTF-8", OK),
    ("application/x-www-form-urlencodedx", MISSING),
    ("application/json", MISSING), ("text/plain", MISSING),
    ("multipart/form-data; boundary=x", MISSING)])
def test_form_media_type(server, token, kind, expected):
    assert outcome(post(server, "/form", "access_token=" + token,
                        kind)) == expected


def test_form_of_a_get_is_none(server, token):
    assert outcome(post(server, "/form", "access_token=" + token,
                        method="GET")) == MISSING


KIB64 = 64 * 1024


@pytest.mark.parametrize("size,expected", [(KIB64, OK),
                                           (KIB64 + 1, MALFORMED),
                                           (10 * KIB64, MALFORMED)])
def test_largest_form(server, token, size, expected):
    form = f"access_token={token}&x="
    assert outcome(post(server, "/form", form + "x" * (size - len(form)))) \
        == expected


def chunked(path, body, headers=(), size=1000, trailer=""):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    lines = [f"POST {path} HTTP/1.1", "Host: server.example",
             "Connection: close", "Transfer-Encoding: chunked",
             *[f"{k}: {v}" for k, v in headers]]
    return ("\r\n".join(lines) + "\r\n\r\n" + "".join(
        f"{len(p):x}\r\n{p}\r\n" for p in pieces)
        + f"0\r\n{trailer}\r\n").encode()


@pytest.mark.parametrize("size", [1, 7, 1000, 100000])
def test_chunked_form(server, token, size):
    body = f"a=1&access_token={token}&b=" + "y" * 3000
    got = seen(parse(send(server.port, chunked("/form", body, [FORM],
                                               size))))
    rest = "a=1&b=" + "y" * 3000
    assert got["sha256"] == hashlib.sha256(rest.encode()).hexdigest()
    assert ["Content-Length", str(len(rest))] in got["headers"]


@pytest.mark.parametrize("size", [100, KIB64, KIB64 + 1, 5 * KIB64])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_form_of_a_public_path_arrives_whole(server, size, is_chunked):
    body = "x" * size
    if is_chunked:
        answer = parse(send(server.port, chunked("/public", body, [FORM])))
    else:
        answer = post(server, "/public", body)
    got = seen(answer)
    assert got["length"] == size
    assert got["sha256"] == hashlib.sha256(body.encode()).hexdigest()


def test_form_with_nul_of_a_public_path_arrives_whole(server):
    got = seen(post(server, "/public", b"a=\0b&c=1"))
    assert got["body"] == "a=\0b&c=1"


@pytest.mark.parametrize("body,expected", [
    (b"x=\0&access_token=", MALFORMED), (b"access_token=a%00b", MALFORMED)])
def test_form_with_nul(server, body, expected):
    assert outcome(post(server, "/form", body)) == expected


def test_form_cut_short(server, token):
    """A body that ends before its length says: the client's fault."""
    head = (f"POST /form HTTP/1.1\r\nHost: server.example\r\n"
            f"Content-Type: {FORM[1]}\r\nContent-Length: 9000\r\n\r\n")
    with socket.create_connection(("127.0.0.1", server.port), 30) as s:
        s.sendall(head.encode() + f"access_token={token}".encode())
        s.shutdown(socket.SHUT_WR)
        data = b""
        while more := s.recv(65536):
            data += more
    assert data == b"" or parse(data).status == 400


def test_form_of_a_redirected_request(httpd, backend, key, jwks):
    """mod_rewrite in a directory starts the request anew: what was read of
    the body goes along."""
    there = f"http://127.0.0.1:{backend.port}"
    server = httpd(
        issuer() + location("/", "ApiTokenFrom form:access_token")
        + f"ProxyPass /there {there}/b\n", ["proxy", "proxy_http", "rewrite"],
        files={"keys/corp.json": jwks, "htdocs/d/.htaccess":
               "RewriteEngine On\nRewriteRule ^x$ /there/x [L]\n"})
    server.base = server.base.replace("AllowOverride AuthConfig",
                                      "AllowOverride AuthConfig FileInfo")
    server.stop()
    server.start(issuer() + location("/", "ApiTokenFrom form:access_token")
                 + f"ProxyPass /there {there}/b\n")
    token = sign(claims(), key)
    answer = post(server, "/d/x", f"a=1&access_token={token}&b=2")
    assert seen(answer)["body"] == "a=1&b=2"
    assert seen(answer)["path"] == "/b/x"


BROKEN = [("Content-Length: 300", "x" * 300, 413),
          ("Transfer-Encoding: chunked",
           "12c\r\n" + "x" * 300 + "\r\n0\r\n\r\n", 413),
          ("Transfer-Encoding: chunked", "zz\r\nx\r\n0\r\n\r\n", 400),
          ("Transfer-Encoding: chunked", "3\r\nxxxyyy\r\n0\r\n\r\n", 400)]


@pytest.mark.parametrize("field,body,status", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("require", ["valid-user", "all granted"])
def test_form_that_httpd_refuses(httpd, jwks, field, body, status, require):
    """One answer, that of httpd, and no handler."""
    server = httpd(issuer() + location(
        "/", "ApiTokenFrom header form:t", "LimitRequestBody 200",
        require=require), files={"keys/corp.json": jwks, "htdocs/a": "ok"})
    server.expect("AH0158[78]|AH01590")
    data = send(server.port, f"POST /a HTTP/1.1\r\nHost: x\r\n{FORM[0]}: "
                f"{FORM[1]}\r\n{field}\r\n\r\n{body}".encode())
    assert data.startswith(f"HTTP/1.1 {status} ".encode())
    assert data.count(b"HTTP/1.1") == 1
    assert data.rstrip().endswith(b"</html>")


def test_compressed_form_is_none(server, token):
    body = gzip.compress(f"access_token={token}".encode())
    answer = post(server, "/form", body, headers=[("Content-Encoding",
                                                   "gzip")])
    assert outcome(answer) == MISSING
    answer = request(server.port, "/all", token, [FORM, (
        "Content-Encoding", "gzip")], "POST", body)
    assert seen(answer)["sha256"] == hashlib.sha256(body).hexdigest()


def test_form_that_other_filters_change(httpd, backend, key, jwks):
    """Input filters see the body in their order: from the network on."""
    server = httpd(issuer() + location(
        "/", "ApiTokenFrom form:t", "SetInputFilter Sed",
        'InputSed "s/yes/no/"',
        f"ProxyPass http://127.0.0.1:{backend.port}/"),
        ["proxy", "proxy_http", "sed"], files={"keys/corp.json": jwks})
    answer = post(server, "/", f"a=yes&t={sign(claims(), key)}&b=2\n")
    assert seen(answer)["body"].strip() == "a=no&b=2"


# --- HTTP/2 ---

@pytest.fixture(scope="module")
def h2_server(module_httpd, backend, jwks):
    return module_httpd("Protocols h2c http/1.1\n" + conf(backend),
                        ["http2", "proxy", "proxy_http", "rewrite"],
                        files={"keys/corp.json": jwks})


@pytest.mark.skipif(MPM == "prefork", reason="mod_http2 wants threads")
@pytest.mark.parametrize("where", CARRIERS)
def test_http2(h2_server, token, where):
    url = f"http://127.0.0.1:{h2_server.port}/all"
    headers, more = {
        "header": ([("Authorization", "Bearer " + token)], {}),
        "key": ([("X-API-Key", token)], {}),
        # each cookie may be a field of its own
        "cookie": ([("Cookie", "a=1"), ("Cookie", "token=" + token)], {}),
        "query": ([], {}),
        "form": ([FORM], {"body": "a=1&access_token=" + token}),
    }[where]
    if where == "query":
        url += "?access_token=" + token
    answer, version = h2.request(url, *headers, **more)
    assert version == "2" and token not in json.dumps(seen(answer))
    if where == "form":
        assert seen(answer)["body"] == "a=1"
    if where == "cookie":
        assert fields(answer, "Cookie") == ["a=1"]
    second = "Authorization" if where != "header" else "X-API-Key"
    answer, _ = h2.request(url, *headers, (second, "Bearer " + token), **more)
    assert outcome(answer) == REPEATED


# --- no credential ------------------------------------------------------

@pytest.mark.parametrize("where", CARRIERS)
@pytest.mark.parametrize("path,nothing", [("/all", MISSING),
                                          ("/anonymous", OK)])
def test_anonymous_takes_no_bad_credential(server, token, where, path,
                                           nothing):
    assert outcome(request(server.port, path)) == nothing
    assert outcome(ask(server, path, where, token)) == OK
    assert outcome(ask(server, path, where, "a.b.c")) == INVALID
    assert outcome(ask(server, path, where, "")) == MALFORMED


def test_every_character_escaped(server, token):
    quoted = "".join(f"%{ord(c):02x}" for c in token)
    mark = len(server.log("access.log"))
    answer = request(server.port, f"/query?access_token={quoted}")
    assert outcome(answer) == OK
    line = until(lambda: server.log("access.log")[mark:])
    assert "|GET /query HTTP/1.1||" in line
