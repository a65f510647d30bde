"""No spelling of a path, no method and no version of HTTP gets past a
protected <Location>."""
import json
import re
from urllib.parse import unquote, urlsplit

import pytest
from support import client, conf, peers, site

SECRET = b"what only callers with a token see"
PATHS = [
    "/api/a.txt", "//api/a.txt", "///api///a.txt", "/./api/a.txt",
    "/api/./a.txt", "/api//a.txt", "/open/../api/a.txt", "/api/../api/a.txt",
    "/../api/a.txt", "/%61pi/a.txt", "/%61%70%69/%61.txt", "/%2e/api/a.txt",
    "/open/%2e%2e/api/a.txt", "/open/.%2e/api/a.txt", "/open/%2E./api/a.txt",
    "/open/..%2fapi/a.txt", "/open%2f..%2fapi/a.txt", "/%2fapi/a.txt",
    "/api%2fa.txt", "/api%2Fa.txt", "/%252e%252e/api/a.txt",
    "/%2561pi/a.txt", "/open/%252e%252e/api/a.txt", "/open/..;/api/a.txt",
    "/open;/../api/a.txt", "/api;x=y/a.txt", "/api/a.txt;x=y", "/api;/a.txt",
    "/API/a.txt", "/Api/A.TXT", "/api\\a.txt", "/open\\..\\api\\a.txt",
    "/open/..\\api/a.txt", "/open/%5c../api/a.txt", "/api%5ca.txt",
    "/api/a.txt%00", "/api/a.txt%00.html", "/open%00/../api/a.txt",
    "/api/a.txt/", "/api/a.txt/more", "/api/a.txt?x=/open/", "/api?/open/",
    "/api/a.txt%20", "/api/a.txt.", "/ap%69/a.txt", "/api/a%2etxt",
    "/%c0%ae%c0%ae/api/a.txt", "/%e0%80%ae/api/a.txt", "/api/%c1%a1.txt",
    "http://server.example/api/a.txt", "http://server.example//api/a.txt",
    "HTTP://server.example/open/../api/a.txt",
    "http://server.example:80/api/a.txt", "http://x@server.example/api/a.txt",
    "/open/?/../api/a.txt", "/open#/../api/a.txt", "/api/a.txt#x", "api/a.txt",
    "*/api/a.txt", "/*/../api/a.txt", "/api", "/api/", "/.",
]
FILES = {"htdocs/api/a.txt": SECRET.decode(), "htdocs/open/o.txt": "open",
         "htdocs/api/index.html": SECRET.decode()}
TWISTS = {  # what an operator may have set around it
    "plain": "",
    "AllowEncodedSlashes On": "AllowEncodedSlashes On\n",
    "AllowEncodedSlashes NoDecode": "AllowEncodedSlashes NoDecode\n",
    "MultiViews": "<Directory ${root}/htdocs>\nOptions +MultiViews\n"
                  "</Directory>\n",
    "speling": "<Directory ${root}/htdocs>\nCheckSpelling On\n"
               "</Directory>\n",
}


@pytest.fixture(scope="module", params=TWISTS)
def files(request, module_httpd, jwks):
    server = module_httpd(TWISTS[request.param] + conf.location("/api"),
                          ["negotiation", "speling"], conf.issuer(),
                          {"keys/corp.json": jwks, **FILES})
    server.expect("AH10244|AH00036|AH03235")  # bad paths; no handler
    return server


@pytest.fixture(scope="module", params=list(TWISTS)[:3])
def gateway(request, module_httpd, jwks):
    """A gateway to a backend of which one folder alone is protected."""
    backend = peers.start(peers.Echo)
    server = module_httpd(TWISTS[request.param] + conf.location("/api") +
                          f"ProxyPass / http://127.0.0.1:{backend.port}/\n",
                          ["proxy", "proxy_http"], conf.issuer(),
                          {"keys/corp.json": jwks})
    server.expect("AH10244|AH01071|AH01084")
    yield server
    backend.shutdown()


@pytest.fixture(scope="module")
def one_of_each(module_httpd, jwks):
    backend = peers.start(peers.Echo)
    files = {"keys/corp.json": jwks, **FILES}
    yield {
        "files": module_httpd(conf.location("/api"), (), conf.issuer(), files),
        "gateway": module_httpd(
            conf.location("/api") +
            f"ProxyPass / http://127.0.0.1:{backend.port}/\n",
            ["proxy", "proxy_http"], conf.issuer(), files)}
    backend.shutdown()


def raw(server, line, *headers):
    head = [line, "Host: server.example", "Connection: close", *headers]
    data = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"
    return client.send(server.port, data)


@pytest.mark.parametrize("path", PATHS)
def test_files(files, key, path):
    data = raw(files, f"GET {path} HTTP/1.1")
    assert SECRET not in data
    token = site.token_of("mallory", key)
    data = raw(files, f"GET {path} HTTP/1.1", f"Authorization: Bearer {token}")
    assert SECRET not in data


def test_files_twin(files, key):
    """With a token the file is there, by more than one spelling."""
    token = site.token_of("alice", key)
    for path in ("/api/a.txt", "//api/a.txt", "/open/%2e%2e/api/a.txt",
                 "/%61pi/a.txt", "/api/"):
        data = raw(files, f"GET {path} HTTP/1.1",
                   f"Authorization: Bearer {token}")
        assert SECRET in data, path


