"""The cache that processes and machines share: what it saves, what its
failing costs, and that nobody can put anything into it."""
import base64
import concurrent.futures
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from support import client, peers, tokens
from support.certificates import Authority
from support.introspector import Introspector, active
from support.redis import RIGHTS, Redis
from support.server import MPM, free_port
from support.wait import until

GUIDE = Path(__file__).parents[2] / "docs/several-machines.md"
SECRET = "ApiCacheSecret file:keys/cache.secret\n"
FILES = {"htdocs/index.html": "hi", "keys/password": "word-1\n",
         "keys/cache.secret": "a secret of 26 bytes and so"}
#: Nothing is remembered but in the shared cache.
ALONE = "ApiTokenCache off\n"
LOGS = 'LogFormat "%{oauth2-cache}n %u" cache\nCustomLog cache.log cache\n'
#: Several processes that know nothing of each other.
FOUR = "StartServers 4\nServerLimit 4\n" + (
    "MinSpareServers 4\nMaxSpareServers 4\nMaxRequestWorkers 4"
    if MPM == "prefork" else
    "ThreadsPerChild 8\nMaxRequestWorkers 32\nMinSpareThreads 8\n"
    "MaxSpareThreads 32")
LOST = r"ApiCache redis:127\.0\.0\.1:\d+ is (lost|back)"
#: What a busy machine may add.
SLACK = 1.0


@pytest.fixture
def issuer():
    server = Introspector()
    yield server
    server.stop()


@pytest.fixture
def redis():
    server = Redis()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


def start(httpd, issuer, cache, more="", main=FOUR, files=None, lines="",
          **settings):
    server = httpd(f"""
{cache}
{LOGS}
{more or ALONE}
<ApiIssuer corp>
    ApiTokenFormat opaque
    ApiIntrospection {issuer.url}/introspect
    {lines}
</ApiIssuer>
<Location />
    AuthType Bearer
    ApiAudience any
    Require valid-user
</Location>""", main=main, files={**FILES, **(files or {})}, **settings)
    return server


def token(issuer, **claims):
    text = base64.urlsafe_b64encode(os.urandom(24)).decode().rstrip("=")
    tokens.minted.add(text)
    issuer.answers[text] = active(**claims)
    return text


def status(server, text):
    return client.request(server.port, "/", text).status


def timed(server, text):
    before = time.monotonic()
    got = status(server, text)
    return got, time.monotonic() - before


def found(server):
    """Where the answers of the last requests came from, and for whom."""
    return [line.split() for line in server.log("cache.log").splitlines()]


def redis_at(redis, *options):
    if not any(option.startswith("timeout=") for option in options):
        options += ("timeout=5s",)  # more than a busy machine needs
    return " ".join([f"ApiCache redis:127.0.0.1:{redis.port}", *options]) \
        + "\n" + SECRET


# --- what it saves ----------------------------------------------------------

MUTUAL = "port 0\ntls-port PORT\ntls-cert-file CERT\ntls-key-file CERT\n"


def kinds(name, authority):
    """A server and the options with which it is used."""
    if name == "tls":
        return Redis(authority=authority), ["tls=on", f"ca={authority.path}"]
    if name == "mutual":
        own = authority.issue()
        return Redis(MUTUAL, authority), [
            "tls=on", f"ca={authority.path}", f"cert={own}", f"key={own}"]
    if name == "acl":
        return Redis("requirepass admin\nuser gateway on >word-1 " + RIGHTS,
                     login=["admin"]), [
            "user=gateway", "password=file:keys/password", "db=3"]
    if name == "password":
        return Redis("requirepass word-1", login=["word-1"]), [
            "password=file:keys/password"]
    return Redis(), []


@pytest.mark.parametrize("name", ["plain", "password", "acl", "tls",
                                  "mutual"])
def test_machines_share(httpd, issuer, authority, name):
    redis, options = kinds(name, authority)
    try:
        machines = [start(httpd, issuer, redis_at(redis, *options))
                    for _ in range(2)]
        text = token(issuer)
        for machine in machines * 4:
            assert status(machine, text) == 200
        assert issuer.calls == 1
        assert found(machines[0]) == [["miss", "alice"]] + \
            3 * [["shared", "alice"]]
        assert found(machines[1]) == 4 * [["shared", "alice"]]
        if name != "acl":
            values = redis.entries().values()
            assert len(values) == 1
            for word in (b"alice", text.encode(), b"active"):
                assert all(word not in value for value in values)
    finally:
        redis.stop()


