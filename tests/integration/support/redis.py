"""A Redis server of its own, and as much of a client as tests need."""
import os
import signal
import socket
import ssl
import subprocess

from .server import free_port
from .wait import until

#: What docs/several-machines.md gives the user.
RIGHTS = "~api_oauth2:* +get +set +del +ping +select"
PREFIX = b"api_oauth2:"


class Redis:
    """Started where it is made, killed by `stop`."""

    def __init__(self, lines="", authority=None, login=()):
        """`authority` makes it speak TLS; PORT and CERT in `lines` are
        replaced; `login` is what this client says behind AUTH."""
        self.port = free_port()
        self.authority = authority
        self.login = login
        self.lines = lines
        self.start()

    def start(self):
        lines = self.lines
        if not self.authority:
            lines += "\nport PORT\n"
        elif "tls-port" not in lines:
            lines += "\nport 0\ntls-port PORT\ntls-cert-file CERT\n" \
                     "tls-key-file CERT\ntls-auth-clients no\n"
        if self.authority:
            lines = lines.replace("CERT", str(self.authority.issue())) + \
                f"tls-ca-cert-file {self.authority.path}\n"
        text = "bind 127.0.0.1\nsave \"\"\nappendonly no\ndir /tmp\n" + \
            lines.replace("PORT", str(self.port))
        self.process = subprocess.Popen(
            ["redis-server", "-"], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process.stdin.write(text.encode())
        self.process.stdin.close()
        until(self.answers)

    def answers(self):
        assert self.process.poll() is None, "redis-server ended"
        try:
            return self.ask("PING") == b"PONG"
        except OSError:
            return False

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), 5)
        if not self.authority:
            return plain
        context = ssl.create_default_context(cafile=self.authority.path)
        context.load_cert_chain(self.authority.issue())
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, *words):
        """One command; bytes, a number, None or a list of those."""
        with self.connect() as link, link.makefile("rwb") as stream:
            if self.login:
                send(stream, ["AUTH", *self.login])
                read(stream)
            send(stream, words)
            return read(stream)

    def entries(self):
        """{key: value} of what the module keeps."""
        keys = sorted(self.ask("KEYS", "*"))
        assert all(key.startswith(PREFIX) and len(key) == len(PREFIX) + 64
                   for key in keys), keys
        return {key: self.ask("GET", key) for key in keys}

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self):
        self.process.kill()
        self.process.wait(10)


def send(stream, words):
    stream.write(b"*%d\r\n" % len(words))
    for word in words:
        word = word.encode() if isinstance(word, str) else word
        stream.write(b"$%d\r\n%s\r\n" % (len(word), word))
    stream.flush()


def read(stream):
    line = stream.readline()
    kind, text = line[:1], line[1:].strip()
    if kind in (b"+", b"-"):
        return text
    if kind == b":":
        return int(text)
    if kind == b"*":
        return [read(stream) for _ in range(int(text))]
    return None if text == b"-1" else stream.read(int(text) + 2)[:-2]
