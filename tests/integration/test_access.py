"""Require lines and trees: who gets in, and what the others hear."""
import re

import pytest
from support import client, site

LOCAL, ELSEWHERE = "Require ip 127.0.0.1", "Require ip 192.0.2.1"


def tree(kind, *lines):
    return f"<{kind}>\n" + "\n".join(lines) + f"\n</{kind}>"


def every(*lines):
    return tree("RequireAll", *lines)


def one(*lines):
    return tree("RequireAny", *lines)


def none(*lines):
    return tree("RequireNone", *lines)


def scope(*words):
    return "Require oauth2-scope " + " ".join(words)


def claim(text):
    return "Require oauth2-claim " + text


def expr(text):
    return f'Require expr "{text}"'


USER = "Require valid-user"
PUBLIC = "Require all granted"
ROWS = [  # what stands in the location; alice, bob, robot, nobody, mallory
    (USER, 200, 200, 200, 401, 401),
    ("", 200, 200, 200, 401, 401),
    (PUBLIC, 200, 200, 200, 200, 200),
    ("Require all denied", 403, 403, 403, 403, 403),
    ("Require user alice", 200, 403, 403, 401, 401),
    (scope("write"), 200, 403, 200, 401, 401),
    (scope("admin", "read"), 200, 200, 403, 401, 401),
    (scope("WRITE"), 403, 403, 403, 401, 401),
    (scope("writ"), 403, 403, 403, 401, 401),
    ("Require oauth2-client app robot", 200, 403, 200, 401, 401),
    ("Require oauth2-issuer corp", 200, 200, 200, 401, 401),
    ("Require oauth2-token user", 200, 200, 403, 401, 401),
    ("Require oauth2-token application", 403, 403, 200, 401, 401),
    ("Require oauth2-token user application", 200, 200, 200, 401, 401),
    (claim("plan"), 200, 403, 403, 401, 401),
    (claim("plan gold silver"), 200, 403, 403, 401, 401),
    (claim("plan Gold"), 403, 403, 403, 401, 401),
    (claim("level 3"), 200, 403, 403, 401, 401),
    (claim("vip true"), 200, 403, 403, 401, 401),
    (claim("roles dev"), 200, 200, 403, 401, 401),
    (claim("address.city Rome"), 200, 403, 403, 401, 401),
    (claim("address"), 200, 403, 403, 401, 401),
    (claim("address Rome"), 403, 403, 403, 401, 401),
    (claim("sub ~ ^(alice|robot)$"), 200, 403, 200, 401, 401),
    (claim("roles ~ ^adm"), 200, 403, 403, 401, 401),
    # Lines beside each other are alternatives.
    (scope("write") + "\nRequire oauth2-client other",
     200, 200, 200, 401, 401),
    (every(scope("write"), "Require oauth2-token user"),
     200, 403, 403, 401, 401),
    (every(scope("write"), LOCAL), 200, 403, 200, 401, 401),
    (every(scope("write"), ELSEWHERE), 403, 403, 403, 403, 403),
    (one(LOCAL, scope("write")), 200, 200, 200, 200, 200),
    (one(scope("write"), LOCAL), 200, 200, 200, 200, 200),
    (one(scope("write"), ELSEWHERE), 200, 403, 200, 401, 401),
    (one(every(scope("read"), claim("plan gold")),
         every(scope("write"), "Require oauth2-token application")),
     200, 403, 200, 401, 401),
    (every(one(scope("read"), scope("write")),
           one(claim("roles admin"), claim("client_id robot"))),
     200, 403, 200, 401, 401),
    # Negation, in all spellings.
    (every(USER, "Require not oauth2-client app"), 403, 200, 200, 401, 401),
    (every(USER, "Require NOT oauth2-scope write"), 403, 200, 403, 401, 401),
    (every(PUBLIC, 'Require "not" oauth2-scope write'),
     403, 200, 403, 401, 401),
    (every(USER, none(scope("write"), "Require oauth2-client other")),
     403, 403, 403, 401, 401),
    (every(USER, none(scope("write"))), 403, 200, 403, 401, 401),
    (every(USER, none(every(scope("read"), scope("write")))),
     403, 200, 200, 401, 401),
    (every(USER, none(every(USER, none(scope("write"))))),
     200, 403, 200, 401, 401),
    # Who must not be somebody must say who they are.
    (every(PUBLIC, "Require not oauth2-client app"), 403, 200, 200, 401, 401),
    (every(PUBLIC, none("Require oauth2-client app")),
     403, 200, 200, 401, 401),
    (every(PUBLIC, none(every(PUBLIC, none(scope("write"))),
                        "Require oauth2-client robot")),
     200, 403, 403, 401, 401),
    (every(PUBLIC, "Require not writers"), 403, 200, 403, 401, 401),
    (one("Require writers", ELSEWHERE), 200, 403, 200, 401, 401),
    (one(ELSEWHERE, every(PUBLIC, "Require not oauth2-client app")),
     403, 200, 200, 401, 401),
    # Other modules' rules.
    ("Require method GET", 200, 200, 200, 200, 200),
    ("Require method POST", 403, 403, 403, 403, 403),
    (every("Require method GET", scope("write")), 200, 403, 200, 401, 401),
    (one("Require method POST", scope("write")), 200, 403, 200, 401, 401),
    ("Require local", 200, 200, 200, 200, 200),
    (every("Require local", USER), 200, 200, 200, 401, 401),
    (every("Require not local", USER), 403, 403, 403, 403, 403),
    ("SetEnv open 1\nRequire env missing", 403, 403, 403, 403, 403),
    # Expressions: asked before and after it is known who calls.
    (expr("oauth2_claim('plan') == 'gold'"), 200, 403, 403, 401, 401),
    (expr("%{oauth2_claim:plan} == 'gold'"), 200, 403, 403, 401, 401),
    (expr("oauth2_claim('plan') != 'gold'"), 403, 200, 200, 401, 401),
    (expr("-z oauth2_claim('plan')"), 403, 200, 200, 401, 401),
    (expr("oauth2_claim('address.city') =~ /^R/"), 200, 403, 403, 401, 401),
    (expr("%{REMOTE_USER} == 'alice'"), 200, 403, 403, 401, 401),
    (every(PUBLIC, "Require not " + expr("oauth2_claim('sub') == 'bob'")[8:]),
     200, 403, 200, 401, 401),
    (expr("%{REQUEST_METHOD} == 'GET'"), 200, 200, 200, 200, 200),
    (expr("%{HTTP:X-None} == 'x'"), 403, 403, 403, 403, 403),
    # <Limit>: methods that no Require speaks of demand a token.
    ("<Limit GET>\nRequire oauth2-scope write\n</Limit>",
     200, 403, 200, 401, 401),
    ("<Limit POST>\nRequire oauth2-scope write\n</Limit>",
     200, 200, 200, 401, 401),
    ("<LimitExcept GET>\nRequire oauth2-scope write\n</LimitExcept>",
     200, 200, 200, 401, 401),
    ("<Limit POST>\nRequire all granted\n</Limit>", 200, 200, 200, 401, 401),
    ("<Limit GET>\nRequire all granted\n</Limit>", 200, 200, 200, 200, 200),
    # No credential is allowed, a bad one is not.
    ("ApiAnonymous On", 200, 200, 200, 200, 401),
    ("ApiAnonymous On\n" + USER, 200, 200, 200, 200, 401),
    ("ApiAnonymous On\n" + scope("write"), 200, 403, 200, 401, 401),
    ("ApiAnonymous On\n" + every(USER, "Require not oauth2-client app"),
     403, 200, 200, 200, 401),
    ("ApiAnonymous On\nRequire user alice", 200, 403, 403, 401, 401),
    ("ApiAnonymous On\n" + expr("oauth2_claim('sub') != 'bob'"),
     200, 403, 200, 200, 401),
    ("ApiAnonymous Off", 200, 200, 200, 401, 401),
    # 403 without AuthzSendForbiddenOnFailure, and no different with it.
    ("AuthzSendForbiddenOnFailure On\n" + scope("write"),
     200, 403, 200, 401, 401),
]
#: The rows that httpd decides alone, before any token is looked at.
HTTPDS_OWN = ("Require all denied", "Require method POST", "Require not local",
              ELSEWHERE, "Require env missing", "X-None")


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    files = {f"htdocs/row{i}/a.txt": "a" for i in range(len(ROWS))}
    server = module_httpd("".join(site.location(f"/row{i}", row[0])
                                  for i, row in enumerate(ROWS)),
                          main=site.CORP + """
<AuthzProviderAlias oauth2-scope writers write>
</AuthzProviderAlias>
""",
                          files={"keys/jwks.json": jwks, **files})
    # mod_authz_core about an expression with REMOTE_USER that says no.
    server.expect("AH01629")
    return server


def check_challenge(answer, who, lines):
    challenges = answer.all("WWW-Authenticate")
    if answer.status == 200:
        assert challenges == []
    elif answer.status == 401:
        assert len(challenges) == 1
        assert challenges[0].startswith('Bearer realm="api"')
        assert ('error="invalid_token"' in challenges[0]) == \
            (who == "mallory"), challenges
    elif any(text in lines for text in HTTPDS_OWN) and not challenges:
        assert "AO2" not in answer.body.decode()
    else:
        assert len(challenges) == 1
        assert 'error="insufficient_scope"' in challenges[0]


@pytest.mark.parametrize("number,row", enumerate(ROWS),
                         ids=[re.sub(r"\W+", "-", row[0]) or "nothing"
                              for row in ROWS])
def test_tree(server, key, number, row):
    got = []
    for who in site.EVERYBODY:
        answer = client.request(server.port, f"/row{number}/a.txt",
                                site.token_of(who, key))
        got.append(answer.status)
        check_challenge(answer, who, row[0])
    assert got == list(row[1:]), dict(zip(site.EVERYBODY, got))
