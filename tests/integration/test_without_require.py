"""AuthType Bearer without a Require of its own still demands a token."""
import pytest
from support import client, peers, tokens

CONF = """
ProxyPass /proxied {backend}/
<Location /proxied>
    AuthType Bearer
    ApiAudience pizza
</Location>
<Location /proxied/anonymous>
    ApiAnonymous On
</Location>
<Location /files>
    AuthType Bearer
    ApiAudience pizza
</Location>
<Location /files/open>
    Require all granted
</Location>
"""
MAIN = f"""
<ApiIssuer corp>
    ApiIssuerURL {tokens.ISSUER}
    ApiJWKS file:keys/jwks.json
</ApiIssuer>
"""
ROWS = [  # path, who, status
    ("/proxied/", "nobody", 401), ("/proxied/", "alice", 200),
    ("/proxied/", "mallory", 401), ("/proxied/anonymous", "nobody", 200),
    ("/proxied/anonymous", "alice", 200),
    ("/proxied/anonymous", "mallory", 401),
    # The files lie in a <Directory> with "Require all granted".
    ("/files/a.txt", "nobody", 401), ("/files/a.txt", "alice", 200),
    ("/files/a.txt", "mallory", 401), ("/files/open/b.txt", "nobody", 200),
]


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    backend = peers.start(peers.Echo)
    yield module_httpd(
        CONF.format(backend=f"http://127.0.0.1:{backend.port}"),
        ["proxy", "proxy_http"], MAIN,
        {"keys/jwks.json": jwks, "htdocs/files/a.txt": "a",
         "htdocs/files/open/b.txt": "b"})
    backend.shutdown()


@pytest.mark.parametrize("path,who,status", ROWS)
def test_without_require(server, key, path, who, status):
    token = {"nobody": None, "alice": tokens.sign(tokens.claims(), key),
             "mallory": tokens.sign(tokens.claims(), tokens.new_key())}[who]
    assert client.request(server.port, path, token).status == status
