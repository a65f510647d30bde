"""The servers beside httpd: a backend that tells what it got, and a scripted
issuer that misbehaves on demand."""
import hashlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Echo(Quiet):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.reply(200, json.dumps({
            "method": self.command, "path": self.path,
            "headers": self.headers.items(), "length": length,
            "body": body[:2000].decode("latin-1"),
            "sha256": hashlib.sha256(body).hexdigest()}).encode(),
            Cache_Control="public, max-age=60")

    do_GET = do_POST = do_PUT = do_OPTIONS = do_HEAD = answer


def start(handler, certificate=None):
    server = Server(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.port = server.server_address[1]
    return server


class Issuer:
    """Serves JWKS and metadata; `fault` switches misbehaviour on."""

    def __init__(self, jwks, certificate=None):
        issuer = self

        class Handler(Quiet):
            def do_GET(self):
                issuer.handle(self)

        self.jwks = jwks
        self.fault = None
        self.calls = []
        self.metadata = None
        self.server = start(Handler, certificate)
        self.port = self.server.port
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def handle(self, h):
        self.calls.append(h.path)
        fault = getattr(self, "fault_" + self.fault) if self.fault else None
        if fault:
            fault(h)
        elif "well-known" in h.path:
            body = (self.metadata or (lambda path: None))(h.path)
            if body is None:
                h.reply(404, b"<html>nothing here</html>", "text/html")
            else:
                h.reply(200, json.dumps(body).encode())
        else:
            h.reply(200, self.jwks.encode())

    def fault_error(self, h):
        h.reply(500, b"broken")

    def fault_html(self, h):
        h.reply(200, b"<html>login</html>", "text/html")

    def fault_broken(self, h):
        h.reply(200, self.jwks.encode()[:-5])

    def fault_duplicate(self, h):
        h.reply(200, b'{"keys":[],' + self.jwks.encode()[1:])

    def fault_empty(self, h):
        h.reply(200, b'{"keys":[]}')

    def fault_redirect(self, h):
        h.reply(302, b"", Location=self.url + "/elsewhere")

    def fault_drop(self, h):
        h.connection.close()

    def fault_huge(self, h):
        h.send_response(200)
        h.end_headers()
        try:
            for _ in range(1600):
                h.wfile.write(b" " * 65536)
        except OSError:
            pass
        h.close_connection = True

    def fault_headers(self, h):
        h.send_response(200)
        for i in range(1000):
            h.send_header(f"X-{i}", "x" * 200)
        h.end_headers()
        h.close_connection = True

    def fault_hang(self, h):
        time.sleep(20)

    def fault_half(self, h):
        h.send_response(200)
        h.send_header("Content-Length", "1000")
        h.end_headers()
        h.wfile.write(b'{"keys":')
        h.wfile.flush()
        time.sleep(20)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
