"""A database that stops, freezes, loses connections and comes back, while
requests go on: no wrong answer, none that takes for ever, and all is well
again by itself."""
import contextlib
import sqlite3
import threading

import pytest

from support import wait
from support.catalogue import (api_token, application, ask, call, code,
                               start_with, subscription, token_row)
from support.databases import SERVERS, Registry, SQLite
from support.server import MPM, ONE_PROCESS

pytest_plugins = ["support.registries"]

KNOWN, SUBSCRIBED, STRANGER = 1, 2, 9
TOKEN = api_token()
event_only = pytest.mark.skipif(MPM != "event", reason="once is enough")
#: MariaDB is a server like PostgreSQL: once is enough as well.
both_servers = pytest.mark.parametrize("registry", [
    "pgsql", pytest.param("mysql", marks=event_only)], indirect=True)
OK, MISSING, BLOCKED, DOWN = (200, None), (403, 30), (403, 31), (503, 41)


@pytest.fixture
def registry(request):
    """In PostgreSQL where the test does not say more."""
    kind = getattr(request, "param", "pgsql")
    server = request.getfixturevalue(SERVERS[kind])
    yield Registry(server)
    server.thaw()


@pytest.fixture
def run(httpd, registry, jwks):
    def start(**more):
        row = token_row(TOKEN)
        return start_with(registry, httpd, jwks,
                          application(KNOWN, [subscription()], row),
                          application(SUBSCRIBED, [subscription()]), **more)
    return start


class Load(contextlib.AbstractContextManager):
    """Callers, one after the other, and what they got."""

    def __init__(self, server, key, callers=4):
        self.server, self.key = server, key
        self.got = {KNOWN: set(), STRANGER: set()}
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self.run)
                        for _ in range(callers)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.ends.is_set():
            for number in self.got:
                self.got[number].add(code(call(self.server, "/pizza", number,
                                               self.key)))

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()


def comes(server, key, number, wanted):
    wait.until(lambda: code(call(server, "/pizza", number, key)) == wanted,
               30)


def everybody_is_served(server, key):
    comes(server, key, KNOWN, OK)
    comes(server, key, SUBSCRIBED, OK)
    comes(server, key, STRANGER, MISSING)


def without_the_database(server, key):
    """Who is known is served; who is not hears when to come back."""
    for _ in range(30):
        assert code(call(server, "/pizza", KNOWN, key)) == OK
    answer = call(server, "/pizza", SUBSCRIBED, key)
    assert code(answer) == DOWN
    assert int(answer.get("Retry-After")) >= 1
    assert call(server, "/off", STRANGER, key).status == 200
    # one process after the other may meet a caller for the first time
    assert code(call(server, "/pizza", STRANGER, key)) in (DOWN, MISSING)


@contextlib.contextmanager
def stopped(database):
    database.halt()
    try:
        yield
    finally:
        database.start_again()


@contextlib.contextmanager
def frozen(database):
    database.freeze()
    try:
        yield
    finally:
        database.thaw()


@both_servers
@pytest.mark.parametrize("fault", [stopped, frozen])
def test_fault_under_load(run, registry, key, fault):
    server = run(main=ONE_PROCESS)
    comes(server, key, KNOWN, OK)
    comes(server, key, STRANGER, MISSING)
    with Load(server, key, callers=1 if MPM == "prefork" else 4) as load:
        with fault(registry.server):
            without_the_database(server, key)
            wait.until(lambda: "AO2-041 registry_unavailable: ApiRegistry dbd"
                       in server.log())
        everybody_is_served(server, key)
        registry.sql("UPDATE api_subscriptions SET status = 'blocked'")
        comes(server, key, KNOWN, BLOCKED)
    assert OK in load.got[KNOWN] and load.got[KNOWN] <= {OK, BLOCKED}
    assert load.got[STRANGER] == {MISSING}
    assert "the database answers again" in server.log()


@event_only
def test_api_tokens_while_frozen(run, registry, key):
    """What is no token is not asked about; what may be one is not refused."""
    server = run(main=ONE_PROCESS)
    typo = TOKEN[:-1] + ("0" if TOKEN[-1] != "0" else "1")
    assert ask(server, "/pizza", token=TOKEN).status == 200
    with frozen(registry.server):
        assert code(call(server, "/pizza", token=api_token())) == DOWN
        assert call(server, "/pizza", token=TOKEN).status == 200
        assert code(call(server, "/pizza", token=typo)) == (401, 13)
    wait.until(lambda: code(call(server, "/pizza", token=api_token())) ==
               (401, 13), 30)


def test_restart_while_frozen(run, registry, key):
    """New processes serve whom they can, those of before end, and so does
    the server."""
    server = run()
    comes(server, key, KNOWN, OK)
    with frozen(registry.server):
        before = set(server.children())
        # somebody is stuck in the database
        assert code(call(server, "/pizza", SUBSCRIBED, key)) == DOWN
        server.graceful()
        wait.until(lambda: server.log().count("resuming normal operations")
                   == 2, 30)
        wait.until(lambda: not before & set(server.children()), 30)
        assert code(call(server, "/pizza", KNOWN, key)) == DOWN
        assert call(server, "/off", STRANGER, key).status == 200
        server.stop()


@event_only
@both_servers
def test_connections_are_lost(run, registry, key):
    """Nobody notices: each is opened anew, and its question asked again."""
    kill = {"pgsql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE pid <> pg_backend_pid() AND usename IS NOT NULL",
            "mysql": "SELECT id FROM information_schema.processlist "
                     "WHERE id <> connection_id() AND db IS NOT NULL"}
    database = registry.server
    server = run(main=ONE_PROCESS)
    for round_ in range(5):
        for number in range(20):
            stranger = 100 + 20 * round_ + number
            assert code(ask(server, "/pizza", stranger, key)) == MISSING
        found = database.sql(kill[database.driver]).split()
        assert found
        if database.driver == "mysql":
            database.sql(";".join(f"KILL {one}" for one in found))
    for line in server.log().splitlines():
        assert "_unavailable" not in line or "does not answer" in line


@event_only
def test_locked_and_lost_file(httpd, jwks, key, tmp_path):
    """SQLite knows no server that freezes, but locks."""
    registry = Registry(SQLite(tmp_path / "registry.db"))
    server = start_with(registry, httpd, jwks,
                        application(KNOWN, [subscription()]),
                        application(SUBSCRIBED, [subscription()]),
                        main=ONE_PROCESS)
    comes(server, key, KNOWN, OK)
    comes(server, key, STRANGER, MISSING)
    link = sqlite3.connect(registry.params, isolation_level=None)
    link.execute("BEGIN EXCLUSIVE")
    without_the_database(server, key)
    link.execute("ROLLBACK")
    link.close()
    everybody_is_served(server, key)


@event_only
def test_secrets_are_not_told(httpd, jwks, key, registry):
    """The library of PostgreSQL repeats what it does not understand."""
    registry.params += " password=hidden-1 hidden-2"
    server = start_with(registry, httpd, jwks,
                        application(KNOWN, [subscription()]))
    code(call(server, "/pizza", KNOWN, key))
    assert "hidden" not in server.log() + server.log("stderr")
    assert "DBDParams is not understood" in server.log()
