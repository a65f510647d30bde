"""Every place where the directives of a location may stand, and how those
places come together."""
import json

import pytest
from support import client, conf, peers, site

INSIDE = ["AuthType Bearer", "ApiAudience pizza",
          "Require oauth2-scope write"]
FILES = {"htdocs/x/a.txt": "a", "htdocs/x/b.txt": "b", "htdocs/y/a.txt": "a"}


def section(kind, name, lines=tuple(INSIDE)):
    return conf.section(kind, name, lines)


PLACES = {  # the configuration; ${root} is the server's own folder
    "Location": section("Location", "/x"),
    "LocationMatch": section("LocationMatch", '"^/x/"'),
    "Directory": section("Directory", "${root}/htdocs/x"),
    "DirectoryMatch": section("DirectoryMatch", '"/htdocs/x"'),
    "Files": section("Files", "a.txt"),
    "FilesMatch": section("FilesMatch", '"^a[.]"'),
    "Files in Directory": section("Directory", "${root}/htdocs/x", [
        section("Files", "a.txt")]),
    "If": section("If", "\"%{REQUEST_URI} =~ m#^/x/#\""),
    "If in Directory": section("Directory", "${root}/htdocs/x", [
        section("If", "\"%{REQUEST_METHOD} == 'GET'\"")]),
    "Else": (section("If", "\"%{REQUEST_URI} !~ m#^/x/#\"",
                     ["Require all granted"]) + section("Else", "")),
    "ElseIf": (section("If", "\"%{REQUEST_URI} == '/nowhere'\"",
                       ["Require all denied"]) +
               section("ElseIf", "\"%{REQUEST_URI} =~ m#^/x/#\"")),
    "If in Location": section("Location", "/x", [
        section("If", "\"%{REQUEST_METHOD} == 'GET'\"")]),
    "IfModule": "<IfModule api_oauth2_module>\n" + section("Location", "/x")
                + "</IfModule>\n",
    "part in server": "ApiAudience pizza\nApiAccept corp\n" + section(
        "Location", "/x", ["AuthType Bearer", "Require oauth2-scope write"]),
    "part in Directory": section("Directory", "${root}/htdocs", INSIDE[1:2]) +
                         section("Location", "/x", INSIDE[:1] + INSIDE[2:]),
    "virtual host": ("<VirtualHost *:${port}>\nDocumentRoot ${root}/htdocs\n" +
                     section("Location", "/x") + "</VirtualHost>\n"),
    "main server, asked in a virtual host":
        section("Location", "/x") +
        "<VirtualHost *:${port}>\nDocumentRoot ${root}/htdocs\n</VirtualHost>\n",
    "Directory, reached by Alias":
        "Alias /x ${root}/htdocs/y\n" + section("Directory", "${root}/htdocs/y"),
}
HTACCESS = {
    "plain": "\n".join(INSIDE),
    "Files": section("Files", "a.txt"),
    "If": section("If", "\"%{REQUEST_METHOD} == 'GET'\""),
    "RequireAll": "\n".join(INSIDE[:2]) + "\n<RequireAll>\n" + INSIDE[2] +
                  "\nRequire oauth2-issuer corp\n</RequireAll>",
    "everything": "\n".join(INSIDE + [
        "AuthName here", "ApiAccept corp", "ApiTokenFrom header",
        "ApiForwardToken On", "ApiPassClaim sub env WHO",
        "ApiErrorBody fault", "ApiErrorDetail On", "ApiPreflight pass",
        "ApiAnonymous Off"]),
}


def start(httpd, jwks, text, files=None, **more):
    return httpd(text, main=conf.issuer(), files={
        "keys/corp.json": jwks, **FILES, **(files or {})}, **more)


def statuses(server, key, path):
    return [client.request(server.port, path, token).status for token in (
        None, site.token_of("mallory", key), site.token_of("bob", key),
        site.token_of("alice", key, aud="pasta"),
        site.token_of("alice", key))]


@pytest.mark.parametrize("place", PLACES)
def test_place(httpd, key, jwks, place):
    server = start(httpd, jwks, PLACES[place])
    assert statuses(server, key, "/x/a.txt") == [401, 401, 403, 401, 200]


@pytest.mark.parametrize("place", HTACCESS)
def test_htaccess(httpd, key, jwks, place):
    server = start(httpd, jwks, "",
                   {"htdocs/x/.htaccess": HTACCESS[place]})
    assert statuses(server, key, "/x/a.txt") == [401, 401, 403, 401, 200]
    assert statuses(server, key, "/y/a.txt") == [200] * 5


def test_htaccess_changes_at_once(httpd, key, jwks):
    server = start(httpd, jwks, "")
    assert statuses(server, key, "/x/a.txt") == [200] * 5
    server.write("htdocs/x/.htaccess", "\n".join(INSIDE))
    assert statuses(server, key, "/x/a.txt") == [401, 401, 403, 401, 200]
    (server.root / "htdocs/x/.htaccess").unlink()
    assert statuses(server, key, "/x/a.txt") == [200] * 5


def test_proxy_section(httpd, key, jwks):
    backend = peers.start(peers.Echo)
    url = f"http://127.0.0.1:{backend.port}/"
    server = start(httpd, jwks, f"ProxyPass /x/ {url}\n" +
                   section("Proxy", f'"{url}"'),
                   modules=["proxy", "proxy_http"])
    assert statuses(server, key, "/x/a.txt") == [401, 401, 403, 401, 200]
    backend.shutdown()


