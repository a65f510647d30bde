"""The upstream's token over other protocols than HTTP/1.1, and past what
else stands in the way."""
import hashlib
import json
import os
import socket
import ssl
from pathlib import Path

import pytest
from support import certificates, client, guarded, h2, websocket
from support.server import MPM, ONE_PROCESS

pytestmark = pytest.mark.skipif(
    MPM != "event", reason="one MPM is enough for what is not its own affair")
MODULES = ("include proxy proxy_http proxy_http2 proxy_wstunnel http2 ssl cache "
           "cache_disk socache_shmcb").split()
FILES = {"keys/secret": "a secret of the gateway", "cache/x": ""}


def start(httpd, endpoint, backend, lines, *more, origin=None, **files):
    server = httpd(start=False, modules=MODULES, main=guarded.upstream(
        endpoint, *more, origin=origin or backend.url),
        files={**FILES, **files})
    (server.root / "cache").chmod(0o777)
    server.expect("AH01873|AH01906|AH01909|AH10034|AH02532")
    server.start(f"{ONE_PROCESS}\nApiUpstreamToken up\nSSLProxyEngine On\n"
                 f"SSLProxyCheckPeerName Off\n{lines}")
    return server


def renewed(backend):
    """Two tries, the second of which was good."""
    assert len(backend.tokens) == 2 and all(backend.tokens)
    assert backend.tokens[0] != backend.tokens[1]
    assert backend.requests[0]["sha256"] == backend.requests[1]["sha256"]


@pytest.fixture
def between(httpd):
    """An httpd that speaks HTTP/2 before the backend, and HTTP/1.1 to it."""
    with guarded.both() as (endpoint, backend):
        server = httpd(f"Protocols h2c http/1.1\nProxyPass / {backend.url}/\n",
                       ["proxy", "proxy_http", "http2"])
        server.expect("AH10034|AH01102")
        yield endpoint, backend, server


BODIES = [None, "x" * 10, "x" * 65536]


@pytest.mark.parametrize("headers", [
    [], [("Authorization", "Bearer forged")],
    [("Authorization", "Bearer forged"), ("Connection", "Authorization")]])
def test_http2_behind(httpd, between, headers):
    endpoint, backend, server = between
    gateway = start(httpd, endpoint, backend,
                    f"ProxyPass / h2c://127.0.0.1:{server.port}/\n",
                    origin=f"http://127.0.0.1:{server.port}")
    for body in BODIES:
        backend.clear()
        method = "POST" if body else "GET"
        for _ in range(2):
            answer = client.request(gateway.port, "/", headers=headers,
                                    method=method, body=body)
            assert answer.status == 200
        assert len(backend.tokens) == 2 and all(backend.tokens)
        backend.revoke()
        backend.clear()
        answer = client.request(gateway.port, "/", headers=headers,
                                method=method, body=body)
        assert answer.status == 200 and answer.get("X-Leak") is None
        renewed(backend)
    backend.refuse_all = True
    gateway.expect("AO2-042")
    answer = client.request(gateway.port, "/")
    assert answer.status == 502 and answer.get("WWW-Authenticate") is None


@pytest.mark.parametrize("body", BODIES)
def test_http2_in_front(httpd, body):
    with guarded.both() as (endpoint, backend):
        gateway = start(httpd, endpoint, backend, "Protocols h2c http/1.1\n"
                        f"ProxyPass / {backend.url}/\n")
        url = f"http://127.0.0.1:{gateway.port}/"
        for how, length in (("--http2-prior-knowledge", ()), ("--http2", ()),
                            ("--http2-prior-knowledge",
                             [("Content-Length", "")])):
            if how == "--http2" and body:
                continue  # httpd upgrades no request with a body
            assert h2.request(url, *length, how=how, body=body)[0
                              ].status == 200
            backend.revoke()
            backend.clear()
            answer, version = h2.request(url, *length, how=how, body=body)
            assert (answer.status, version) == (200, "2")
            assert answer.get("X-Leak") is None
            renewed(backend)


