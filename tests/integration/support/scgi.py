"""An application server: SCGI, answers with the variables it got."""
import json
import socketserver

from support import peers


class Application(socketserver.StreamRequestHandler):
    def handle(self):
        size = b""
        while (digit := self.rfile.read(1)) != b":":
            size += digit
        words = self.rfile.read(int(size)).split(b"\0")
        self.rfile.read(1)
        names = dict(zip(words[::2], words[1::2]))
        body = json.dumps({k.decode(): v.decode("latin-1")
                           for k, v in names.items()})
        self.wfile.write(b"Status: 200 OK\r\nContent-Type: application/json"
                         b"\r\n\r\n" + body.encode())


def start():
    return peers.start(Application)
