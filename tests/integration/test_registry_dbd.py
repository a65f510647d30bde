"""The registry in a database: SQLite, PostgreSQL, MariaDB."""
import json

import pytest

from support import tokens, wait
from support.catalogue import (CHAIN, IN_DATABASE, api_token, application,
                               ask, call, chain_applications, code,
                               document, start_with, subscription, token_row)
from support.client import request
from support.databases import SERVERS, Registry, SQLite
from support.server import MPM

pytest_plugins = ["support.registries"]

event_only = pytest.mark.skipif(MPM != "event", reason="once is enough")
KINDS = ("sqlite3", "pgsql", pytest.param("mysql", marks=event_only))


def new_registry(kind, place, request):
    if kind == "sqlite3":
        return Registry(SQLite(place / "registry.db"))
    return Registry(request.getfixturevalue(SERVERS[kind]))


@pytest.fixture(params=KINDS)
def registry(request, tmp_path):
    return new_registry(request.param, tmp_path, request)


@pytest.fixture
def run(httpd, registry, jwks):
    return lambda *applications, **more: start_with(registry, httpd, jwks,
                                                    *applications, **more)


@pytest.fixture(scope="module", params=KINDS)
def chain(request, module_httpd, jwks, tmp_path_factory):
    registry = new_registry(request.param, tmp_path_factory.mktemp("chain"),
                            request)
    server = start_with(registry, module_httpd, jwks,
                        *chain_applications())
    server.expect("AH01631")
    return server


@pytest.mark.parametrize("path,number,wanted", CHAIN)
def test_chain(chain, key, path, number, wanted):
    assert code(ask(chain, path, number, key)) == wanted


def test_deprecated(chain, key):
    answer = ask(chain, "/pizza2", 7, key)
    assert answer.get("Deprecation") == "@1767225600"
    assert answer.get("Sunset") == "Wed, 01 Jan 2031 00:00:00 GMT"
    assert ask(chain, "/pizza", 7, key).get("Deprecation") is None


def test_api_tokens(run):
    good, old, gone, far, odd = (api_token() for _ in range(5))
    scopes = [f"scope-{number}:{'x' * 200}" for number in range(60)]
    server = run(
        dict(application(1, [subscription()]), tokens=[
            token_row(good, scopes=["orders:read"]),
            token_row(old, id="t2", expires="2020-01-01T00:00:00Z"),
            token_row(gone, id="t3", status="revoked"),
            token_row(far, id="t4", ip=["192.0.2.0/24"]),
            token_row(odd, id="t5", scopes=[*scopes, "orders:read"])]))
    server.expect("AH01631")
    assert ask(server, "/pizza", token=good).status == 200
    assert ask(server, "/kind", token=good).status == 200
    assert ask(server, "/scope", token=good).status == 200
    assert ask(server, "/scope", token=odd).status == 200
    assert code(ask(server, "/pizza", token=old)) == (401, 14)
    assert code(ask(server, "/pizza", token=gone)) == (401, 16)
    assert code(ask(server, "/pizza", token=far)) == (401, 13)
    assert code(ask(server, "/pizza", token=api_token())) == (401, 13)


def test_changes_take_effect(run, registry, key):
    """Rows of every kind, for callers that are known already."""
    token = api_token()
    server = run(dict(application(1, [subscription(plan="gold")]),
                      tokens=[token_row(token, scopes=["orders:read"])]))
    server.expect("AH01631")
    steps = [
        ("UPDATE api_subscriptions SET status = 'blocked'",
         "/pizza", (403, 31)),
        ("UPDATE api_subscriptions SET status = 'active'",
         "/pizza", (200, None)),
        ("UPDATE api_applications SET status = 'blocked'",
         "/pizza", (403, 31)),
        ("UPDATE api_applications SET status = 'active'",
         "/pizza", (200, None)),
        ("UPDATE api_versions SET status = 'blocked'", "/pizza", (503, 33)),
        ("UPDATE api_versions SET status = 'published'",
         "/pizza", (200, None)),
        ("UPDATE api_tokens SET status = 'revoked'", "/scope", (401, 16)),
        ("UPDATE api_tokens SET status = 'active', scopes = ''",
         "/scope", (403, 20)),
        ("UPDATE api_tokens SET scopes = 'orders:read'",
         "/scope", (200, None)),
        ("DELETE FROM api_subscriptions", "/pizza", (403, 30)),
        ("DELETE FROM api_tokens", "/scope", (401, 13)),
    ]
    assert ask(server, "/pizza", 1, key).status == 200
    assert ask(server, "/scope", token=token).status == 200
    for statement, path, wanted in steps:
        registry.sql(statement)
        who = dict(token=token) if path == "/scope" else dict(key=key)
        wait.until(lambda: code(ask(server, path, **who)) == wanted)


