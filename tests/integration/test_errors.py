"""What an answer says when it says no, and what the log does."""
import json
import re
import socket
import time

import pytest

from support import client, conf, leaks, tokens
from support.client import parse_all, request
from support.tokens import claims, encode, seal, sign
from support.wait import until
from test_challenge import parse as parse_challenge

FORMATS = ["problem", "message", "fault", "none"]
ROWS = {  # status, number, RFC 6750, WSO2, what the caller may read
    "credential_missing": (401, 10, None, 900902,
                           "A bearer token is required."),
    "credential_malformed": (400, 11, "invalid_request", 900902,
                             "The credential is malformed."),
    "credential_repeated": (400, 12, "invalid_request", 900902,
                            "The request carries more than one credential."),
    "token_invalid": (401, 13, "invalid_token", 900901,
                      "The token is not valid."),
    "token_expired": (401, 14, "invalid_token", 900901,
                      "The token has expired."),
    "token_not_yet_valid": (401, 15, "invalid_token", 900901,
                            "The token is not valid yet."),
    "token_audience": (401, 17, "invalid_token", 900914,
                       "The token is meant for another audience."),
    "scope_missing": (403, 20, "insufficient_scope", 900910,
                      "The token lacks a scope that is required."),
    "claim_mismatch": (403, 21, "insufficient_scope", 900912,
                       "The token lacks a claim that is required."),
    "access_denied": (403, 22, "insufficient_scope", 900912,
                      "Access is denied."),
    "issuer_unavailable": (503, 40, None, 900900,
                           "The token cannot be checked at the moment."),
    "misconfigured": (500, 50, None, 900900,
                      "The server is not configured to answer this request."),
}
VAGUE = ["token_invalid", "token_expired", "token_not_yet_valid",
         "token_audience"]
DEAD = "https://dead.example"
NOBODY = tokens.new_key()
CGI = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\npage'\n"
EVERY = ("ApiTokenFrom header header:X-API-Key cookie:token "
         "query:access_token form:access_token")


def places(prefix, *lines):
    """The locations that the rows above need."""
    def at(path, *more, **kind):
        return conf.location(f"{prefix}/{path}", "ApiAccept corp dead",
                             *lines, *more, **kind)
    return (at("ok") + at("scope", require="oauth2-scope admin") +
            at("claim", require="oauth2-claim plan gold") +
            at("client", require="oauth2-client other") +
            at("unset", audience=None))


def conf_of(dead_port):
    pages = [(name, f'ErrorDocument 401 {page}', f'ErrorDocument 403 {page}')
             for name, page in (("text", '"sorry"'), ("local", "/page.txt"),
                                ("cgi", "/page.cgi"), ("gone", "/nothing"),
                                ("other", '"x"\n    ErrorDocument 401 default'
                                          "\n    ErrorDocument 403 default"),
                                ("protected", "/off/ok/page"))]
    return "".join([
        'LimitRequestFieldSize 65536\n',
        'AddHandler cgi-script .cgi\n<Directory ${root}/htdocs>\n'
        'Options +ExecCGI\n</Directory>\n',
        conf.issuer(),
        conf.issuer("ApiTimeout connect=1s total=1s", name="dead", url=DEAD,
                    keys=f"ApiJWKS http://127.0.0.1:{dead_port}/"),
        places("/off"), places("/on", "ApiErrorDetail On"),
        *(places(f"/{body}", f"ApiErrorBody {body}", "ApiErrorDetail On")
          for body in FORMATS),
        *(places(f"/page-{name}", *lines) for name, *lines in pages),
    ])


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        prefixes = ["off", "on", *FORMATS] + [f"page-{name}" for name in (
            "text local cgi gone other protected").split()]
        server = module_httpd(start=False, modules=["cgi"], files={
            "keys/corp.json": jwks, "htdocs/page.txt": "page",
            "htdocs/page.cgi": CGI,
            **{f"htdocs/{p}/ok": "fine" for p in prefixes}})
        (server.root / "htdocs/page.cgi").chmod(0o755)
        server.expect("AO2-040 issuer_unavailable")
        server.expect("AO2-050 misconfigured: ApiAudience is not set here")
        yield server.start(conf_of(nobody.getsockname()[1]))


