"""The configurations that come with the module: each one loads, and each use
case admits and refuses what it says."""
import base64
import hashlib
import re
from pathlib import Path

import pytest
from jwcrypto import jwk
from support import client, guarded, peers, tokens
from support.catalogue import (api_token, application, document, subscription,
                               token_row)
from support.introspector import Introspector, active

TOP = Path(__file__).parents[2]
EXAMPLES = sorted((TOP / "conf/examples").glob("*.conf"))
MODULES = ("proxy proxy_http rewrite access_compat auth_basic ssl "
           "authn_file dbd").split()
SECRET = "a secret that is long enough for HS256"
ORDERS = "https://api.example.com/orders"
CORP = "https://login.example.com/"
PARTNER = "https://auth.partner.example/"
CORP_KID, PARTNER_KID = "k1", "2026-01"
API_TOKEN, MENU_TOKEN = api_token(), api_token()
REGISTRY = document(
    application(1, [subscription("orders", plan="gold")],
                token_row(API_TOKEN, scopes=["orders:read"]),
                clients=[{"issuer": "corp", "client_id": "app"}]),
    application(2, row=token_row(MENU_TOKEN, scopes=["orders:read"])),
    apis=[{"name": "orders", "version": "1.0"}],
    plans=[{"name": "gold", "limits": [{"requests": 2, "per": "1h"}]},
           {"name": "guest", "limits": [{"requests": 1, "per": "1h"}]}])
PREFLIGHT = [("Origin", "https://shop.example.com"),
             ("Access-Control-Request-Method", "GET")]


def files(key, jwks):
    digest = base64.b64encode(hashlib.sha1(b"word").digest()).decode()
    pages = ("orders/index.html orders/export/index.html staff/index.html "
             "reports/index.html team/index.html menu/index.html").split()
    return {"keys/corp.json": jwks, "keys/partner.secret": SECRET,
            "keys/cache.secret": SECRET,
            "keys/partner.pem": key.export_to_pem().decode(),
            "keys/corp-ca.pem": "none is read by configtest",
            "keys/gateway.secret": SECRET,
            "conf/revocations": "# none yet\n",
            "conf/registry.json": REGISTRY,
            "keys/htpasswd": f"alice:{{SHA}}{digest}\n",
            "htdocs/team/.htaccess":
                (TOP / "conf/examples/htaccess-folder.txt").read_text(),
            **{f"htdocs/{page}": page for page in pages}}


def adapted(path, root, backend=8080, issuer=None, endpoint=None):
    """The text of a configuration for a private ServerRoot."""
    text = path.read_text().replace("/var/www/html", f"{root}/htdocs")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{backend}")
    text = text.replace("https://orders.internal.example",
                        f"http://127.0.0.1:{backend}")
    if endpoint:
        text = text.replace(f"{CORP}token", endpoint)
    return text.replace(CORP, issuer + "/") if issuer else text


def uncommented(text):
    """As its first lines say: "#" and a word is configuration."""
    return re.sub(r"(?m)^( *)#(?=[<\w])", r"\1", text)


def test_there_are_examples():
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize("path", [TOP / "conf/api_oauth2.conf", *EXAMPLES,
                                  TOP / "conf/debian/api_oauth2.conf"],
                         ids=lambda path: path.stem)
def test_loads(httpd, key, jwks, path):
    server = httpd(modules=MODULES, files=files(key, jwks), start=False)
    text = adapted(path, server.root)
    code, said = server.configtest(text)
    assert code == 0 and "Syntax OK" in said, said
    assert "AuthType Bearer without" not in said
    # The same with one letter more is refused: it was looked at.
    broken, count = re.subn(r"(?m)^(\s*)(Api[A-Z]\w+)", r"\1\2x", text, 1)
    if count:
        assert server.configtest(broken)[0] != 0