def test_without_subscription(run, registry, key):
    server = run(application(1), application(2, [subscription()]))
    for left in (2, 1, 0):
        answer = ask(server, "/guests", 1, key)
        assert answer.get("RateLimit-Policy") == '"tiny-1h";q=3;w=3600'
        assert f";r={left};" in answer.get("RateLimit")
    assert code(ask(server, "/guests", 1, key)) == (429, 35)
    assert ask(server, "/guests", 2, key).get("RateLimit") is None
    server.expect('AO2-050 misconfigured: the registry has no plan "tiny"')
    registry.sql("DELETE FROM api_plans WHERE name = 'tiny'")
    wait.until(lambda: code(ask(server, "/guests", 1, key)) == (500, 50))
    assert ask(server, "/guests", 2, key).status == 200


def test_names_are_values(run, key):
    """Whatever characters they hold, and however alike they look."""
    names = ["c'", "c' OR '1'='1", "c%s", "c%27", 'c"', "c\\", "c ", "C",
             "c;--", "ç", "c\u0301", "c" * 255]
    known = [dict(application(number, [subscription()]),
                  clients=[{"issuer": "corp", "client_id": name}])
             for number, name in enumerate(names[::2])]
    server = run(*known)
    for name, there in zip(names, [True, False] * 6):
        token = tokens.sign(tokens.claims(client_id=name), key)
        assert code(ask(server, "/pizza", token=token)) == (
            (200, None) if there else (403, 30)), name
    token = tokens.sign(tokens.claims(client_id="c" * 256), key)
    assert code(ask(server, "/pizza", token=token)) == (403, 30)


def test_limits(run, key):
    server = run(application(1, [subscription(plan="two")]),
                 application(2, [subscription(version="*", plan="tiny")]))
    for _ in range(2):
        answer = ask(server, "/pizza", 1, key)
        assert answer.status == 200
    assert answer.get("RateLimit-Policy") == \
        '"two-1h";q=2;w=3600, "two-30d";q=1000;w=2592000'
    assert code(ask(server, "/pizza", 1, key)) == (429, 35)
    # one allowance for all versions
    assert ask(server, "/pizza", 2, key).status == 200
    assert ask(server, "/pizza2", 2, key).status == 200
    assert ask(server, "/pizza", 2, key).status == 200
    assert code(ask(server, "/pizza2", 2, key)) == (429, 35)


SOMEWHERE = "DBDriver sqlite3\nDBDParams registry.db\nDBDMin 0\n"
INNER = "<VirtualHost *:81>\n{}</VirtualHost>\n"


