"""Opaque tokens while things go wrong under load: restarts, killed processes,
an issuer that comes and goes, floods. An answer may then be 503, or be lost
with the process that was at it; it is never the wrong one."""
import base64
import os
import re
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import tokens
from support.client import parse_all, request, send
from support.introspector import Introspector, active
from support.server import MPM
from support.wait import until

#: One a second, under load.
RESTARTS = int(os.environ.get("AO2_RESTARTS", 8))
SEVERAL = "MaxKeepAliveRequests 0\nStartServers 4\nServerLimit 16\n" + (
    "MinSpareServers 4\nMaxSpareServers 8\nMaxRequestWorkers 16"
    if MPM == "prefork" else
    "ThreadsPerChild 16\nMaxRequestWorkers 128\nMinSpareThreads 16\n"
    "MaxSpareThreads 128")
LOCATION = """
<Location />
    AuthType Bearer
    AuthName api
    ApiAudience any
    Require valid-user
</Location>
"""
#: What httpd says of killed processes and full tables of them.
HTTPD = r"AH00052|AH00288|AH00484|AH00485|AH10159|AH03490|AH0048[67]"


@pytest.fixture
def issuer():
    server = Introspector()
    yield server
    server.stop()


def token():
    text = base64.urlsafe_b64encode(os.urandom(24)).decode().rstrip("=")
    tokens.minted.add(text)
    return text


def good(issuer):
    text = token()
    issuer.answers[text] = active()
    return text


def conf(issuer, lines="", more=""):
    return (f"{more}\n<ApiIssuer corp>\nApiTokenFormat opaque\n"
            f"ApiIntrospection {issuer.url}/introspect\n"
            f"ApiTimeout connect=500ms total=2s\n{lines}\n</ApiIssuer>\n"
            + LOCATION)


def run(httpd, issuer, lines="", more=""):
    return httpd(conf(issuer, lines, more), main=SEVERAL,
                 files={"htdocs/index.html": "hi"})


def status(server, text):
    return request(server.port, "/", text).status


class Load:
    """Requests on connections of their own, one after the other in each of
    some threads, until the end of the block. `got` counts pairs of what was
    wanted and what came; None stands for no answer."""

    def __init__(self, server, issuer, threads=6):
        self.server, self.issuer = server, issuer
        self.known = [good(issuer) for _ in range(8)]
        self.got = Counter()
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(threads)
        self._running = [(self._go, i) for i in range(threads)]

    def __enter__(self):
        self._running = [self._pool.submit(*job) for job in self._running]
        return self

    def __exit__(self, *_):
        self._over.set()
        for job in self._running:
            job.result(30)
        self._pool.shutdown()

    def _go(self, number):
        while not self._over.is_set():
            number += 1
            text, wanted = self._choose(number)
            try:
                self.got[wanted, status(self.server, text)] += 1
            except (OSError, IndexError):
                self.got[wanted, None] += 1

    def _choose(self, number):
        if number % 5 == 0:
            return token(), 401
        if number % 5 == 1:
            return good(self.issuer), 200
        return self.known[number % len(self.known)], 200

    def others(self, *allowed):
        """What came that was neither wanted nor is allowed."""
        return {pair: count for pair, count in self.got.items()
                if pair[1] not in (pair[0], *allowed)}


def resumed(server):
    return server.log().count("resuming normal operations")


def test_graceful_restarts_under_load(httpd, issuer):
    server = run(httpd, issuer)
    server.expect(HTTPD)
    until(lambda: resumed(server))
    with Load(server, issuer) as load:
        for _ in range(RESTARTS):
            server.graceful()
            time.sleep(1)  # the pace is the test
    # httpd takes several that meet for one
    assert resumed(server) >= RESTARTS / 2
    assert load.got[200, 200] > 100 and load.got[401, 401] > 20
    assert load.others() == {}


def test_killed_children_under_load(httpd, issuer):
    server = run(httpd, issuer)
    server.expect(HTTPD + "|exit signal Killed")
    threads = 6
    kills = 0
    with Load(server, issuer, threads) as load:
        for _ in range(8):
            until(lambda: len(server.children()) > 1)
            before = sum(load.got.values())
            os.kill(server.children()[kills % 2], signal.SIGKILL)
            kills += 1
            until(lambda: sum(load.got.values()) > before + 50)  # noqa: B023
    assert load.got[200, 200] > 200
    assert load.others(None) == {}
    lost = load.got[200, None] + load.got[401, None]
    assert lost <= kills * threads
    assert status(server, load.known[0]) == 200


