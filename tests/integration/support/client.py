"""HTTP as bytes: what is sent and what comes back is seen whole."""
import socket
from dataclasses import dataclass, field


@dataclass
class Answer:
    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None


def parse(data, method="GET"):
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    answer = Answer(int(lines[0].split()[1]))
    for line in lines[1:]:
        name, _, value = line.partition(":")
        answer.headers.append((name, value.strip()))
    if "chunked" in (answer.get("Transfer-Encoding") or "") and body:
        whole = b""
        while body:
            size, _, body = body.partition(b"\r\n")
            count = int(size.split(b";")[0], 16)
            if count == 0:
                break
            whole += body[:count]
            body = body[count + 2:]
        body = whole
    answer.body = body
    return answer


def parse_all(data):
    """The answers of one connection, each as long as it says it is; what is
    no whole answer fails."""
    answers = []
    while data:
        head, blank, rest = data.partition(b"\r\n\r\n")
        answer = parse(head + blank)
        if "chunked" in (answer.get("Transfer-Encoding") or ""):
            end = rest.index(b"0\r\n\r\n") + 5
            answer = parse(head + blank + rest[:end])
        elif answer.status >= 200:
            end = int(answer.get("Content-Length"))
            assert end <= len(rest), "cut short"
            answer.body = rest[:end]
        else:
            end = 0
        answers.append(answer)
        data = rest[end:]
    return answers


def send(port, data, timeout=30):
    """Send bytes, read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout) as s:
        s.sendall(data)
        out = b""
        while chunk := s.recv(65536):
            out += chunk
        return out


def request(port, path, token=None, headers=(), method="GET", body=None,
            version="1.1"):
    """One request on its own connection. `headers` are pairs."""
    lines = [f"{method} {path} HTTP/{version}", "Host: server.example",
             "Connection: close"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        body = body.encode() if isinstance(body, str) else body
        lines.append(f"Content-Length: {len(body)}")
    for name, value in headers:
        if name == "Connection":
            lines[2] = f"Connection: close, {value}"
        elif name == "Host":
            lines[1] = f"Host: {value}"
        else:
            lines.append(f"{name}: {value}")
    data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
    return parse(send(port, data), method)
