"""Who the application sees where httpd answers by way of another request."""
import pytest
from support import client, conf, site, tokens

MODULES = "negotiation include cgi cgid actions rewrite".split()
SCRIPT = """#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
echo "$OAUTH2_SUBJECT|$REMOTE_USER|$AUTH_TYPE|$WHO|$HTTP_X_USER|$HTTP_AUTHORIZATION"
"""
FILES = {f"htdocs/{name}": SCRIPT for name in
         ("api/env.cgi", "files/env.cgi", "mv/env.cgi", "b/env.cgi", "f/env.cgi",
          "d/env2.cgi")}
FILES.update({
    "htdocs/public/x.txt": "x", "htdocs/c/x.txt": "x", "htdocs/g/x.txt": "x", "htdocs/act/x.act": "x",
    "htdocs/cgi/local.cgi": "#!/bin/sh\nprintf 'Location: /api/env.cgi\\n\\n'",
    "htdocs/ssi/same.shtml": "<!--#include virtual='/ssi/env.cgi' -->",
    "htdocs/ssi/other.shtml": "<!--#include virtual='/api/env.cgi' -->",
    "htdocs/open/api.shtml": "<!--#include virtual='/api/env.cgi' -->",
    "htdocs/open/env.shtml": "<!--#include virtual='/open/env.cgi' -->",
    "htdocs/ssi/open.shtml": "<!--#include virtual='/open/env.cgi' -->",
    "htdocs/ssi/env.cgi": SCRIPT, "htdocs/open/env.cgi": SCRIPT,
})
PASS = ["ApiAccept corp", "ApiPassClaim sub env WHO",
        "ApiPassClaim sub header X-User"]
CONF = f"""
AddHandler cgi-script .cgi
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory ${{root}}/htdocs>
    Options +ExecCGI +Includes +MultiViews
    MultiviewsMatch Handlers
    DirectoryIndex env.cgi
</Directory>
<Directory ${{root}}/htdocs/public>
    DirectoryIndex /api/env.cgi
    FallbackResource /api/env.cgi
</Directory>
AddHandler do-act .act
Action do-act /api/env.cgi
RewriteEngine On
RewriteRule ^/pt/(.*) /api/$1 [PT]
<Directory ${{root}}/htdocs/act>
    RewriteEngine On
    RewriteRule ^r/(.*) /api/$1
</Directory>
""" + "".join(conf.location(path, *PASS) for path in
              ("/api", "/files", "/mv", "/ssi")) + \
    conf.location("/b", "ApiAccept b", *PASS[1:]) + \
    conf.location("/c", *PASS, "DirectoryIndex /b/env.cgi") + \
    conf.location("/f", "ApiAccept b corp", *PASS[1:]) + \
    conf.location("/g", *PASS, "DirectoryIndex /f/env.cgi") + \
    conf.location("/d", *PASS, "DirectoryIndex env2.cgi") + \
    conf.location("/d/env2.cgi", *PASS, audience="pasta")
MAIN = (conf.issuer() + conf.issuer(
    "ApiClaims subject=b_sub", name="b", keys="ApiJWKS file:keys/corp.json"))


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    server = module_httpd(CONF, MODULES, MAIN, start=False,
                          files={"keys/corp.json": jwks, **FILES})
    for path in server.root.rglob("*.cgi"):
        path.chmod(0o755)
    server.expect("include:error")
    return server.start(CONF)


def seen(server, path, token, headers=()):
    answer = client.request(server.port, path, token, headers)
    return answer.body.decode().strip().split("|"), answer


ALICE = ["alice", "alice", "Bearer", "alice", "alice", ""]


@pytest.mark.parametrize("path", [
    "/api/env.cgi", "/api/", "/api/env", "/mv/env", "/files/", "/act/x.act",
    "/act/r/env.cgi", "/pt/env.cgi", "/cgi/local.cgi", "/ssi/same.shtml",
    "/ssi/other.shtml", "/open/api.shtml", "/public/", "/public/nothing"])
def test_identity(server, key, path):
    """However the script was reached: one identity, and no credential."""
    token = site.token_of("alice", key)
    got, answer = seen(server, path, token, [("X-User", "root")])
    assert answer.status == 200
    assert got == ALICE
    got, answer = seen(server, path, None, [("X-User", "root")])
    assert "alice" not in got and "root" not in got
    assert answer.status == (200 if "open" in path else 401)


@pytest.mark.parametrize("path", ["/open/env.cgi", "/open/env.shtml",
                                  "/open/"])
def test_public_place(server, key, path):
    """A place without protection hears of nobody, whoever calls; what the
    client sends under the names of ours is gone there too."""
    got, answer = seen(server, path, site.token_of("alice", key),
                       [("X-User", "root")])
    assert answer.status == 200
    assert got[1:5] == [""] * 4


def test_page_tells_what_it_includes(server, key):
    """httpd's own: what a page includes sees the variables of the page."""
    token = site.token_of("alice", key)
    assert seen(server, "/ssi/open.shtml", token)[0] == ALICE
    assert seen(server, "/open/env.cgi", token)[0][1:5] == [""] * 4


@pytest.mark.parametrize("path", ["/b/env.cgi", "/b/", "/c/", "/f/env.cgi",
                                  "/f/", "/g/"])
def test_identity_of_the_place(server, key, path):
    """An index in another place speaks by the issuer object of that one; of
    two for the same issuer by the first."""
    token = tokens.sign(tokens.claims(b_sub="betty"), key)
    assert seen(server, path, token)[0] == \
        ["betty", "betty", "Bearer", "alice", "alice", ""]
    assert seen(server, "/api/env.cgi", token)[0] == ALICE


def test_place_refuses(server, key):
    """An index that another audience is needed for is not served."""
    token = tokens.sign(tokens.claims(), key)
    for path in ("/d/", "/d/env2.cgi"):
        got, answer = seen(server, path, token)
        assert answer.status == 401
    token = tokens.sign(tokens.claims(aud=["pizza", "pasta"]), key)
    for path in ("/d/", "/d/env2.cgi"):
        assert seen(server, path, token)[0] == ALICE
