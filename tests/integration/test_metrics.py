"""SetHandler api-oauth2-metrics: what is counted, and how it is told."""
import socket
import subprocess

import pytest
from support import client, conf, metrics, tokens
from support.server import MPM, ONE_PROCESS
from support.wait import until

#: Nobody listens there, and nobody else can.
NOBODY = socket.socket()
NOBODY.bind(("127.0.0.1", 0))
DOWN = NOBODY.getsockname()[1]


def place(path, *lines, accept="corp", **more):
    """A location where, of several issuers, one is accepted."""
    return conf.location(path, f"ApiAccept {accept}", *lines, **more)


CONF = "".join([
    metrics.LOCATION, place("/plain"),
    place("/named", "ApiName pizza 1.0", "ApiSubscription off",
          "ApiErrorDetail On"),
    place("/scope", require="oauth2-scope admin"),
    place("/anonymous", "ApiAnonymous On", "ApiPreflight pass",
          require=None),
    place("/unset", audience=None), place("/down", accept="down"),
    place("/page", "ErrorDocument 401 /named/a.txt"),
])
MAIN = (conf.issuer() + "ApiMetricsClients 1\n" +
        conf.issuer(name="down", url="https://down.example",
                    keys=f"ApiJWKS http://127.0.0.1:{DOWN}/"))
FILES = {f"htdocs/{name}/a.txt": "a" for name in
         ("plain", "named", "scope", "anonymous", "unset", "down", "page")}
PREFLIGHT = [("Origin", "https://a.example"),
             ("Access-Control-Request-Method", "GET")]


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    server = module_httpd(CONF, (), MAIN, {**FILES, "keys/corp.json": jwks})
    server.expect("AO2-040", "AO2-050", "ApiAudience", "ApiIssuer down")
    return server


@pytest.fixture(scope="module")
def sign(key):
    return lambda **changes: tokens.sign(tokens.claims(**changes), key)


#: A request, and what it is counted as.
DECISIONS = {
    "granted": (dict(path="/plain/a.txt"), "corp", "-", "granted", "ok"),
    "granted API": (dict(path="/named/a.txt"), "corp", "pizza/1.0",
                    "granted", "ok"),
    "no credential": (dict(path="/plain/a.txt", claims=None), "-", "-",
                      "refused", "credential_missing"),
    "expired": (dict(path="/named/a.txt", claims=dict(exp=1)), "corp",
                "pizza/1.0", "refused", "token_expired"),
    "expired, not told": (dict(path="/plain/a.txt", claims=dict(exp=1)),
                          "corp", "-", "refused", "token_expired"),
    "stranger": (dict(path="/plain/a.txt",
                      claims=dict(iss="https://other.example")),
                 "-", "-", "refused", "token_invalid"),
    "audience": (dict(path="/plain/a.txt", claims=dict(aud="pasta")),
                 "corp", "-", "refused", "token_audience"),
    "scope": (dict(path="/scope/a.txt"), "corp", "-", "refused",
              "scope_missing"),
    "anonymous": (dict(path="/anonymous/a.txt", claims=None), "-", "-",
                  "granted", "ok"),
    "preflight": (dict(path="/anonymous/a.txt", claims=None,
                       method="OPTIONS", headers=PREFLIGHT), "-", "-",
                  "granted", "ok"),
    "not configured": (dict(path="/unset/a.txt"), "-", "-", "failed",
                       "misconfigured"),
    "issuer down": (dict(path="/down/a.txt",
                         claims=dict(iss="https://down.example")),
                    "down", "-", "failed", "issuer_unavailable"),
    # what the caller gets is an error page, itself below a location
    "error page": (dict(path="/page/a.txt", claims=None), "-", "-",
                   "refused", "credential_missing"),
}


def requests_of(server):
    """All decisions: {labels: number}."""
    return {key: number
            for key, number in metrics.parse(metrics.text(server)).items()
            if key[0] == "requests_total" and number}


