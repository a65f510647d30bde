"""Finding an issuer's keys through its metadata."""
import json

import pytest
from support import faults, peers, remote, resolver, tokens
from support.server import ONE_PROCESS
from support.wait import until

OAUTH = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


@pytest.fixture
def issuer(jwks):
    issuer = peers.Issuer(jwks)
    yield issuer
    issuer.stop()


def start(httpd, url, lines="", env=None, **more):
    server = httpd(start=False, main=ONE_PROCESS,
                   files={"htdocs/index.html": "hi"})
    server.env.update(env or {})
    server.expect("AO2-040")
    return server.start(remote.site(lines, url=url, **more))


def token_of(url, key):
    return tokens.sign(tokens.claims(iss=url), key)


def says(peer, url, **changes):
    """A metadata document."""
    it = {"issuer": url, "jwks_uri": peer.url + "/jwks",
          "token_endpoint": url + "/token", **changes}
    return {name: value for name, value in it.items() if value is not None}


PLACES = [  # the issuer's path, where its metadata is
    ("", OAUTH), ("/", OAUTH), ("", OPENID), ("/", OPENID),
    ("/tenant", OAUTH + "/tenant"), ("/tenant", "/tenant" + OPENID),
    ("/tenant/", OAUTH + "/tenant"), ("/tenant/", "/tenant" + OPENID),
    ("/a/b", OAUTH + "/a/b"), ("/a/b", "/a/b" + OPENID),
]


@pytest.mark.parametrize("path, place", PLACES)
def test_place(httpd, issuer, key, path, place):
    url = issuer.url + path
    issuer.metadata[place] = says(issuer, url)
    server = start(httpd, url)
    assert remote.status(server, token_of(url, key)) == 200
    assert issuer.calls[-2:] == [place, "/jwks"]
    assert len(issuer.calls) <= 3


@pytest.mark.parametrize("path", ["", "/tenant", "/tenant/"])
def test_no_other_place(httpd, issuer, key, path):
    """What is beside the two places is not looked for."""
    url = issuer.url + path
    everywhere = {p + path.rstrip("/") for p in (OAUTH, OPENID)} | {
        path.rstrip("/") + p for p in (OAUTH, OPENID)}
    asked = {OAUTH + path.rstrip("/"), path.rstrip("/") + OPENID}
    issuer.metadata.update({place: says(issuer, url)
                            for place in everywhere - asked})
    server = start(httpd, url)
    remote.refused_for_now(server, token_of(url, key))
    assert set(issuer.calls) == asked


def test_not_asked_when_nothing_is_missing(httpd, issuer, key):
    issuer.metadata[OAUTH] = says(issuer, issuer.url)
    server = start(httpd, issuer.url, f"ApiJWKS {issuer.url}/own")
    assert remote.status(server, token_of(issuer.url, key)) == 200
    assert issuer.calls == ["/own"]


def test_a_place_of_its_own(httpd, issuer, key):
    """ApiMetadata URL: there, and nowhere else."""
    url = tokens.ISSUER  # where nobody is
    issuer.metadata["/my/.well-known/it"] = says(issuer, url)
    issuer.metadata["/my/.well-known/other"] = says(issuer, url + "/")
    server = start(httpd, url,
                   f"ApiMetadata {issuer.url}/my/.well-known/it?a=b")
    issuer.metadata["/my/.well-known/it?a=b"] = says(issuer, url)
    assert remote.status(server, token_of(url, key)) == 200
    assert issuer.calls == ["/my/.well-known/it?a=b", "/jwks"]
    server = start(httpd, url, f"ApiMetadata {issuer.url}/my/.well-known/"
                               "other")
    remote.refused_for_now(server, token_of(url, key))


