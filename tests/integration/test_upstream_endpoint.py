"""Token endpoints that misbehave, and what they may do: the caller gets 503
or 502 in time, the backend gets nothing, and no log shows a token."""
import json
import threading

import pytest
from support import faults, guarded, peers, tokens
from support.client import request
from support.server import MPM

MODULES = ["proxy", "proxy_http", "socache_shmcb"]
SECRET = "a-secret-that-nobody-may-see"
GOOD = {"access_token": "TOKEN", "token_type": "Bearer", "expires_in": 60}


def answer(**changes):
    members = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
    return faults.body(json.dumps(members))


def refusal(number, text):
    def reply(h, _):
        h.reply(number, text if isinstance(text, bytes)
                else json.dumps(text).encode())
    return reply


LIKE_OTHERS = ("status-500 status-429 status-204 redirect 100-mb 1000-headers "
               "interim hang hang-in-header hang-in-body drip half-answer "
               "no-answer reset not-http broken-chunk half-chunk").split()
#: What the endpoint does, the status that the caller gets, and what the log
#: says of it.
TABLE = {
    **{name: (faults.TABLE[name][0], 503, faults.TABLE[name][1])
       for name in LIKE_OTHERS},
    "html": (faults.body("<html>login</html>", "text/html"), 503,
             "the answer is no application/json"),
    "text": (faults.body(json.dumps(GOOD), "text/plain"), 503,
             "the answer is no application/json"),
    "cut-short": (faults.body(json.dumps(GOOD)[:-5]), 503,
                  "JSON is malformed"),
    "duplicate": (faults.body('{"access_token":"x",' + json.dumps(GOOD)[1:]),
                  503, "JSON is malformed"),
    "array": (faults.body("[]"), 503, "JSON is no object"),
    "no-token": (answer(access_token=None), 503, "is no string"),
    "empty-token": (answer(access_token=""), 503, "is empty"),
    "crlf-token": (answer(access_token="x\r\nX-Evil: 1"), 503,
                   "has characters that no token has"),
    "spaced-token": (answer(access_token="x y"), 503,
                     "has characters that no token has"),
    "1-mb-token": (answer(access_token="x" * 1024 * 1024), 503,
                   "the answer is longer than allowed"),
    "17-kb-token": (answer(access_token="x" * 17 * 1024), 503,
                    "is too long"),
    "dpop": (answer(token_type="DPoP"), 503, "is not Bearer"),
    "no-type": (answer(token_type=None), 503, "is not Bearer"),
    "expires-word": (answer(expires_in="soon"), 503, "is no number"),
    "expires-null": (faults.body(json.dumps(GOOD).replace("60", "null")), 503,
                     "is no number"),
    "invalid-client": (refusal(401, {"error": "invalid_client",
                                     "error_description": SECRET}), 502,
                       "refused with status 401, invalid_client"),
    "invalid-scope": (refusal(400, {"error": "invalid_scope"}), 502,
                      "refused with status 400, invalid_scope"),
    "unknown-error": (refusal(400, {"error": SECRET}), 502,
                      "refused with status 400 "),
    "forbidden": (refusal(403, b"<html>"), 502, "refused with status 403 "),
    "not-found": (refusal(404, b""), 502, "refused with status 404 "),
}
#: What is odd and good all the same.
ODD = {
    "numeric-string": answer(expires_in="60"),
    "fraction": answer(expires_in=59.5),
    "no-lifetime": answer(expires_in=None),
    "zero": answer(expires_in=0),
    "negative": answer(expires_in=-10),
    "huge": answer(expires_in=1e300),
    "lower-case": answer(token_type="bearer"),
    "4-kb-token": answer(access_token="x" * 4000),
    "more-members": answer(scope="a b", id_token="x.y.z", x={"y": [1]}),
    "charset": faults.body(json.dumps(GOOD),
                           'application/json; charset="utf-8"'),
    "chunked": faults.chunked,
    "until-close": faults.until_close,
}


class Endpoints:
    """One for each row: its name is the path."""

    def __init__(self):
        outer = self

        class Handler(peers.Quiet):
            def do_POST(self):
                outer.handle(self)

        self.jwks = json.dumps(GOOD)  # the good answer, for support/faults.py
        self.calls = []
        self._lock = threading.Lock()
        self.server = peers.start(Handler)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def handle(self, h):
        h.rfile.read(int(h.headers["Content-Length"]))
        name = h.path[1:]
        with self._lock:
            self.calls.append(name)
        h.close_connection = True
        (ODD.get(name) or TABLE[name][0])(h, self)


@pytest.fixture(scope="module")
def gateway(module_httpd):
    tokens.minted.update({SECRET, "X-Evil"})
    endpoints, backend = Endpoints(), guarded.Backend()
    text = ""
    for name in [*TABLE, *ODD]:
        text += (f"<ApiUpstream {name}>\nApiUpstreamOrigin {backend.url}\n"
                 f"ApiTokenEndpoint {endpoints.url}/{name}\n"
                 "ApiTimeout connect=500ms total=1s\n"
                 "ApiClientAuth client_secret_post me file:keys/secret\n"
                 f"</ApiUpstream>\n<Location /{name}>\n"
                 f"ProxyPass {backend.url}/{name}\n"
                 f"ApiUpstreamToken {name}\n</Location>\n")
    server = module_httpd(text, MODULES, files={"keys/secret": SECRET})
    (server.root / "keys/secret").chmod(0o600)
    server.expect("AO2-042 upstream_token_unavailable")
    yield server, endpoints, backend
    endpoints.server.stop()
    backend.stop()


pytestmark = pytest.mark.skipif(
    MPM != "event", reason="an endpoint is called alike with every MPM")


@pytest.mark.parametrize("name", TABLE)
def test_fault(gateway, name):
    server, endpoints, backend = gateway
    status = TABLE[name][1]
    answer = request(server.port, f"/{name}")
    assert answer.status == status
    assert answer.get("Cache-Control") == "no-store"
    assert answer.get("WWW-Authenticate") is None
    retry = answer.get("Retry-After")
    assert (retry is not None and 1 <= int(retry) <= 2) == (status == 503)
    assert json.loads(answer.body)["code"] == "AO2-042"
    assert SECRET.encode() not in answer.body
    assert endpoints.calls.count(name) == 1
    assert not [r for r in backend.requests if r["path"] == f"/{name}"]
    line = [line for line in server.log().splitlines()
            if f"AO2-042 upstream_token_unavailable: <ApiUpstream {name}>: "
            in line]
    assert len(line) == 1
    assert TABLE[name][2] in line[0], line[0]


@pytest.mark.parametrize("name", ODD)
def test_odd_and_good(gateway, name):
    server, endpoints, backend = gateway
    once = name in ("zero", "negative")
    for _ in range(2):
        assert request(server.port, f"/{name}").status == 200
    assert endpoints.calls.count(name) == (2 if once else 1)
    sent = [r["token"] for r in backend.requests if r["path"] == f"/{name}"]
    assert sent == ["x" * 4000 if name == "4-kb-token" else "TOKEN"] * 2


def test_left_alone(gateway):
    """Three failures in a row, and it has its rest; a refusal is enough."""
    server, endpoints, _ = gateway
    for name, calls in (("status-500", 3), ("invalid-client", 1)):
        statuses = {request(server.port, f"/{name}").status
                    for _ in range(20)}
        assert statuses == {TABLE[name][1]}
        assert calls <= endpoints.calls.count(name) <= calls + 3
