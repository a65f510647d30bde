"""A backend that lets nobody in without an access token, and the server that
hands those out."""
import contextlib
import hashlib
import itertools
import json
import secrets
import threading
import time
import urllib.parse

from . import peers
from .conf import section
from .tokens import minted


class Endpoint:
    """A token endpoint: each call brings another token. `fault`, a function
    of support/faults.py, switches misbehaviour on."""

    def __init__(self, **answer):
        outer = self

        class Handler(peers.Quiet):
            def do_POST(self):
                outer.handle(self)

        self.more = answer
        self.fault = None
        self.delay = 0
        self.forms = []
        self.token = None  # the last one
        self._numbers = itertools.count(1)
        self.server = peers.start(Handler)
        self.url = f"http://127.0.0.1:{self.server.port}/token"

    @property
    def calls(self):
        return len(self.forms)

    def handle(self, h):
        body = h.rfile.read(int(h.headers["Content-Length"]))
        form = dict(urllib.parse.parse_qsl(body.decode(), True))
        self.forms.append(form)
        time.sleep(self.delay)
        if self.fault:
            h.close_connection = True
            self.fault(h, self)
            return
        self.token = f"tok-{next(self._numbers)}-{secrets.token_urlsafe(24)}"
        minted.add(self.token)
        h.reply(200, json.dumps({
            "access_token": self.token, "token_type": "Bearer",
            "expires_in": 3600, **self.more}).encode())

    def stop(self):
        self.server.stop()


class Backend:
    """Accepts every token but the revoked ones, and tells what it got."""

    def __init__(self, context=None, field="Authorization", scheme="Bearer "):
        outer = self

        class Handler(peers.Echo):
            def answer(self):
                outer.handle(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = answer
            do_TRACE = answer

            def handle_expect_100(self):
                """Some servers look at the token before they want a body."""
                if self.path != "/early" or outer.is_good(
                        outer.token_of(self.headers)):
                    return super().handle_expect_100()
                self.close_connection = True
                outer.note(self, b"")
                outer.refuse(self, Connection="close")
                return False

        self.field, self.scheme = field, scheme
        self.begun = 0  # requests, perhaps without their body yet
        self.requests = []  # in the order of their arrival
        self.revoked = set()
        self.refuse_all = False
        self.refusal = None  # instead of the usual 401
        self.more = {}  # fields of good answers
        self.page = None  # the body of good answers
        self.raw = None  # the whole of good answers
        self._lock = threading.Lock()
        self.server = peers.start(Handler, context)
        self.port = self.server.port
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"

    def token_of(self, headers):
        values = headers.get_all(self.field) or []
        if len(values) == 1 and values[0].startswith(self.scheme):
            return values[0][len(self.scheme):]
        return None

    def is_good(self, token):
        return token and token not in self.revoked and not self.refuse_all

    def note(self, h, body):
        request = {
            "method": h.command, "path": h.path,
            "token": self.token_of(h.headers), "headers": h.headers.items(),
            "length": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        with self._lock:
            self.requests.append(request)
        return request

    def handle(self, h):
        self.begun += 1
        request = self.note(h, h.read_body())
        if self.is_good(request["token"]):
            self.accept(h, request)
        else:
            (self.refusal or self.refuse)(h)

    @staticmethod
    def refuse(h, **headers):
        h.reply(401, b"" if h.command == "HEAD" else b"who are you?" * 100,
                "text/plain", Set_Cookie="leak=1", X_Leak="1", **headers,
                WWW_Authenticate='Bearer error="invalid_token"')

    def accept(self, h, request):
        body = json.dumps({k: v for k, v in request.items()
                           if k not in ("token", "headers")}).encode()
        status = 200
        if self.raw:
            h.wfile.write(self.raw)
            return
        if self.page:
            h.reply(200, self.page, "text/html")
            return
        if h.headers.get("If-None-Match") == '"1"':
            status, body = 304, b""
        elif h.headers.get("Range") == "bytes=0-4":
            status, body = 206, body[:5]
        h.reply(status, b"" if h.command == "HEAD" else body, ETag='"1"',
                X_Answer="yes", **self.more)

    @property
    def tokens(self):
        """What came, in order."""
        return [request["token"] for request in self.requests]

    def revoke(self):
        """The last token is no good any more."""
        self.revoked.add(self.tokens[-1])

    def clear(self):
        self.requests.clear()
        self.refuse_all = False
        self.refusal = self.page = self.raw = None

    def stop(self):
        self.server.stop()


def upstream(endpoint, *lines, origin, name="up"):
    return section("ApiUpstream", name, [
        f"ApiUpstreamOrigin {origin}", f"ApiTokenEndpoint {endpoint.url}",
        "ApiClientAuth client_secret_basic gateway file:keys/secret",
        *lines])


@contextlib.contextmanager
def both(**how):
    endpoint, backend = Endpoint(), Backend(**how)
    try:
        yield endpoint, backend
    finally:
        endpoint.stop()
        backend.stop()