def test_every_directive_loads(httpd, key, jwks):
    server = httpd(modules=MODULES, files=files(key, jwks), start=False)
    text = uncommented((TOP / "conf/api_oauth2.conf").read_text())
    assert text.count("\n<ApiIssuer") == 1
    code, said = server.configtest(text)
    assert code == 0, said
    for name in set(re.findall(r"(?m)^ +(Api\w+)", text)):
        wrong = re.sub(rf"(?m)^( +{name}) .*", r'\1 "" "" "" ""', text)
        code, said = server.configtest(wrong)
        assert code != 0 and name in said, name


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


def secret_key(text):
    raw = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return jwk.JWK(kty="oct", k=raw)


class Caller:
    """Who sends a request: the headers and the query."""

    def __init__(self, headers=(), query="", method="GET", **claims):
        self.headers, self.query, self.method = headers, query, method
        self.claims = claims

    def send(self, server, path, key):
        claims = {"iss": CORP, "aud": ORDERS, "scope": "orders:read",
                  **self.claims}
        kid = PARTNER_KID if claims["iss"] == PARTNER else CORP_KID
        alg = "ES256"
        if "secret" in claims:
            key, alg, kid = secret_key(claims.pop("secret")), "HS256", None
        token = tokens.sign(tokens.claims(**claims), key, alg, {"kid": kid})
        headers = [(name, value.replace("TOKEN", token))
                   for name, value in self.headers]
        query = self.query.replace("TOKEN", token)
        return client.request(server.port, path + query, headers=headers,
                              method=self.method)


def with_token(**claims):
    return Caller(bearer("TOKEN"), **claims)


BASIC = base64.b64encode(b"alice:word").decode()
ROWS = [
    ("jwt-metadata", "/orders", [
        (with_token(), 200), (Caller(), 401),
        (with_token(method="POST"), 403),
        (with_token(method="POST", scope="orders:write"), 200),
        (with_token(aud="else"), 401), (with_token(iss=PARTNER), 401)]),
    ("jwks-file", "/orders/", [
        (with_token(), 200), (with_token(scope="x"), 403), (Caller(), 401)]),
    ("pem-key", "/orders/", [
        (with_token(iss=PARTNER), 200), (with_token(), 401)]),
    ("shared-secret", "/orders/", [
        (with_token(iss=PARTNER, secret=SECRET), 200),
        (with_token(iss=PARTNER, secret=SECRET + "!"), 401),
        (with_token(iss=PARTNER), 401)]),
    ("several-issuers", "/orders/", [
        (with_token(), 200), (with_token(iss=PARTNER), 200),
        (with_token(method="POST"), 200),
        (with_token(iss=PARTNER, method="POST"), 403),
        (with_token(iss=PARTNER, scope="orders:write"), 403)]),
    ("several-issuers", "/staff/", [
        (with_token(aud="https://api.example.com/staff", department="hr"),
         200),
        (with_token(aud="https://api.example.com/staff", department="it"),
         403),
        (with_token(aud="https://api.example.com/staff", department="hr",
                    iss=PARTNER), 401)]),
    ("proxy-claims", "/orders", [
        (with_token(), 200), (with_token(sub="app"), 403)]),
    ("oauth2-backend", "/orders", [
        (with_token(), 200), (Caller(), 401)]),
    ("cors", "/orders/", [
        (Caller(PREFLIGHT, method="OPTIONS"), 204),
        (Caller(PREFLIGHT[:1], method="OPTIONS"), 401),
        (Caller(PREFLIGHT), 401), (with_token(), 200)]),
    ("optional-token", "/catalogue", [
        (Caller(), 200),
        (with_token(aud="https://api.example.com/catalogue"), 200),
        (with_token(), 401)]),
    ("optional-token", "/catalogue/prices", [
        (Caller(), 401),
        (with_token(aud="https://api.example.com/catalogue"), 403),
        (with_token(aud="https://api.example.com/catalogue",
                    scope="prices:read"), 200)]),
    ("cookie-query", "/orders/", [
        (Caller([("Cookie", "a=b; access_token=TOKEN")]), 200),
        (with_token(), 200), (Caller([("Cookie", "token=TOKEN")]), 401),
        (Caller(query="?access_token=x"), 401)]),
    ("cookie-query", "/orders/export/", [
        (Caller(query="?a=1&access_token=TOKEN", scope="orders:export"), 200),
        (Caller(query="?access_token=TOKEN"), 403),
        (Caller([("Cookie", "access_token=TOKEN")]), 401)]),
    ("htaccess", "/team/", [
        (with_token(aud="https://api.example.com/team",
                    groups=["x", "leads"]), 200),
        (with_token(aud="https://api.example.com/team", groups=["x"]), 403),
        (Caller(), 401)]),
    ("subscriptions", "/orders/", [
        (with_token(), 200), (with_token(client_id="other"), 403),
        (Caller(bearer(MENU_TOKEN)), 403), (Caller(bearer(API_TOKEN)), 200),
        (with_token(), 429), (Caller(bearer(api_token())), 401),
        (Caller(), 401)]),
    ("subscriptions", "/menu/", [
        (Caller(bearer(MENU_TOKEN)), 200), (Caller(bearer(MENU_TOKEN)), 429),
        (Caller(), 200), (Caller(), 429), (with_token(), 401)]),
    ("basic-beside", "/reports/", [
        (Caller([("Authorization", f"Basic {BASIC}")]), 200),
        (Caller([("Authorization", "Basic YTpi")]), 401),
        (with_token(aud="https://api.example.com/reports",
                    scope="reports:read"), 200),
        (with_token(aud="https://api.example.com/reports"), 403),
        (Caller(bearer("no-token")), 401), (Caller(), 401)]),
]


