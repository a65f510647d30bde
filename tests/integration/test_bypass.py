"""httpd answers one request by way of another: sub-requests, redirects,
error pages, indexes. None of them is a way round a protected place."""
import re

import pytest
from support import client, conf, peers, site, tokens

SECRET = "what only callers with a token see"
MODULES = ("negotiation include speling rewrite cgi cgid actions autoindex "
           "userdir proxy proxy_http").split()
FILES = {
    "htdocs/api/secret.html": SECRET, "htdocs/api/index.html": SECRET,
    "htdocs/api/page.shtml": f"{SECRET}<!--#include virtual='secret.html' -->",
    "htdocs/api/mixed.shtml":
        "A<!--#include virtual='/other/o.html' -->"
        "B<!--#include virtual='/aud/a.html' -->"
        "C<!--#include virtual='/open/o.html' -->",
    "htdocs/other/o.html": SECRET + " of another issuer",
    "htdocs/aud/a.html": SECRET + " for another audience",
    "htdocs/open/o.html": "open to everybody",
    "htdocs/files/secret.html": SECRET, "htdocs/files/open.html": "open",
    "htdocs/mv/secret.html": SECRET, "htdocs/mv/other.txt": "open",
    "htdocs/mv/map.var": "URI: secret.html\nContent-type: text/html\n",
    "htdocs/ssi/virtual.shtml": "-<!--#include virtual='/api/secret.html' -->",
    "htdocs/ssi/file.shtml": "-<!--#include file='secret.html' -->",
    "htdocs/ssi/size.shtml": "-<!--#fsize virtual='/api/secret.html' -->",
    "htdocs/ssi/time.shtml": "-<!--#flastmod virtual='/api/secret.html' -->",
    "htdocs/ssi/cgi.shtml": "-<!--#include virtual='/api-cgi/say' -->",
    "htdocs/ssi/secret.html": SECRET,
    "htdocs/ssi/twice.shtml": "-<!--#include virtual='virtual.shtml' -->",
    "htdocs/index-abs/x.txt": "x", "htdocs/index-files/secret.html": SECRET,
    "htdocs/fallback/x.txt": "x", "htdocs/rw/x.txt": "x",
    "htdocs/rw/.htaccess": "",
    "htdocs/head/x.txt": "x", "htdocs/act/a.sec": "x", "htdocs/list/secret.html": SECRET,
    "htdocs/list/open.html": "open",
    "htdocs/errors/401.html": "please sign in",
    "htdocs/errors/403.html": "not for you",
    "htdocs/site/a.html": SECRET, "htdocs/site/login.html": "please log in",
    "home/joe/pub/secret.html": SECRET,
    "cgi/local": "#!/bin/sh\nprintf 'Location: /api/secret.html\\n\\n'\n",
    "cgi/say": f"#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n{SECRET}'\n",
}
PROTECTED = ["AuthType Bearer", "ApiAccept corp", "ApiAudience pizza",
             "Require valid-user"]


def protect(kind, name, *lines):
    return conf.section(kind, name, PROTECTED + list(lines))


