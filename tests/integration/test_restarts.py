"""Graceful restarts cost nothing that stays, and a server that stops leaves
nothing behind. More of them, by hand and without sanitizers:

    AO2_RESTARTS=500 python3 -m pytest tests/integration/test_restarts.py
"""
import json
import os

import pytest
from support import client, conf, footprint, site, tokens
from support.introspector import Introspector, active
from support.server import HTTPD, MPM
from support.wait import until

RESTARTS = int(os.environ.get("AO2_RESTARTS", 25))
#: KiB of the parent's own memory a restart, over all of them.
GROWTH = 12
FEW = "StartServers 2\nServerLimit 4\n" + (
    "MinSpareServers 2\nMaxSpareServers 2\nMaxRequestWorkers 4"
    if MPM == "prefork" else
    "ThreadsPerChild 4\nMaxRequestWorkers 16\nMinSpareThreads 4\n"
    "MaxSpareThreads 8")
VALGRIND = """#!/bin/sh
exec valgrind -q --vgdb=no --trace-children=yes --leak-check=full \\
    --show-leak-kinds=definite,indirect --run-libc-freeres=no \\
    --keep-debuginfo=yes --log-file={root}/valgrind.%p {httpd} "$@"
"""
REGISTRY = json.dumps({
    "version": 1,
    "plans": [{"name": "tiny", "limits": [{"requests": 3, "per": "1h"}]}],
    "apis": [{"name": "pizza", "version": "", "status": "published"}],
    "applications": [{
        "id": "one", "status": "active", "tokens": [],
        "clients": [{"issuer": "corp", "client_id": "app",
                     "key_type": "production"}],
        "subscriptions": [{"api": "pizza", "version": "", "plan": "tiny",
                           "status": "active"}]}]})


def configuration(issuer):
    """All that has memory, files, threads or descriptors of its own."""
    return f"""
ApiRegistry file:conf/registry.json
ApiRevocations file:conf/revoked
{conf.issuer()}
<ApiIssuer remote>
    ApiTokenFormat opaque
    ApiIntrospection {issuer.url}/introspect
    ApiNegativeCacheTTL 1h
</ApiIssuer>
{conf.location("/", "ApiAccept corp remote")}
{conf.location("/limited", "ApiAccept corp remote", "ApiName pizza")}
"""


@pytest.fixture
def issuer():
    server = Introspector()
    yield server
    server.stop()


def resumed(server):
    return server.log().count("resuming normal operations")


def restart(server, count=1):
    for _ in range(count):
        before = resumed(server)
        server.graceful()
        until(lambda: resumed(server) > before, 60)  # noqa: B023


def settled(server):
    """What the server holds once the processes of before have left, and the
    new ones have all they take when idle."""
    seen = []

    def same():
        seen.append(footprint.of_server(server))
        return len(server.children()) >= 2 and len(seen) > 20 and \
            all(one == seen[-1] for one in seen[-20:])

    until(same, 30, 0.05)
    return seen[-1]


def answers(server, key, opaque):
    token = site.token_of("alice", key)
    return [client.request(server.port, "/", t).status
            for t in (None, opaque[:-2] + "AA", token, opaque)]


def test_nothing_grows(httpd, issuer, key, jwks):
    opaque = "b3BhcXVlIHRva2VuIG9mIGEgcmVzdGFydA"
    tokens.minted.add(opaque)
    issuer.answers[opaque] = active(aud="pizza")
    server = httpd(configuration(issuer), main=FEW, files={
        "htdocs/index.html": "hi", "htdocs/limited/index.html": "hi",
        "keys/corp.json": jwks, "conf/registry.json": REGISTRY,
        "conf/revoked": "jti:none\n"})
    until(lambda: resumed(server))
    limited = site.token_of("alice", key)
    assert [client.request(server.port, "/limited/", limited).status
            for _ in range(2)] == [200, 200]
    assert answers(server, key, opaque) == [401, 401, 200, 200]
    restart(server, 3)
    before, memory = settled(server), footprint.resident(server.process.pid)
    restart(server, RESTARTS)
    assert settled(server) == before
    grown = footprint.resident(server.process.pid) - memory
    print(f"{RESTARTS} restarts: {before}, {grown} KiB more")
    assert os.environ.get("AO2_SANITIZED") or grown < GROWTH * RESTARTS
    assert answers(server, key, opaque) == [401, 401, 200, 200]
    # what was known and used up before is so now
    assert issuer.calls == 2
    assert [client.request(server.port, "/limited/", limited).status
            for _ in range(2)] == [200, 429]


def test_module_comes_and_goes(httpd, key, jwks):
    """Without the module for a while, and loaded twice: httpd says so, and
    what outlives a configuration does no harm to it."""
    site_of = conf.issuer() + conf.location("/")
    server = httpd(site_of, main=FEW, files={
        "htdocs/index.html": "hi", "keys/corp.json": jwks})
    server.expect("AH01574.*api_oauth2_module is already loaded")
    base, token = server.base, site.token_of("alice", key)
    load = next(line for line in base.splitlines()
                if line.startswith("LoadModule api_oauth2_module"))
    without = base.replace(load, "").replace("api_oauth2:trace8", "")
    twice = base.replace(load, f"{load}\n{load}")
    until(lambda: resumed(server))
    for text, site_text, wanted in (
            (base, site_of, 401), (without, "", 200), (base, site_of, 401),
            (twice, site_of, 401), (without, "", 200)):
        server.base = text
        server._config(site_text)
        restart(server)
        until(lambda: client.request(  # noqa: B023
            server.port, "/").status == wanted)
        assert client.request(server.port, "/", token).status == 200
    assert "already loaded" in server.log()
    server.stop()
    assert server.process.returncode == 0


@pytest.mark.skipif(bool(os.environ.get("AO2_SANITIZED")),
                    reason="one of both at a time")
def test_under_valgrind(httpd, key, jwks, monkeypatch):
    """All processes, from start to stop, over a restart: no error, and
    nothing lost."""
    server = httpd(main="StartServers 1\n", start=False, files={
        "htdocs/index.html": "hi", "keys/corp.json": jwks})
    wrapper = server.write("valgrind", VALGRIND.format(
        root=server.root, httpd=HTTPD))
    wrapper.chmod(0o755)
    # on a busy machine it takes a child longer to end than httpd waits
    server.expect("AH00045")
    monkeypatch.setattr("support.server.HTTPD", str(wrapper))
    server.start(conf.issuer() + conf.location("/"))
    until(lambda: resumed(server), 60)
    token = site.token_of("alice", key)
    for again in (restart, None):
        assert [client.request(server.port, "/", t).status
                for t in (None, token)] == [401, 200]
        if again:
            again(server)
    server.stop()
    assert server.process.returncode == 0
    said = {path.name: path.read_text()
            for path in server.root.glob("valgrind.*")}
    assert len(said) >= 3 and not any(said.values()), said