def as_seen(path):
    """The folders of a path as a careless backend may read it."""
    for _ in range(2):
        path = unquote(path.replace("\\", "/"), "latin-1").replace("\\", "/")
    folders = []
    for part in urlsplit("//x" + path).path.split("/"):
        part = part.split(";")[0]
        if part == "..":
            folders[-1:] = []
        elif part not in ("", "."):
            folders.append(part)
    return folders


#: What httpd hands on as it came. A backend that decodes twice, cuts off
#: ";...", or takes a backslash for a slash, needs a <Location> that knows.
HANDED_ON = {"%25", ";", "\\", "%5c"}


@pytest.mark.parametrize("path", PATHS)
def test_backend(gateway, path):
    keeps = "NoDecode" in (gateway.root / "httpd.conf").read_text()
    answer = client.parse(raw(gateway, f"GET {path} HTTP/1.1"))
    if answer.status == 200:
        seen = json.loads(answer.body)["path"]
        if not any(text in path.lower() for text in
                   HANDED_ON | ({"%2f"} if keeps else set())):
            assert as_seen(seen)[:1] != ["api"], seen
    else:
        assert answer.status in (400, 401, 404)
        assert b'"path"' not in answer.body


def test_backend_twin(gateway, key):
    token = site.token_of("alice", key)
    for path in ("/api/a.txt", "//api/a.txt", "/open/%2e%2e/api/a.txt"):
        answer = client.parse(raw(gateway, f"GET {path} HTTP/1.1",
                                  f"Authorization: Bearer {token}"))
        assert json.loads(answer.body)["path"] == "/api/a.txt"


METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
           "PROPFIND", "MKCOL", "LOCK", "CONNECT", "get", "GeT", "FOO",
           "M-SEARCH", "BREW"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["files", "gateway"])
def test_methods(one_of_each, kind, method):
    data = raw(one_of_each[kind], f"{method} /api/a.txt HTTP/1.1")
    assert SECRET not in data and b'"path"' not in data
    assert client.parse(data).status in (400, 401)


def test_methods_twin(one_of_each, key):
    token = site.token_of("alice", key)
    for method in ("GET", "POST", "PUT", "OPTIONS"):
        answer = client.parse(raw(one_of_each["gateway"],
                                  f"{method} /api/a.txt HTTP/1.1",
                                  f"Authorization: Bearer {token}"))
        assert json.loads(answer.body)["method"] == method


def test_trace(one_of_each):
    """httpd answers TRACE before anybody is asked, but with nothing else
    than what was sent; on its way to a backend it is protected."""
    answers = {kind: raw(server, "TRACE /api/a.txt HTTP/1.1", "X-Mine: yes")
               for kind, server in one_of_each.items()}
    assert b"\r\nX-Mine: yes\r\n" in answers["files"]
    assert SECRET not in answers["files"]
    assert client.parse(answers["gateway"]).status == 401


@pytest.mark.parametrize("data", [
    b"GET /api/a.txt\r\n\r\n", b"GET /api/a.txt HTTP/0.9\r\n\r\n",
    b"GET /api/a.txt HTTP/1.0\r\n\r\n",
    b"GET /api/a.txt HTTP/1.0\r\nHost: x\r\nRange: bytes=0-\r\n\r\n",
    b"GET /api/a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n\r\n",
    b"GET /api/a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"If-None-Match: *\r\n\r\n",
    b"GET /api/a.txt HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    b"POST /api/a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"X-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n\r\n",
])
def test_versions_and_conditions(files, data):
    answer = client.send(files.port, data)
    assert SECRET not in answer
    assert not answer.startswith(b"HTTP") or client.parse(answer).status in (
        400, 401)


def test_connection_remembers_nobody(files, key):
    """Requests of one connection: the token of one is not the next one's."""
    token = site.token_of("alice", key)
    good = f"GET /api/a.txt HTTP/1.1\r\nHost: x\r\n" \
           f"Authorization: Bearer {token}\r\n\r\n"
    bare = "GET /api/a.txt HTTP/1.1\r\nHost: x\r\n\r\n"
    last = "GET /api/a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    data = client.send(files.port, (good + bare + good + last).encode())
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", data)
    assert statuses == [b"200", b"401", b"200", b"401"]
    assert data.count(SECRET) == 2


def test_no_hint_without_a_token(files):
    """What is there, is missing or is a folder looks the same."""
    answers = [client.request(files.port, path) for path in
               ("/api", "/api/", "/api/a.txt", "/api/missing",
                "/api/a.txt/more")]
    assert [a.status for a in answers] == [401] * 5
    assert len({a.body for a in answers}) == 1
    assert len({a.get("WWW-Authenticate") for a in answers}) == 1
    assert not any(a.get("Location") for a in answers)


def test_merge_slashes_off(httpd, key, jwks):
    """httpd's own: where it keeps "//", a <Location> has to name it."""
    server = httpd("MergeSlashes Off\n" +
                   conf.section("LocationMatch", '"^/+api(/|$)"', [
                       "AuthType Bearer", "ApiAudience pizza",
                       "Require valid-user"]),
                   main=conf.issuer(), files={"keys/corp.json": jwks, **FILES})
    for path in ("/api/a.txt", "//api/a.txt", "///api//a.txt"):
        assert client.request(server.port, path).status == 401
        assert client.request(server.port, path,
                              site.token_of("alice", key)).status == 200
