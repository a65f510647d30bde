"""Keys that a server has, over time: how often it is asked, and what holds
when keys come, go or cannot be had."""
import itertools

import pytest
from support import faults, peers, remote, tokens
from support.server import ONE_PROCESS
from support.wait import until


COUNT = itertools.count()


@pytest.fixture
def issuer(jwks):
    issuer = peers.Issuer(jwks)
    yield issuer
    issuer.stop()


def start(httpd, issuer, lines=""):
    server = httpd(remote.site(f"ApiJWKS {issuer.url}/jwks\n{lines}"),
                   main=ONE_PROCESS, files={"htdocs/index.html": "hi"})
    server.expect("AO2-040")
    return server


def signed(key, **header):
    """A token that nobody saw before: its key is needed."""
    return tokens.sign(tokens.claims(jti=str(next(COUNT))), key,
                       header=header)


def test_nobody_is_asked_before_a_token_needs_it(httpd, issuer, key):
    server = start(httpd, issuer, "ApiJWKSTTL 1s")
    other = tokens.new_key()
    for bad in (None, "x.y.z", tokens.sign("{}", key),
                tokens.sign(tokens.claims(iss="https://a.example"), other)):
        assert remote.status(server, bad) == 401
    assert issuer.server.accepted == 0
    assert remote.status(server, signed(key)) == 200
    assert len(issuer.calls) == 1


def test_asked_once(httpd, issuer, key):
    server = start(httpd, issuer)
    for _ in range(50):
        assert remote.status(server, signed(key)) == 200
    assert len(issuer.calls) == 1


def test_a_new_key_works_at_once(httpd, issuer, key):
    server = start(httpd, issuer)
    new = tokens.new_key(kid="k2")
    assert remote.status(server, signed(key)) == 200
    issuer.jwks = tokens.key_set(key, new)
    assert [remote.status(server, signed(k)) for k in (new, key, new)] == [
        200, 200, 200]
    assert len(issuer.calls) == 2


def test_a_new_key_under_an_old_name_works_at_once(httpd, issuer, key):
    server = start(httpd, issuer)
    new = tokens.new_key()
    assert remote.status(server, signed(key)) == 200
    issuer.jwks = tokens.key_set(new)
    assert [remote.status(server, signed(k)) for k in (new, key)] == [
        200, 401]
    assert len(issuer.calls) == 2


def test_a_new_key_without_a_name_works_at_once(httpd, issuer, key):
    server = start(httpd, issuer)
    new = tokens.new_key()
    assert remote.status(server, signed(key, kid=None)) == 200
    issuer.jwks = tokens.key_set(new)
    assert remote.status(server, signed(new, kid=None)) == 200
    assert len(issuer.calls) == 2


def flood(server, key, count, **header):
    """The statuses of tokens with kids that nobody has."""
    claims = tokens.claims()
    return {remote.status(server, tokens.sign(
        claims, key, header={"kid": f"unknown-{i}", **header}))
        for i in range(count)}


def test_a_flood_of_unknown_keys(httpd, issuer, key):
    server = start(httpd, issuer)
    assert remote.status(server, signed(key)) == 200
    assert flood(server, key, 1000) == {401}
    assert len(issuer.calls) == 2
    assert remote.status(server, signed(key)) == 200


@pytest.mark.parametrize("header", [{}, {"kid": None}, {"alg": "ES384"}])
def test_a_flood_of_bad_signatures(httpd, issuer, key, header):
    """With a name that is known, or none, or no key that fits."""
    server = start(httpd, issuer)
    bad = tokens.new_key("ES384" if "alg" in header else "ES256")
    assert remote.status(server, signed(key)) == 200
    for _ in range(100):
        token = tokens.sign(tokens.claims(), bad,
                            header.get("alg", "ES256"), header)
        assert remote.status(server, token) == 401
    assert len(issuer.calls) == 2


def test_a_flood_while_the_server_is_down(httpd, issuer, key):
    """Whether the keys are bad cannot be known; known ones serve on."""
    server = start(httpd, issuer)
    assert remote.status(server, signed(key)) == 200
    issuer.fault = faults.status(500)
    assert flood(server, key, 200) == {503}
    assert remote.status(server, signed(key)) == 200
    issuer.fault = None
    until(lambda: flood(server, key, 1) == {401}, 3)


def test_the_limit_is_not_the_next_callers(httpd, issuer, key):
    """Junk spends the fetch of 30 seconds: a new key waits for the refresh,
    which comes by itself."""
    server = start(httpd, issuer, "ApiJWKSTTL 1s")
    new = tokens.new_key(kid="k2")
    assert remote.status(server, signed(key)) == 200
    assert flood(server, key, 5) == {401}
    issuer.jwks = tokens.key_set(key, new)
    until(lambda: remote.status(server, signed(new)) == 200, 5)


def test_renewed_in_the_background(httpd, issuer, key):
    server = start(httpd, issuer, "ApiJWKSTTL 1s")
    assert remote.status(server, signed(key)) == 200
    until(lambda: len(issuer.calls) >= 3, 8)  # nobody asks meanwhile
    assert remote.status(server, signed(key)) == 200


