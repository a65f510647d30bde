"""SetHandler api-oauth2-status: one model, as JSON, text and HTML, and in
mod_status's page."""
import html.parser
import json
import re
import socket
from pathlib import Path

import pytest
from support import client, conf, pages, tokens
from support.server import ONE_PROCESS
from support.wait import until

TOP = Path(__file__).parents[2]
#: Nobody listens there, and nobody else can.
NOBODY = socket.socket()
NOBODY.bind(("127.0.0.1", 0))
#: Not closed, so that it stays taken.
PORT = NOBODY.getsockname()[1]
MOD_STATUS = "<Location /server-status>\nSetHandler server-status\n" \
             "Require local\n</Location>\n"


@pytest.fixture(scope="module")
def server(module_httpd, key):
    more = [tokens.new_key("RS256", "rsa-1"),
            tokens.new_key("EdDSA", pages.EVIL)]
    server = pages.start(module_httpd, key, more, PORT, MOD_STATUS)
    pages.fill(server, key)
    # requests are counted when they have been answered
    until(lambda: len(pages.model(server)["refusals"]) == 6)
    return server


@pytest.fixture(scope="module")
def model(server):
    return pages.model(server)


def paths_of(value, path=""):
    """issuers[].name and so on."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths_of(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from paths_of(inner, f"{path}[]")
    else:
        yield path


def test_schema_is_documented(model):
    """docs/reference.md names every member that is there, and no other."""
    reference = (TOP / "docs/reference.md").read_text()
    table = re.search(r"^\| Member \|.*?\n\n", reference, re.M | re.S)[0]
    documented = set(re.findall(r"`([\w.\[\]]+)`", "\n".join(
        line.split("|")[1] for line in table.strip().splitlines())))
    assert len(documented) > 50
    assert set(paths_of(model)) == documented


def by_name(rows, name, key="name"):
    return next(row for row in rows if row[key] == name)


def test_issuers(model):
    corp, down = (by_name(model["issuers"], name)
                  for name in ("corp", "down"))
    assert corp["url"] == tokens.ISSUER
    assert corp["reachable"] is None and corp["circuit"] == "closed"
    assert [(key["kid"], key["alg"]) for key in corp["keys"]] == [
        ("k1", "EC"), ("rsa-1", "RSA"), (pages.EVIL, "OKP")]
    assert corp["key_count"] == 3 and 0 <= corp["key_age"] < 600
    assert down["reachable"] is False and down["failed"]
    assert down["answered"] is None and "connect" in down["trouble"]
    assert down["calls"]["failed"] >= 1 and down["calls"]["ok"] == 0
    assert down["keys"] == [] and down["target"] == "ApiIssuer down"


def test_registry_and_plans(model):
    registry = model["registry"]
    assert registry["source"] == "file" and registry["faulty"] is False
    assert (registry["applications"], registry["subscriptions"]) == (2, 2)
    assert by_name(model["plans"], "bronze")["admitted"] == 3
    assert by_name(model["plans"], "bronze")["refused"] == 1
    assert by_name(model["plans"], "gold")["limits"] == \
        "5000/1mi:500, 1000000/30d"
    assert [(row["application"], row["left"], row["of"])
            for row in model["busiest"]] == [("shop", 0, 3)]


def test_refusals(model):
    found = {row["reason"]: row for row in model["refusals"]}
    assert found["rate_limited"]["client"] == "shop"
    assert found["rate_limited"]["code"] == "AO2-035"
    assert found["token_expired"]["status"] == 401
    assert found["token_expired"]["client"] is None
    assert found["token_expired"]["location"] == "/plain/a.txt"
    assert found["scope_missing"]["client"] == "app"
    assert found["subscription_missing"]["client"] == pages.EVIL
    assert found["subscription_missing"]["address"] == "127.0.0.1"
    assert re.fullmatch("[0-9a-f]{8}", found["issuer_unavailable"]["token"])
    times = [row["time"] for row in model["refusals"]]
    assert times == sorted(times, reverse=True)


def test_counters(model):
    counters = model["counters"]
    assert (counters["granted"], counters["refused"],
            counters["failed"]) == (4, 5, 1)
    assert sum(row["count"] for row in counters["requests"]) == 10


@pytest.mark.parametrize("accept, kind", [
    (None, "text/plain"), ("*/*", "text/plain"),
    ("application/json", "application/json"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
    ("text/html;q=0.5,application/json", "application/json"),
    ("application/json;q=0.5,text/html", "text/html"),
    ("text/html;q=0,*/*", "text/plain"), ("image/png", "text/plain")])
def test_format_by_accept(server, accept, kind):
    headers = [("Accept", accept)] if accept else ()
    for query in ("", "?", "?format=auto"):
        answer = client.request(server.port, "/status" + query,
                                headers=headers)
        assert answer.status == 200
        assert answer.get("Content-Type").split(";")[0] == kind
        assert answer.get("Cache-Control") == "no-store"
        assert answer.get("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("name, kind", [
    ("json", "application/json"), ("text", "text/plain; charset=utf-8"),
    ("html", "text/html; charset=utf-8")])
def test_format_by_query(server, name, kind):
    answer = client.request(server.port, f"/status?format={name}",
                            headers=[("Accept", "image/png")])
    assert answer.get("Content-Type") == kind


@pytest.mark.parametrize("query", ["format=xml", "format=", "x",
                                   "format=json&x"])
def test_unknown_format(server, query):
    assert client.request(server.port, f"/status?{query}").status == 400


class Parts(html.parser.HTMLParser):
    """Tags with what they carry, and all text."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.text = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_html(server):
    answer = client.request(server.port, "/status?format=html")
    page = Parts(answer.body.decode())
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == tags.count("main") == 1
    assert "script" not in tags and "img" not in tags
    assert not any(name.startswith("on") for _, attrs in page.tags
                   for name in attrs)
    assert pages.EVIL in page.text
    assert "default-src 'none'" in answer.get("Content-Security-Policy")
    assert "script" not in answer.get("Content-Security-Policy")


