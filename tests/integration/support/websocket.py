"""A server that switches protocols and then says back what it hears."""
import socketserver

from support import peers


class Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        head = []
        while line := self.rfile.readline().strip():
            head.append(line.decode("latin-1"))
        self.server.heads.append(head)
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\n"
                         b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        while data := self.rfile.readline():
            self.wfile.write(b"heard " + data)


def start():
    server = peers.start(Tunnel)
    server.heads = []
    return server
