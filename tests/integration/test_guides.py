"""The guides in docs/: their configurations and transcripts, run for real.

A guide is followed from top to bottom: httpd is started anew with each
configuration and all before it; a command "# something happens" has it
happen. What takes a while to come about is asked for until it has.
"""
import time

import pytest
from support import guarded, tokens
from support.authserver import AuthorizationServer
from support.server import ONE_PROCESS
from support.transcript import Shell, as_pattern, places, read, replace

#: How long a command may print something else than it says.
PATIENCE = 20

pytest_plugins = ["support.registries"]


class Guide:
    def __init__(self, server, shell, names=(), events=None):
        self.server, self.shell = server, shell
        self.names = [*names, *places(server)]
        self.events = events or {}
        self.conf = ""

    def configure(self, block):
        if self.server.process:
            self.server.stop()
        self.conf += replace(block, self.names)
        code, said = self.server.configtest(self.conf)
        assert code == 0 and "AO2" not in said and "warn" not in said, said
        self.server.start(self.conf)

    def command(self, text, pattern):
        if text.startswith("# "):
            self.events[text[2:]]()
            return
        deadline = time.monotonic() + PATIENCE
        while True:
            printed = self.shell.run(replace(text, self.names))
            if pattern.fullmatch(printed):
                return
            assert "sudo" not in text and time.monotonic() < deadline, (
                text, printed)
            time.sleep(0.1)

    def follow(self, page):
        steps = read(page)
        for mark, *step in steps:
            assert mark in ("apache", "console"), (page, mark)
            (self.configure if mark == "apache" else self.command)(*step)
        return len(steps)


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    for file in shell.home.glob("*.token"):
        tokens.minted.add(file.read_text().strip())
    shell.close()


@pytest.fixture
def partner(tmp_path):
    server = AuthorizationServer(tmp_path / "partner.log")
    yield server
    server.stop()


def test_subscriptions(httpd, shell):
    guide = Guide(httpd(start=False), shell)
    assert guide.follow("docs/subscriptions.md") > 40


def test_opaque_tokens(httpd, shell, authserver, partner):
    server = httpd(start=False, main=ONE_PROCESS)
    server.expect("AO2-040 issuer_unavailable: <ApiIssuer corp>")
    names = [("orders:read", "read"),
             ("shop:shop-secret", "pizza-app:pizza-app-secret"),
             ("https://api.example.com/orders",
              "https://pizza.example/opaque"),
             ("ApiCacheTTL 60s", "ApiCacheTTL 4s")]
    for url, issuer in (("https://login.example.com", authserver.url),
                        ("https://id.partner.example", partner.url)):
        names += [(f"{url}/introspect", f"{issuer}/token/introspection"),
                  (f"{url}/revoke", f"{issuer}/token/revocation"),
                  (url, issuer)]
    guide = Guide(server, shell, names, {
        "the authorization server fails":
            lambda: authserver.control("fail", status=500),
        "the authorization server is back":
            lambda: authserver.control("reset")})
    assert guide.follow("docs/opaque-tokens.md") > 40


def test_registry_in_postgresql(httpd, shell, postgres):
    server = httpd(start=False, main=ONE_PROCESS, modules=["dbd"])
    server.expect("AO2-041 registry_unavailable")
    for name, value in (("PGHOST", postgres.root), ("PGUSER", "postgres")):
        shell.run(f"export {name}={value}")
    names = [("sudo -u postgres ", ""), ("db.example.com", str(postgres.root))]
    guide = Guide(server, shell, names, {
        "the database freezes": postgres.freeze,
        "the database is back": postgres.thaw})
    try:
        assert guide.follow("docs/registry-postgresql.md") > 30
    finally:
        postgres.thaw()


@pytest.mark.parametrize("page,modules,steps", [
    ("several-issuers.md", (), 14),
    ("single-page-applications.md", ("headers", "rewrite"), 10)])
def test_keys_of_ones_own(httpd, shell, page, modules, steps):
    server = httpd(start=False, modules=modules)
    assert Guide(server, shell).follow(f"docs/{page}") >= steps


def test_errors(httpd, shell):
    server = httpd(start=False)
    server.expect("AO2-0[45]0")
    assert Guide(server, shell).follow("docs/errors.md") > 40


def test_oauth2_backends(httpd, shell, authserver):
    server = httpd(start=False, main=ONE_PROCESS,
                   modules=["proxy", "proxy_http", "ssl", "socache_shmcb"])
    server.expect("AO2-04", "AO2-050 misconfigured: <ApiUpstream orders>",
                  "AH01873")
    backend = guarded.Backend()
    guide = Guide(server, shell, [
        ("https://orders.internal.example", backend.url),
        ("https://login.example.com", authserver.url),
        ("https://api.example.com/orders", "https://pizza.example/opaque"),
        ("orders-gateway", "pizza-app"), ("orders:read", "read")], {
        "the backend forgets its tokens": backend.revoke,
        "the authorization server fails":
            lambda: authserver.control("fail", status=500),
        "the authorization server is back":
            lambda: authserver.control("reset")})
    try:
        assert guide.follow("docs/oauth2-backends.md") > 20
    finally:
        backend.stop()


def test_what_a_guide_says_must_come(httpd, shell, monkeypatch):
    monkeypatch.setattr("test_guides.PATIENCE", 0.2)
    guide = Guide(httpd(start=False), shell)
    guide.command("echo so", as_pattern("so\n"))
    with pytest.raises(AssertionError):
        guide.command("echo so", as_pattern("not so\n"))
