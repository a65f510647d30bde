"""Callers without a subscription, where it is optional, at a pace of their
own."""
import re

import pytest

from support import tokens
from support.catalogue import (api_token, application, document, replace,
                               subscription, token_row)
from support.client import request
from support.conf import issuer, location
from support.wait import until

PLANS = [{"name": "gold", "limits": [{"requests": 100, "per": "1mi"}]},
         {"name": "few", "limits": [{"requests": 2, "per": "1h"}]}]
APIS = [{"name": "pizza", "version": "1.0"},
        {"name": "pizza", "version": "2.0"},
        {"name": "stopped", "status": "blocked"},
        {"name": "old", "status": "deprecated",
         "deprecation": "2026-01-01T00:00:00Z"}]
OPEN = ["ApiAccept corp partner apitoken", "ApiErrorDetail On",
        "ApiAnonymous On", "ApiSubscription optional plan=few"]
PAGES = "pizza pizza2 stopped old unlisted plan inner required".split()
CONF = """
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
ApiRegistry file:conf/registry.json
ApiRegistryTTL 100ms
Header always set X-Seen "%{API_NAME}e %{API_APPLICATION}e %{API_PLAN}e"
""" + issuer() + issuer(name="partner", url="https://partner.example",
                        keys="ApiJWKS file:keys/corp.json") + "".join([
    location("/pizza", "ApiName pizza 1.0", *OPEN, audience="any"),
    location("/pizza2", "ApiName pizza 2.0", *OPEN, audience="any"),
    location("/stopped", "ApiName stopped", *OPEN, audience="any"),
    location("/old", "ApiName old", *OPEN, audience="any"),
    location("/unlisted", "ApiName unlisted", *OPEN, audience="any"),
    location("/plan", "ApiName pizza 1.0", *OPEN, audience="any",
             require="api-plan few"),
    location("/inner", "ApiName pizza 1.0", *OPEN, audience="any"),
    "<Location /inner/most>\nApiSubscription optional\n</Location>\n",
    location("/required", "ApiName pizza 1.0", *OPEN[:3], audience="any")])


def rows(*, plans=PLANS, token=None):
    """shop is subscribed, guest is not."""
    return document(
        application(1, [subscription(plan="gold")], id="shop"),
        dict(application(2, id="guest"), tokens=[token_row(token)]
             if token else [], clients=[
                 {"issuer": "corp", "client_id": "c2"},
                 {"issuer": "corp", "client_id": "c3"}]),
        application(4, [subscription(status="pending", plan="gold")]),
        application(5, [subscription(status="blocked", plan="gold")]),
        plans=plans, apis=APIS)


@pytest.fixture
def guest_token():
    return api_token()


@pytest.fixture
def server(httpd, jwks, guest_token):
    files = {f"htdocs/{page}": "page" for page in PAGES if page != "inner"}
    files["htdocs/inner/most"] = files["htdocs/inner/side"] = "page"
    files["keys/corp.json"] = jwks
    files["conf/registry.json"] = rows(token=guest_token)
    server = httpd(CONF, files=files, modules=["remoteip"])
    server.expect("AH01631")
    return server


def left(answer):
    """What is left of a limit, None where there is none; or the refusal."""
    if answer.status != 200:
        found = re.search(rb'"code":"AO2-(\d+)"', answer.body)
        return answer.status, int(found[1])
    found = re.search(r";r=(\d+);", answer.get("RateLimit") or "")
    return found and int(found[1])


@pytest.fixture
def call(server, key):
    def call(path, client="c2", issuer=tokens.ISSUER, **claims):
        token = tokens.sign(tokens.claims(client_id=client, iss=issuer,
                                          **claims), key)
        return request(server.port, path, token)
    return call


def test_limit(call):
    for remaining in (1, 0):
        answer = call("/pizza")
        assert answer.get("RateLimit-Policy") == '"few-1h";q=2;w=3600'
        assert left(answer) == remaining
        assert answer.get("X-Seen") == "pizza guest few"
    answer = call("/pizza")
    assert left(answer) == (429, 35)
    assert 1700 < int(answer.get("Retry-After")) <= 1800
    assert re.fullmatch(r'"few-1h";r=0;t=1[78]\d\d', answer.get("RateLimit"))


def test_subscribers_have_their_own(call):
    for number in range(3):
        answer = call("/pizza", "c1")
        assert answer.get("RateLimit-Policy") == '"gold-1mi";q=100;w=60'
        assert left(answer) == 99 - number
        assert answer.get("X-Seen") == "pizza shop gold"