@pytest.mark.parametrize("row", DECISIONS, ids=str)
def test_decisions(server, sign, row):
    asked, issuer, api, result, reason = DECISIONS[row]
    claims = asked.get("claims", {})
    wanted = ("requests_total", tuple(sorted(dict(
        issuer=issuer, api=api, result=result, reason=reason).items())))
    before = requests_of(server)
    client.request(server.port, asked["path"],
                   None if claims is None else sign(**claims),
                   asked.get("headers", ()), asked.get("method", "GET"))
    until(lambda: requests_of(server) != before)
    before[wanted] = before.get(wanted, 0) + 1
    assert requests_of(server) == before


def test_what_is_not_ours_is_not_counted(server):
    before = requests_of(server)
    for _ in range(3):
        assert client.request(server.port, "/").status in (200, 403, 404)
    assert requests_of(server) == before


@pytest.mark.parametrize("accept, is_openmetrics", [
    (None, 0), ("*/*", 0), ("text/plain", 0), ("text/html,*/*", 0),
    (metrics.OPENMETRICS, 1), (metrics.OPENMETRICS + ";q=0", 0),
    (metrics.OPENMETRICS + ";version=1.0.0;q=0.8,text/plain;q=0.5", 1),
    (metrics.OPENMETRICS + ";q=0.5,text/plain;version=0.0.4;q=0.8", 0)])
def test_formats(server, accept, is_openmetrics):
    answer = client.request(server.port, "/metrics",
                            headers=[("Accept", accept)] if accept else ())
    assert answer.get("Content-Type") == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
        if is_openmetrics else "text/plain; version=0.0.4; charset=utf-8")
    assert answer.body.endswith(b"# EOF\n") == bool(is_openmetrics)
    assert answer.get("Cache-Control") == "no-store"
    assert "Accept" in answer.get("Vary")


