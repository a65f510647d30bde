"""The way to a key server: which addresses are called, what the environment
has to say, and that nobody waits for it while httpd starts."""
import os
import socket
import subprocess
import time

import pytest
from support import peers, remote, resolver, tokens
from support.certificates import Authority
from support.server import ONE_PROCESS
from support.wait import until


@pytest.fixture
def issuer(jwks):
    issuer = peers.Issuer(jwks)
    yield issuer
    issuer.stop()


@pytest.fixture
def token(key):
    return tokens.sign(tokens.claims(), key)


def start(httpd, url, lines="", env=None, **more):
    server = httpd(main=ONE_PROCESS, start=False,
                   files={"htdocs/index.html": "hi"})
    server.env.update(env or {})
    server.expect("AO2-040")
    return server.start(remote.site(
        f"ApiJWKS {url}\nApiAllowInsecureHTTP On\n{lines}", **more))


LINK_LOCAL = {"v4": "169.254.169.254", "v4-last": "169.254.255.255",
              "v6": "[fe80::1]", "v6-last": "[febf::1]",
              "mapped": "[::ffff:169.254.1.1]"}


@pytest.mark.parametrize("name", LINK_LOCAL)
def test_link_local(httpd, token, name):
    server = start(httpd, f"http://{LINK_LOCAL[name]}/jwks")
    remote.refused_for_now(server, token, 0)
    assert "a link-local address is never called" in server.log()


@pytest.mark.parametrize("name", ["169.253.255.255", "169.255.0.0",
                                  "[fec0::1]"])
def test_not_link_local(httpd, token, name):
    """What is beside the range is called; here nobody answers."""
    server = start(httpd, f"http://{name}/jwks",
                   timeout="connect=100ms total=100ms")
    remote.refused_for_now(server, token, 0.1)
    assert "link-local" not in server.log()


@pytest.mark.parametrize("address, status", [
    ("127.0.0.1", 200), ("169.254.1.1", 503), ("::ffff:169.254.1.1", 503)])
def test_a_name_that_leads_to_link_local(httpd, issuer, token, tmp_path,
                                         address, status):
    """The address counts, when it is connected to, not the name."""
    env = resolver.names(tmp_path, keys=address)
    server = start(httpd, f"http://keys.example:{issuer.port}/jwks", env=env)
    assert remote.status(server, token) == status
    assert ("a link-local address" in server.log()) == (status == 503)


@pytest.mark.parametrize("seconds, status", [(0, 200), (6, 503)])
def test_slow_names(httpd, issuer, token, tmp_path, seconds, status):
    """Looking up a name is part of the time that is allowed."""
    env = resolver.names(tmp_path, keys=f"127.0.0.1@{seconds}")
    server = start(httpd, f"http://keys.example:{issuer.port}/jwks", env=env)
    answer, took = remote.ask(server, token)
    assert answer.status == status
    assert took < remote.TOTAL + remote.SLACK


def test_unknown_name(httpd, token):
    server = start(httpd, "http://nowhere.invalid/jwks")
    remote.refused_for_now(server, token)
    assert "ould not resolve host" in server.log() or "timed out" in \
        server.log()


@pytest.fixture
def black_hole():
    """A port where a connection is neither accepted nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


def test_black_hole(httpd, token, black_hole):
    """The time to connect is bounded on its own."""
    server = start(httpd, f"http://127.0.0.1:{black_hole}/jwks",
                   timeout="connect=300ms total=10s")
    remote.refused_for_now(server, token, 0.3)
    assert "timed out" in server.log() or "imeout" in server.log()


def test_start_waits_for_nobody(httpd, token, black_hole, jwks):
    """Servers of keys may all be away while httpd starts."""
    dead = "".join(remote.issuer(
        f"dead{i}", f"ApiJWKS http://127.0.0.1:{black_hole}/{i}",
        timeout="connect=20s total=30s", url=f"https://dead{i}.example")
        for i in range(5))
    server = httpd(main=ONE_PROCESS, start=False, files={
        "keys/jwks.json": jwks, "htdocs/index.html": "hi"})
    begin = time.monotonic()
    server.start(dead + remote.site("ApiJWKS file:keys/jwks.json"))
    assert remote.status(server, token) == 200
    assert time.monotonic() - begin < 8


def curl(url, env, *options):
    """What another client does in that environment."""
    return subprocess.run(["curl", "-s", "-o", "/dev/null", "-m", "5",
                           *options, url], env=env, timeout=20).returncode


@pytest.mark.parametrize("name, tls", [
    ("http_proxy", False), ("ALL_PROXY", False), ("HTTPS_PROXY", True)])
def test_no_proxy_of_the_environment(httpd, jwks, token, tmp_path, name, tls):
    authority = Authority(tmp_path)
    issuer = peers.Issuer(jwks, authority.context() if tls else None)
    proxy = peers.Issuer(jwks)
    env = {name: proxy.url, "NO_PROXY": ""}
    url = f"{issuer.url}/jwks"
    try:
        curl(url, {**os.environ, **env})
        assert proxy.server.accepted == 1  # the trap is set
        server = start(httpd, url, f"ApiTLS ca={authority.path}", env=env)
        assert remote.status(server, token) == 200
        assert proxy.server.accepted == 1
    finally:
        proxy.stop()
        issuer.stop()


def test_the_proxy_of_the_configuration(httpd, issuer, token, jwks):
    proxy = peers.Issuer(jwks)
    try:
        server = start(httpd, f"{issuer.url}/jwks",
                       f"ApiTLS proxy={proxy.url}")
        assert remote.status(server, token) == 200
        assert proxy.calls == [f"{issuer.url}/jwks"]
        assert issuer.calls == []
    finally:
        proxy.stop()


def test_no_netrc(httpd, issuer, token, tmp_path):
    (tmp_path / ".netrc").write_text(
        "machine 127.0.0.1 login someone password else\n")
    (tmp_path / ".netrc").chmod(0o644)
    env = {"HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc")}
    assert curl(f"{issuer.url}/jwks", {**os.environ, **env}, "--netrc") == 0
    server = start(httpd, f"{issuer.url}/jwks", env=env)
    assert remote.status(server, token) == 200
    sent = [headers["Authorization"] for _, headers in issuer.requests]
    assert [bool(value) for value in sent] == [True, False]


def test_connections_are_kept(httpd, issuer, key, token):
    """Renewal finds its connection again."""
    server = start(httpd, f"{issuer.url}/jwks", "ApiJWKSTTL 1s")
    assert remote.status(server, token) == 200
    until(lambda: len(issuer.calls) >= 3, 8)
    assert issuer.server.accepted == 1
