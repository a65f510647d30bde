"""An issuer that takes calls and never answers: it ties up no more workers
than may call it, and the rest of the server goes on."""
import base64
import contextlib
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import tokens
from support.client import request
from support.introspector import Introspector, active
from support.server import MPM
from support.wait import until

SEVERAL = "StartServers 4\n" + (
    "ServerLimit 16\nMinSpareServers 4\nMaxSpareServers 8\n"
    "MaxRequestWorkers 16" if MPM == "prefork" else
    "ServerLimit 4\nThreadsPerChild 8\nMaxRequestWorkers 32\n"
    "MinSpareThreads 8\nMaxSpareThreads 32")
CALLERS = 2
REQUESTS = 12
CONF = f"""
<ApiIssuer corp>
    ApiTokenFormat opaque
    ApiIntrospection {{url}}/introspect
    ApiTimeout total=12s
    ApiConcurrency {CALLERS}
</ApiIssuer>
<Location />
    AuthType Bearer
    ApiAudience any
    Require valid-user
</Location>
<Location /workers>
    SetHandler server-status
    AuthType None
    Require all granted
</Location>
"""


class Hanging(Introspector):
    """`hang()` until `go_on()`."""

    def hang(self):
        self._free = threading.Event()
        self.fault = lambda handler, _: self._free.wait(20)

    def go_on(self):
        self.fault = None
        self._free.set()


@pytest.fixture
def issuer():
    server = Hanging()
    yield server
    server.stop()


def good(issuer):
    text = base64.urlsafe_b64encode(os.urandom(24)).decode().rstrip("=")
    tokens.minted.add(text)
    issuer.answers[text] = active()
    return text


def run(httpd, issuer):
    server = httpd(CONF.format(url=issuer.url), modules=["status"],
                   main=SEVERAL, files={"htdocs/index.html": "hi"})
    server.expect("AO2-040")
    return server


def status(server, text):
    return request(server.port, "/", text).status


def busy_workers(server):
    """Without the one that tells."""
    text = request(server.port, "/workers?auto").body.decode()
    return int(re.search(r"BusyWorkers: (\d+)", text)[1]) - 1


@contextlib.contextmanager
def asking(server, texts):
    """Requests with these tokens at once; yields what comes of them."""
    with ThreadPoolExecutor(len(texts)) as pool:
        yield [pool.submit(request, server.port, "/", text) for text in texts]


def ended(asked):
    return [one.result() for one in asked if one.done()]


@pytest.mark.parametrize("different", [REQUESTS, 1])
def test_workers_stay_free(httpd, issuer, different):
    server = run(httpd, issuer)
    known = good(issuer)
    assert [status(server, known) for _ in range(4)] == [200] * 4
    issuer.hang()
    texts = [good(issuer) for _ in range(different)]
    with asking(server, texts * (REQUESTS // different)) as asked:
        try:
            until(lambda: len(ended(asked)) >= REQUESTS - CALLERS)
            until(lambda: busy_workers(server) <= CALLERS)
            refused = ended(asked)
            assert {answer.status for answer in refused} == {503}
            assert all(int(answer.get("Retry-After")) >= 1
                       for answer in refused)
            # the calls are under way still: they got no answer
            assert issuer.calls == 1 + min(different, CALLERS)
            assert len(ended(asked)) < REQUESTS
            assert [status(server, known) for _ in range(20)] == [200] * 20
            for _ in range(different - 1):  # nor does anybody else wait now
                assert status(server, good(issuer)) == 503
            assert len(ended(asked)) < REQUESTS
        finally:
            issuer.go_on()
    until(lambda: status(server, good(issuer)) == 200)


def test_slow_is_not_hanging(httpd, issuer):
    """The twin: whoever waits for one that answers, slowly, is served."""
    server = run(httpd, issuer)
    assert status(server, good(issuer)) == 200
    issuer.delay = 0.2
    with asking(server, [good(issuer) for _ in range(REQUESTS)]) as asked:
        before = time.monotonic()
        assert {one.result().status for one in asked} == {200}
        assert time.monotonic() - before >= REQUESTS / CALLERS * 0.2 - 0.1
    assert issuer.most <= CALLERS