def test_a_removed_key_stops(httpd, issuer, key):
    server = start(httpd, issuer, "ApiJWKSTTL 1s")
    other = tokens.new_key(kid="k2")
    issuer.jwks = tokens.key_set(key, other)
    old, new = signed(key), signed(other)
    assert [remote.status(server, t) for t in (old, new)] == [200, 200]
    issuer.jwks = tokens.key_set(other)
    until(lambda: remote.status(server, old) == 401, 5)
    assert [remote.status(server, t) for t in (
        signed(key), new, signed(other))] == [401, 200, 200]


BAD = ["no-keys", "cut-short", "html", "65-keys", "100-mb", "status-404",
       "redirect", "duplicate", "no-answer"]


def test_a_bad_set_never_replaces_a_good_one(httpd, key, jwks):
    issuers = {name: peers.Issuer(jwks) for name in BAD}

    def own(name):
        return tokens.sign(tokens.claims(iss=f"https://{name}.example"), key)

    try:
        server = httpd(remote.many({
            name: f"ApiJWKS {issuer.url}/jwks\nApiJWKSTTL 1s"
            for name, issuer in issuers.items()}), main=ONE_PROCESS)
        server.expect("the old keys stay in force")
        for name, issuer in issuers.items():
            assert remote.status(server, own(name), f"/{name}") == \
                remote.SERVED
            issuer.fault, _ = faults.TABLE[name]
            issuer.requests.clear()
        for name, issuer in issuers.items():
            until(lambda: len(issuer.calls) >= 2, 8)
            assert remote.status(server, own(name), f"/{name}") == \
                remote.SERVED
            assert [line for line in server.log().splitlines()
                    if f"<ApiIssuer {name}>" in line
                    and faults.TABLE[name][1] in line]
    finally:
        for issuer in issuers.values():
            issuer.stop()


def test_a_set_without_our_keys_counts(httpd, issuer, key):
    """It is the issuer's say, good or bad."""
    server = start(httpd, issuer, "ApiJWKSTTL 1s")
    token = signed(key)
    assert remote.status(server, token) == 200
    issuer.jwks = tokens.key_set(tokens.new_key(kid="k2"))
    until(lambda: remote.status(server, token) == 401, 5)


def test_old_keys_serve_until_they_are_stale(httpd, issuer, key):
    server = start(httpd, issuer, "ApiJWKSTTL 1s\nApiJWKSStale 2s")
    token = signed(key)
    for _ in range(2):  # the first one loads the keys, what counts is after
        assert remote.status(server, token) == 200
    issuer.down()
    statuses = set()

    def stale():
        statuses.add(remote.status(server, signed(key)))
        return 503 in statuses

    until(stale, 8, pause=0.1)
    assert statuses == {200, 503}
    remote.refused_for_now(server, signed(key))
    # Who was known before is known for as long as ApiCacheTTL says.
    assert remote.status(server, token) == 200
    issuer.up()
    until(lambda: remote.status(server, signed(key)) == 200, 2.5)


@pytest.mark.parametrize("value, calls", [
    ("max-age=0", 1), ("max-age=-1", 1), ("max-age=99999999999999999999", 1),
    ("no-store", 1), ("public, max-age=1", 1)])
def test_cache_control_asks_for_no_hammering(httpd, issuer, key, value,
                                             calls):
    """A short life of a set means ten seconds; nonsense means nothing."""
    issuer.headers = {"Cache-Control": value}
    server = start(httpd, issuer)
    for _ in range(20):
        assert remote.status(server, signed(key)) == 200
    assert len(issuer.calls) == calls


def test_several_urls(httpd, issuer, key):
    other = tokens.new_key(kid="k2")
    second = peers.Issuer(tokens.key_set(other))
    try:
        server = start(httpd, issuer, f"ApiJWKS {second.url}/more")
        assert [remote.status(server, signed(k)) for k in (key, other)] == [
            200, 200]
        assert (issuer.calls, second.calls) == (["/jwks"], ["/more"])
    finally:
        second.stop()


def test_query_of_a_url_stays_out_of_the_log(httpd, issuer, key):
    server = httpd(remote.site(f"ApiJWKS {issuer.url}/jwks?code=opensesame"),
                   main=ONE_PROCESS)
    server.expect("AO2-040")
    issuer.fault = faults.status(500)
    remote.refused_for_now(server, signed(key))
    assert issuer.calls == ["/jwks?code=opensesame"]
    assert "opensesame" not in server.log()


def test_two_issuers_have_keys_of_their_own(httpd, issuer, key, jwks):
    """The same "kid" at another issuer is another key."""
    other = tokens.new_key()
    second = peers.Issuer(tokens.key_set(other))
    rows = {"a": f"ApiJWKS {issuer.url}/", "b": f"ApiJWKS {second.url}/"}
    try:
        server = httpd(remote.many(rows), main=ONE_PROCESS)
        got = {(name, who): remote.status(server, tokens.sign(
            tokens.claims(iss=f"https://{name}.example"), who), f"/{name}")
            for name in "ab" for who in (key, other)}
        assert got == {("a", key): remote.SERVED, ("a", other): 401,
                       ("b", key): 401, ("b", other): remote.SERVED}
    finally:
        second.stop()
