"""httpd -t -D DUMP_API_OAUTH2: what the configuration was understood as."""
import json
import subprocess

import pytest
from support import conf
from support.server import HTTPD, MPM

pytestmark = pytest.mark.skipif(
    MPM != "event", reason="configuration is the same with every MPM")
SECRETS = ("shared-secret-of-thirty-two-bytes-and-more", "client-secret",
           "cache-secret-of-sixteen-bytes")
SITE = f"""
ApiErrorBody message
ApiCacheSecret {SECRETS[2]}
<ApiIssuer corp>
    ApiIssuerURL https://issuer.example
    ApiJWKS file:keys/corp.json
    ApiSharedSecret {SECRETS[0]} kid=one
    ApiClockSkew 500ms
    ApiIntrospection https://issuer.example/introspect
    ApiClientAuth client_secret_basic gateway {SECRETS[1]}
</ApiIssuer>
<VirtualHost 127.0.0.1:1>
    ServerName two.example
    <ApiIssuer partner>
        ApiIssuerURL https://partner.example
        ApiAlgorithms ES256
        ApiTLS verify=off
    </ApiIssuer>
    <Location /both>
        AuthType Bearer
        ApiAccept partner corp
        ApiAudience a b
        ApiTokenFrom header cookie:session
        ApiPassClaim sub header X-User
        ApiErrorBody none
        ApiAnonymous On
        Require valid-user
    </Location>
</VirtualHost>
<Location /one>
    AuthType Bearer
    ApiAudience any
    ApiName pizza 1.0
    ApiSubscription off
</Location>
<Location /none>
    Require all denied
</Location>
"""


@pytest.fixture
def dump(httpd, jwks):
    """A function: the exit status, and what is printed for a site."""
    server = httpd(files={"keys/corp.json": jwks}, start=False)

    def run(text, *words):
        server._config(text)
        done = subprocess.run(
            [HTTPD, "-f", server.root / "httpd.conf", "-t", *words],
            text=True, capture_output=True, timeout=60, env=server._env())
        return done.returncode, done.stdout

    return run


def test_dump(dump):
    code, said = dump(SITE, "-DDUMP_API_OAUTH2")
    assert code == 0
    assert not [secret for secret in SECRETS if secret in said]
    main, host = json.loads(said)
    assert (main["name"], host["name"]) == ("server.example", "two.example")
    assert main["defined"] == "main server"
    assert "httpd.conf:" in host["defined"]
    assert main["ApiCacheSecret"] == "***"
    assert [i["name"] for i in main["ApiIssuer"]] == ["corp"]
    assert {i["name"] for i in host["ApiIssuer"]} == {"corp", "partner"}


def test_issuers(dump):
    _, said = dump(SITE, "-DDUMP_API_OAUTH2")
    corp, partner = (
        next(i for i in json.loads(said)[1]["ApiIssuer"] if i["name"] == name)
        for name in ("corp", "partner"))
    assert corp["ApiClientAuth"] == "client_secret_basic gateway ***"
    assert corp["keys"] == [{"kid": "one", "alg": "any", "secret": True}]
    assert corp["key files"][0].endswith("/keys/corp.json")
    assert (corp["introspects"], corp["keys by metadata"]) == (True, False)
    assert (corp["ApiClockSkew"], partner["ApiClockSkew"]) == ("500ms", "60s")
    assert "HS256" in corp["ApiAlgorithms"]
    assert partner["ApiAlgorithms"] == ["ES256"]
    assert (partner["introspects"], partner["keys by metadata"]) == \
        (False, True)
    assert corp["ApiTLS"]["verify"] == "On"
    assert partner["ApiTLS"]["verify"] == "Off"
    assert partner["ApiTimeout"] == {"connect": "2s", "total": "5s"}
    assert partner["ApiClaims"]["client"] == ["client_id", "azp", "cid"]
    assert partner["ApiClientAuth"] is None


def test_sections(dump):
    _, said = dump(SITE, "-DDUMP_API_OAUTH2")
    main, host = json.loads(said)
    (one,), (inherited, both) = main["sections"], host["sections"]
    assert (inherited["path"], both["path"]) == ("/one", "/both")
    assert (one["section"], one["path"]) == ("Location", "/one")
    assert one["ApiAccept"] == ["corp"] and one["ApiAudience"] == "any"
    assert one["ApiName"] == ["pizza", "1.0"]
    assert one["ApiSubscription"] == "off"
    assert one["ApiTokenFrom"] == ["header:Authorization"]
    assert (one["AuthType Bearer"], one["Require"]) == (True, False)
    assert (one["ApiErrorBody"], both["ApiErrorBody"]) == ("message", "none")
    assert both["ApiAccept"] == ["partner", "corp"]
    assert both["ApiAudience"] == ["a", "b"]
    assert both["ApiTokenFrom"][1] == "cookie:session"
    assert both["ApiPassClaim"] == ["sub header X-User"]
    assert (both["ApiAnonymous"], one["ApiAnonymous"]) == ("On", "Off")
    assert both["Require"] is True and both["ApiName"] is None


def test_only_when_asked(dump):
    assert dump(SITE) == (0, "")
    code, said = dump(SITE + conf.location("/x", "ApiAccept nobody"),
                      "-DDUMP_API_OAUTH2")
    assert (code, said) == (1, "")