@pytest.fixture(scope="module")
def backend():
    server = peers.start(peers.Echo)
    yield server.port
    server.shutdown()


@pytest.fixture(scope="module")
def endpoint():
    server = guarded.Endpoint()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def issuer(jwks):
    server = peers.Issuer(jwks)
    server.metadata["/.well-known/oauth-authorization-server"] = {
        "issuer": server.url + "/", "jwks_uri": server.url + "/jwks"}
    yield server
    server.stop()


def test_every_example_is_tried():
    assert {name for name, _, _ in ROWS} | {"introspection"} == \
        {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("name,path,callers", ROWS,
                         ids=[f"{name}{path}" for name, path, _ in ROWS])
def test_example(httpd, key, jwks, backend, issuer, endpoint, name, path,
                 callers):
    server = httpd(modules=MODULES, files=files(key, jwks), start=False)
    url = issuer.url if name == "jwt-metadata" else None
    server.expect(r"authn_file|auth_basic|AH01873")
    server.start(adapted(TOP / f"conf/examples/{name}.conf", server.root,
                         backend, url, endpoint))
    for number, (caller, status) in enumerate(callers):
        if url and "iss" not in caller.claims:
            caller.claims["iss"] = url + "/"
        answer = caller.send(server, path, key)
        assert answer.status == status, (number, answer)


def test_introspection_example(httpd, key, jwks):
    issuer = Introspector()
    server = httpd(files=files(key, jwks), start=False)
    server.start(adapted(TOP / "conf/examples/introspection.conf",
                         server.root, issuer=issuer.url))
    issuer.answers = {
        "good-one": active(aud=ORDERS, scope="orders:read"),
        "no-scope": active(aud=ORDERS, scope="x"),
        "elsewhere": active(aud="else", scope="orders:read")}
    for token, status in [("good-one", 200), ("no-scope", 403),
                          ("elsewhere", 401), ("unknown-one", 401),
                          ("good-one", 200)]:
        answer = client.request(server.port, "/orders/", token)
        assert answer.status == status, token
    issuer.stop()
    assert issuer.calls == 4
