"""Applications, API tokens, subscriptions and plans, out of a file."""
import os
import re
import signal
import time

import pytest

from support import tokens
from support.catalogue import (CHAIN, CONF, PAGES, api_token, application,
                               call, chain_applications, code, document,
                               replace, subscription, token_row)
from support.client import request
from support.server import ONE_PROCESS


@pytest.fixture
def run(httpd, jwks):
    def start(*applications, conf=CONF, main="", **more):
        files = {f"htdocs/{page}": "page" for page in PAGES}
        files["keys/corp.json"] = jwks
        files["conf/registry.json"] = document(*applications, **more)
        return httpd(conf, files=files, main=main)
    return start


def rewrite(server, *applications, **more):
    replace(server, document(*applications, **more))


def until(ask, wanted, seconds=5):
    deadline = time.time() + seconds
    while time.time() < deadline:
        got = ask()
        if got == wanted:
            return
        time.sleep(0.02)
    assert got == wanted


@pytest.mark.parametrize("path,number,wanted", CHAIN)
def test_chain(module_run, key, path, number, wanted):
    assert code(call(module_run, path, number, key)) == wanted


@pytest.fixture(scope="module")
def module_run(module_httpd, jwks):
    files = {f"htdocs/{page}": "page" for page in PAGES}
    files["keys/corp.json"] = jwks
    files["conf/registry.json"] = document(*chain_applications())
    server = module_httpd(CONF, files=files)
    server.expect("AH01631")
    return server


def test_deprecated(module_run, key):
    answer = call(module_run, "/pizza2", 7, key)
    assert answer.get("Deprecation") == "@1767225600"
    assert answer.get("Sunset") == "Wed, 01 Jan 2031 00:00:00 GMT"
    assert call(module_run, "/pizza", 7, key).get("Deprecation") is None


def test_api_tokens(run):
    good, old, gone, far = (api_token() for _ in range(4))
    server = run(
        dict(application(1, [subscription()]), tokens=[
            token_row(good, scopes=["orders:read"]),
            token_row(old, id="t2", expires="2020-01-01T00:00:00Z"),
            token_row(gone, id="t3", status="revoked"),
            token_row(far, id="t4", ip=["192.0.2.0/24"])]))
    server.expect("AH01631")
    assert call(server, "/pizza", token=good).status == 200
    assert call(server, "/kind", token=good).status == 200
    assert call(server, "/scope", token=good).status == 200
    assert code(call(server, "/pizza", token=old)) == (401, 14)
    assert code(call(server, "/pizza", token=gone)) == (401, 16)
    assert code(call(server, "/pizza", token=far)) == (401, 13)
    assert code(call(server, "/pizza", token=api_token())) == (401, 13)
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    assert code(call(server, "/pizza", token=wrong)) == (401, 13)
    assert code(call(server, "/scope", token=good + "=")) == (401, 13)


def test_revoked_while_known(run):
    token = api_token()
    server = run(application(1, [subscription()], token_row(token)))
    assert call(server, "/pizza", token=token).status == 200
    rewrite(server, application(1, [subscription()],
                                token_row(token, status="revoked")))
    until(lambda: code(call(server, "/pizza", token=token)), (401, 16))
    rewrite(server, application(1, [], token_row(token)))
    until(lambda: code(call(server, "/pizza", token=token)), (403, 30))
    rewrite(server, application(1, [subscription()], token_row(token)))
    until(lambda: code(call(server, "/pizza", token=token)), (200, None))


def test_blocked_while_known(run, key):
    server = run(application(1, [subscription()]))
    token = tokens.sign(tokens.claims(client_id="c1"), key)
    assert call(server, "/pizza", token=token).status == 200
    rewrite(server, application(1, [subscription(status="blocked")]))
    until(lambda: code(call(server, "/pizza", token=token)), (403, 31))


def test_broken_file_changes_nothing(run, key):
    server = run(application(1, [subscription()]), main=ONE_PROCESS)
    server.expect("AO2-050 misconfigured: ApiRegistry.*stays in force")
    assert call(server, "/pizza", 1, key).status == 200
    (server.root / "conf/registry.json").write_text('{"version": 1,')
    until(lambda: "stays in force" in server.log(), True)
    assert call(server, "/pizza", 1, key).status == 200
    rewrite(server, application(1))
    until(lambda: code(call(server, "/pizza", 1, key)), (403, 30))


def test_process_that_starts_with_a_broken_file(run, key):
    """What the parent process read may let in whom a later version does
    not: the new one refuses until it has read a good file itself."""
    server = run(application(1, [subscription()]), main=ONE_PROCESS)
    server.expect("AO2-050 misconfigured: ApiRegistry.*nothing to go by",
                  "AO2-050 misconfigured: ApiRegistry.*stays in force",
                  "AO2-041 registry_unavailable", "AH00052.*signal Killed")
    assert call(server, "/pizza", 1, key).status == 200
    (server.root / "conf/registry.json").write_text('{"version": 1,')
    first, = server.children()
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in server.children() and server.children() != [],
          True)
    answer = call(server, "/pizza", 1, key)
    assert code(answer) == (503, 41)
    assert answer.get("Retry-After") == "1"
    assert call(server, "/off", 1, key).status == 200
    rewrite(server, application(1, [subscription()]))
    until(lambda: code(call(server, "/pizza", 1, key)), (200, None))


