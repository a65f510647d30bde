"""What the author of a .htaccess can and cannot do (threat: not ours)."""
import json

import pytest
from support import client, conf, peers, site, tokens

BASE = "AuthType Bearer\nApiAudience pizza\nRequire valid-user\n"
SERVER_ONLY = [  # directives that name URLs, files and secrets
    "<ApiIssuer mine>\nApiIssuerURL https://evil.example\n</ApiIssuer>",
    "ApiIssuerURL https://evil.example",
    "ApiMetadata https://evil.example/m",
    "ApiJWKS file:/etc/passwd", "ApiJWKS https://evil.example/k",
    "ApiPublicKey file:/etc/passwd", "ApiSharedSecret file:/etc/shadow",
    "ApiSharedSecret exec:/bin/id", "ApiAlgorithms HS256",
    "ApiTokenFormat any", "ApiRequireType off", "ApiClaims subject=aud",
    "ApiClockSkew 10d", "ApiAllowNoExpiry On", "ApiJWKSTTL 1s",
    "ApiJWKSStale 1s", "ApiTimeout total=1h", "ApiTLS verify=off",
    "ApiAllowInsecureHTTP On",
]
WRONG = [  # as they would be refused by configtest
    "ApiPassClaim sub header X-User", "ApiPassClaim sub headers X-User",
    "ApiPassClaim sub env 'two words'", "ApiAccept", "ApiAudience",
    'ApiAudience ""', "ApiTokenFrom body", "ApiErrorBody html",
    "ApiErrorDetail maybe", "ApiPreflight open", "ApiAnonymous yes",
    "ApiForwardToken 1", "Require oauth2-scope",
    "Require oauth2-token person", "Require oauth2-claim",
    "Require oauth2-claim sub ~ (", "Require oauth2-nothing x",
    "<RequireAll>\n</RequireAll>",
]


@pytest.fixture(scope="module")
def server(module_httpd, key, jwks):
    """One folder a line, so that they share a server."""
    backend = peers.start(peers.Echo)
    files = {"keys/corp.json": jwks, "htdocs/open/a.txt": "a"}
    for i, line in enumerate(SERVER_ONLY + WRONG):
        files[f"htdocs/{i}/a.txt"] = "a"
        files[f"htdocs/{i}/.htaccess"] = f"{line}\n"
        files[f"htdocs/{i}b/a.txt"] = "a"
        files[f"htdocs/{i}b/.htaccess"] = BASE + f"{line}\n"
    server = module_httpd(main=conf.issuer(), files=files)
    server.expect(r"\.htaccess")
    yield server
    backend.shutdown()


@pytest.mark.parametrize("number,line", enumerate(SERVER_ONLY + WRONG))
def test_refused(server, key, number, line):
    """The whole folder is closed, and the log says why."""
    for folder in (f"{number}", f"{number}b"):
        for token in (None, site.token_of("alice", key)):
            answer = client.request(server.port, f"/{folder}/a.txt", token)
            assert answer.status == 500
    assert client.request(server.port, "/open/a.txt").status == 200
    name = "oauth2-nothing" if "nothing" in line else line.split()[0]
    said = [text for text in server.log().splitlines()
            if f"/htdocs/{number}/.htaccess: " in text]
    assert said and all(name in text for text in said)
    if line in SERVER_ONLY:
        assert all("not allowed here" in text for text in said)
    assert "root:" not in server.log()


@pytest.mark.parametrize("override,wanted", [
    ("None", 200), ("AuthConfig", 401), ("All", 401), ("FileInfo", 500),
    ("FileInfo Nonfatal=Override", 200)])
def test_allow_override(httpd, jwks, override, wanted):
    server = httpd(f"<Directory ${{root}}/htdocs/x>\nAllowOverride {override}\n"
                   "</Directory>", main=conf.issuer(),
                   files={"keys/corp.json": jwks, "htdocs/x/a.txt": "a",
                          "htdocs/x/.htaccess": BASE})
    server.expect(r"\.htaccess")
    assert client.request(server.port, "/x/a.txt").status == wanted


@pytest.mark.parametrize("names,wanted", [
    ("corp", 200), ("corp nobody", 500), ("nobody", 500), ("Corp", 500),
    ("https://issuer.example", 500), ("file:keys/corp.json", 500)])
def test_only_names_of_the_server(httpd, key, jwks, names, wanted):
    server = httpd(main=conf.issuer(), files={
        "keys/corp.json": jwks, "htdocs/x/a.txt": "a",
        "htdocs/x/.htaccess": BASE + f"ApiAccept {names}\n"})
    server.expect("AO2-050 misconfigured: ApiAccept names")
    token = site.token_of("alice", key)
    assert client.request(server.port, "/x/a.txt", token).status == wanted
    assert client.request(server.port, "/x/a.txt").status == \
        (401 if wanted == 200 else 500)


def test_no_way_round_an_outer_location(httpd, key, jwks):
    """<Location> comes after .htaccess: its author cannot open it."""
    server = httpd(conf.location("/x"), main=conf.issuer(), files={
        "keys/corp.json": jwks, "htdocs/x/a.txt": "a",
        "htdocs/x/.htaccess":
            "AuthType None\nRequire all granted\nApiAudience any\n"})
    token = site.token_of("alice", key, aud="other")
    assert client.request(server.port, "/x/a.txt").status == 401
    assert client.request(server.port, "/x/a.txt", token).status == 401


def test_author_settings_work(httpd, key, jwks):
    """The other half: what an author may say has its effect."""
    server = httpd("""
<Directory ${root}/htdocs/x>
    Options +Includes
    SetOutputFilter INCLUDES
</Directory>
""", ["include"], conf.issuer(), files={
        "keys/corp.json": jwks,
        "htdocs/x/a.txt": '<!--#echo var="WHO" -->',
        "htdocs/x/.htaccess": BASE +
        "AuthName mine\nApiAudience pasta\nApiPassClaim sub env WHO\n"
        "ApiTokenFrom header:X-Key\nApiErrorBody message\n"})
    token = site.token_of("alice", key, aud="pasta")
    answer = client.request(server.port, "/x/a.txt",
                            headers=[("X-Key", token)])
    assert (answer.status, answer.body) == (200, b"alice")
    answer = client.request(server.port, "/x/a.txt", token)
    assert answer.status == 401
    assert answer.get("WWW-Authenticate") == 'Bearer realm="mine"'
    assert json.loads(answer.body)["http_status_code"] == 401


def test_claims_reach_no_other_folder(httpd, key, jwks):
    """What one author asks for is not seen by the neighbour."""
    page = '<!--#echo var="WHO" -->|<!--#echo var="OAUTH2_SUBJECT" -->'
    server = httpd("""
<Directory ${root}/htdocs>
    Options +Includes
    SetOutputFilter INCLUDES
</Directory>
""", ["include"], conf.issuer(), files={
        "keys/corp.json": jwks,
        "htdocs/x/a.txt": page, "htdocs/y/a.txt": page,
        "htdocs/x/.htaccess": BASE + "ApiPassClaim sub env WHO\n",
        "htdocs/y/.htaccess": BASE})
    token = tokens.sign(tokens.claims(), key)
    bodies = [client.request(server.port, f"/{f}/a.txt", token).body
              for f in "xy"]
    assert bodies == [b"alice|alice", b"(none)|alice"]
