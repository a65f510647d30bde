"""The backend's 401 to the upstream's token: one more try with another one,
and nothing of the first answer is seen."""
import contextlib
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import client, guarded
from support.server import MPM, ONE_PROCESS
from support.wait import until

MODULES = ("proxy proxy_http proxy_balancer slotmem_shm lbmethod_byrequests "
           "filter deflate headers cache cache_disk").split()
FILES = {"keys/secret": "a secret of the gateway", "cache/x": "",
         "htdocs/sorry.html": "<p>sorry</p>"}
CONF = """
Define backend %s
ApiUpstreamToken up0
<Proxy balancer://all>
    BalancerMember http://127.0.0.1:${backend} route=a
    BalancerMember http://localhost:${backend} route=b
</Proxy>
ProxyPass /balancer balancer://all/
<Location /handler>
    SetHandler "proxy:http://127.0.0.1:${backend}"
</Location>
<Location /override>
    ProxyErrorOverride On
    ProxyPass http://127.0.0.1:${backend}/override
</Location>
<Location /page>
    ErrorDocument 502 /sorry.html
    ProxyPass http://127.0.0.1:${backend}/page
</Location>
ProxyPass /sorry.html !
ProxyPass /handler !
<Location /deflate>
    SetOutputFilter DEFLATE
    SetInputFilter DEFLATE
</Location>
<Location /headers>
    Header set X-Set yes
    Header always set X-Always yes
    RequestHeader set X-Asked yes
    RequestHeader set Authorization forged
</Location>
<Location /fresh>
    ProxyPass http://127.0.0.1:${backend}/fresh disablereuse=On
</Location>
<Location /continue>
    Proxy100Continue Off
    ProxyPass http://127.0.0.1:${backend}/continue
</Location>
<Location /old>
    SetEnv force-proxy-request-1.0 1
    SetEnv proxy-sendcl 1
    ProxyPass http://127.0.0.1:${backend}/old
</Location>
ProxyPass / http://127.0.0.1:${backend}/ nocanon
"""
KIB64 = 64 * 1024
#: Of one upstream, 20 tokens may be dropped at once; then it is one a second.
UPSTREAMS, TESTS_EACH = range(12), 5
USE = """
<If "-f '${root}/use%d'">
    ApiUpstreamToken up%d
</If>
"""


@pytest.fixture(scope="module")
def gateway(module_httpd):
    with guarded.both() as (endpoint, backend):
        server = module_httpd(
            CONF % backend.port + "".join(USE % (i, i) for i in UPSTREAMS),
            MODULES, "".join(guarded.upstream(
                endpoint, name=f"up{i}",
                origin=f"{backend.url} balancer://all") for i in UPSTREAMS) +
            'LogFormat "%>s %B %{X-Leak}^to" answers\n'
            "CustomLog ${root}/answers.log answers\n"
            f"AllowEncodedSlashes NoDecode\n{ONE_PROCESS}\n", FILES)
        server.expect("AO2-042", "AH01843|AH03408")
        server.tests = 0
        yield server, endpoint, backend


@pytest.fixture(autouse=True)
def stale(request):
    """The gateway's token is no good any more."""
    if "gateway" in request.fixturenames:
        server, _, backend = request.getfixturevalue("gateway")
        backend.clear()
        server.write(f"use{server.tests // TESTS_EACH}", "")
        server.tests += 1
        assert client.request(server.port, "/").status == 200
        backend.revoke()
        backend.clear()


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)


def length(size):
    return f"Content-Length: {size}\r\n", b"x" * size


def chunks(*sizes):
    return ("Transfer-Encoding: chunked\r\n",
            chunked(*(b"y" * size for size in sizes)) + b"0\r\n\r\n")