def test_lost_file_is_told_once(run, key):
    server = run(application(1, [subscription()]), main=ONE_PROCESS)
    server.expect("AO2-050 misconfigured: ApiRegistry.*cannot be read")
    assert call(server, "/pizza", 1, key).status == 200
    (server.root / "conf/registry.json").unlink()
    until(lambda: "stays in force" in server.log(), True)
    looks_end = time.monotonic() + 0.6
    while time.monotonic() < looks_end:
        assert call(server, "/pizza", 1, key).status == 200
    told = re.findall(r"\[pid (\d+).*ApiRegistry: (.*stays in force)",
                      server.log())
    assert told and len(told) == len(set(told)), told
    assert {text.count("registry.json") for _, text in told} == {1}
    rewrite(server, application(1))
    until(lambda: code(call(server, "/pizza", 1, key)), (403, 30))


def test_limit(run, key):
    server = run(application(1, [subscription(plan="tiny")]),
                 application(2, [subscription(plan="tiny")]))
    for left in (2, 1, 0):
        answer = call(server, "/pizza", 1, key)
        assert answer.status == 200
        assert answer.get("RateLimit-Policy") == '"tiny-1h";q=3;w=3600'
        assert answer.get("RateLimit").startswith(f'"tiny-1h";r={left};t=')
    answer = call(server, "/pizza", 1, key)
    assert code(answer) == (429, 35)
    assert 1190 < int(answer.get("Retry-After")) <= 1200
    assert answer.get("RateLimit").startswith('"tiny-1h";r=0;t=1')
    assert call(server, "/pizza", 2, key).status == 200
    # what is refused for another reason costs nothing
    server.expect("AH01631")
    for _ in range(5):
        call(server, "/scope", 2, key)
        request(server.port, "/pizza")
    assert call(server, "/pizza", 2, key).status == 200
    assert call(server, "/pizza", 2, key).status == 200
    assert call(server, "/pizza", 2, key).status == 429


def test_two_limits(run, key):
    server = run(application(1, [subscription(plan="two")]),
                 application(2, [subscription(plan="quota")]))
    for _ in range(2):
        answer = call(server, "/pizza", 1, key)
        assert answer.status == 200
    assert answer.get("RateLimit-Policy") == \
        '"two-1h";q=2;w=3600, "two-30d";q=1000;w=2592000'
    assert code(call(server, "/pizza", 1, key)) == (429, 35)
    answer = call(server, "/pizza", 1, key)
    assert '"two-30d";r=998' in answer.get("RateLimit")
    for _ in range(4):
        assert call(server, "/pizza", 2, key).status == 200
    assert code(call(server, "/pizza", 2, key)) == (429, 36)


def test_limit_survives_a_graceful_restart(run, key):
    server = run(application(1, [subscription(plan="tiny")]))
    for _ in range(3):
        assert call(server, "/pizza", 1, key).status == 200
    server.graceful()
    until(lambda: server.log().count("resuming normal operations"), 2)
    assert call(server, "/pizza", 1, key).status == 429


def test_binding(run, key):
    server = run(application(1, [subscription()], token_format="opaque"),
                 application(2, [subscription()], token_format="jwt"))
    assert code(call(server, "/pizza", 1, key)) == (401, 13)
    assert call(server, "/pizza", 2, key).status == 200


def test_environment(run, key, httpd):
    server = run(application(1, [subscription(plan="gold")]),
                 conf=CONF + 'Header always set X-Seen '
                 '"%{API_NAME}e %{API_VERSION}e %{API_APPLICATION}e '
                 '%{API_PLAN}e %{API_KEY_TYPE}e"\n')
    assert call(server, "/pizza", 1, key).get("X-Seen") == \
        "pizza 1.0 app-1 gold production"


def test_configtest(httpd, jwks):
    server = httpd(files={"keys/corp.json": jwks, "conf/bad.json":
                          '{"version": 1,\n "plans": [{"nam": "x"}]}'},
                   start=False)
    status, said = server.configtest("ApiRegistry file:conf/bad.json")
    assert status == 1 and "bad.json: line 2: plans[0]" in said, said
    status, said = server.configtest("ApiRegistry file:conf/absent.json")
    assert status == 1 and said.count("absent.json") == 1, said
    status, said = server.configtest("<ApiIssuer apitoken>\n</ApiIssuer>")
    assert status == 1 and "stands for the API tokens" in said
    status, said = server.configtest(
        "<Location />\nApiAccept apitoken\n</Location>")
    assert status == 1 and "where there is an ApiRegistry" in said