def provoke(server, name, prefix, key, method="GET", **changes):
    """The request that fails in the way of that row."""
    path = {"scope_missing": "scope", "claim_mismatch": "claim",
            "access_denied": "client", "misconfigured": "unset"}.get(name,
                                                                     "ok")
    now = int(time.time())
    changes.update({"token_expired": dict(exp=now - 100),
                    "token_not_yet_valid": dict(nbf=now + 100),
                    "token_audience": dict(aud="pasta"),
                    "issuer_unavailable": dict(iss=DEAD)}.get(name, {}))
    token = sign(claims(**changes),
                 NOBODY if name == "token_invalid" else key)
    token = {"credential_missing": None, "credential_malformed": "a b",
             "credential_repeated": f"{token}, Bearer {token}"}.get(name,
                                                                    token)
    return request(server.port, f"/{prefix}/{path}", token, method=method)


def body_of(name, body):
    status, number, _, wso2, text = ROWS[name]
    return {
        "problem": {"type": f"urn:api-oauth2:error:{name}", "title": text,
                    "status": status, "code": f"AO2-{number:03}"},
        "message": {"message": text, "http_status_code": status},
        "fault": {"code": str(wso2), "message": name, "description": text},
    }[body]


# --- bodies and fields --------------------------------------------------

@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("body", FORMATS)
def test_bodies(server, key, name, body):
    answer = provoke(server, name, body, key)
    assert answer.status == ROWS[name][0]
    if body == "none":
        assert answer.get("Content-Type").startswith("text/html")
        assert b"</html>" in answer.body and b"AO2" not in answer.body
    else:
        assert answer.all("Content-Type") == [
            "application/problem+json" if body == "problem"
            else "application/json"]
        assert json.loads(answer.body) == body_of(name, body)
    assert answer.all("Content-Length") == [str(len(answer.body))]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("prefix", ["on", "off", "none"])
def test_fields(server, key, name, prefix):
    status, _, error, _, text = ROWS[name]
    answer = provoke(server, name, prefix, key)
    assert answer.all("Cache-Control") == ["no-store"]
    assert len(answer.all("Retry-After")) == (status == 503)
    challenges = answer.all("WWW-Authenticate")
    if status in (500, 503):
        assert challenges == []
        return
    [challenge] = challenges
    expected = {"realm": "server.example"}
    if error:
        expected["error"] = error
        if prefix != "off":
            expected["error_description"] = text
    if name == "scope_missing":
        expected["scope"] = "admin"
    assert parse_challenge(challenge) == expected


@pytest.mark.parametrize("name", ROWS)
def test_head_has_the_fields_alone(server, key, name):
    for prefix in ("problem", "none"):
        got = provoke(server, name, prefix, key)
        head = provoke(server, name, prefix, key, method="HEAD")
        assert head.status == got.status and head.body == b""
        for field in ("Content-Type", "WWW-Authenticate", "Cache-Control"):
            assert head.all(field) == got.all(field)


def whole(answer):
    return (answer.status, answer.body,
            [f for f in answer.headers if f[0] != "Date"])


def test_every_bad_token_is_answered_alike(server, key):
    """Who tries tokens out learns nothing of why one is refused."""
    answers = [provoke(server, name, "off", key) for name in VAGUE]
    now = int(time.time())
    good = sign(claims(), key)
    answers += [request(server.port, "/off/ok", token) for token in (
        "x", "a.b.c", good[:-8] + "AAAAAAAA", good + "x",
        sign(claims(iss="https://other.example"), key),
        sign(claims(exp=None), key), sign(claims(exp="x"), key),
        sign(claims(iat=now + 999), key), sign(claims(aud=None), key),
        sign(claims(), key, header={"kid": "unknown"}),
        seal({"alg": "none"}, claims(), key),
        seal({"alg": "HS256", "kid": "k1"}, claims(), key),
        seal({"alg": "ES256", "kid": "k1", "crit": ["x"]}, claims(), key),
        seal("{", claims(), key), "a" * 16384)]
    assert request(server.port, "/off/ok", good).status == 200
    assert answers[0].status == 401
    assert json.loads(answers[0].body) == body_of("token_invalid", "problem")
    for answer in answers[1:]:
        assert whole(answer) == whole(answers[0])