def test_promtool_finds_nothing_wrong(server):
    done = subprocess.run(["promtool", "check", "metrics"], text=True,
                          input=metrics.text(server), capture_output=True,
                          timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    bad = subprocess.run(["promtool", "check", "metrics"], text=True,
                         input="a 1\na 2\n", capture_output=True, timeout=60)
    assert bad.returncode != 0


def test_methods(server):
    head = client.request(server.port, "/metrics", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    for method in ("POST", "PUT", "DELETE"):
        answer = client.request(server.port, "/metrics", method=method,
                                body="x")
        assert answer.status == 405


def test_who_may_read_is_up_to_require(httpd, jwks, sign):
    where = "<Location {0}>\nSetHandler api-oauth2-metrics\n{1}\n</Location>\n"
    server = httpd(
        where.format("/local", "Require local") +
        where.format("/nobody", "Require ip 192.0.2.1") +
        where.format("/scope", "AuthType Bearer\nApiAudience pizza\n"
                               "Require oauth2-scope read"), (),
        conf.issuer(), {"keys/corp.json": jwks})
    assert client.request(server.port, "/local").status == 200
    assert client.request(server.port, "/nobody").status == 403
    assert client.request(server.port, "/scope").status == 401
    assert client.request(server.port, "/scope", sign(scope="write")
                          ).status == 403
    assert client.request(server.port, "/scope", sign()).status == 200


def test_clients(httpd, jwks, sign):
    text = metrics.LOCATION + conf.location("/plain")
    for most, wanted in ((0, {}), (1, {"one": 2, "other": 2})):
        server = httpd(text, (), conf.issuer() +
                       f"ApiMetricsClients {most}\n",
                       {**FILES, "keys/corp.json": jwks})
        for name in ("one", "two", "one", "three"):
            client.request(server.port, "/plain/a.txt", sign(client_id=name))
        client.request(server.port, "/plain/a.txt", "not.a.token")
        metrics.wait_for(server, 4, "requests_total", issuer="corp", api="-",
                         result="granted", reason="ok")
        found = {dict(labels)["client"]: number for (name, labels), number
                 in metrics.parse(metrics.text(server)).items()
                 if name == "client_requests_total" and number}
        assert found == wanted


def test_refused_clients_are_known_by_a_good_token(server, sign):
    asked = dict(client="other", result="refused")
    client.request(server.port, "/plain/a.txt", sign(client_id="first"))
    client.request(server.port, "/plain/a.txt", sign(client_id="second"))
    before = until(lambda: metrics.value(
        server, "client_requests_total", client="other", result="granted")
        and metrics.value(server, "client_requests_total", **asked) is not
        None and (metrics.value(server, "client_requests_total", **asked),))
    client.request(server.port, "/scope/a.txt", sign(client_id="second"))
    client.request(server.port, "/plain/a.txt",
                   sign(client_id="second", aud="pasta"))
    metrics.wait_for(server, before[0] + 2, "client_requests_total", **asked)


def test_caches_and_paths(httpd, jwks, sign):
    server = httpd(ONE_PROCESS + metrics.LOCATION + conf.location("/plain"),
                   (), conf.issuer(), {**FILES, "keys/corp.json": jwks})
    token = sign()
    for _ in range(200):
        assert client.request(server.port, "/plain/a.txt", token
                              ).status == 200
    lookups = dict(cache="process")
    assert metrics.value(server, "cache_lookups_total", result="miss",
                         **lookups) == 1
    assert metrics.value(server, "cache_lookups_total", result="hit",
                         **lookups) == 199
    count = "authentication_seconds_count"
    assert metrics.value(server, count, path="jwt") == 1
    assert metrics.value(server, "authentication_seconds_sum", path="jwt") > 0
    assert metrics.value(server, count, path="process") < 100
    assert metrics.value(server, "cache_entries", cache="process") == 1
    assert metrics.value(server, "cache_bytes", cache="process") > 100
    assert metrics.value(server, "issuer_keys", issuer="corp") == 1


def test_a_server_that_is_down(server, sign):
    token = sign(iss="https://down.example", jti="down")
    target = dict(target="ApiIssuer down")
    for _ in range(4):
        assert client.request(server.port, "/down/a.txt", token
                              ).status == 503
    found = metrics.parse(metrics.text(server))
    labels = tuple(target.items())

    def calls(result):
        return found["remote_calls_total",
                     tuple(sorted({**target, "result": result}.items()))]

    assert calls("failed") >= 3 and calls("ok") == 0
    assert found["remote_reachable", labels] == 0
    assert found["remote_call_seconds_count", labels] == calls("failed")
    assert found["remote_calls_running", labels] == 0
    assert found["remote_calls_allowed", labels] == 32
    assert ("remote_reachable", (("target", "ApiIssuer corp"),)) not in found


def test_over_a_graceful_restart(httpd, jwks, sign):
    text = metrics.LOCATION + conf.location("/plain")
    server = httpd(text, (), conf.issuer(),
                   {**FILES, "keys/corp.json": jwks})
    granted = dict(issuer="corp", api="-", result="granted", reason="ok")
    for _ in range(5):
        client.request(server.port, "/plain/a.txt", sign())
    metrics.wait_for(server, 5, "requests_total", **granted)
    since = metrics.value(server, "counting_since_timestamp_seconds")
    old = set(server.children())
    server.graceful()
    until(lambda: server.children() and not old & set(server.children()), 30)
    for _ in range(3):
        client.request(server.port, "/plain/a.txt", sign())
    metrics.wait_for(server, 8, "requests_total", **granted)
    assert metrics.value(server, "counting_since_timestamp_seconds") == since
    # what those who are gone had going on does not count any more
    until(lambda: metrics.value(server, "cache_entries", cache="process")
          <= 3)
    until(lambda: metrics.value(server, "processes")
          <= len(server.children()))


@pytest.mark.skipif(MPM != "event", reason="the same page everywhere")
def test_a_real_prometheus(server, sign, tmp_path):
    client.request(server.port, "/named/a.txt", sign())
    prometheus = metrics.Prometheus(tmp_path, server.port)
    try:
        rows = until(lambda: prometheus.query(
            'api_oauth2_requests_total{issuer="corp",api="pizza/1.0",'
            'reason="ok"}'), 30)
        assert rows[0][0]["result"] == "granted" and rows[0][1] >= 1
        assert prometheus.query("up")[0][1] == 1
        # it has asked for OpenMetrics, and read all of it
        until(lambda: prometheus.query(
            "scrape_samples_scraped")[0][1] > 100, 30)
        kinds = prometheus.get("metadata")
        assert kinds["api_oauth2_authentication_seconds"][0]["type"] == \
            "histogram"
    finally:
        prometheus.stop()