@pytest.mark.parametrize("scheme", ["https", "h2"])
def test_tls_behind(httpd, tmp_path, scheme):
    authority = certificates.Authority(tmp_path)
    pair = authority.issue()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair)
    with guarded.both(context=context) as (endpoint, backend):
        target, origin = backend.url, backend.url
        if scheme == "h2":
            server = httpd(
                f"Protocols h2\nSSLEngine On\nSSLCertificateFile {pair}\n"
                f"SSLProxyEngine On\nSSLProxyCheckPeerName Off\n"
                f"SSLProxyCACertificateFile "
                f"{authority.path}\nProxyPass / {backend.url}/\n", MODULES)
            server.expect("AH01873|AH01906|AH01909|AH10034|AH02532")
            target = f"h2://127.0.0.1:{server.port}"
            origin = f"https://127.0.0.1:{server.port}"
        gateway = start(
            httpd, endpoint, backend, f"ProxyPass / {target}/\n"
            f"SSLProxyCACertificateFile {authority.path}\n", origin=origin)
        assert client.request(gateway.port, "/").status == 200
        for body in ("x", "x" * 65536):
            backend.revoke()
            backend.clear()
            assert client.request(gateway.port, "/", method="POST", body=body
                                  ).status == 200
            renewed(backend)


@pytest.mark.parametrize("scheme, more", [("ws", ""),
                                          ("http", "upgrade=websocket")])
def test_websocket(httpd, scheme, more):
    tunnel = websocket.start()
    with guarded.both() as (endpoint, backend):
        gateway = start(
            httpd, endpoint, backend,
            f"ProxyPass / {scheme}://127.0.0.1:{tunnel.port}/ {more}\n",
            origin=f"http://127.0.0.1:{tunnel.port}")
        with socket.create_connection(("127.0.0.1", gateway.port), 10) as s, \
                s.makefile("rb") as file:
            s.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                      b"Connection: Upgrade, Authorization\r\n"
                      b"Authorization: Bearer forged\r\n\r\n")
            assert b" 101 " in file.readline()
            while file.readline().strip():
                pass
            s.sendall(b"hello\n")
            assert file.readline() == b"heard hello\n"
        [head] = tunnel.heads
        got = [line for line in head if line.lower().startswith("authoriz")]
        assert len(got) == 1 and got[0].startswith("Authorization: Bearer tok")
    tunnel.stop()


@pytest.mark.parametrize("quick", ["On", "Off"])
def test_mod_cache(httpd, quick):
    """A 401 is not kept, what follows it is, and what is kept asks nobody;
    but of what was sent with Authorization, mod_cache keeps only what the
    backend says is for everybody (RFC 9111 section 3.5)."""
    with guarded.both() as (endpoint, backend):
        gateway = start(
            httpd, endpoint, backend, f"CacheQuickHandler {quick}\n"
            "CacheEnable disk /\nCacheRoot ${root}/cache\nCacheLock Off\n"
            f"ProxyPass / {backend.url}/\n")
        assert client.request(gateway.port, "/").status == 200
        for control, kept in (("public, max-age=60", True),
                              ("max-age=60", False)):
            backend.more = {"Cache_Control": control}
            path = f"/{kept}"
            backend.revoke()
            backend.clear()
            first = client.request(gateway.port, path)
            assert first.status == 200 and first.get("X-Leak") is None
            renewed(backend)
            second = client.request(gateway.port, path)
            assert second.status == 200
            assert (second.get("Age") is not None) == kept
            assert len(backend.requests) == 2 if kept else 3