CONF = f"""
AddType text/html .html
AddType text/plain .txt
AddHandler type-map .var
AddOutputFilter INCLUDES .shtml
AddType text/html .shtml
ScriptAlias /cgi/ ${{root}}/cgi/
ScriptAlias /api-cgi/ ${{root}}/cgi/
<Directory ${{root}}/htdocs>
    Options +Includes +FollowSymLinks
</Directory>
{protect("Location", "/api")}
{protect("Location", "/api-cgi")}
{protect("Location", "/other", "ApiAccept elsewhere")}
{protect("Location", "/aud", "ApiAudience pasta")}
{protect("Files", "secret.html")}
{protect("Directory", "${root}/home")}
<Location /api>
    Options +Includes
</Location>

ErrorDocument 404 /api/secret.html
<Directory ${{root}}/htdocs/mv>
    Options +MultiViews
</Directory>
<Directory ${{root}}/htdocs/index-abs>
    DirectoryIndex /api/secret.html
</Directory>
<Directory ${{root}}/htdocs/index-files>
    DirectoryIndex secret.html
</Directory>
<Directory ${{root}}/htdocs/fallback>
    FallbackResource /api/secret.html
</Directory>
<Directory ${{root}}/htdocs/list>
    Options +Indexes
    DirectoryIndex disabled
</Directory>
<Directory ${{root}}/htdocs/head>
    Options +Indexes
    DirectoryIndex disabled
    IndexOptions +SuppressHTMLPreamble
    HeaderName /api/secret.html
</Directory>
<Directory ${{root}}/htdocs>
    CheckSpelling On
</Directory>
UserDir ${{root}}/home/*/pub
AliasMatch "^/alias/(.*)" "${{root}}/home/joe/pub/$1"
AddHandler secret-action .sec
Action secret-action /api-cgi/say

RewriteEngine On
RewriteRule ^/rewrite-pt/(.*)$ /api/$1 [PT]
RewriteRule ^/rewrite-file/(.*)$ ${{root}}/home/joe/pub/$1
RewriteRule ^/rewrite-p/(.*)$ http://127.0.0.1:${{backend}}/$1 [P]
RewriteRule ^/rewrite-la/(.*)$ /open/o.html?user=%{{LA-U:REMOTE_USER}} [PT]
{protect("Location", "/rewrite-p")}
<Directory ${{root}}/htdocs/rw>
    RewriteEngine On
    RewriteRule ^in/(.*)$ /api/$1
    RewriteRule ^proxy/(.*)$ http://127.0.0.1:${{backend}}/$1 [P]
</Directory>
{protect("Location", "/rw/proxy")}

<Location /errors-of>
    ErrorDocument 401 /errors/401.html
    ErrorDocument 403 /errors/403.html
</Location>
{conf.location("/errors-of", "ApiAccept corp", require="oauth2-scope admin")}
<Directory ${{root}}/htdocs/site>
    ErrorDocument 401 /site/login.html
</Directory>
{protect("Directory", "${root}/htdocs/site")}
"""
MAIN = (conf.issuer() +
        conf.issuer(name="elsewhere", url="https://elsewhere.example",
                    keys="ApiJWKS file:keys/corp.json"))
WAYS = [  # path; what a caller with a good token gets
    ("/api/secret.html", 200), ("/api/", 200), ("/api/page.shtml", 200),
    ("/missing", 404), ("/open/missing", 404), ("/api/missing", 404),
    ("/files/secret.html", 200), ("/mv/secret", 200), ("/mv/map.var", 200),
    ("/ssi/virtual.shtml", 200), ("/ssi/file.shtml", 200),
    ("/ssi/cgi.shtml", 200), ("/ssi/twice.shtml", 200),
    ("/index-abs/", 200), ("/index-files/", 200), ("/fallback/nothing", 200),
    ("/~joe/secret.html", 200), ("/alias/secret.html", 200),
    ("/act/a.sec", 200), ("/rewrite-pt/secret.html", 200),
    ("/rewrite-file/secret.html", 200), ("/rw/in/secret.html", 200),
    ("/cgi/local", 200), ("/api-cgi/say", 200), ("/list/secret.html", 200),
    ("/head/", 200),
]


@pytest.fixture(scope="module")
def backend():
    server = peers.start(peers.Echo)
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def server(module_httpd, jwks, backend):
    server = module_httpd(
        f"Define backend {backend.port}\n" + CONF, MODULES, MAIN, start=False,
        files={"keys/corp.json": jwks, **FILES})
    for name in ("local", "say"):
        (server.root / "cgi" / name).chmod(0o755)
    server.expect("include:error|AH00687")
    return server.start(f"Define backend {backend.port}\n" + CONF)


def get(server, path, token=None, **more):
    return client.request(server.port, path, token, **more)


@pytest.mark.parametrize("path,good", WAYS)
def test_way(server, key, path, good):
    """Nobody and mallory see nothing; alice does, so there is something."""
    for who in ("nobody", "mallory"):
        answer = get(server, path, site.token_of(who, key))
        assert SECRET.encode() not in answer.body, who
        assert len(answer.all("WWW-Authenticate")) == (answer.status == 401)
    answer = get(server, path, site.token_of("alice", key))
    assert answer.status == good
    assert SECRET.encode() in answer.body
    assert answer.all("WWW-Authenticate") == []