def test_guide(httpd, issuer, authority):
    """The configurations of the guide, on two machines."""
    blocks = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", GUIDE.read_text())
    text = [text for kind, text in blocks if kind == "apache"][0]
    lines = "".join(text for kind, text in blocks if kind == "redis")
    lines = re.sub(r"/etc/redis/tls/\w+\.pem", "CERT", lines)
    redis = Redis(lines.replace("tls-port 6379", "tls-port PORT") +
                  "user admin on nopass ~* +@all\n", authority,
                  ["admin", "any"])
    try:
        for old, new in {
                "cache-1.example.com:6379": f"127.0.0.1:{redis.port}",
                "cache-2.example.com:6379":
                    f"127.0.0.1:{free_port()} timeout=5s",
                "https://login.example.com/introspect":
                    issuer.url + "/introspect",
                "ApiAudience https://api.example.com/orders":
                    "ApiAudience any"}.items():
            assert old in text
            text = text.replace(old, new)
        machines = [httpd(text + LOGS, files={
            **FILES, "htdocs/orders": "pizza",
            "keys/redis.password": "a-password-of-yours\n",
            "keys/redis-ca.pem": authority.path.read_text(),
            "keys/corp.client-secret": "of the client"}) for _ in range(2)]
        text = token(issuer, scope="orders:read")
        for machine in machines:
            assert client.request(machine.port, "/orders", text).status == 200
        assert issuer.calls == 1
        assert found(machines[1]) == [["shared", "alice"]]
    finally:
        redis.stop()


@pytest.fixture
def memcached():
    port = free_port()
    process = subprocess.Popen(["memcached", "-l", "127.0.0.1", "-p",
                                str(port), "-u", "nobody"])

    def answers():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    until(answers)
    yield port
    process.kill()
    process.wait(10)


def test_memcache(httpd, issuer, memcached):
    server = start(httpd, issuer, f"ApiCache memcache:127.0.0.1:{memcached}\n"
                   + SECRET, modules=["socache_memcache"])
    server.expect("ApiCache memcache: a memcached server that hangs")
    text = token(issuer)
    assert [status(server, text) for _ in range(8)] == [200] * 8
    assert issuer.calls == 1
    assert found(server)[1:] == 7 * [["shared", "alice"]]


@pytest.mark.parametrize("cache,calls", [
    ("", 1), ("ApiCache shmcb:(64K)", 1), ("ApiCache dbm\n" + SECRET, 1),
    ("ApiCache none", 8)], ids=["default", "small", "dbm", "none"])
def test_processes_share(httpd, issuer, cache, calls):
    server = start(httpd, issuer, cache, modules=["socache_dbm"])
    text = token(issuer)
    assert [status(server, text) for _ in range(8)] == [200] * 8
    assert issuer.calls == calls


@pytest.mark.parametrize("cache", ["", "ApiCache dbm\n" + SECRET, "redis"],
                         ids=["shmcb", "dbm", "redis"])
def test_long_values(httpd, issuer, redis, cache):
    """Longer than providers take: kept in pieces, or whole."""
    cache = redis_at(redis) if cache == "redis" else cache
    server = start(httpd, issuer, cache, modules=["socache_dbm"])
    text = token(issuer, note="x" * 100000)
    assert [status(server, text) for _ in range(4)] == [200] * 4
    assert issuer.calls == 1


def test_too_long_for_a_small_cache(httpd, issuer):
    server = start(httpd, issuer, "ApiCache shmcb:(64K)")
    text = token(issuer, note="x" * 100000)
    assert [status(server, text) for _ in range(4)] == [200] * 4
    assert issuer.calls == 4


