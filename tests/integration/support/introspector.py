"""A scripted issuer that is asked about tokens, and tells how it was asked."""
import json
import threading
import time
import urllib.parse

from .peers import Quiet, start


class Introspector:
    """`answers` by token, others are inactive; `fault`, a function of
    support/faults.py, switches misbehaviour on; `delay` is in seconds."""

    def __init__(self, context=None):
        outer = self

        class Handler(Quiet):
            def do_POST(self):
                outer.handle(self)

            def do_GET(self):
                outer.get(self)

        self.jwks = "{}"
        self.answers = {}
        self.documents = {}  # by path, for GET
        self.delay = 0
        self.fault = None
        self.forms = []
        self.headers = []
        self.most = 0  # calls at once
        self._now = 0
        self._lock = threading.Lock()
        self._handler = Handler
        self._context = context
        self.server = start(Handler, context)
        self.port = self.server.port
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"

    @property
    def calls(self):
        return len(self.forms)

    def get(self, h):
        if h.path in self.documents:
            h.reply(200, json.dumps(self.documents[h.path]).encode())
        else:
            h.reply(404, b"{}")

    def handle(self, h):
        body = h.rfile.read(int(h.headers["Content-Length"]))
        form = dict(urllib.parse.parse_qsl(body.decode(), True))
        with self._lock:
            self.forms.append(form)
            self.headers.append(h.headers)
            self._now += 1
            self.most = max(self.most, self._now)
        if not self.fault:
            time.sleep(self.delay)
        # Before the answer: who has it may ask again at once.
        with self._lock:
            self._now -= 1
        if self.fault:
            h.close_connection = True
            self.fault(h, self)
        else:
            self.answer(h, self.answers.get(form["token"],
                                            {"active": False}))

    @staticmethod
    def answer(h, answer):
        if isinstance(answer, str):
            h.reply(200, answer.encode(),
                    "application/token-introspection+jwt")
        else:
            h.reply(200, json.dumps(answer).encode())

    def down(self):
        self.server.stop()

    def up(self):
        self.server = start(self._handler, self._context, self.port)

    stop = down


def active(**more):
    return dict({"active": True, "sub": "alice", "client_id": "app",
                 "scope": "read write", "exp": int(time.time()) + 300},
                **more)