def test_details_tell_them_apart(server, key):
    seen = {provoke(server, name, "on", key).body for name in VAGUE}
    assert len(seen) == len(VAGUE)


@pytest.mark.parametrize("path", ["/off/ok", "/on/ok", "/none/ok"])
def test_nothing_of_the_request_is_echoed(server, key, path):
    mark = "Zx9Qw7"
    head = {"alg": "ES256", "kid": mark, "typ": mark}
    token = seal(head, claims(sub=mark, jti=mark, iss=mark), key)
    for credential in (token, mark, f"{mark} {mark}"):
        answer = request(server.port, f"{path}?{mark}={mark}", credential,
                         [("X-" + mark, mark), ("Cookie", mark)])
        text = str(answer.headers) + answer.body.decode()
        assert answer.status in (400, 401)
        assert mark not in text and encode(head)[:20] not in text


# --- challenges ---------------------------------------------------------

REALMS = [  # as configured, as heard; None: no longer than a challenge may be
    # httpd reads a word of the configuration, then an expression
    ('"a \\\\\\\\ b"', "a \\ b"), ('"caf\u00e9"', "caf??"),
    ('"x, error=\\"y"', 'x, error="y'), ('"' + "r" * 400 + '"', "r" * 400),
    ('"' + "r" * 1100 + '"', None), ('"' + '\\"' * 400 + '"', None),
    ('"a\tb"', "a?b")]


@pytest.mark.parametrize("configured,heard", REALMS,
                         ids=range(len(REALMS)))
def test_realm(httpd, jwks, configured, heard):
    server = httpd(conf.issuer() + conf.location(
        "/", f"AuthName {configured}", require="oauth2-scope a"),
        files={"keys/corp.json": jwks})
    [challenge] = request(server.port, "/").all("WWW-Authenticate")
    assert len(challenge) < 1024 and challenge.isascii()
    assert parse_challenge(challenge)["realm"] == (heard or "")


@pytest.mark.parametrize("text", ['"', "\\", 'x", error="invalid_token',
                                  "a\tb", "\u00e9", ", Basic realm=x", "%"])
def test_realm_out_of_the_request(httpd, jwks, text):
    """An expression may let the caller write a part of it."""
    server = httpd(conf.issuer() + conf.location(
        "/", 'AuthName "%{HTTP:X-Realm}"'),
        files={"keys/corp.json": jwks})
    answer = request(server.port, "/", headers=[("X-Realm", text)])
    [challenge] = answer.all("WWW-Authenticate")
    assert list(parse_challenge(challenge)) == ["realm"]
    assert answer.status == 401 and len(answer.headers) < 9


# --- error documents ----------------------------------------------------

@pytest.mark.parametrize("name", ["token_expired", "scope_missing"])
@pytest.mark.parametrize("page,body", [
    ("text", b"sorry"), ("local", b"page"), ("cgi", b"page")])
def test_error_document_wins(server, key, name, page, body):
    answer = provoke(server, name, f"page-{page}", key)
    plain = provoke(server, name, "off", key)
    assert answer.status == plain.status and answer.body == body
    for field in ("WWW-Authenticate", "Cache-Control"):
        assert answer.all(field) == plain.all(field)
    head = provoke(server, name, f"page-{page}", key, method="HEAD")
    assert head.status == plain.status and head.body == b""


@pytest.mark.parametrize("name", ["token_expired", "scope_missing"])
def test_error_document_of_another_status(server, key, name):
    assert whole(provoke(server, name, "page-other", key)) == \
        whole(provoke(server, name, "off", key))


@pytest.mark.parametrize("name", ["token_expired", "scope_missing"])
@pytest.mark.parametrize("page", ["gone", "protected"])
def test_error_document_that_cannot_be_had(server, key, name, page):
    answer = provoke(server, name, f"page-{page}", key)
    plain = provoke(server, name, "off", key)
    assert answer.status == plain.status
    assert answer.all("WWW-Authenticate") == plain.all("WWW-Authenticate")
    assert b"fine" not in answer.body


# --- connections --------------------------------------------------------

SMUGGLED = b"GET /off/ok?smuggled HTTP/1.1\r\nHost: server.example\r\n\r\n"


def lines(*text):
    return "\r\n".join([*text, "Host: server.example", "", ""]).encode()


