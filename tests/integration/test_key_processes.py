"""Keys are fetched once for all processes, and what one knows the others
know."""
import itertools
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import faults, peers, remote, tokens
from support.server import MPM
from support.wait import until

PROCESSES = 4
SEVERAL = f"StartServers {PROCESSES}\nServerLimit {PROCESSES}\n" + (
    f"MinSpareServers {PROCESSES}\nMaxSpareServers {PROCESSES + 1}\n"
    f"MaxRequestWorkers {PROCESSES}" if MPM == "prefork" else
    "ThreadsPerChild 4\nMaxRequestWorkers 16\nMinSpareThreads 16\n"
    "MaxSpareThreads 16")
CACHES = {"shared": "", "none": "ApiCache none",
          "small": "ApiCache shmcb:run/cache(65536)"}
#: Calls at start. What a cache dropped a process may have to fetch for itself,
#: and once more where another published meanwhile.
BOUNDS = {"shared": 1, "none": PROCESSES, "small": 2 * PROCESSES}
COUNT = itertools.count()


@pytest.fixture
def issuer(jwks):
    issuer = peers.Issuer(jwks)
    yield issuer
    issuer.stop()


def start(httpd, issuer, cache="shared", lines=""):
    server = httpd(CACHES[cache] + "\n" + remote.site(
        f"ApiJWKS {issuer.url}/jwks\n{lines}"), main=SEVERAL,
        files={"htdocs/index.html": "hi"})
    server.expect("AO2-040|exit signal Killed|AH10159|AH1039[23]|AH0028[67]")
    return server


def signed(key, **header):
    return tokens.sign(tokens.claims(jti=str(next(COUNT))), key,
                       header=header)


def statuses(server, made):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda t: remote.status(server, t), made))


def deciders(server):
    """The processes that decided about a request."""
    return set(re.findall(r"\[pid (\d+):.*(?:granted:|AO2-013)",
                          server.log()))


def by_all(server, key, said="granted:|AO2-013"):
    """The statuses until every process had a say."""
    seen = len(server.log())
    got = set()

    def everyone():
        got.update(statuses(server, [signed(key) for _ in range(16)]))
        log = server.log()[seen:]
        return PROCESSES <= len(set(re.findall(
            rf"\[pid (\d+):.*(?:{said})", log)))

    until(everyone, 15)
    return got


@pytest.mark.parametrize("cache", CACHES)
def test_one_fetch(httpd, issuer, key, cache):
    server = start(httpd, issuer, cache)
    assert by_all(server, key) == {200}
    assert len(issuer.calls) <= BOUNDS[cache]


def test_a_flood_of_unknown_keys(httpd, issuer, key):
    server = start(httpd, issuer)
    assert by_all(server, key) == {200}
    flood = [signed(key, kid=f"unknown-{i}") for i in range(1000)]
    assert set(statuses(server, flood)) == {401}
    assert len(deciders(server)) == PROCESSES
    assert len(issuer.calls) == 2
    assert by_all(server, key) == {200}


def test_a_new_key_is_everybodys(httpd, issuer, key):
    server = start(httpd, issuer)
    new = tokens.new_key(kid="k2")
    assert by_all(server, key) == {200}
    issuer.jwks = tokens.key_set(new)
    assert by_all(server, new) == {200}
    # And nobody goes on with the old one.
    assert by_all(server, key) == {401}
    assert len(issuer.calls) == 2


@pytest.mark.parametrize("cache", CACHES)
def test_renewed_for_all(httpd, issuer, key, cache):
    server = start(httpd, issuer, cache, "ApiJWKSTTL 2s")
    new = tokens.new_key(kid="k2")
    assert by_all(server, key) == {200}
    issuer.jwks = tokens.key_set(new)
    until(lambda: by_all(server, key) == {401}, 15)
    assert by_all(server, new) == {200}


def test_a_new_process_asks_nobody(httpd, issuer, key):
    server = start(httpd, issuer)
    assert by_all(server, key) == {200}
    gone = server.children()
    for child in gone:
        os.kill(child, signal.SIGKILL)

    def again():
        try:
            return (not set(gone) & set(server.children())
                    and by_all(server, key) == {200})
        except (OSError, IndexError):
            return False

    until(again, 20)
    assert len(issuer.calls) == 1


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("size", [0, 400 * 1024])
def test_a_server_that_never_says_the_same(httpd, issuer, key, cache, size):
    """Several servers behind one name, say: the same keys, other bytes."""
    good = issuer.jwks

    def answer(h, _):
        text = good[:-1] + f', "now": {next(COUNT)}}}'
        h.reply(200, (text + " " * (size - len(text))).encode())

    issuer.fault = answer
    server = start(httpd, issuer, cache)
    for _ in range(5):
        assert by_all(server, key) == {200}
    assert len(issuer.calls) <= BOUNDS[cache]


def test_all_wait_for_one(httpd, issuer, key):
    """The first load is slow, and everybody wants it."""
    issuer.fault = faults.late(0.4)
    server = start(httpd, issuer)
    assert set(statuses(server, [signed(key) for _ in range(12)])) == {200}
    assert len(issuer.calls) == 1


def test_a_failing_server_is_left_alone_by_all(httpd, issuer, key):
    issuer.fault = faults.status(500)
    server = start(httpd, issuer)
    begin = time.monotonic()
    assert by_all(server, key, "AO2-040") == {503}
    assert set(statuses(server, [signed(key) for _ in range(200)])) == {503}
    took = time.monotonic() - begin
    assert len(issuer.calls) <= 4 + took / 0.4
    issuer.fault = None
    until(lambda: by_all(server, key) == {200}, 10)
