"""Fixtures of the integration tests.

    httpd         servers of one test: httpd(conf, files={"keys/a.json": ..})
    module_httpd  the same for servers that the tests of one file share
    key           an ES256 key, the same for the whole run
    backend       a server behind httpd that tells what it got
    authserver    a real authorization server, the same for the whole run,
                  its switches back where they were

Every server is stopped at the end; its logs may then hold nothing at
warning or above that the test did not announce (server.expect), no trace of
a crash and none of a token.
"""
import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("AO2_MODULE", str(
    Path(__file__).parents[2] / ".libs/mod_api_oauth2.so"))

from support import leaks, peers, tokens  # noqa: E402
from support.authserver import AuthorizationServer  # noqa: E402
from support.server import Httpd  # noqa: E402

pytest_plugins = ["support.session"]

#: pytest's usual place belongs to all runs of a user at once, and each start
#: takes the right to enter it from the servers of the others.
ROOT = tempfile.mkdtemp(prefix="api-oauth2-")
os.chmod(ROOT, 0o755)
os.environ["PYTEST_DEBUG_TEMPROOT"] = ROOT

LOGS = ("error.log", "access.log", "stderr")


def pytest_sessionstart(session):
    """What a failed run leaves behind is for whoever looks into it."""
    atexit.register(lambda: session.exitstatus == 0 and
                    shutil.rmtree(ROOT, ignore_errors=True))


def check(server):
    server.stop()
    for name in LOGS:
        found = leaks.traces(server.log(name))
        if found:  # the tokens themselves are not for the report
            raise AssertionError(f"{len(found)} token(s) in {server.root}/"
                                 f"{name}")


def servers(root):
    """Yields a function that starts servers, and stops them afterwards."""
    running = []

    def make(conf="", modules=(), main="", files=None, start=True):
        server = Httpd(Path(root) / f"httpd{len(running)}", modules, main)
        running.append(server)
        for name, text in (files or {}).items():
            server.write(name, text)
        return server.start(conf) if start else server

    try:
        yield make
    finally:
        problems = []
        for server in running:
            try:
                check(server)
            except AssertionError as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)


@pytest.fixture
def httpd(tmp_path):
    yield from servers(tmp_path)


@pytest.fixture(scope="module")
def module_httpd(tmp_path_factory):
    yield from servers(tmp_path_factory.mktemp("servers"))


@pytest.fixture(scope="session")
def backend():
    server = peers.start(peers.Echo)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def key():
    return tokens.new_key()


@pytest.fixture(scope="session")
def jwks(key):
    """The text of a JWK Set that holds `key`."""
    return tokens.key_set(key)


@pytest.fixture(scope="session")
def running_authserver(tmp_path_factory):
    server = AuthorizationServer(tmp_path_factory.mktemp("issuer") / "log")
    yield server
    server.stop()


@pytest.fixture
def authserver(running_authserver):
    running_authserver.control("reset")
    yield running_authserver
    running_authserver.control("reset")
