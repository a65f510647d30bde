"""oauth2_claim() wherever httpd takes an expression."""
import json
import re

import pytest
from support import client, conf, peers, site, tokens

CLAIMS = dict(plan="gold", tenant="blue", level=7, vip=True, nothing=None,
              roles=["a", "b,c"], address={"city": "Roma, IT"},
              odd="50% \"ü\"\r\nX-Evil: 1")
CONF = f"""
ProxyPass /api/ http://127.0.0.1:${{backend}}/
ProxyPass /open/ http://127.0.0.1:${{backend}}/
<Location /api>
    Header always set X-Plan "expr=%{{oauth2_claim:plan}}"
    Header set X-Odd "expr=%{{oauth2_claim:odd}}"
    Header set X-Roles "expr=%{{oauth2_claim:roles}}"
    Header set X-City "expr=%{{oauth2_claim:address.city}}"
    Header set X-Number "expr=%{{oauth2_claim:level}}/%{{oauth2_claim:vip}}"
    Header set X-Absent "expr=<%{{oauth2_claim:nobody}}>"
    Header set X-Vip yes "expr=oauth2_claim('vip') == 'true'"
    RequestHeader set X-Level "expr=%{{oauth2_claim:level}}"
</Location>
<Location /open>
    Header set X-Plan "expr=<%{{oauth2_claim:plan}}>"
</Location>
{conf.location("/api")}
<Location /api/admin>
    <RequireAll>
        Require oauth2-scope write
        Require expr "oauth2_claim('plan') in {{'gold', 'silver'}}"
    </RequireAll>
</Location>
<Location /rw>
    RewriteEngine On
    RewriteCond expr "oauth2_claim('tenant') =~ /^([a-z]+)$/"
    RewriteRule ^ http://127.0.0.1:${{backend}}/tenant/%1 [P]
    RewriteRule ^ - [F]
</Location>
{conf.location("/rw")}
LogFormat "%U plan=%{{X-Plan}}o claim=%{{WHO}}e" claims
CustomLog "{{root}}/claims.log" claims "expr=oauth2_claim('plan') == 'gold'"
""".replace("{root}", "${root}")


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    backend = peers.start(peers.Echo)
    yield module_httpd(f"Define backend {backend.port}\n" + CONF,
                       ["proxy", "proxy_http", "rewrite"], conf.issuer(),
                       {"keys/corp.json": jwks})
    backend.shutdown()


@pytest.fixture(scope="module")
def token(key):
    return tokens.sign(tokens.claims(**CLAIMS), key)


def test_header(server, token):
    answer = client.request(server.port, "/api/x", token)
    got = {name: answer.get(name) for name in
           ("X-Plan", "X-Odd", "X-Roles", "X-City", "X-Number", "X-Absent",
            "X-Vip", "X-Evil")}
    assert got == {
        "X-Plan": "gold", "X-Roles": "a,b%2Cc", "X-City": "Roma, IT",
        "X-Odd": '50%25 "%C3%BC"%0D%0AX-Evil: 1', "X-Number": "7/true",
        "X-Absent": "<>", "X-Vip": "yes", "X-Evil": None}
    seen = dict(json.loads(answer.body)["headers"])
    assert seen["X-Level"] == "7"


def test_header_for_others(server, key):
    """Nothing of a token that was refused, or was not asked for."""
    token = tokens.sign(tokens.claims(**CLAIMS), tokens.new_key())
    for credential in (None, token):
        answer = client.request(server.port, "/api/x", credential)
        assert answer.status == 401
        assert answer.get("X-Plan") in (None, "")
    good = tokens.sign(tokens.claims(**CLAIMS), key)
    assert client.request(server.port, "/open/x", good).get("X-Plan") == "<>"


def test_header_on_a_403(server, key):
    """Who is known but may not: the claims are those of a valid token."""
    token = tokens.sign(tokens.claims(plan="lead"), key)
    answer = client.request(server.port, "/api/admin", token)
    assert (answer.status, answer.get("X-Plan")) == (403, "lead")


def test_require(server, key):
    rows = [("gold", "write", 200), ("silver", "write", 200),
            ("lead", "write", 403), ("gold", "read", 403)]
    for plan, scope, wanted in rows:
        token = tokens.sign(tokens.claims(plan=plan, scope=scope), key)
        assert client.request(server.port, "/api/admin",
                              token).status == wanted


def test_rewrite(server, token, key):
    answer = client.request(server.port, "/rw/x", token)
    assert json.loads(answer.body)["path"] == "/tenant/blue"
    for tenant in (None, "../up", "a/b", "A%20"):
        other = tokens.sign(tokens.claims(tenant=tenant), key)
        assert client.request(server.port, "/rw/x", other).status == 403
    assert client.request(server.port, "/rw/x").status == 401


def test_log(server, token):
    client.request(server.port, "/api/logged", token)
    client.request(server.port, "/api/nobody")
    assert re.findall("^/api/(logged|nobody) ", server.log("claims.log"),
                      re.M) == ["logged"]


IF_ROWS = [  # lines in a protected place; alice, nobody
    # <If> is looked at before it is known who calls: a claim is empty there.
    ("<If \"oauth2_claim('plan') == 'gold'\">\nRequire all granted\n</If>",
     200, 401),
    ("<If \"oauth2_claim('plan') != 'gold'\">\nRequire all denied\n</If>",
     403, 403),
    ("<If \"-z oauth2_claim('plan')\">\nHeader set X-If yes\n</If>",
     200, 401),
    # What a client sends decides no more than the operator says it does.
    ("<If \"%{HTTP:X-Open} == '1'\">\nApiAnonymous On\n</If>", 200, 401),
    ("<If \"-n %{HTTP:Authorization}\">\nHeader set X-If yes\n</If>",
     200, 401),
    ("<If \"%{HTTP:Authorization} =~ /^Basic/\">\nAuthType None\n"
     "Require all denied\n</If>", 200, 401),
]


@pytest.mark.parametrize("lines,alice,nobody", IF_ROWS)
def test_if(httpd, key, jwks, lines, alice, nobody):
    server = httpd(conf.location("/", *lines.split("\n")), (), conf.issuer(),
                   {"keys/corp.json": jwks, "htdocs/a.txt": "a"})
    token = site.token_of("alice", key)
    assert client.request(server.port, "/a.txt", token).status == alice
    assert client.request(server.port, "/a.txt").status == nobody


def test_unknown_function(httpd):
    server = httpd()
    for text in ("oauth2_claims('x') == 'y'", "oauth2_claim() == 'y'"):
        code, said = server.configtest(
            f'<Location />\nRequire expr "{text}"\n</Location>\n')
        assert code != 0 and "Require" in said + server.log() or \
            "expression" in said