def test_index_and_fallback_are_one_refusal(server, key):
    """The status of a sub-request comes with all that belongs to it."""
    for path in ("/index-abs/", "/index-files/", "/fallback/nothing"):
        for who, error in (("nobody", "credential_missing"),
                           ("mallory", "token_invalid")):
            answer = get(server, path, site.token_of(who, key))
            assert answer.status == 401
            assert error in answer.body.decode()
            assert answer.get("Cache-Control") == "no-store"


@pytest.mark.parametrize("page", ["size", "time", "file", "virtual", "cgi",
                                  "twice"])
def test_include_tells_nothing(server, key, page):
    """Neither size nor time of what may not be read, nor a challenge."""
    answers = [get(server, f"/ssi/{page}.shtml", site.token_of(who, key))
               for who in ("nobody", "mallory", "alice")]
    assert [a.status for a in answers] == [200] * 3
    assert [b"an error occurred" in a.body for a in answers] == \
        [True, True, False]
    assert answers[0].body == answers[1].body
    assert not any(a.all("WWW-Authenticate") or a.get("Cache-Control")
                   for a in answers)


def test_include_of_other_places(server, key):
    """A token is worth in a sub-request what it is worth there."""
    def parts(**changes):
        answer = get(server, "/api/mixed.shtml",
                     tokens.sign(tokens.claims(**changes), key))
        assert answer.status == 200
        assert answer.all("WWW-Authenticate") == []
        return [SECRET in p or "open" in p for p in
                re.split("[ABC]", answer.body.decode())[1:]]

    assert parts() == [False, False, True]
    assert parts(aud=["pizza", "pasta"]) == [False, True, True]


def test_same_place_inherits(server, key):
    """Where httpd asks nobody again, the principal goes on."""
    answer = get(server, "/api/page.shtml", site.token_of("alice", key))
    assert answer.body.decode().count(SECRET) == 2


def test_speling_tells_no_more_than_a_name(server, key):
    """mod_speling answers for the name alone, never with the contents."""
    answer = get(server, "/ssi/secre.html")
    assert answer.status == 301
    assert SECRET.encode() not in answer.body
    assert get(server, "/api/secre.html").status == 401
    answer = get(server, "/api/secre.html", site.token_of("alice", key))
    assert answer.status == 301


def test_index_page_hides(server, key):
    """mod_autoindex lists what the caller may read."""
    for who, seen in (("nobody", False), ("mallory", False), ("alice", True)):
        answer = get(server, "/list/", site.token_of(who, key))
        assert answer.status == 200
        assert b"open.html" in answer.body
        assert (b"secret.html" in answer.body) == seen, who


def test_rewrite_to_a_backend(server, key):
    for path in ("/rewrite-p/x", "/rw/proxy/x"):
        assert get(server, path).status == 401
        answer = get(server, path, site.token_of("alice", key))
        assert b'"path": "/x"' in answer.body


def test_rewrite_looks_ahead(server, key):
    """%{LA-U:REMOTE_USER} asks in a sub-request; what is refused there says
    nothing here."""
    for who in ("nobody", "mallory", "alice"):
        answer = get(server, "/rewrite-la/x", site.token_of(who, key))
        assert answer.status == 200
        assert answer.all("WWW-Authenticate") == []


def test_error_pages(server, key):
    """The page of the operator, the status and the one challenge of ours."""
    answer = get(server, "/errors-of/x")
    assert (answer.status, answer.body) == (401, b"please sign in")
    assert answer.all("WWW-Authenticate") == ['Bearer realm="server.example"']
    answer = get(server, "/errors-of/x", site.token_of("bob", key))
    assert (answer.status, answer.body) == (403, b"not for you")
    [challenge] = answer.all("WWW-Authenticate")
    assert 'scope="admin"' in challenge


def test_error_page_in_the_same_place(server, key):
    """httpd's own: an error page with the very settings of what was refused
    is served. Nothing else beside it is."""
    answer = get(server, "/site/a.html")
    assert (answer.status, answer.body) == (401, b"please log in")
    assert len(answer.all("WWW-Authenticate")) == 1
    assert get(server, "/site/login.html").status == 401
    answer = get(server, "/site/a.html", site.token_of("alice", key))
    assert (answer.status, answer.body) == (200, SECRET.encode())
