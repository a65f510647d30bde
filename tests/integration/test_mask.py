"""Secrets in the configuration itself are shown to nobody who looks at it by
httpd's own means: mod_info, "httpd -D DUMP_CONFIG"."""
import subprocess

import pytest
from support import client, conf
from support.server import HTTPD, MPM

pytestmark = pytest.mark.skipif(
    MPM != "event", reason="configuration is the same with every MPM")
SECRETS = [f"{word}-of-sixteen-bytes-and-of-thirty-two-" for word in
           ("shared", "client", "bearer", "cache", "redis", "param")]
SHARED, CLIENT, BEARER, CACHE, REDIS, PARAM = SECRETS
SITE = f"""
ApiCacheSecret {CACHE}
ApiCache redis:127.0.0.1:1 user=me password={REDIS} timeout=50ms
<ApiIssuer corp>
    ApiIssuerURL https://issuer.example
    ApiJWKS file:keys/corp.json
    ApiSharedSecret "{SHARED}" kid=one
    ApiIntrospection https://issuer.example/introspect
    ApiClientAuth client_secret_basic gateway {CLIENT}
    ApiIntrospectionParam token_key {PARAM}
</ApiIssuer>
<VirtualHost 127.0.0.1:1>
    <ApiIssuer other>
        ApiTokenFormat opaque
        ApiIntrospection https://issuer.example/introspect
        ApiClientAuth bearer {BEARER}
    </ApiIssuer>
    <ApiIssuer named>
        ApiTokenFormat opaque
        ApiIntrospection https://issuer.example/introspect
        ApiClientAuth client_secret_post gateway file:keys/secret
    </ApiIssuer>
</VirtualHost>
<Location /info>
    SetHandler server-info
    Require all granted
</Location>
"""
#: What says where a secret is stays, as does all beside it.
SHOWN = ("*** kid=one", "client_secret_basic gateway ***", "bearer ***",
         "ApiCacheSecret", "user=me password=*** timeout=50ms",
         "token_key ***", "client_secret_post gateway file:keys/secret")


@pytest.fixture
def server(httpd, jwks):
    return httpd(SITE, modules=["info"], files={
        "keys/corp.json": jwks, "keys/secret": "x" * 40})


def check(text):
    assert [secret for secret in SECRETS if secret in text] == []
    assert [words for words in SHOWN if words not in text] == []


def test_mod_info(server):
    server.expect("Redis|redis")
    for _ in range(2):
        answer = client.request(server.port, "/info?config")
        assert answer.status == 200
        check(answer.body.decode())
        server.graceful()


def test_dump(server):
    server.expect("Redis|redis")
    done = subprocess.run(
        [HTTPD, "-f", server.root / "httpd.conf", "-t", "-DDUMP_CONFIG"],
        text=True, capture_output=True, timeout=60, env=server._env())
    assert done.returncode == 0
    check(done.stdout)
    assert SHARED in (server.root / "httpd.conf").read_text()
