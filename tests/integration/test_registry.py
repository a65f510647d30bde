"""Applications, API tokens, subscriptions and plans, out of a file."""
import hashlib
import json
import os
import re
import signal
import subprocess
import time

import pytest

from support import tokens
from support.client import request
from support.server import ONE_PROCESS

HTAPI = os.environ.get("AO2_HTAPI", "htapi")

PLANS = [{"name": "gold", "limits": [{"requests": 100, "per": "1mi"}]},
         {"name": "tiny", "limits": [{"requests": 3, "per": "1h"}]},
         {"name": "two", "limits": [
             {"requests": 2, "per": "1h", "burst": 2},
             {"requests": 1000, "per": "30d"}]},
         {"name": "quota", "limits": [
             {"requests": 1000, "per": "1mi"},
             {"requests": 4, "per": "30d"}]}]
APIS = [{"name": "pizza", "version": "1.0", "status": "published"},
        {"name": "pizza", "version": "2.0", "status": "deprecated",
         "deprecation": "2026-01-01T00:00:00Z",
         "sunset": "2031-01-01T00:00:00Z"},
        {"name": "blocked", "version": "", "status": "blocked"},
        {"name": "retired", "version": "", "status": "retired"}]


def api_token():
    """A token as htapi makes them, and its row."""
    made = os.urandom(32)
    import base64
    import zlib
    text = "api_" + base64.urlsafe_b64encode(made).decode().rstrip("=")
    crc, digits = zlib.crc32(text.encode()), ""
    alphabet = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                "abcdefghijklmnopqrstuvwxyz")
    for _ in range(6):
        crc, rest = divmod(crc, 62)
        digits = alphabet[rest] + digits
    text += digits
    tokens.minted.add(text)
    return text


def token_row(text, **more):
    return dict({"id": "t1", "prefix": text[:8], "scopes": [],
                 "sha256": hashlib.sha256(text.encode()).hexdigest(),
                 "key_type": "production", "status": "active"}, **more)


def subscription(api="pizza", version="1.0", plan=None, **more):
    row = dict({"api": api, "version": version, "status": "active"}, **more)
    return dict(row, plan=plan) if plan else row


def application(number, subscriptions=(), row=None, **more):
    return dict({"id": f"app-{number}", "status": "active",
                 "clients": [{"issuer": "corp", "client_id": f"c{number}",
                              "key_type": "production"}],
                 "tokens": [row] if row else [],
                 "subscriptions": list(subscriptions)}, **more)


def document(*applications, apis=APIS):
    return json.dumps({"version": 1, "plans": PLANS, "apis": apis,
                       "applications": list(applications)}, indent=1)


CONF = """
ApiRegistry file:conf/registry.json
ApiRegistryTTL 100ms
<ApiIssuer corp>
    ApiIssuerURL https://issuer.example
    ApiJWKS file:keys/corp.json
</ApiIssuer>
<Location />
    AuthType Bearer
    ApiAccept corp apitoken
    ApiAudience any
    ApiErrorDetail On
    Require valid-user
</Location>
<Location /pizza>
    ApiName pizza 1.0
</Location>
<Location /pizza2>
    ApiName pizza 2.0
</Location>
<Location /blocked>
    ApiName blocked
</Location>
<Location /retired>
    ApiName retired
</Location>
<Location /unknown>
    ApiName unknown
</Location>
<Location /optional>
    ApiName pizza 1.0
    ApiSubscription optional
</Location>
<Location /off>
    ApiName pizza 1.0
    ApiSubscription off
</Location>
<Location /require>
    Require api-subscription pizza 1.0
</Location>
<Location /plan>
    ApiName pizza 1.0
    Require api-plan gold
</Location>
<Location /notplan>
    ApiName pizza 1.0
    <RequireAll>
        Require valid-user
        Require not api-plan gold
    </RequireAll>
</Location>
<Location /sandbox>
    ApiName pizza 1.0
    Require api-key-type sandbox
</Location>
<Location /kind>
    Require oauth2-token apitoken
</Location>
<Location /scope>
    Require oauth2-scope orders:read
</Location>
"""
PAGES = ("pizza pizza2 blocked retired unknown optional off require plan "
         "notplan sandbox kind scope").split()


@pytest.fixture
def run(httpd, jwks):
    def start(*applications, conf=CONF, main="", **more):
        files = {f"htdocs/{page}": "page" for page in PAGES}
        files["keys/corp.json"] = jwks
        files["conf/registry.json"] = document(*applications, **more)
        return httpd(conf, files=files, main=main)
    return start


def call(server, path, number=1, key=None, token=None, **claims):
    token = token or tokens.sign(tokens.claims(client_id=f"c{number}",
                                               **claims), key)
    return request(server.port, path, token)


def code(answer):
    found = re.search(rb'"code":"AO2-(\d+)"', answer.body)
    return (answer.status, found and int(found[1]))


def rewrite(server, *applications, **more):
    path = server.root / "conf/registry.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(document(*applications, **more))
    fresh.rename(path)


def until(ask, wanted, seconds=5):
    deadline = time.time() + seconds
    while time.time() < deadline:
        got = ask()
        if got == wanted:
            return
        time.sleep(0.02)
    assert got == wanted


@pytest.mark.parametrize("path,number,wanted", [
    ("/pizza", 1, (200, None)),
    ("/pizza", 2, (403, 30)),
    ("/pizza", 9, (403, 30)),
    ("/pizza", 3, (403, 31)),
    ("/pizza", 4, (403, 32)),
    ("/pizza", 5, (403, 31)),
    ("/pizza", 6, (403, 32)),
    ("/pizza2", 1, (403, 30)),
    ("/pizza2", 7, (200, None)),
    ("/pizza", 7, (200, None)),
    ("/blocked", 1, (503, 33)),
    ("/retired", 1, (404, 34)),
    ("/unknown", 1, (403, 30)),
    ("/optional", 1, (200, None)),
    ("/optional", 2, (200, None)),
    ("/optional", 9, (200, None)),
    ("/optional", 3, (403, 31)),
    ("/off", 9, (200, None)),
    ("/require", 1, (200, None)),
    ("/require", 2, (403, 30)),
    ("/plan", 1, (200, None)),
    ("/plan", 7, (403, 22)),
    ("/notplan", 7, (200, None)),
    ("/notplan", 1, (403, 22)),
    ("/sandbox", 1, (403, 22)),
    ("/sandbox", 8, (200, None)),
    ("/pizza", 8, (200, None)),
])
def test_chain(module_run, key, path, number, wanted):
    assert code(call(module_run, path, number, key)) == wanted


@pytest.fixture(scope="module")
def module_run(module_httpd, jwks):
    past = "2020-01-01T00:00:00Z"
    files = {f"htdocs/{page}": "page" for page in PAGES}
    files["keys/corp.json"] = jwks
    files["conf/registry.json"] = document(
        application(1, [subscription(plan="gold")]),
        application(2),
        application(3, [subscription(status="blocked")]),
        application(4, [subscription(expires=past)]),
        application(5, [subscription()], status="blocked"),
        application(6, [subscription(status="pending")]),
        application(7, [subscription(version="*")]),
        dict(application(8, [subscription(status="production_blocked")]),
             clients=[{"issuer": "corp", "client_id": "c8",
                       "key_type": "sandbox"}]))
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