def test_a_virtual_host_of_its_own(httpd, issuer, redis):
    """Each issuer uses the cache of the server that defines it."""
    port = free_port()
    server = start(httpd, issuer, redis_at(redis), more=f"""
{ALONE}
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    ApiCache none
    <ApiIssuer corp>
        ApiTokenFormat opaque
        ApiIntrospection {issuer.url}/introspect
    </ApiIssuer>
</VirtualHost>""")
    text = token(issuer)
    assert [status(server, text) for _ in range(3)] == [200] * 3
    assert issuer.calls == 1
    assert [client.request(port, "/", text).status
            for _ in range(3)] == [200] * 3
    assert issuer.calls == 4
    assert len(redis.entries()) == 1


# --- what a restart leaves --------------------------------------------------

STARTED = "resuming normal operations"


def graceful(server):
    before = server.log().count(STARTED)
    pid = server.process.pid
    old = children(pid)
    server.graceful()
    until(lambda: server.log().count(STARTED) > before)
    until(lambda: not old & children(pid))


def children(pid):
    """Processes that still serve."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(word) for word in path.read_text().split()}


@pytest.mark.parametrize("cache,changed,calls", [
    ("", "", 1),
    ("ApiCache shmcb:(1M)", "ApiCache shmcb:(1M)", 1),
    ("ApiCache shmcb:(1M)", "ApiCache shmcb:(2M)", 2),
    ("ApiCache dbm\n" + SECRET, "ApiCache dbm\n" + SECRET, 1),
    ("ApiCache none", "ApiCache none", 2),
], ids=["default", "same", "changed", "dbm", "none"])
def test_graceful_restart(httpd, issuer, cache, changed, calls):
    server = start(httpd, issuer, cache, modules=["socache_dbm"])
    text = token(issuer)
    assert status(server, text) == 200
    path = server.root / "httpd.conf"
    path.write_text(path.read_text().replace(cache or "\0", changed or "\0"))
    graceful(server)
    assert status(server, text) == 200
    assert issuer.calls == calls
    graceful(server)
    assert status(server, text) == 200
    assert issuer.calls == calls + (cache == "ApiCache none")


@pytest.mark.parametrize("step", [0, 1], ids=["same", "others"])
def test_restarts_add_nothing(httpd, issuer, step):
    """Memory, descriptors and locks of the parent: as many after twelve
    restarts as after six, also when each brings another size."""
    server = start(httpd, issuer, "ApiCache shmcb:(64K)")
    assert status(server, token(issuer)) == 200
    path = server.root / "httpd.conf"
    text = path.read_text()
    parent = Path(f"/proc/{server.process.pid}")
    seen = []
    for number in range(12):
        path.write_text(text.replace("(64K)", f"({64 + step * number}K)"))
        graceful(server)
        seen.append((len(list((parent / "fd").iterdir())),
                     len(re.findall(r"/dev/zero", (parent / "maps")
                                    .read_text()))))
    assert seen[11] == seen[5] and seen[0][1] >= 1


# --- what its failing costs -------------------------------------------------

def run_of(server, issuer, count, threads=4):
    """Requests with new tokens: all admitted; how long each took."""
    texts = [token(issuer) for _ in range(count)]
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(lambda text: timed(server, text), texts))
    assert {got for got, _ in done} == {200}
    return sorted(took for _, took in done)


def test_stopped_and_back(httpd, issuer, redis):
    server = start(httpd, issuer, redis_at(redis))
    server.expect(LOST)
    text = token(issuer)
    assert status(server, text) == 200
    redis.stop()
    run_of(server, issuer, 60)
    lines = re.findall("is lost", server.log())
    assert 1 <= len(lines) <= 4  # one a process
    redis.start()

    def used():
        issuer.calls_before = issuer.calls
        return status(server, text) == 200 and \
            issuer.calls == issuer.calls_before
    until(used, 15)
    assert "is back" in server.log()


def test_restarted_empty(httpd, issuer, redis):
    server = start(httpd, issuer, redis_at(redis))
    text = token(issuer)
    assert status(server, text) == 200
    redis.stop()
    redis.start()
    assert [status(server, text) for _ in range(4)] == [200] * 4
    assert issuer.calls == 2
    assert "is lost" not in server.log()


def test_frozen(httpd, issuer, redis):
    """Each process waits for the timeout once, and now and then for one
    trial; everybody else goes on."""
    server = start(httpd, issuer, redis_at(redis, "timeout=500ms"))
    server.expect(LOST)
    usual = run_of(server, issuer, 40)
    redis.freeze()
    try:
        took = run_of(server, issuer, 200)
    finally:
        redis.thaw()
    assert took[-1] < 0.5 + SLACK
    # 4 processes with at most 4 requests under way, and a few trials
    slow = sum(1 for one in took if one >= 0.5)
    assert 1 <= slow <= 16 + 8
    assert took[100] < usual[-1] + SLACK / 2
    text = token(issuer)

    def used():
        before = issuer.calls
        return status(server, text) == 200 and issuer.calls == before
    until(used, 15)


def test_frozen_from_the_start(httpd, issuer, redis):
    redis.freeze()
    try:
        server = start(httpd, issuer, redis_at(redis, "timeout=100ms"))
        server.expect(LOST)
        assert run_of(server, issuer, 40)[-1] < 0.1 + SLACK
    finally:
        redis.thaw()


@pytest.mark.parametrize("said", [
    b"+OK\r\n", b"-ERR no\r\n", b"$5\r\nhello\r\n", b"*1\r\n$1\r\nx\r\n",
    b"$2000000\r\n" + b"x" * 2000000, b"HTTP/1.1 200 OK\r\n\r\nhello",
    b"\0" * 100, b"*1000000000\r\n"], ids=lambda said: repr(said[:12]))
def test_nonsense(httpd, issuer, said):
    """A server that is no Redis, or a hostile one."""
    class Handler(peers.BaseHTTPRequestHandler):
        def handle(self):
            first = True
            while self.request.recv(65536):
                self.request.sendall(b"+PONG\r\n" if first else said)
                first = False

    server = peers.start(Handler)
    try:
        front = start(httpd, issuer, redis_at(server, "timeout=200ms"))
        front.expect(r"ApiCache redis:127\.0\.0\.1:\d+")
        assert run_of(front, issuer, 30)[-1] < 0.2 + SLACK
    finally:
        server.stop()


@pytest.mark.parametrize("options,said", [
    (["password=word-2", "user=gateway"], "AUTH is answered by WRONGPASS"),
    ([], "PING is answered by NOAUTH"),
    (["tls=on"], "the TLS handshake"),
])
def test_not_let_in(httpd, issuer, options, said):
    redis = Redis("requirepass admin\nuser gateway on >word-1 " + RIGHTS,
                  login=["admin"])
    try:
        server = start(httpd, issuer, redis_at(redis, *options))
        server.expect(LOST)
        run_of(server, issuer, 8)
        assert said in server.log()
        for word in ("word-1", "word-2", "admin", FILES["keys/cache.secret"]):
            assert word not in server.log()
        assert redis.entries() == {}
    finally:
        redis.stop()


def test_who_answers_by_tls(httpd, issuer, authority, tmp_path):
    """Another authority, another name: nothing is said to such a server."""
    other = Authority(tmp_path, "other")
    redis = Redis(authority=authority)
    try:
        for host, ca, said in [
                ("127.0.0.1", authority.path, None),
                ("127.0.0.1", other.path, "its certificate: "),
                ("localhost", authority.path,
                 "its certificate: hostname mismatch")]:
            server = start(httpd, issuer, f"ApiCache redis:{host}:{redis.port}"
                           f" tls=on ca={ca} timeout=5s\n{SECRET}")
            server.expect(r"ApiCache redis:")
            run_of(server, issuer, 4)
            assert (said or "") in server.log()
            assert ("is lost" in server.log()) == bool(said)
        assert len(redis.entries()) == 4
    finally:
        redis.stop()


def test_without_the_certificate_that_is_wanted(httpd, issuer, authority):
    """The twin of test_machines_share[mutual]."""
    redis = Redis(MUTUAL, authority)
    try:
        server = start(httpd, issuer, redis_at(
            redis, "tls=on", f"ca={authority.path}"))
        server.expect(r"ApiCache redis:.* is lost")
        text = token(issuer)
        assert [status(server, text) for _ in range(3)] == [200] * 3
        assert redis.entries() == {} and "is lost" in server.log()
    finally:
        redis.stop()


# --- what others put in -----------------------------------------------------

def flips(value):
    """Entries that differ in a bit, at both ends and in the middle."""
    for at in (0, 3, 4, 15, 16, len(value) // 2, len(value) - 1):
        yield value[:at] + bytes([value[at] ^ 1]) + value[at + 1:]


def test_forged_entries(httpd, issuer, redis):
    """What was changed, cut, moved or made up is not found: asked again."""
    server = start(httpd, issuer, redis_at(redis))
    text = token(issuer, sub="bob")
    assert status(server, text) == 200
    (key, good), = redis.entries().items()
    mallory = token(issuer, sub="mallory")
    assert status(server, mallory) == 200
    moved = [value for name, value in redis.entries().items() if name != key]
    tries = [*flips(good), *moved, good[:-1], good[:20], good[:4], b"",
             good + b"\0", b"AO2\1" + bytes.fromhex(key[-64:].decode())
             + b'{"active":true,"sub":"mallory"}', os.urandom(200)]
    assert len(tries) >= 14
    calls = issuer.calls
    for number, value in enumerate(tries, 1):
        redis.ask("SET", key, value)
        assert status(server, text) == 200
        assert issuer.calls == calls + number, value
        assert found(server)[-1] == ["miss", "bob"]
        # put right by that request: found by the next
        assert status(server, text) == 200
        assert issuer.calls == calls + number
        assert found(server)[-1] == ["shared", "bob"]
    # of another type
    redis.ask("DEL", key)
    redis.ask("LPUSH", key, "x")
    server.expect("GET is answered by WRONGTYPE")
    assert status(server, text) == 200
    assert issuer.calls == calls + len(tries) + 1


def test_old_entries_do_not_live_on(httpd, issuer, redis):
    """The end of an entry stands inside of it: Redis is not asked."""
    server = start(httpd, issuer, redis_at(redis),
                   lines="ApiCacheTTL 1s")
    text = token(issuer)
    assert status(server, text) == 200
    (key, old), = redis.entries().items()

    def is_asked():
        redis.ask("SET", key, old)  # without an end
        return status(server, text) == 200 and issuer.calls == 2
    until(is_asked)
    redis.ask("SET", key, old)
    assert status(server, text) == 200
    assert issuer.calls == 3


def test_another_secret(httpd, issuer, redis):
    server = start(httpd, issuer, redis_at(redis))
    other = start(httpd, issuer, redis_at(redis), files={
        "keys/cache.secret": "another secret of 33 bytes or so."})
    text = token(issuer)
    assert status(server, text) == 200
    assert status(other, text) == 200
    assert issuer.calls == 2
    assert found(other) == [["miss", "alice"]]


# --- the lock ---------------------------------------------------------------

@pytest.mark.parametrize("mutex", ["pthread", "sysvsem", "fcntl:run",
                                   "flock:run"])
def test_killed_under_load(httpd, issuer, mutex):
    """No lock stays behind with a child that is killed."""
    server = start(httpd, issuer, "", main=FOUR +
                   f"\nMutex {mutex} api-oauth2-cache\n")
    server.expect("AH00052|AH10392")
    texts = [token(issuer) for _ in range(40)]
    over = threading.Event()

    def load():
        while not over.is_set():
            for text in texts:
                try:
                    client.request(server.port, "/", text)
                except (OSError, IndexError):
                    continue

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(load)
        try:
            for _ in range(12):
                for child in children(server.process.pid):
                    os.kill(child, signal.SIGKILL)
                    break
                before = time.monotonic()
                until(lambda: served(server, texts[0]))
                assert time.monotonic() - before < 1 + SLACK
        finally:
            over.set()


def served(server, text):
    """A child that was killed takes its connections along."""
    try:
        return status(server, text) == 200
    except (OSError, IndexError):
        return False


def test_a_lock_that_stays(httpd, issuer):
    server = start(httpd, issuer, "", main=FOUR +
                   "\nMutex posixsem api-oauth2-cache\n")
    server.expect("Mutex posixsem for api-oauth2-cache")
    assert status(server, token(issuer)) == 200
    assert "a child that is killed at the wrong moment" in server.log()


def test_programs_are_there():
    assert shutil.which("redis-server") and shutil.which("memcached")