OPEN = "Require all granted"
MERGES = [  # outer, inner (both Location); nobody, mallory, bob, pasta, alice
    (INSIDE, [], [401, 401, 403, 401, 200]),
    (INSIDE, [OPEN], [200] * 5),
    (INSIDE, ["Require valid-user"], [401, 401, 200, 401, 200]),
    (INSIDE, ["AuthType None", OPEN], [200] * 5),
    (INSIDE, ["AuthType Bearer"], [401, 401, 403, 401, 200]),
    ([OPEN], INSIDE, [401, 401, 403, 401, 200]),
    ([OPEN], INSIDE[:2], [401, 401, 200, 401, 200]),
    (["Require all denied"], INSIDE[:2], [403] * 5),
    ([OPEN] + INSIDE[:2], ["AuthType Bearer"], [401, 401, 200, 401, 200]),
    (INSIDE, ["ApiAudience pasta"], [401, 401, 401, 200, 401]),
    (INSIDE, ["ApiAudience any"], [401, 401, 403, 200, 200]),
    (INSIDE + ["ApiAudience any"], ["ApiAudience pizza"],
     [401, 401, 403, 401, 200]),
    (INSIDE, ["ApiAudience pasta pizza"], [401, 401, 403, 200, 200]),
    (INSIDE, ["ApiAnonymous On", "Require valid-user"],
     [200, 401, 200, 401, 200]),
    (INSIDE + ["ApiAnonymous On", "Require valid-user"],
     ["ApiAnonymous Off"], [401, 401, 200, 401, 200]),
    (INSIDE, ["ApiTokenFrom header:X-Key"], [401] * 5),
    (INSIDE + ["ApiTokenFrom header:X-Key"], ["ApiTokenFrom header"],
     [401, 401, 403, 401, 200]),
    (INSIDE, ["AuthMerging And", "Require oauth2-client app"],
     [401, 401, 403, 401, 200]),
    (INSIDE, ["AuthMerging And", "Require oauth2-client other"],
     [401, 401, 403, 401, 403]),
    (INSIDE, ["AuthMerging Or", "Require oauth2-client other"],
     [401, 401, 200, 401, 200]),
    (INSIDE, ["AuthMerging Or", OPEN], [200] * 5),
    (INSIDE, ["AuthMerging And", OPEN], [401, 401, 403, 401, 200]),
    (INSIDE, ["AuthMerging Off", "Require oauth2-client other"],
     [401, 401, 200, 401, 403]),
]


@pytest.fixture(scope="module")
def merging(module_httpd, jwks):
    text = "".join(section("Location", f"/row{i}", outer) +
                   section("Location", f"/row{i}/inner", inner)
                   for i, (outer, inner, _) in enumerate(MERGES))
    # Proxied, so that no <Directory> with "Require all granted" joins in.
    backend = peers.start(peers.Echo)
    yield start(module_httpd, jwks,
                f"ProxyPass / http://127.0.0.1:{backend.port}/\n" + text,
                modules=["proxy", "proxy_http"])
    backend.shutdown()


@pytest.mark.parametrize("number,row", enumerate(MERGES))
def test_merge(merging, key, number, row):
    assert statuses(merging, key, f"/row{number}/inner/") == row[2]


def test_merging_or_with_a_directory(httpd, key, jwks):
    """httpd's own: what "AuthMerging Or" joins is all there is, also the
    "Require all granted" of the <Directory> that the files lie in."""
    server = start(httpd, jwks, section("Location", "/x", INSIDE + [
        "AuthMerging Or"]) + section("Location", "/y", INSIDE))
    assert statuses(server, key, "/x/a.txt") == [200] * 5
    assert statuses(server, key, "/y/a.txt") == [401, 401, 403, 401, 200]


def test_merge_order(httpd, key, jwks):
    """httpd's own: Directory, .htaccess, Files, Location, If."""
    server = start(httpd, jwks, section("Directory", "${root}/htdocs/x", INSIDE)
                   + section("Files", "b.txt", [OPEN])
                   + section("Location", "/x/sub", ["Require all denied"])
                   + section("If", '"-n %{HTTP:X-If}"',
                             ["Require valid-user"]),
                   {"htdocs/x/sub/a.txt": "a"})
    assert statuses(server, key, "/x/a.txt") == [401, 401, 403, 401, 200]
    assert statuses(server, key, "/x/b.txt") == [200] * 5
    assert statuses(server, key, "/x/sub/a.txt") == [403] * 5
    answer = client.request(server.port, "/x/b.txt", headers=[("X-If", "1")])
    assert answer.status == 401


def test_pass_claim_adds_up(httpd, key, jwks):
    """Lists grow inwards; an inner section cannot take back."""
    backend = peers.start(peers.Echo)
    server = start(httpd, jwks, f"""
ProxyPass /x/ http://127.0.0.1:{backend.port}/
ApiPassClaim sub header X-One
""" + section("Location", "/x", INSIDE + ["ApiPassClaim plan header X-Two"]) +
                   section("Location", "/x/deep",
                           ["ApiPassClaim level header X-Three"]),
                   modules=["proxy", "proxy_http"])
    for path, wanted in (("/x/", {"X-One": "alice", "X-Two": "gold"}),
                         ("/x/deep", {"X-One": "alice", "X-Two": "gold",
                                      "X-Three": "3"})):
        answer = client.request(server.port, path,
                                site.token_of("alice", key))
        seen = {k: v for k, v in json.loads(answer.body)["headers"]
                if k in ("X-One", "X-Two", "X-Three")}
        assert seen == wanted
    backend.shutdown()
