"""One connection, one request at a time."""
import socket
import time
from pathlib import Path

ANSWER_SEC = 60
IDLE_SEC = 60


class Client:
    """Where `pid` is given, a request is sent when that process waits for
    it, and never before: what it executes is the same each time."""

    def __init__(self, port, pid=None):
        self.port = port
        self.stat = Path(f"/proc/{pid}/stat") if pid else None
        self.socket = socket.create_connection(("127.0.0.1", port),
                                               ANSWER_SEC)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def wait_until_idle(self):
        deadline = time.monotonic() + IDLE_SEC
        while self.stat.read_text().rsplit(")", 1)[1].split()[0] != "S":
            if time.monotonic() > deadline:
                raise TimeoutError("the server does not come to rest")

    def ask(self, path="/index.html", token=None, method="GET"):
        """The status of the answer."""
        if self.stat:
            self.wait_until_idle()
        field = f"Authorization: Bearer {token}\r\n" if token else ""
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\n"
                            f"Host: server.example\r\n{field}\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        self.read_body(head.lower(), body)
        return int(head.split(b" ", 2)[1])

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def read_body(self, head, body):
        if b"transfer-encoding: chunked" in head:
            while not body.endswith(b"0\r\n\r\n"):
                body += self.receive()
            return
        length = head.partition(b"content-length:")[2].split(b"\r\n")[0]
        missing = int(length or 0) - len(body)
        while missing > 0:
            missing -= len(self.receive())
