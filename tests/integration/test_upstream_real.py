"""Gateway in front of gateway: a backend that is httpd with this module, and a
real authorization server that both of them ask."""
import json

import pytest
from support import redis
from support.authserver import RESOURCE
from support.client import request
from support.server import MPM
from support.tokens import minted
from support.wait import until

PROXY = ["proxy", "proxy_http", "socache_shmcb"]
FILES = {"keys/pizza": "pizza-app-secret", "keys/other": "other-app-secret",
         "keys/gateway": "gateway-secret", "keys/cache": "c" * 32}
BASIC = "ApiClientAuth client_secret_basic pizza-app file:keys/pizza"
POST = "ApiClientAuth client_secret_post other-app file:keys/other"


def behind(httpd, authserver, backend):
    """The one that checks tokens; what lies behind it shows the token."""
    server = httpd(
        f"<ApiIssuer corp>\nApiIssuerURL {authserver.url}\n"
        "ApiClientAuth client_secret_basic gateway file:keys/gateway\n"
        "ApiCacheTTL 0\nApiNegativeCacheTTL 1ms\n</ApiIssuer>\n"
        "<Location />\nAuthType Bearer\nAuthName api\nApiAudience any\n"
        "ApiForwardToken On\nRequire valid-user\n"
        f"ProxyPass http://127.0.0.1:{backend.server_address[1]}/\n"
        "</Location>\n", PROXY, files=FILES)
    return server


def gateway(httpd, authserver, port, *lines, start="", auth=BASIC):
    text = "\n".join([
        "<ApiUpstream up>", f"ApiUpstreamOrigin http://127.0.0.1:{port}",
        f"ApiIssuerURL {authserver.url}", auth, *lines, "</ApiUpstream>",
        "<Location />", f"ProxyPass http://127.0.0.1:{port}/",
        "ApiUpstreamToken up", "</Location>", ""])
    server = httpd(text, PROXY, main=start, files=FILES, start=False)
    for name in FILES:
        (server.root / name).chmod(0o600)
    return server.start(text)


def token_of(server):
    """What a call brings: the token that went along."""
    answer = request(server.port, "/page")
    assert answer.status == 200, answer.body
    fields = dict(json.loads(answer.body)["headers"])
    token = fields["Authorization"].split()[1]
    minted.add(token)
    return token


event = pytest.mark.skipif(
    MPM != "event", reason="what is asked for is the same with every MPM")


@event
@pytest.mark.parametrize("kind,auth", [("", BASIC), ("es", POST),
                                       ("opaque", BASIC)])
def test_in_and_out(httpd, authserver, backend, kind, auth):
    """Nobody gets in directly; everybody through the gateway, with one token
    of the kind that the resource has."""
    inner = behind(httpd, authserver, backend)
    assert request(inner.port, "/page").status == 401
    outer = gateway(httpd, authserver, inner.port,
                    f"ApiTokenResource {RESOURCE}{kind}",
                    "ApiTokenScope read", auth=auth)
    seen = {token_of(outer) for _ in range(5)}
    assert len(seen) == 1
    assert seen.pop().count(".") == (0 if kind == "opaque" else 2)
    assert authserver.calls("/token") == 1


def test_revoked(httpd, authserver, backend):
    """What the server took back is fetched anew, and the caller sees nothing
    of it."""
    inner = behind(httpd, authserver, backend)
    outer = gateway(httpd, authserver, inner.port,
                    f"ApiTokenResource {RESOURCE}opaque",
                    "ApiTokenScope read")
    first = token_of(outer)
    authserver.revoke(first)
    assert request(inner.port, "/page", first).status == 401
    second = token_of(outer)
    assert second != first
    assert token_of(outer) == second
    assert authserver.calls("/token") == 2


@event
def test_refused_client(httpd, authserver, backend):
    inner = behind(httpd, authserver, backend)
    outer = gateway(httpd, authserver, inner.port, auth="ApiClientAuth "
                    "client_secret_basic pizza-app file:keys/other")
    outer.expect(r"AO2-042 upstream_token_unavailable: <ApiUpstream up>: "
                 r"(refused with status 401, invalid_client|it refuses)")
    for _ in range(3):
        answer = request(outer.port, "/page")
        assert answer.status == 502
        assert answer.get("Retry-After") is None
    assert authserver.calls("/token") <= 2


@event
def test_short_lives(httpd, authserver, backend):
    """Tokens that live two seconds: always one that is good."""
    inner = behind(httpd, authserver, backend)
    outer = gateway(httpd, authserver, inner.port,
                    f"ApiTokenResource {RESOURCE}short",
                    "ApiTokenScope read")

    def renewed():
        token_of(outer)
        return authserver.calls("/token") >= 4

    until(renewed, 20)


def test_restarts_keep_it(httpd, authserver, backend):
    inner = behind(httpd, authserver, backend)
    outer = gateway(httpd, authserver, inner.port,
                    f"ApiTokenResource {RESOURCE}", "ApiTokenScope read")
    first = token_of(outer)
    for _ in range(3):
        outer.graceful()
        assert token_of(outer) == first
    assert authserver.calls("/token") == 1


def test_machines_share_it(httpd, authserver, backend):
    """Through Redis; without it each goes on with what it has."""
    store = redis.Redis()
    try:
        inner = behind(httpd, authserver, backend)
        lines = [f"ApiTokenResource {RESOURCE}opaque", "ApiTokenScope read"]
        cache = (f"ApiCache redis:127.0.0.1:{store.port}\n"
                 "ApiCacheSecret file:keys/cache\n")
        machines = [gateway(httpd, authserver, inner.port, *lines,
                            start=cache) for _ in range(2)]
        seen = {token_of(machine) for machine in machines * 3}
        assert len(seen) == 1
        assert authserver.calls("/token") == 1
        store.stop()
        for machine in machines:
            machine.expect("ApiCache")
            assert request(machine.port, "/page").status == 200
    finally:
        store.stop()
