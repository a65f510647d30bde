"""A fault that comes with every request fills no log: it is told once a
minute at its level, else as a decision at debug."""
import os
import re

from support import client, conf, tokens
from support.server import ONE_PROCESS
from support.wait import until

SITE = "".join(
    conf.section("ApiIssuer", name, [
        "ApiTokenFormat opaque", "ApiIntrospection http://127.0.0.1:9/"])
    + conf.location(f"/{name}", f"ApiAccept {name}")
    for name in ("one", "two"))


def opaque():
    text = os.urandom(20).hex()
    tokens.minted.add(text)
    return text


def levels(server, name):
    return re.findall(rf"api_oauth2:(\w+)\].*AO2-0[14][0-9] \w+: "
                      rf"<ApiIssuer {name}>", server.log())


def test_told_once(httpd):
    server = httpd(SITE, main=ONE_PROCESS)
    server.expect("AO2-040")
    # three in a row, and nobody is asked: that is told on its own
    for name in ("one", "two", "one"):
        assert client.request(server.port, f"/{name}", opaque()).status == 503
    until(lambda: len(levels(server, "one")) == 2)
    assert levels(server, "one") == ["error", "debug"]
    assert levels(server, "two") == ["error"]


def test_refusals_are_told_each_time(httpd):
    """The twin: what is the caller's fault is told as before."""
    server = httpd(SITE, main=ONE_PROCESS)
    for _ in range(3):
        assert client.request(server.port, "/one").status == 401
    said = r"api_oauth2:(\w+)\].*AO2-010 credential_missing"
    until(lambda: len(re.findall(said, server.log())) == 3)
    assert re.findall(said, server.log()) == 3 * ["info"]