def test_text(server):
    text = client.request(server.port, "/status?format=text").body.decode()
    assert text.startswith("mod_api_oauth2 ")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    for title in ("Issuers", "Keys", "Registry", "Last refusals"):
        assert f"\n\n{title}\n" in text
    assert re.search(r"^  2\d\d\d-.* AO2-035  rate_limited +429  "
                     r"/pizza/a.txt +shop ", text, re.M)


def test_mod_status(server):
    page = client.request(server.port, "/server-status").body.decode()
    part = Parts(page[page.index("mod_api_oauth2: "):])
    assert pages.EVIL in part.text
    assert "script" not in [tag for tag, _ in part.tags]
    short = client.request(server.port, "/server-status?auto").body.decode()
    assert "ApiOAuth2Granted: 4\n" in short


def test_who_may_look_is_up_to_require(httpd, jwks):
    server = httpd("<Location /no>\nSetHandler api-oauth2-status\n"
                   "Require ip 192.0.2.1\n</Location>\n" + pages.STATUS,
                   (), conf.issuer(), {"keys/corp.json": jwks})
    assert client.request(server.port, "/no").status == 403
    assert client.request(server.port, "/status").status == 200
    for method in ("POST", "DELETE"):
        assert client.request(server.port, "/status", method=method,
                              body="x").status == 405


def test_nothing_configured(httpd):
    model = pages.model(httpd(pages.STATUS))
    assert model["issuers"] == [] and model["registry"] is None
    assert model["refusals"] == [] and model["upstreams"] == []


def test_every_process_tells_the_same(httpd, key, jwks):
    """Many processes, each new connection another one perhaps."""
    server = httpd(pages.STATUS + conf.location("/plain"), (),
                   "StartServers 3\n" + conf.issuer(),
                   {"keys/corp.json": jwks, "htdocs/plain/a.txt": "a"})
    for _ in range(5):
        assert pages.call(server, key, "/plain/a.txt", exp=1) == 401
    until(lambda: len(pages.model(server)["refusals"]) == 5)
    told = {json.dumps([model["counters"], model["refusals"],
                        model["issuers"][0]["keys"]])
            for model in (pages.model(server) for _ in range(20))}
    assert len(told) == 1


def test_a_broken_registry_is_told(httpd, key):
    server = pages.start(httpd, key, [], PORT, ONE_PROCESS)
    assert pages.model(server)["registry"]["faulty"] is False
    server.expect("AO2-050")
    server.write("conf/registry.json", "{")
    fault = until(lambda: pages.model(server)["registry"]["fault"], 30)
    assert "registry.json" in fault
    server.write("conf/registry.json", json.dumps(pages.REGISTRY))
    until(lambda: not pages.model(server)["registry"]["faulty"], 30)
    assert pages.model(server)["registry"]["version"] >= 2


def test_the_ring_is_bounded(httpd, key, jwks):
    server = httpd(pages.STATUS + conf.location("/plain"), (),
                   conf.issuer(), {"keys/corp.json": jwks})
    for number in range(70):
        client.request(server.port, f"/plain/{number}")
    until(lambda: pages.model(server)["counters"]["refused"] == 70)
    refusals = pages.model(server)["refusals"]
    assert len(refusals) == 50
    assert {row["reason"] for row in refusals} == {"credential_missing"}


def test_no_token_is_told(server, model):
    shown = json.dumps(model) + client.request(
        server.port, "/status?format=html").body.decode()
    for token in tokens.minted:
        for part in token.split("."):
            assert len(part) < 20 or part not in shown