@event_only
@pytest.mark.parametrize("conf,modules,said", [
    (SOMEWHERE + "ApiRegistry dbd", ["dbd"], None),
    ("ApiRegistry DBD\n" + SOMEWHERE, ["dbd"], None),
    (SOMEWHERE + INNER.format("ApiRegistry dbd\n"), ["dbd"], None),
    (SOMEWHERE.replace("Min 0", "Persist Off") + "ApiRegistry dbd", ["dbd"],
     None),
    ("ApiRegistry dbd", [], "mod_dbd is not loaded: LoadModule dbd_module"),
    (SOMEWHERE, ["dbd"], None),
    (SOMEWHERE, [], "mod_dbd is not loaded"),
    (INNER.format(SOMEWHERE), [], "mod_dbd is not loaded"),
    ("ApiRegistry dbd", ["dbd"], "DBDriver and DBDParams must say"),
    ("ApiRegistry dbd\nDBDriver sqlite3\nDBDMin 0", ["dbd"],
     "DBDriver and DBDParams must say"),
    ("ApiRegistry dbd\nDBDParams x\nDBDMin 0", ["dbd"],
     "DBDriver and DBDParams must say"),
    (INNER.format(SOMEWHERE) + "ApiRegistry dbd", ["dbd"],
     "DBDriver and DBDParams must say"),
    (SOMEWHERE + "ApiRegistry dbd:x", ["dbd"],
     'ApiRegistry: "dbd:x" is not allowed here: file:PATH or dbd'),
    (SOMEWHERE + "ApiRegistry sqlite3", ["dbd"],
     "is not allowed here: file:PATH or dbd"),
    (SOMEWHERE + "ApiRegistry dbd dbd", ["dbd"],
     "ApiRegistry takes file:PATH or dbd"),
    (SOMEWHERE + "ApiRegistry", ["dbd"],
     "ApiRegistry takes file:PATH or dbd"),
])
def test_configtest(httpd, conf, modules, said):
    server = httpd(modules=modules, start=False)
    status, output = server.configtest(conf + "\n")
    if said is None:
        assert status == 0 and "dbd" not in output, output
    else:
        assert status == 1 and output.count(said) == 1, output


@event_only
@pytest.mark.parametrize("line,warns", [
    ("", True), ("DBDMin 1", True), ("DBDPersist On", True),
    ("DBDMin 0", False), ("DBDPersist off", False)])
def test_warns_where_mod_dbd_waits(httpd, line, warns):
    server = httpd(modules=["dbd"], start=False)
    status, output = server.configtest(
        "DBDriver sqlite3\nDBDParams x\nApiRegistry dbd\n"
        + line + "\n" + INNER.format(""))
    assert status == 0
    assert output.count("without DBDMin 0") == warns, output


@event_only
def test_virtual_hosts(httpd, jwks, key, tmp_path):
    """Each with the database of its own directives, or the main server's."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    outer, inner = (Registry(SQLite(tmp_path / name / "registry.db"))
                    for name in "ab")
    outer.fill(json.loads(document(application(1, [subscription()]))))
    inner.fill(json.loads(document(application(2, [subscription()]))))
    hosts = f"""
<VirtualHost 127.0.0.1:*>
    ServerName shared
</VirtualHost>
<VirtualHost 127.0.0.1:*>
    ServerName own
    DBDParams {inner.params}
</VirtualHost>
"""
    server = httpd(outer.conf() + IN_DATABASE + hosts, modules=["dbd"],
                   files={"keys/corp.json": jwks, "htdocs/pizza": "x"})
    server.expect("AO2-041 registry_unavailable")
    for host, known, unknown in (("shared", 1, 2), ("own", 2, 1)):
        for number, wanted in ((known, (200, None)), (unknown, (403, 30))):
            token = tokens.sign(tokens.claims(client_id=f"c{number}"), key)
            wait.until(lambda: code(request(
                server.port, "/pizza", token,
                headers=[("Host", host)])) == wanted)


@event_only
def test_first_statements(httpd, registry, jwks, key):
    """DBDInitSQL begins every connection; where it fails nothing is asked."""
    statement = {"sqlite3": "PRAGMA query_only = ON",
                 "pgsql": "SET statement_timeout = '2s'",
                 "mysql": "SET SESSION max_statement_time = 2"}
    good = f'DBDInitSQL "{statement[registry.server.driver]}"\n'
    for line, get, wanted in (
            (good, ask, (200, None)),
            (good + 'DBDInitSQL "SET no = such"\n', call, (503, 41))):
        server = start_with(registry, httpd, jwks,
                            application(1, [subscription()]),
                            conf=line + IN_DATABASE)
        assert code(get(server, "/pizza", 1, key)) == wanted
