"""What registries hold in tests, the locations that ask about it, and those
who call."""
import base64
import hashlib
import json
import os
import re
import time
import zlib

from support import tokens
from support.client import request

PLANS = [{"name": "gold", "limits": [{"requests": 100, "per": "1mi"}]},
         {"name": "tiny", "limits": [{"requests": 3, "per": "1h"}]},
         {"name": "two", "limits": [
             {"requests": 2, "per": "1h", "burst": 2},
             {"requests": 1000, "per": "30d"}]},
         {"name": "quota", "limits": [
             {"requests": 1000, "per": "1mi"},
             {"requests": 4, "per": "30d"}]}]
APIS = [{"name": "pizza", "version": "1.0", "status": "published"},
        {"name": "pizza", "version": "2.0", "status": "deprecated",
         "deprecation": "2026-01-01T00:00:00Z",
         "sunset": "2031-01-01T00:00:00Z"},
        {"name": "blocked", "version": "", "status": "blocked"},
        {"name": "retired", "version": "", "status": "retired"}]


def api_token():
    """A token as htapi makes them, and its row."""
    made = os.urandom(32)
    text = "api_" + base64.urlsafe_b64encode(made).decode().rstrip("=")
    crc, digits = zlib.crc32(text.encode()), ""
    alphabet = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                "abcdefghijklmnopqrstuvwxyz")
    for _ in range(6):
        crc, rest = divmod(crc, 62)
        digits = alphabet[rest] + digits
    text += digits
    tokens.minted.add(text)
    return text


def token_row(text, **more):
    return dict({"id": "t1", "prefix": text[:8], "scopes": [],
                 "sha256": hashlib.sha256(text.encode()).hexdigest(),
                 "key_type": "production", "status": "active"}, **more)


def subscription(api="pizza", version="1.0", plan=None, **more):
    row = dict({"api": api, "version": version, "status": "active"}, **more)
    return dict(row, plan=plan) if plan else row


def application(number, subscriptions=(), row=None, **more):
    return dict({"id": f"app-{number}", "status": "active",
                 "clients": [{"issuer": "corp", "client_id": f"c{number}",
                              "key_type": "production"}],
                 "tokens": [row] if row else [],
                 "subscriptions": list(subscriptions)}, **more)


def document(*applications, apis=APIS, plans=PLANS):
    return json.dumps({"version": 1, "plans": plans, "apis": apis,
                       "applications": list(applications)}, indent=1)


def replace(server, text):
    """Another registry in place of that of a running server."""
    path = server.root / "conf/registry.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(path)


CONF = """
ApiRegistry file:conf/registry.json
ApiRegistryTTL 100ms
<ApiIssuer corp>
    ApiIssuerURL https://issuer.example
    ApiJWKS file:keys/corp.json
</ApiIssuer>
<Location />
    AuthType Bearer
    ApiAccept corp apitoken
    ApiAudience any
    ApiErrorDetail On
    Require valid-user
</Location>
<Location /pizza>
    ApiName pizza 1.0
</Location>
<Location /pizza2>
    ApiName pizza 2.0
</Location>
<Location /blocked>
    ApiName blocked
</Location>
<Location /retired>
    ApiName retired
</Location>
<Location /unknown>
    ApiName unknown
</Location>
<Location /optional>
    ApiName pizza 1.0
    ApiSubscription optional
</Location>
<Location /guests>
    ApiName pizza 1.0
    ApiSubscription optional plan=tiny
</Location>
<Location /off>
    ApiName pizza 1.0
    ApiSubscription off
</Location>
<Location /require>
    Require api-subscription pizza 1.0
</Location>
<Location /plan>
    ApiName pizza 1.0
    Require api-plan gold
</Location>
<Location /notplan>
    ApiName pizza 1.0
    <RequireAll>
        Require valid-user
        Require not api-plan gold
    </RequireAll>
</Location>
<Location /sandbox>
    ApiName pizza 1.0
    Require api-key-type sandbox
</Location>
<Location /kind>
    Require oauth2-token apitoken
</Location>
<Location /scope>
    Require oauth2-scope orders:read
</Location>
"""
PAGES = ("pizza pizza2 blocked retired unknown optional guests off require "
         "plan notplan sandbox kind scope").split()
IN_DATABASE = CONF.replace("file:conf/registry.json", "dbd")


def ask(*args, **more):
    """As call(), of a registry in a database, which on a busy machine may
    take longer than a request waits for it."""
    deadline = time.monotonic() + 30
    while True:
        answer = call(*args, **more)
        if code(answer) != (503, 41) or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


def start_with(registry, make, jwks, *applications, conf=IN_DATABASE,
               main="", modules=()):
    """A server, by `make`, with a registry in a database."""
    files = {f"htdocs/{page}": "page" for page in PAGES}
    files["keys/corp.json"] = jwks
    registry.fill(json.loads(document(*applications)))
    server = make(registry.conf() + conf, files=files, main=main,
                  modules=["dbd", *modules])
    server.expect("AO2-041 registry_unavailable")
    return server



def call(server, path, number=1, key=None, token=None, **claims):
    token = token or tokens.sign(tokens.claims(client_id=f"c{number}",
                                               **claims), key)
    return request(server.port, path, token)


def code(answer):
    found = re.search(rb'"code":"AO2-(\d+)"', answer.body)
    return (answer.status, found and int(found[1]))


#: Path, application and what comes of its call, where the registry holds
#: chain_applications().
CHAIN = [
    ("/pizza", 1, (200, None)),
    ("/pizza", 2, (403, 30)),
    ("/pizza", 9, (403, 30)),
    ("/pizza", 3, (403, 31)),
    ("/pizza", 4, (403, 32)),
    ("/pizza", 5, (403, 31)),
    ("/pizza", 6, (403, 32)),
    ("/pizza2", 1, (403, 30)),
    ("/pizza2", 7, (200, None)),
    ("/pizza", 7, (200, None)),
    ("/blocked", 1, (503, 33)),
    ("/retired", 1, (404, 34)),
    ("/unknown", 1, (403, 30)),
    ("/optional", 1, (200, None)),
    ("/optional", 2, (200, None)),
    ("/optional", 9, (200, None)),
    ("/optional", 3, (403, 31)),
    ("/off", 9, (200, None)),
    ("/require", 1, (200, None)),
    ("/require", 2, (403, 30)),
    ("/plan", 1, (200, None)),
    ("/plan", 7, (403, 22)),
    ("/notplan", 7, (200, None)),
    ("/notplan", 1, (403, 22)),
    ("/sandbox", 1, (403, 22)),
    ("/sandbox", 8, (200, None)),
    ("/pizza", 8, (200, None)),
]


def chain_applications():
    return (
        application(1, [subscription(plan="gold")]),
        application(2),
        application(3, [subscription(status="blocked")]),
        application(4, [subscription(expires="2020-01-01T00:00:00Z")]),
        application(5, [subscription()], status="blocked"),
        application(6, [subscription(status="pending")]),
        application(7, [subscription(version="*")]),
        dict(application(8, [subscription(status="production_blocked")]),
             clients=[{"issuer": "corp", "client_id": "c8",
                       "key_type": "sandbox"}]))
