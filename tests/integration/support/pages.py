"""A server whose status page has something to tell of everything."""
import json

from . import client, conf, tokens

STATUS = """
<Location /status>
    SetHandler api-oauth2-status
    Require local
</Location>
"""
#: What a client may try to write into the page.
EVIL = "<script>alert(1)</script>\"'&"
REGISTRY = {
    "version": 1,
    "plans": [{"name": "gold", "limits": [
        {"requests": 5000, "per": "1mi", "burst": 500},
        {"requests": 1000000, "per": "30d"}]},
        {"name": "bronze", "limits": [{"requests": 3, "per": "30d"}]}],
    "apis": [{"name": "pizza", "version": "1.0", "status": "published"}],
    "applications": [
        {"id": "shop", "clients": [{"issuer": "corp", "client_id": "shop"}],
         "subscriptions": [
             {"api": "pizza", "version": "1.0", "plan": "bronze"}]},
        {"id": "idle", "clients": [{"issuer": "corp", "client_id": "idle"}],
         "subscriptions": [
             {"api": "pizza", "version": "1.0", "plan": "gold"}]}]}


def start(make, key, more_keys, nobody, more=""):
    """@a make starts servers; @a nobody is a port where nobody listens."""
    keys = tokens.key_set(key, *more_keys, use="sig")
    accept = "ApiAccept corp"
    text = "".join([
        STATUS, conf.location("/plain", accept, "ApiErrorDetail On"),
        conf.location("/pizza", accept, "ApiName pizza 1.0"),
        conf.location("/scope", accept, require="oauth2-scope admin"),
        conf.location("/down", "ApiAccept down"), more])
    main = "ApiRegistry file:conf/registry.json\n" + conf.issuer() + \
        conf.issuer(name="down", url="https://down.example",
                    keys=f"ApiJWKS http://127.0.0.1:{nobody}/jwks") + \
        conf.section("ApiUpstream", "billing", [
            "ApiUpstreamOrigin http://127.0.0.1:1",
            f"ApiTokenEndpoint http://127.0.0.1:{nobody}/token",
            "ApiClientAuth client_secret_basic me some-secret"])
    files = {f"htdocs/{name}/a.txt": "a"
             for name in ("plain", "pizza", "scope", "down")}
    server = make(text, ("status",), main,
                  {**files, "keys/corp.json": keys,
                   "conf/registry.json": json.dumps(REGISTRY)})
    server.expect("AO2-040", "ApiIssuer down", "ApiAudience any")
    return server


def call(server, key, path, **changes):
    return client.request(server.port, path,
                          tokens.sign(tokens.claims(**changes), key)).status


def fill(server, key):
    """Requests of many kinds, and what each was answered."""
    wanted = [("/pizza/a.txt", dict(client_id="shop"), status)
              for status in (200, 200, 200, 429)] + [
        ("/pizza/a.txt", dict(client_id=EVIL), 403),
        ("/plain/a.txt", dict(), 200), ("/plain/a.txt", dict(exp=1), 401),
        ("/scope/a.txt", dict(client_id="app"), 403),
        ("/down/a.txt", dict(iss="https://down.example"), 503)]
    for path, claims, status in wanted:
        assert call(server, key, path, **claims) == status, path
    evil = client.request(server.port, "/plain/%3Cscript%3E%1b%0a/x",
                          "not.a.token")
    assert evil.status == 401
    return wanted


def model(server, query="?format=json", headers=()):
    answer = client.request(server.port, "/status" + query, headers=headers)
    assert answer.status == 200
    return json.loads(answer.body)
