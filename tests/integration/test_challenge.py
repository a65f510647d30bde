"""What a caller without the rights hears: one challenge, and all scopes."""
import re

import pytest
from support import client, site, tokens
from test_access import claim, every, none, one, scope

ROWS = [  # what stands in the location; error id; scope="..." or None
    (scope("admin"), "scope_missing", "admin"),
    (scope("admin", "audit"), "scope_missing", "admin audit"),
    (scope("admin") + "\n" + scope("audit"), "scope_missing", "admin audit"),
    (scope("admin") + "\n" + claim("plan silver"), "scope_missing", "admin"),
    (claim("plan silver") + "\n" + scope("admin"), "scope_missing", "admin"),
    (one(scope("admin"), scope("admin", "audit")), "scope_missing",
     "admin audit"),
    # Also those behind the first line that says no, and those it has: a new
    # token needs them all.
    (every(scope("admin"), scope("audit")), "scope_missing", "admin audit"),
    (every(scope("read"), scope("admin")), "scope_missing", "read admin"),
    (every(claim("plan gold"), scope("admin"), one(scope("x"), scope("y"))),
     "scope_missing", "admin x y"),
    (every(scope("admin"), "<Limit GET>\n" + scope("audit") + "\n</Limit>"),
     "scope_missing", "admin audit"),
    # A scope that must not be there is no scope to ask for.
    (every(scope("admin"), "Require not oauth2-scope evil"), "scope_missing",
     "admin"),
    (every(scope("admin"), none(scope("evil"), every(scope("x"),
                                                     none(scope("y"))))),
     "scope_missing", "admin y"),
    (every(scope("read"), "Require not oauth2-scope write"), "access_denied",
     None),
    (claim("plan silver"), "claim_mismatch", None),
    (every(claim("plan silver"), scope("admin")), "claim_mismatch", None),
    ("Require oauth2-client other", "access_denied", None),
    ("Require oauth2-token application", "access_denied", None),
    ("Require user bob", "access_denied", None),
    # One line of 1 KiB is enough.
    (scope(*(f"{'s' * 90}{i}" for i in range(12))), "scope_missing", None),
]


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    files = {f"htdocs/row{i}/a.txt": "a" for i in range(len(ROWS))}
    return module_httpd("".join(site.location(f"/row{i}", row[0])
                                for i, row in enumerate(ROWS)),
                        main=site.CORP + """
<AuthzProviderAlias oauth2-scope auditors audit>
</AuthzProviderAlias>
<Location /alias>
    AuthType Bearer
    AuthName api
    ApiAudience pizza
    Require auditors
</Location>
""", files={"keys/jwks.json": jwks, "htdocs/alias/a.txt": "a", **files})


def parse(challenge):
    """The attributes of one Bearer challenge (RFC 9110 section 11.2)."""
    scheme, rest = challenge.split(" ", 1)
    pairs = re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"(?:, |$)', rest)
    assert scheme == "Bearer"
    assert ", ".join(f'{k}="{v}"' for k, v in pairs) == rest
    assert len(dict(pairs)) == len(pairs)
    return {k: re.sub(r"\\(.)", r"\1", v) for k, v in pairs}


def check(answer, error, scopes):
    assert answer.status == 403
    [challenge] = answer.all("WWW-Authenticate")
    expected = {"realm": "api", "error": "insufficient_scope"}
    if scopes:
        expected["scope"] = scopes
    assert parse(challenge) == expected
    assert f"urn:api-oauth2:error:{error}" in answer.body.decode()
    assert answer.get("Cache-Control") == "no-store"


@pytest.mark.parametrize("number,row", enumerate(ROWS))
def test_challenge(server, key, number, row):
    check(client.request(server.port, f"/row{number}/a.txt",
                         site.token_of("alice", key)), row[1], row[2])


def test_alias(server, key):
    check(client.request(server.port, "/alias/a.txt",
                         site.token_of("alice", key)),
          "scope_missing", "audit")
    token = site.token_of("alice", key, scope="audit")
    assert client.request(server.port, "/alias/a.txt", token).status == 200


@pytest.mark.parametrize("name,realm", [
    ("plain", "plain"), ('"a \\"quoted\\" one"', 'a "quoted" one'),
    (None, "server.example")])
def test_realm(httpd, jwks, name, realm):
    server = httpd(f"""
<Location />
    AuthType Bearer
    {"AuthName " + name if name else ""}
    ApiAudience pizza
    Require valid-user
</Location>
""", main=site.CORP, files={"keys/jwks.json": jwks})
    [challenge] = client.request(server.port, "/").all("WWW-Authenticate")
    assert parse(challenge) == {"realm": realm}


OTHER = """
<ApiIssuer Corp>
    ApiIssuerURL https://other.example
    ApiJWKS file:keys/jwks.json
</ApiIssuer>
"""


@pytest.mark.parametrize("words,status", [
    ("Corp", 403), ("corp", 200), ("Corp corp", 200)])
def test_issuer_is_a_name(httpd, key, jwks, words, status):
    line = f"Require oauth2-issuer {words}"
    server = httpd(site.location("/", f"ApiAccept corp\n{line}"),
                   main=site.CORP + OTHER, files={
                       "keys/jwks.json": jwks, "htdocs/a.txt": "a"})
    answer = client.request(server.port, "/a.txt",
                            site.token_of("alice", key))
    assert answer.status == status


@pytest.mark.parametrize("words,status", [
    (tokens.ISSUER, 403), ("nobody", 403), ("nobody corp", 200)])
def test_issuer_in_htaccess_is_a_name(httpd, key, jwks, words, status):
    """What is none grants nothing."""
    server = httpd(main=site.CORP, files={
        "keys/jwks.json": jwks, "htdocs/x/a.txt": "a", "htdocs/x/.htaccess":
        f"AuthType Bearer\nApiAudience pizza\nRequire oauth2-issuer {words}"})
    answer = client.request(server.port, "/x/a.txt",
                            site.token_of("alice", key))
    assert answer.status == status
