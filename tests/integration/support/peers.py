"""The servers beside httpd: a backend that tells what it got, and a scripted
issuer that misbehaves on demand."""
import contextlib
import hashlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, handler, context=None):
        self.context = context
        self.connections = set()
        self.accepted = 0
        super().__init__(address, handler)

    def get_request(self):
        connection, address = super().get_request()
        self.accepted += 1
        if self.context:  # the handshake is the handler's thread's
            connection = self.context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False)
        self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_):
        pass

    def stop(self):
        """As if the machine went away: kept connections end too."""
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Quiet(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True  # head and body are sent one by one
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
    def read_body(self):
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            length = int(self.headers.get("Content-Length") or 0)
            return self.rfile.read(length)
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def answer(self):
        body = self.read_body()
        self.reply(200, json.dumps({
            "method": self.command, "path": self.path,
            "headers": self.headers.items(), "length": len(body),
            "body": body[:2000].decode("latin-1"),
            "sha256": hashlib.sha256(body).hexdigest()}).encode(),
            Cache_Control="public, max-age=60")

    do_GET = do_POST = do_PUT = do_OPTIONS = do_HEAD = answer


def start(handler, context=None, port=0):
    server = Server(("127.0.0.1", port), handler, context)
    threading.Thread(target=server.serve_forever, args=(0.01,),
                     daemon=True).start()
    server.port = server.server_address[1]
    return server


class Issuer:
    """Serves a key set and metadata over http, or https with an SSL context;
    `fault`, a function of support/faults.py, switches misbehaviour on."""

    def __init__(self, jwks, context=None, metadata=None):
        issuer = self

        class Handler(Quiet):
            def do_GET(self):
                issuer.handle(self)

        self.jwks = jwks
        self.fault = None
        self.requests = []  # path and header fields
        self.headers = {}  # to be sent with the key set
        self.metadata = metadata or {}  # by path
        self._handler = Handler
        self._context = context
        self.server = start(Handler, context)
        self.port = self.server.port
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    @property
    def calls(self):
        return [path for path, _ in self.requests]

    def handle(self, h):
        self.requests.append((h.path, h.headers))
        if self.fault:
            h.close_connection = True
            self.fault(h, self)
        elif "well-known" not in h.path:
            h.reply(200, self.jwks.encode(), **self.headers)
        elif h.path in self.metadata:
            h.reply(200, json.dumps(self.metadata[h.path]).encode())
        else:
            h.reply(404, b"<html>nothing here</html>", "text/html")

    def down(self):
        self.server.stop()

    def up(self):
        self.server = start(self._handler, self._context, self.port)

    stop = down