def exchange(port, *pieces):
    """Send what the server still takes, read until it closes."""
    with socket.create_connection(("127.0.0.1", port), 30) as s:
        out = b""
        try:
            for piece in pieces:
                s.sendall(piece)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            while chunk := s.recv(65536):
                out += chunk
        except ConnectionResetError:
            pass
        return out


def chunks(body, size=8192):
    for i in range(0, len(body), size):
        piece = body[i:i + size]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


@pytest.mark.parametrize("size", [0, 10, 60000, 10 * 1024 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("bad", ["", "Bearer a.b.c", "Bearer a b"])
def test_body_with_a_bad_token(server, key, size, chunked, bad):
    """The next request on the connection is the next, whatever the body of
    the one before looks like; or the connection is closed."""
    body = (SMUGGLED * (size // len(SMUGGLED) + 1))[:size]
    head = ["POST /off/ok HTTP/1.1"]
    if bad:
        head.append(f"Authorization: {bad}")
    if chunked:
        pieces = [lines(*head, "Transfer-Encoding: chunked"), *chunks(body)]
    else:
        pieces = [lines(*head, f"Content-Length: {size}"), body]
    good = lines("GET /off/ok HTTP/1.1", "Connection: close",
                 f"Authorization: Bearer {sign(claims(), key)}")
    mark = len(server.log("access.log"))
    answers = parse_all(exchange(server.port, *pieces, good))
    assert answers, "not even an answer"
    assert answers[0].status == (400 if bad == "Bearer a b" else 401)
    if len(answers) == 1:
        assert answers[0].get("Connection") == "close" or size > 1000000
    else:
        [_, second] = answers
        assert second.status == 200 and second.body == b"fine"
    until(lambda: "POST /off/ok" in server.log("access.log")[mark:])
    assert "smuggled" not in server.log("access.log")[mark:]


@pytest.mark.parametrize("good", [False, True])
def test_small_body_keeps_the_connection(server, key, good):
    token = sign(claims(), key) if good else "a.b.c"
    post = lines("PUT /off/ok HTTP/1.1", "Content-Length: 5",
                 f"Authorization: Bearer {token}")
    get = lines("GET /off/ok HTTP/1.1", "Connection: close",
                f"Authorization: Bearer {sign(claims(), key)}")
    first, second = parse_all(exchange(server.port, post, b"hello", get))
    assert first.status == (405 if good else 401)
    assert second.status == 200


@pytest.mark.parametrize("token_is_good", [False, True])
def test_expect_continue(httpd, backend, key, jwks, token_is_good):
    """A body that is not wanted is not asked for."""
    server = httpd(conf.issuer() + conf.location(
        "/", f"ProxyPass http://127.0.0.1:{backend.port}/"),
        ["proxy", "proxy_http"], files={"keys/corp.json": jwks})
    token = sign(claims(), key) if token_is_good else "a.b.c"
    with socket.create_connection(("127.0.0.1", server.port), 30) as s:
        s.sendall(lines("POST / HTTP/1.1", "Content-Length: 5",
                        "Expect: 100-continue", "Connection: close",
                        f"Authorization: Bearer {token}"))
        data = s.recv(65536)
        if token_is_good:
            assert data.startswith(b"HTTP/1.1 100 ")
            data = data.partition(b"\r\n\r\n")[2]
            s.sendall(b"hello")
        while chunk := s.recv(65536):
            data += chunk
    [answer] = parse_all(data)
    assert answer.status == (200 if token_is_good else 401)
    if token_is_good:
        assert json.loads(answer.body)["body"] == "hello"


@pytest.mark.parametrize("asked", ["", "Connection: keep-alive"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_old_protocol(server, key, version, asked):
    get = f"GET /off/ok HTTP/{version}"
    more = [asked] if asked else []
    bad = lines(get, "Authorization: Bearer a.b.c", *more)
    good = lines(get, f"Authorization: Bearer {sign(claims(), key)}", *more)
    answers = parse_all(exchange(server.port, bad, good))
    kept = version == "1.1" or asked
    assert [a.status for a in answers] == [401, 200][:2 if kept else 1]
    assert json.loads(answers[0].body)["code"] == "AO2-013"


# --- logs ---------------------------------------------------------------

@pytest.mark.parametrize("name", ROWS)
def test_one_line_of_the_log(server, key, name):
    status, number, _, _, _ = ROWS[name]
    label = f"AO2-{number:03} {name}"
    mark, access = len(server.log()), len(server.log("access.log"))
    provoke(server, name, "off", key)
    [refusal] = re.findall(r"(AO2-\d{3} .*token .*)", server.log()[mark:])
    assert re.fullmatch(rf"{label}: .+ \({status}, token ([0-9a-f]{{8}}|-)\)",
                        refusal)
    line = until(lambda: server.log("access.log")[access:])
    assert line.startswith(f"{status}|") and f"|{label}|" in line


@pytest.mark.parametrize("page", ["text", "local", "cgi", "gone",
                                  "protected"])
def test_note_with_an_error_document(server, key, page):
    access = len(server.log("access.log"))
    provoke(server, "token_expired", f"page-{page}", key)
    line = until(lambda: server.log("access.log")[access:])
    assert "|AO2-014 token_expired|" in line


def test_grants_have_their_line_at_debug(server, key):
    mark, access = len(server.log()), len(server.log("access.log"))
    assert request(server.port, "/off/ok", sign(claims(), key)).status == 200
    assert re.search(r"api_oauth2:debug.* granted: user alice, client app, "
                     r"issuer corp \(token [0-9a-f]{8}\)",
                     server.log()[mark:])
    assert "|-|app" in until(lambda: server.log("access.log")[access:])


def loud(level, secret):
    return (f"LogLevel {level}\n" + conf.issuer() + conf.issuer(
        f"ApiSharedSecret {secret}", name="shared", keys="",
        url="https://shared.example")
        + conf.location("/", "ApiAccept corp shared", EVERY,
                        "ApiPassClaim jti header X-Id",
                        require="oauth2-scope read")
        + conf.location("/cgi.cgi", "ApiAccept corp shared", EVERY,
                        "ApiForwardToken On", "CGIPassAuth On")
        + "AddHandler cgi-script .cgi\n<Directory ${root}/htdocs>\n"
          "Options +ExecCGI\n</Directory>\n")


def every_way(server, token):
    """The credential in every place, with answers of several kinds."""
    form = ("Content-Type", "application/x-www-form-urlencoded")
    for path in ("/page.txt", "/cgi.cgi", "/missing"):
        for where in (dict(token=token), dict(headers=[("X-API-Key", token)]),
                      dict(headers=[("Cookie", f"token={token}")]),
                      dict(token=token, headers=[("X-API-Key", token)])):
            request(server.port, path, **where)
        request(server.port, f"{path}?a=1&access_token={token}")
        request(server.port, path, method="POST", headers=[form],
                body=f"access_token={token}")


def test_loud_logs_show_no_token(httpd, key, jwks):
    secret = "correct-horse-battery-staple-0123456789"
    server = httpd(start=False, modules=["cgi", "rewrite", "proxy"], files={
        "keys/corp.json": jwks,
        "htdocs/page.txt": "page", "htdocs/cgi.cgi": CGI})
    (server.root / "htdocs/cgi.cgi").chmod(0o755)
    server.start(loud("trace8 core:trace4 http:trace3", secret))
    shared = tokens.jwk.JWK(kty="oct", k=encode(secret))
    for token in (sign(claims(), key), sign(claims(exp=1), key),
                  sign(claims(scope="x"), key), sign(claims(), NOBODY),
                  seal({"alg": "HS256"}, claims(iss="https://shared.example"),
                       shared, "HS256")):
        every_way(server, token)
    text = server.log() + server.log("access.log")
    assert ":trace" in text and "granted: user alice" in text
    assert secret not in text and not leaks.traces(text)


def test_louder_logs_of_httpd_show_them(httpd, key, jwks):
    """What the documentation warns of; and that the search finds it."""
    server = httpd(loud("info http:trace4", "s" * 40), files={
        "keys/corp.json": jwks, "htdocs/page.txt": "page"})
    token = sign(json.dumps(dict(jti="loud", **claims())), key)
    request(server.port, "/page.txt", token)
    assert leaks.traces(server.log(), {token}) == [token]
    tokens.minted.discard(token)