#: Method and path, header lines and body, the status of the answer.
REQUESTS = {
    "GET": ("GET /", ("", b""), 200),
    "HEAD": ("HEAD /", ("", b""), 200),
    "encodings and a query": ("GET /a%2Fb/%20;v=1?a=%2f&&b=%41+c|d&a=", (
        "", b""), 200),
    "length 0": ("POST /", length(0), 200),
    "length 1": ("POST /", length(1), 200),
    "length 64K": ("POST /", length(KIB64), 200),
    "one chunk": ("POST /", chunks(10), 200),
    "many chunks": ("PUT /", chunks(*[7] * 500), 200),
    "chunks, 64K": ("POST /", chunks(KIB64 // 2, KIB64 // 2), 200),
    "no chunk": ("POST /", chunks(), 200),
    "trailer": ("POST /", ("Transfer-Encoding: chunked\r\n", chunked(
        b"yyyy") + b"0\r\nTrailer: 1\r\n\r\n"), 200),
    "expect, length": ("POST /", ("Expect: 100-continue\r\n" + length(99)[0],
                                  length(99)[1]), 200),
    "expect, chunks": ("POST /", ("Expect: 100-continue\r\n" + chunks(9)[0],
                                  chunks(9)[1]), 200),
    "expect, not passed on": ("POST /continue", (
        "Expect: 100-continue\r\n" + length(99)[0], length(99)[1]), 200),
    "expect, refused early": ("POST /early", (
        "Expect: 100-continue\r\n" + length(99)[0], length(99)[1]), 200),
    "range": ("GET /", ("Range: bytes=0-4\r\n", b""), 206),
    "condition": ("GET /", ('If-None-Match: "1"\r\n', b""), 304),
    "max-forwards": ("GET /", ("Max-Forwards: 7\r\n", b""), 200),
    "hop by hop": ("GET /", ("TE: trailers\r\nX-Hop: 1\r\n"
                             "Connection: X-Hop, TE\r\n", b""), 200),
    "balancer": ("GET /balancer/x", ("", b""), 200),
    "balancer, body": ("POST /balancer/x", length(3000), 200),
    "handler": ("POST /handler/x", chunks(5), 200),
    "override": ("POST /override", length(5), 200),
    "own page": ("POST /page", length(5), 200),
    "deflate": ("GET /deflate", ("Accept-Encoding: gzip\r\n", b""), 200),
    "headers": ("GET /headers", ("", b""), 200),
    "no keep-alive": ("POST /fresh", length(5), 200),
    "HTTP/1.0 behind": ("POST /old", chunks(KIB64), 200),
}


INTERIM = re.compile(rb"^(HTTP/1.1 1\d\d.*?\r\n\r\n)+", re.S)
#: What differs from one try to the next.
MAY_DIFFER = {"balancer": ["Host"], "expect": ["Expect", "Connection"]}


def raw(server, line, headers, body):
    data = (f"{line} HTTP/1.1\r\nHost: server.example\r\n{headers}\r\n"
            ).encode() + body
    with socket.create_connection(("127.0.0.1", server.port), 30) as s:
        s.sendall(data)
        out = b""
        while not (final := INTERIM.sub(b"", out)).partition(
                b"\r\n\r\n")[1]:
            piece = s.recv(65536)
            assert piece, out
            out += piece
        s.shutdown(socket.SHUT_WR)
        while piece := s.recv(65536):
            final += piece
    return client.parse(final)


def check_same(first, second, but=()):
    """Two requests that differ in their token alone."""
    assert first["token"] and second["token"]
    assert first["token"] != second["token"]
    assert [(k, v.replace(first["token"], "")) for k, v in first["headers"]
            if k not in but] == [
        (k, v.replace(second["token"], "")) for k, v in second["headers"]
        if k not in but]
    for member in ("method", "path", "length", "sha256"):
        assert first[member] == second[member]


def check_clean(answer):
    """Nothing of the 401."""
    for name in ("WWW-Authenticate", "Set-Cookie", "X-Leak"):
        assert answer.get(name) is None, name
    assert b"who are you" not in answer.body


@pytest.mark.parametrize("name", REQUESTS)
def test_once_more(gateway, name):
    server, endpoint, backend = gateway
    line, (headers, body), status = REQUESTS[name]
    calls = endpoint.calls
    answer = raw(server, line, headers, body)
    assert answer.status == status, answer
    assert answer.get("X-Answer") == "yes"
    check_clean(answer)
    first, second = backend.requests
    if name == "expect, refused early":  # before it had the body
        assert (first["length"], second["length"]) == (0, 99)
        assert ("Expect", "100-continue") in second["headers"]
    else:
        check_same(first, second, MAY_DIFFER.get(name.split(",")[0], ()))
        assert first["method"] == line.split()[0]
        assert first["length"] == body.count(b"x") + body.count(b"y")
    assert endpoint.calls == calls + 1


def test_paths_and_queries_stay(gateway):
    server, _, backend = gateway
    line = REQUESTS["encodings and a query"][0]
    raw(server, line, "", b"")
    assert {r["path"] for r in backend.requests} == {line.split()[1]}


def test_a_second_401(gateway):
    server, endpoint, backend = gateway
    backend.refuse_all = True
    calls = endpoint.calls
    for number, path in enumerate(["/", "/override", "/balancer/"]):
        backend.requests.clear()
        answer = client.request(server.port, path, method="POST", body="x")
        assert answer.status == 502
        check_clean(answer)
        assert answer.get("Cache-Control") == "no-store"
        assert b"AO2-042" in answer.body
        assert len(backend.requests) == 2
    assert endpoint.calls == calls + 3
    answer = client.request(server.port, "/page")
    assert (answer.status, answer.body) == (502, b"<p>sorry</p>")
    check_clean(answer)


TOO_LONG = {"length": length(KIB64 + 1), "chunks": chunks(KIB64, 1),
            "one long chunk": chunks(KIB64 + 1), "very long": length(10 ** 6)}


@pytest.mark.parametrize("name", TOO_LONG)
def test_a_body_that_is_too_long(gateway, name):
    """502, and the next request has another token."""
    server, endpoint, backend = gateway
    calls = endpoint.calls
    answer = raw(server, "POST /", *TOO_LONG[name])
    assert answer.status == 502
    check_clean(answer)
    assert len(backend.requests) == 1
    assert raw(server, "POST /", *TOO_LONG[name]).status == 200
    assert backend.tokens[0] != backend.tokens[1]
    assert endpoint.calls == calls + 1


@pytest.mark.parametrize("size, how", [
    (KIB64 + 1, "length"), (300000, "length"), (300000, "chunks")])
def test_a_long_body_is_not_held_back(gateway, size, how):
    """It reaches the backend while the caller is still sending."""
    server, _, backend = gateway
    begun = backend.begun
    headers, body = (length if how == "length" else chunks)(size)
    with socket.create_connection(("127.0.0.1", server.port), 30) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" +
                  headers.encode() + b"\r\n" + body[:50000])
        until(lambda: backend.begun == begun + 1)
        s.sendall(body[50000:])
        data = b""
        while piece := s.recv(65536):
            data += piece
    assert client.parse(data).status == 502  # the token was stale
    assert backend.requests[0]["length"] == size


def test_the_connection_of_the_caller_goes_on(gateway):
    """Whatever became of the body, the next request is a request."""
    server, _, backend = gateway
    post = (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s"
            % (KIB64 + 1, b"x" * (KIB64 + 1)))
    small = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    last = (b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    answers = client.parse_all(client.send(server.port, post + small + last))
    assert [a.status for a in answers] == [502, 200, 200]
    backend.revoke()
    answers = client.parse_all(client.send(server.port, small + last))
    assert [a.status for a in answers] == [200, 200]
    assert [r["path"] for r in backend.requests] == [
        "/", "/", "/last", "/", "/", "/last"]


def test_other_answers_are_the_callers(gateway):
    server, _, backend = gateway
    for status in (403, 407, 500):
        backend.requests.clear()
        backend.refusal = lambda h: h.reply(status, b"no", X_Leak="1")
        answer = client.request(server.port, "/")
        assert (answer.status, answer.body) == (status, b"no")
        assert answer.get("X-Leak") == "1"
        assert len(backend.requests) == 1


def long_401(h):
    h.reply(401, b"z" * 1000000, "text/plain", X_Leak="1")


def endless_401(h):
    h.send_response(401)
    h.send_header("X-Leak", "1")
    h.end_headers()
    h.close_connection = True
    with contextlib.suppress(OSError):
        while True:
            h.wfile.write(b"z" * 65536)


def broken_401(h):
    h.send_response(401)
    h.send_header("Content-Length", "1000")
    h.end_headers()
    h.wfile.write(b"z")
    h.close_connection = True


def closing_401(h):
    h.close_connection = True
    h.reply(401, b"", Connection="close")


def hinted_401(h):
    h.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    guarded.Backend.refuse(h)


@pytest.mark.parametrize("refusal", [long_401, endless_401, broken_401,
                                     closing_401, hinted_401])
def test_any_401(gateway, refusal):
    server, _, backend = gateway
    server.expect("AH01102|AH01110|AH01097")
    backend.refusal = refusal
    answer = raw(server, "POST /", *length(9))
    assert answer.status == 200
    check_clean(answer)
    check_same(*backend.requests)


def rich_401(h):
    h.wfile.write(b"HTTP/1.1 401 Go away\r\nContent-Type: text/leak\r\n"
                  b"Content-Language: tlh\r\nContent-Encoding: leak\r\n"
                  b"Cache-Control: no-cache\r\nTrailer: X-Leak\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n1\r\nz\r\n"
                  b"0\r\nX-Leak: 1\r\n\r\n")


def test_nothing_of_the_first_answer_stays(gateway):
    server, _, backend = gateway
    backend.refusal = rich_401
    backend.raw = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
    answer = client.request(server.port, "/")
    assert (answer.status, answer.body) == (200, b"good")
    assert not [name for name, _ in answer.headers if name.startswith(
        ("Content-T", "Content-La", "Content-E", "Cache", "X-", "Trailer"))]
    assert len(backend.requests) == 2
    assert server.log("answers.log").splitlines()[-1] == "200 4 -"


def test_deflate_and_headers(gateway):
    server, _, backend = gateway
    answer = client.request(server.port, "/deflate", headers=[
        ("Accept-Encoding", "gzip")])
    assert answer.get("Content-Encoding") == "gzip"
    backend.revoke()
    backend.requests.clear()
    answer = client.request(server.port, "/headers")
    assert (answer.all("X-Set"), answer.all("X-Always")) == (["yes"], ["yes"])
    assert all(("X-Asked", "yes") in r["headers"] for r in backend.requests)
    assert len(backend.requests) == 2


def test_many_at_once_make_one_call(httpd):
    """All of them have sent the old token before the first is refused."""
    many = 8 if MPM == "prefork" else 50
    size = "StartServers 10\n" if MPM == "prefork" else (
        "StartServers 2\nServerLimit 2\nThreadsPerChild 64\n"
        "MaxRequestWorkers 128\nMinSpareThreads 1\nMaxSpareThreads 128\n")
    together = threading.Barrier(many)

    def refuse_together(h):
        together.wait(60)
        guarded.Backend.refuse(h)

    with guarded.both() as (endpoint, backend):
        server = httpd(f"ProxyPass / {backend.url}/\nApiUpstreamToken up\n",
                       MODULES, guarded.upstream(
                           endpoint, origin=backend.url) + size, FILES)
        assert client.request(server.port, "/").status == 200
        backend.revoke()
        backend.clear()
        backend.refusal = refuse_together
        calls = endpoint.calls
        with ThreadPoolExecutor(many) as pool:
            answers = list(pool.map(lambda _: client.request(
                server.port, "/", method="POST", body="x"), range(many)))
        assert [answer.status for answer in answers] == [200] * many
        assert endpoint.calls == calls + 1
        assert len(set(backend.tokens)) == 2
        assert len(backend.requests) == 2 * many