MISMATCH = {
    "slash": lambda url: url + "/",
    "case": lambda url: url.replace("http", "HTTP"),
    "other": lambda url: "https://evil.example",
    "longer": lambda url: url + "0",
    "shorter": lambda url: url[:-1],
    "space": lambda url: " " + url,
    "nul": lambda url: url + "\0",
    "user": lambda url: url.replace("://", "://a@"),
    "array": lambda url: [url],
    "number": lambda url: 1,
    "empty": lambda url: "",
    "missing": lambda url: None,
}


@pytest.mark.parametrize("name", MISMATCH)
def test_another_issuer(httpd, issuer, key, name):
    """RFC 8414 section 3.3: byte for byte, or not at all."""
    url = issuer.url
    for place in (OAUTH, OPENID):
        issuer.metadata[place] = says(issuer, url,
                                      **{"issuer": MISMATCH[name](url)})
    server = start(httpd, url)
    token = token_of(url, key)
    remote.refused_for_now(server, token)
    assert server.log().count('"issuer" is not ApiIssuerURL') >= 2
    assert issuer.calls == [OAUTH, OPENID]
    issuer.metadata[OPENID] = says(issuer, url)
    until(lambda: remote.status(server, token) == 200, 2)


ENDPOINTS = {  # a jwks_uri, and what is said of it
    "http": ("http://keys.example/jwks", "must be https"),
    "http-upper": ("HTTP://keys.example/jwks", "must be https"),
    "looks-local": ("http://127.0.0.1.keys.example/", "must be https"),
    "looks-local-2": ("http://localhost.keys.example/", "must be https"),
    "userinfo": ("http://127.0.0.1@keys.example/", "holds a user part"),
    "userinfo-https": ("https://a:b@keys.example/", "holds a user part"),
    "file": ("file:///etc/passwd", "is no https URL"),
    "ftp": ("ftp://127.0.0.1/jwks", "is no https URL"),
    "gopher": ("gopher://127.0.0.1:70/_", "is no https URL"),
    "relative": ("/jwks", "is no https URL"),
    "empty": ("", "is no https URL"),
    "control": ("https://a.example/\r\nX: y", "characters that no URL has"),
    "utf-8": ("https://\u00e9.example/", "characters that no URL has"),
    "fragment": ("https://a.example/#a", "holds a fragment"),
    "no-host": ("https:///jwks", "names no host"),
    "port": ("https://a.example:99999/", "has a wrong port"),
    "link-local": ("https://169.254.169.254/jwks", "link-local"),
    "missing": (None, 'no "jwks_uri"'),
    "number": (1, 'no "jwks_uri"'),
    "array": (["https://a.example/"], 'no "jwks_uri"'),
}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_endpoint(httpd, issuer, key, name, tmp_path):
    uri, said = ENDPOINTS[name]
    # Wherever a name leads: to somebody who has the keys.
    names = resolver.names(tmp_path, keys="127.0.0.1")
    issuer.metadata[OAUTH] = says(issuer, issuer.url, jwks_uri=uri)
    # none of it is for want of time
    server = start(httpd, issuer.url, env=names,
                   timeout="connect=10s total=20s")
    token = token_of(issuer.url, key)
    remote.refused_for_now(server, token, 20)
    assert said in server.log()
    assert "/jwks" not in issuer.calls
    issuer.metadata[OAUTH] = says(issuer, issuer.url)
    until(lambda: remote.status(server, token) == 200)


@pytest.mark.parametrize("lines, status", [
    ("", 503), ("ApiAllowInsecureHTTP On", 200)])
def test_plain_http_by_leave(httpd, issuer, key, tmp_path, lines, status):
    names = resolver.names(tmp_path, keys="127.0.0.1")
    issuer.metadata[OAUTH] = says(
        issuer, issuer.url, jwks_uri=f"http://keys.example:{issuer.port}/jwks")
    server = start(httpd, issuer.url, lines, env=names)
    assert remote.status(server, token_of(issuer.url, key)) == status


def document(text):
    """A fault: every metadata place says `text`."""
    def answer(h, issuer):
        if "well-known" in h.path:
            h.reply(200, text.encode())
        else:
            h.reply(200, issuer.jwks.encode())
    return answer