@pytest.mark.parametrize("scheme", ["http", "h2c"])
def test_pages_put_together(httpd, between, scheme):
    """What the backend's answer includes gets no token that is not its own;
    what a page of ours includes has one, and is tried twice as well."""
    endpoint, backend, middle = between
    other = guarded.Backend()
    port = backend.port if scheme == "http" else middle.port
    gateway = start(
        httpd, endpoint, backend, f"""
ProxyPass /other {other.url}/
ProxyPass /backend {scheme}://127.0.0.1:{port}/
ProxyPass /deep {scheme}://127.0.0.1:{port}/
<Location /other>
    ApiUpstreamToken off
</Location>
<Directory ${{root}}/htdocs>
    Options +Includes
    SetOutputFilter INCLUDES
</Directory>
<Location /backend>
    Options +Includes
    SetOutputFilter INCLUDES
</Location>
""", origin=f"http://127.0.0.1:{port}", **{
            "htdocs/page.html": '<!--#include virtual="/deep/x" -->'})
    gateway.expect("AH01374|unable to include")
    backend.page = b'begin <!--#include virtual="/other/x" --> end'
    answer = client.request(gateway.port, "/backend/x", headers=[
        ("X-Mine", "1")])
    assert answer.body.startswith(b"begin ") and backend.tokens[0]
    [included] = other.requests
    assert ("X-Mine", "1") in included["headers"]
    assert "tok-" not in str(included["headers"])
    backend.revoke()
    backend.clear()
    backend.page = b"deep"
    answer = client.request(gateway.port, "/page.html")
    assert (answer.status, answer.body) == (200, b"deep")
    renewed(backend)
    other.stop()


def test_off_leaves_the_401_to_the_caller(httpd):
    with guarded.both() as (endpoint, backend):
        gateway = start(httpd, endpoint, backend,
                        f"ProxyPass / {backend.url}/\n", "ApiRetryOn401 Off")
        assert client.request(gateway.port, "/").status == 200
        backend.revoke()
        answer = client.request(gateway.port, "/")
        assert answer.status == 401 and answer.get("X-Leak") == "1"
        assert answer.get("WWW-Authenticate") == 'Bearer error="invalid_token"'
        assert len(backend.requests) == 2


@pytest.mark.parametrize("limit, size, status", [
    ("0", 1, 502), ("0", 0, 200), ("10", 10, 200), ("10", 11, 502),
    ("2M", 2 * 1024 * 1024, 200)])
def test_the_limit(httpd, limit, size, status):
    with guarded.both() as (endpoint, backend):
        gateway = start(httpd, endpoint, backend,
                        f"ProxyPass / {backend.url}/\n",
                        f"ApiRetryOn401 On body={limit}")
        gateway.expect("AO2-042")
        client.request(gateway.port, "/")
        backend.revoke()
        answer = client.request(gateway.port, "/", method="POST",
                                body=b"x" * size)
        assert answer.status == status


def resident(server):
    """KiB that the children of a server keep to themselves."""
    total = 0
    for child in server.children():
        text = Path(f"/proc/{child}/status").read_text()
        total += int(text.partition("RssAnon:")[2].split()[0])
    return total


@pytest.mark.skipif(os.environ.get("AO2_SANITIZED"),
                    reason="memory is measured without sanitizers")
def test_a_long_body_passes_through(httpd):
    """100 MB arrive as they are, and httpd does not grow by them."""
    piece = hashlib.shake_256(b"seed").digest(1 << 20)
    count = 100
    with guarded.both() as (endpoint, backend):
        gateway = start(httpd, endpoint, backend,
                        f"ProxyPass / {backend.url}/\n")
        client.request(gateway.port, "/", method="POST", body=piece)
        before = resident(gateway)
        with socket.create_connection(("127.0.0.1", gateway.port), 30) as s:
            s.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                      b"Content-Length: %d\r\n\r\n" % (len(piece) * count))
            most = 0
            for _ in range(count):
                s.sendall(piece)
                most = max(most, resident(gateway))
            data = b""
            while got := s.recv(65536):
                data += got
        answer = client.parse(data)
        assert answer.status == 200
        whole = hashlib.sha256()
        for _ in range(count):
            whole.update(piece)
        assert json.loads(answer.body)["sha256"] == whole.hexdigest()
        assert most - before < 8 * 1024