def test_issuer_comes_and_goes(httpd, issuer):
    server = run(httpd, issuer)
    server.expect("AO2-040")
    with Load(server, issuer) as load:
        until(lambda: load.got[200, 200] > 50)
        for _ in range(3):
            issuer.down()
            seen = load.got[200, 503]
            until(lambda: load.got[200, 503] > seen + 10)  # noqa: B023
            assert {status(server, text) for text in load.known} == {200}
            issuer.up()
            back = time.monotonic()
            until(lambda: status(server, good(issuer)) == 200)
            assert time.monotonic() - back < 3
    assert load.others(503) == {}


def pipelined(server, texts, each=250):
    """The statuses for some tokens, many on a connection."""
    def one(part):
        data = "".join(
            f"GET / HTTP/1.1\r\nHost: server.example\r\nAuthorization: Bearer "
            f"{text}\r\nConnection: {'close' if last else 'keep-alive'}"
            "\r\n\r\n"
            for text, last in zip(part, [False] * (len(part) - 1) + [True]))
        return [answer.status for answer in parse_all(
            send(server.port, data.encode(), 60))]

    parts = [texts[i:i + each] for i in range(0, len(texts), each)]
    with ThreadPoolExecutor(8) as pool:
        return Counter(sum(pool.map(one, parts), []))


def test_flood_of_junk(httpd, issuer):
    """It costs a call each, once; and pushes nobody out."""
    server = run(httpd, issuer, "ApiNegativeCacheTTL 5mi\nApiTimeout total=30s",
                 more="ApiTokenCache 128K\nApiCache shmcb:run/cache(65536)")
    known = good(issuer)
    assert status(server, known) == 200
    junk = [token() for _ in range(5000)]
    assert pipelined(server, junk) == {401: 5000}
    calls = issuer.calls
    assert calls <= 5001
    assert pipelined(server, junk[:2000]) == {401: 2000}
    assert pipelined(server, [known] * 200) == {200: 200}
    # the table has 16384 sets of four: now and then five meet in one
    again = Counter(form["token"] for form in issuer.forms)
    assert again[known] == 1
    assert issuer.calls <= calls + 20


def resident(server):
    """Bytes that the processes have for themselves, of the largest."""
    def of(pid):
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return 0
        return int(re.search(r"RssAnon:\s+(\d+)", text)[1]) * 1024

    return max(of(pid) for pid in server.children())


@pytest.mark.skipif(bool(os.environ.get("AO2_SANITIZED")),
                    reason="freed memory is kept aside")
def test_memory_stays_bounded(httpd, issuer):
    server = run(httpd, issuer, "ApiTimeout total=30s",
                 more="ApiTokenCache 1M")
    texts = [good(issuer) for _ in range(4000)]
    assert pipelined(server, texts) == {200: 4000}
    before = resident(server)
    for _ in range(4):
        assert pipelined(server, texts) == {200: 4000}
    assert resident(server) - before < 6 * 1024 * 1024


@pytest.mark.parametrize("lines", [
    "ApiClientAuth client_secret_basic me file:keys/secret",
    "ApiTLS cert=keys/secret key=keys/secret", "ApiTLS ca=keys/secret"])
def test_changed_secret_meets_no_old_answer(httpd, issuer, lines):
    """After a graceful restart what was cached counts on, unless the object
    is another one; what a file holds makes it another."""
    def restarted(secret):
        server.write("keys/secret", secret)
        until(lambda: resumed(server))
        before = resumed(server)
        server.graceful()
        until(lambda: resumed(server) > before)

    server = httpd(conf(issuer, lines), main=SEVERAL, files={
        "htdocs/index.html": "hi", "keys/secret": "one secret"})
    known, junk = good(issuer), token()
    assert (status(server, known), status(server, junk)) == (200, 401)
    restarted("one secret")
    assert (status(server, known), status(server, junk)) == (200, 401)
    assert issuer.calls == 2
    restarted("another secret")
    issuer.answers[known], issuer.answers[junk] = {"active": False}, active()
    until(lambda: (status(server, known), status(server, junk)) == (401, 200))
    assert issuer.calls == 4


def test_more_objects_than_there_is_room_for(httpd, issuer):
    """A restart that brings many makes the shared memory anew."""
    server = httpd(conf(issuer), main=SEVERAL,
                   files={"htdocs/index.html": "hi"})
    known = good(issuer)
    assert status(server, known) == 200
    more = "".join(
        f"<ApiIssuer other{i}>\nApiTokenFormat opaque\n"
        f"ApiIntrospection {issuer.url}/{i}\n</ApiIssuer>\n"
        for i in range(80))
    for objects in (more, "", more.replace("other", "another")):
        until(lambda: resumed(server))
        before = resumed(server)
        server.write("httpd.conf", server.base + objects + conf(issuer)
                     .replace("ApiAudience", "ApiAccept corp\nApiAudience"))
        server.graceful()
        until(lambda: resumed(server) > before)  # noqa: B023
        assert (status(server, known), status(server, token())) == (200, 401)
    server.stop()
    assert server.process.returncode == 0