DOCUMENTS = {
    "broken": lambda good: good[:-1],
    "duplicate": lambda good: '{"issuer": "https://a.example",' + good[1:],
    "array": lambda good: f"[{good}]",
    "nul": lambda good: good + "\0",
    "deep": lambda good: good[:-1] + ', "a": ' + "[" * 40 + "]" * 40 + "}",
    "long": lambda good: good + " " * (512 * 1024),
    "html": lambda good: "<html>login</html>",
    "empty": lambda good: "",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document(httpd, issuer, key, name):
    good = json.dumps(says(issuer, issuer.url))
    issuer.fault = document(DOCUMENTS[name](good))
    server = start(httpd, issuer.url)
    token = token_of(issuer.url, key)
    remote.refused_for_now(server, token)
    assert "/jwks" not in issuer.calls
    issuer.fault = document(good + " " * (512 * 1024 - len(good)))
    until(lambda: remote.status(server, token) == 200, 2)


@pytest.mark.parametrize("first", ["html", "status-500", "status-404",
                                   "redirect", "no-answer", "100-mb", "hang"])
def test_the_second_place_is_enough(httpd, issuer, key, first):
    """Whatever the first says, also nothing: it has half of the time."""
    def answer(h, it):
        if h.path == OAUTH:
            faults.TABLE[first][0](h, it)
        elif h.path == OPENID:
            h.reply(200, json.dumps(says(it, it.url)).encode())
        else:
            h.reply(200, it.jwks.encode())

    issuer.fault = answer
    server = start(httpd, issuer.url)
    got, took = remote.ask(server, token_of(issuer.url, key))
    assert (got.status, took < remote.TOTAL) == (200, True)


@pytest.mark.parametrize("slow", [OPENID, "/jwks"])
def test_all_calls_share_the_time(httpd, issuer, key, slow):
    """Three calls, one total."""
    def answer(h, it):
        if h.path == slow:
            faults.TABLE["hang"][0](h, it)
        elif h.path == OPENID:
            h.reply(200, json.dumps(says(it, it.url)).encode())
        elif h.path == OAUTH:
            h.reply(404, b"")
        else:
            h.reply(200, it.jwks.encode())

    issuer.fault = answer
    server = start(httpd, issuer.url)
    remote.refused_for_now(server, token_of(issuer.url, key))
    assert "timed out" in server.log()


def test_keys_that_move(httpd, issuer, key, jwks):
    """Renewal asks again where they are."""
    issuer.metadata[OAUTH] = says(issuer, issuer.url)
    server = start(httpd, issuer.url, "ApiJWKSTTL 1s")
    old = token_of(issuer.url, key)
    assert remote.status(server, old) == 200
    other = tokens.new_key(kid="k2")
    moved = peers.Issuer(tokens.key_set(other))
    try:
        issuer.metadata[OAUTH] = says(issuer, issuer.url,
                                      jwks_uri=moved.url + "/new")
        new = token_of(issuer.url, other)
        until(lambda: remote.status(server, new) == 200, 5)
        assert remote.status(server, old) == 401
    finally:
        moved.stop()


def test_metadata_that_turns_bad(httpd, issuer, key):
    """Another issuer's metadata does not replace the keys there are."""
    evil = peers.Issuer(tokens.key_set(tokens.new_key()))
    issuer.metadata[OAUTH] = says(issuer, issuer.url)
    try:
        server = start(httpd, issuer.url, "ApiJWKSTTL 1s")
        assert remote.status(server, token_of(issuer.url, key)) == 200
        issuer.metadata[OAUTH] = says(evil, evil.url)
        known = issuer.calls.count(OAUTH)
        until(lambda: issuer.calls.count(OAUTH) >= known + 2, 8)
        assert remote.status(server, token_of(issuer.url, key)) == 200
        assert evil.calls == []
    finally:
        evil.stop()
