"""The application behind httpd in the demonstration: it knows no tokens, and
answers with what httpd told it about the caller.

    python3 demo-backend.py PORT-FILE
"""
import json
import pathlib
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLD = ("X-User", "X-Client", "X-Scope", "Authorization")


class Pizzeria(BaseHTTPRequestHandler):
    def do_GET(self):
        told = {name: self.headers[name] for name in TOLD}
        body = json.dumps({"pizza": "margherita", "backend saw": told})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode() + b"\n")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Pizzeria)
pathlib.Path(sys.argv[1]).write_text(f"{server.server_port}\n")
server.serve_forever()
