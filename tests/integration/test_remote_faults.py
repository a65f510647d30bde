"""A key server that misbehaves: nobody waits long, nobody hears that a token
is bad, whoever can be served is served, and the log says what is wrong."""
import itertools
import threading

import pytest
from support import client, faults, peers, remote, tokens
from support.server import MPM, ONE_PROCESS
from support.wait import until

OTHER = "https://other.example"
COUNT = itertools.count()


@pytest.fixture
def issuer(jwks):
    issuer = peers.Issuer(jwks)
    yield issuer
    issuer.stop()


def guarded(httpd, issuer, jwks, **more):
    """A server with the issuer and another one that needs nobody."""
    conf = (remote.issuer("corp", f"ApiJWKS {issuer.url}/jwks", **more)
            + remote.issuer("other", "ApiJWKS file:keys/jwks.json", url=OTHER)
            + remote.location("corp other"))
    server = httpd(conf, main=ONE_PROCESS, files={"keys/jwks.json": jwks,
                                                  "htdocs/index.html": "hi"})
    server.expect("AO2-040")
    return server


def fresh(key, **changes):
    """A token that nobody saw before: its key is needed."""
    return tokens.sign(tokens.claims(jti=str(next(COUNT)), **changes), key)


def last_refusal(server):
    return [line for line in server.log().splitlines()
            if "[api_oauth2:error]" in line and "AO2-040" in line][-1]


@pytest.mark.parametrize("name", faults.TABLE)
def test_fault(httpd, issuer, key, jwks, name):
    issuer.fault, said = faults.TABLE[name]
    server = guarded(httpd, issuer, jwks)
    new_key = tokens.new_key(kid="k2")

    # Without keys: not now. Others do not notice.
    remote.refused_for_now(server, fresh(key))
    assert said in last_refusal(server)
    assert remote.status(server, fresh(key, iss=OTHER)) == 200
    # The server is back: within two seconds all is well.
    fault, issuer.fault = issuer.fault, None
    until(lambda: remote.status(server, fresh(key)) == 200, 2)
    # It fails again: known keys serve, about others nothing is certain.
    issuer.fault = fault
    remote.refused_for_now(server, fresh(new_key))
    assert said in last_refusal(server)
    assert remote.status(server, fresh(key)) == 200
    # And once more it is back, with another key.
    issuer.fault, issuer.jwks = None, tokens.key_set(key, new_key)
    until(lambda: remote.status(server, fresh(new_key)) == 200, 2)
    assert set(issuer.calls) == {"/jwks"}


@pytest.mark.parametrize("name", faults.ODD)
def test_odd_but_good(httpd, issuer, key, jwks, name):
    issuer.fault = faults.ODD[name]
    server = guarded(httpd, issuer, jwks)
    assert remote.status(server, tokens.sign(tokens.claims(), key)) == 200
    assert len(issuer.calls) == 1


@pytest.mark.skipif(MPM == "prefork", reason="one process is one request")
@pytest.mark.parametrize("name", ["hang", "hang-in-body", "drip"])
def test_others_are_served_meanwhile(httpd, issuer, key, jwks, name):
    server = guarded(httpd, issuer, jwks)
    new = fresh(tokens.new_key(kid="k2"))
    assert remote.status(server, fresh(key)) == 200
    issuer.fault = faults.TABLE[name][0]
    waiting = threading.Thread(target=remote.refused_for_now,
                               args=(server, new))
    waiting.start()
    until(lambda: len(issuer.calls) == 2)
    answer, took = remote.ask(server, fresh(key))
    assert waiting.is_alive()  # or nothing was shown
    waiting.join(10)
    assert (answer.status, took < 0.5) == (200, True)


@pytest.mark.skipif(MPM == "prefork", reason="one process is one request")
@pytest.mark.parametrize("name, status", [("hang", 503), (None, 200)])
def test_one_call_for_all_who_wait(httpd, issuer, key, jwks, name, status):
    issuer.fault = faults.TABLE[name][0] if name else faults.late(0.5)
    server = guarded(httpd, issuer, jwks)
    token = tokens.sign(tokens.claims(), key)
    got = []
    crowd = [threading.Thread(
        target=lambda: got.append(remote.ask(server, token)))
        for _ in range(10)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(10)
    assert [answer.status for answer, _ in got] == 10 * [status]
    assert max(took for _, took in got) < remote.TOTAL + remote.SLACK
    assert len(issuer.calls) == 1


def test_a_failing_server_is_left_alone(httpd, issuer, key, jwks):
    """After three failures calls pause; whoever asks hears so at once."""
    issuer.fault = faults.status(500)
    server = guarded(httpd, issuer, jwks)
    token = tokens.sign(tokens.claims(), key)
    took = [remote.ask(server, token)[1] for _ in range(100)]
    assert len(issuer.calls) <= 4 + sum(took) / 0.4
    assert sorted(took)[50] < 0.2
    remote.refused_for_now(server, token)
    issuer.fault = None
    until(lambda: remote.status(server, token) == 200, 2.5)


def test_down_and_up_again(httpd, issuer, key, jwks):
    issuer.down()
    server = guarded(httpd, issuer, jwks)
    token = tokens.sign(tokens.claims(), key)
    remote.refused_for_now(server, token)
    assert "onnect" in last_refusal(server)
    issuer.up()
    until(lambda: remote.status(server, token) == 200, 2)
    issuer.down()
    assert remote.status(server, fresh(key)) == 200


def test_nothing_is_asked_for_that_is_not_needed(httpd, issuer, key, jwks):
    server = guarded(httpd, issuer, jwks)
    assert remote.status(server, tokens.sign(tokens.claims(), key)) == 200
    [(_, headers)] = issuer.requests
    assert "json" in headers["Accept"]
    assert {name.lower() for name in headers} == {"host", "user-agent",
                                                  "accept"}


def test_a_redirect_is_never_followed(httpd, issuer, key, jwks):
    """Neither to a stranger nor to the same server."""
    stranger = peers.Issuer(jwks)
    token = tokens.sign(tokens.claims(), key)
    try:
        for target in (stranger.url, issuer.url):
            for code in (301, 302, 303, 307, 308):
                issuer.fault = (lambda h, _: h.reply(
                    code, jwks.encode(), Location=target + "/jwks"))
                issuer.requests.clear()
                server = guarded(httpd, issuer, jwks)
                remote.refused_for_now(server, token)
                assert issuer.calls == ["/jwks"]
                server.stop()
        assert stranger.calls == []
    finally:
        stranger.stop()