@pytest.mark.parametrize("who,same", [
    (dict(client="c3"), True),    # of the same application
    (dict(client="c9"), False),   # of none
    (dict(client="c4"), False),   # with a subscription that is not active
    (dict(issuer="https://partner.example"), False),
    (dict(client=None), False),   # a subject alone
])
def test_whose_it_is(call, who, same):
    assert left(call("/pizza")) == 1
    assert left(call("/pizza", **who)) == (0 if same else 1)
    assert left(call("/pizza", **who)) == ((429, 35) if same else 0)


def test_subjects(call):
    """Of tokens that name no client each subject has its own."""
    assert left(call("/pizza", None, sub="alice")) == 1
    assert left(call("/pizza", None, sub="bob")) == 1
    assert left(call("/pizza", "c9", sub="alice")) == 1
    assert left(call("/pizza", "c9", sub="bob")) == 0
    assert left(call("/pizza", "alice")) == 1
    assert left(call("/pizza", None, sub="alice")) == 0


def test_api_tokens_are_their_application(server, call, guest_token):
    assert left(call("/pizza")) == 1
    assert left(request(server.port, "/pizza", guest_token)) == 0


def test_each_api_has_its_own(call):
    assert left(call("/pizza")) == 1
    assert left(call("/pizza2")) == 1
    assert left(call("/unlisted")) == 1
    assert left(call("/pizza")) == 0


@pytest.mark.parametrize("first,second,same", [
    ("192.0.2.1", "192.0.2.1", True),
    ("192.0.2.1", "192.0.2.2", False),
    ("::ffff:192.0.2.1", "192.0.2.1", True),
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
    ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
])
def test_anonymous(server, first, second, same):
    def ask(address):
        return request(server.port, "/pizza",
                       headers=[("X-Forwarded-For", address)])
    answer = ask(first)
    assert left(answer) == 1
    assert answer.get("X-Seen") == "pizza (null) few"
    assert left(ask(second)) == (0 if same else 1)
    assert left(ask(second)) == ((429, 35) if same else 0)


def test_refusals_stay(server, call):
    assert left(call("/pizza", "c5")) == (403, 31)
    assert left(call("/required")) == (403, 30)
    assert left(request(server.port, "/required")) == (401, 10)
    assert left(call("/plan")) == (403, 30)
    for caller in (call, lambda path: request(server.port, path)):
        assert left(caller("/stopped")) == (503, 33)
        answer = caller("/old")
        assert left(answer) == 1
        assert answer.get("Deprecation") == "@1767225600"


def test_inner_optional_is_whole(call):
    assert left(call("/inner/side")) == 1
    assert left(call("/inner/most")) is None


def test_plan_that_is_gone(server, call):
    """Who has a subscription does not need it."""
    server.expect("AO2-050 misconfigured: the registry has no plan \"few\"")
    replace(server, rows(plans=PLANS[:1]))
    until(lambda: left(call("/pizza")) == (500, 50))
    assert left(request(server.port, "/pizza")) == (500, 50)
    assert left(call("/pizza", "c1")) is not None
    replace(server, rows())
    until(lambda: left(call("/pizza", "c9")) == 1)


@pytest.mark.parametrize("line,says", [
    ("optional plan=few", None),
    ("optional plan=fewer", 'no plan "fewer" in the ApiRegistry'),
    ("optional plan=", "plan=NAME of a plan"),
    ("optional few", "plan=NAME of a plan"),
    ("optional plan=few plan=few", "takes one of required, optional"),
    ("required plan=few", "only behind optional"),
    ("off plan=few", "only behind optional"),
])
def test_configtest(httpd, line, says):
    server = httpd(files={"conf/registry.json": rows()}, start=False)
    code, said = server.configtest(
        f"<Location /x>\nApiSubscription {line}\n</Location>\n"
        "ApiRegistry file:conf/registry.json\n")
    assert (code == 0) == (says is None), said
    assert says is None or "ApiSubscription" in said and says in said, said


def test_htaccess(httpd, jwks, key):
    """There a plan is named, and looked for by the request."""
    server = httpd(CONF, modules=["remoteip"], files={
        "keys/corp.json": jwks, "conf/registry.json": rows(),
        **{f"htdocs/{plan}/.htaccess":
           "AuthType Bearer\nApiAccept corp\nApiAudience any\n"
           f"ApiName pizza 1.0\nApiSubscription optional plan={plan}\n"
           "Require valid-user\n" for plan in ("few", "none")},
        "htdocs/few/page": "page", "htdocs/none/page": "page"})
    server.expect("AO2-050 misconfigured: the registry has no plan \"none\"")
    token = tokens.sign(tokens.claims(client_id="c2"), key)
    assert left(request(server.port, "/few/page", token)) == 1
    assert request(server.port, "/none/page", token).status == 500
