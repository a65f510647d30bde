"""The trace of a request goes along when its token is asked about."""
import os

import pytest
from support import client, conf, tokens
from support.introspector import Introspector, active

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = GOOD.replace("0af7", "1af7")


@pytest.fixture
def issuer():
    server = Introspector()
    yield server
    server.stop()


@pytest.mark.parametrize("fields,passed", [
    ([], None),
    ([GOOD], GOOD),
    ([GOOD.upper()], None),
    (["ff" + GOOD[2:]], None),
    ([GOOD + "-x"], None),
    ([GOOD, OTHER], None),
])
def test_traceparent(httpd, issuer, fields, passed):
    server = httpd(conf.section("ApiIssuer", "corp", [
        "ApiTokenFormat opaque",
        f"ApiIntrospection {issuer.url}/introspect"]) + conf.location(
            "/", audience="any"), files={"htdocs/index.html": "hi"})
    token = os.urandom(20).hex()
    tokens.minted.add(token)
    issuer.answers[token] = active()
    answer = client.request(server.port, "/", token, headers=[
        ("traceparent", field) for field in fields])
    assert answer.status == 200
    (headers,) = issuer.headers
    assert headers.get("traceparent") == passed
