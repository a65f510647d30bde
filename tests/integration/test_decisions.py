"""Who may call what: every state of application, credential, API, version,
subscription and time, through a real httpd, against an oracle that knows
docs/registry.md alone."""
import itertools
import re
import socket

import pytest

from support import tokens
from support.catalogue import api_token, document, token_row
from support.client import parse, request
from support.conf import issuer, location
from support.server import MPM

#: Other MPMs are asked about every so manieth row.
STRIDE = 1 if MPM == "event" else 13
PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"

APPLICATIONS = {  # what the registry says of it
    "active": {}, "blocked": {"status": "blocked"},
    "bound": {"token_format": "opaque"}}
CREDENTIALS = list(itertools.product(["client", "token"],
                                     ["production", "sandbox"]))
#: Name and version that a location has, and the status there.
APIS = {"unknown": ("nowhere", "1.0", None), "version": ("known", "9.9", None),
        "published": ("published", "1.0", "published"),
        "deprecated": ("deprecated", "1.0", "deprecated"),
        "blocked": ("blocked", "1.0", "blocked"),
        "retired": ("retired", "1.0", "retired")}
STATUSES = ["active", "blocked", "production_blocked", "pending", "rejected",
            "closed"]
TIMES = {"always": {}, "running": {"starts": PAST, "expires": FUTURE},
         "early": {"starts": FUTURE}, "late": {"expires": PAST}}
#: Versions of the subscription in that state, and of an active one beside.
VERSIONS = {"this": ("1.0", None), "all": ("*", None), "other": ("2.0", None),
            "this and all": ("1.0", "*"), "all and this": ("*", "1.0")}
STATES = [None, *itertools.product(STATUSES, TIMES, VERSIONS)]
MODES = {"required": "required", "optional": "optional plan=guest"}
PLACES = list(itertools.product(APIS, MODES))


def path(api, mode):
    return f"/{api}-{mode}"


CONF = issuer() + """
ApiRegistry file:conf/registry.json
MaxKeepAliveRequests 0
LogLevel api_oauth2:warn
Header always set X-Seen "%{API_APPLICATION}e %{API_PLAN}e %{API_KEY_TYPE}e"
""" + "".join(
    location(path(api, mode), f"ApiName {APIS[api][0]} {APIS[api][1]}",
             f"ApiSubscription {MODES[mode]}", "ApiAccept corp apitoken",
             "ApiErrorDetail On", audience="any")
    for api, mode in PLACES)


def subscriptions(state):
    if not state:
        return []
    status, when, versions = state
    rows = []
    for name, version, known in APIS.values():
        if name == "nowhere":
            continue
        first, second = VERSIONS[versions]
        rows.append(dict(api=name, version=first, plan="gold", status=status,
                         **TIMES[when]))
        if second:
            rows.append(dict(api=name, version=second, plan="silver"))
    return rows


class Caller:
    def __init__(self, name, state, subscription):
        self.id, self.state, self.subscription = name, state, subscription
        self.tokens = {}

    def row(self, key):
        clients, rows = [], []
        for form, key_type in CREDENTIALS:
            name = f"{self.id}-{key_type}"
            if form == "client":
                text = tokens.sign(tokens.claims(client_id=name), key)
                clients.append(dict(issuer="corp", client_id=name,
                                    key_type=key_type))
            else:
                text = api_token()
                rows.append(token_row(text, id=name, key_type=key_type))
            self.tokens[form, key_type] = text
        return dict(id=self.id, clients=clients, tokens=rows,
                    subscriptions=subscriptions(self.subscription),
                    **APPLICATIONS[self.state])


def subscription_for(state, api):
    """Status, time and plan of the one that counts: the one to exactly this
    version before the one to all, whatever they say."""
    if not state or APIS[api][2] is None:
        return None
    status, when, versions = state
    first, second = VERSIONS[versions]
    found = {second: ("active", "always", "silver"),
             first: (status, when, "gold")}
    return found.get("1.0") or found.get("*")


def oracle(caller, form, key_type, api, mode):
    """Status, number, and plan of who is let in."""
    if form == "client" and caller.state == "bound":
        return 401, 13, None
    if form == "token" and caller.state == "blocked":
        return 403, 31, None
    if api == "blocked":
        return 503, 33, None
    if api == "retired":
        return 404, 34, None
    if caller.state == "blocked":
        return 403, 31, None
    found = subscription_for(caller.subscription, api)
    number = 30
    if found:
        status, when, plan = found
        if status == "blocked" or (status == "production_blocked" and
                                   key_type == "production"):
            return 403, 31, None
        if status in ("active", "production_blocked") and \
                when in ("always", "running"):
            return 200, None, plan
        number = 32
    return (200, None, "guest") if mode == "optional" else (403, number, None)


class Client:
    """Asks many questions at once on one connection."""

    AT_ONCE = 40

    def __init__(self, port):
        self.port = port

    def ask(self, questions):
        """The answers to [(path, token)], which keep the connection open."""
        answers = []
        with socket.create_connection(("127.0.0.1", self.port), 30) as s, \
                s.makefile("rb") as answered:
            for start in range(0, len(questions), self.AT_ONCE):
                some = questions[start:start + self.AT_ONCE]
                s.sendall("".join(
                    f"GET {where} HTTP/1.1\r\nHost: server.example\r\n"
                    f"Authorization: Bearer {token}\r\n\r\n"
                    for where, token in some).encode())
                answers += [self.read(answered) for _ in some]
        return answers

    @staticmethod
    def read(answered):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = answered.readline()
            assert line, "cut short"
            head += line
        answer = parse(head)
        answer.body = answered.read(int(answer.get("Content-Length")))
        return answer


@pytest.fixture(scope="module")
def callers(key):
    return [Caller(f"{state}{number}", state, subscription)
            for state in APPLICATIONS
            for number, subscription in enumerate(STATES)]


@pytest.fixture(scope="module")
def server(module_httpd, jwks, key, callers):
    apis = [dict(name=name, version=version, status=status or "published")
            for name, _, status in APIS.values() if name != "nowhere"
            for version in ("1.0", "2.0")]
    for api in apis:
        if api["status"] == "deprecated":
            api["deprecation"] = PAST
    text = document(*(caller.row(key) for caller in callers), apis=apis,
                    plans=[{"name": name}
                           for name in ("gold", "silver", "guest")])
    return module_httpd(CONF, files={
        "keys/corp.json": jwks, "conf/registry.json": text,
        **{f"htdocs{path(*place)}": "page" for place in PLACES}})


def seen(answer):
    """What oracle() says, as the answer has it."""
    if answer.status == 200:
        plan = answer.get("X-Seen").split()[1]
        return 200, None, None if plan == "(null)" else plan
    return answer.status, int(re.search(rb"AO2-(\d+)", answer.body)[1]), None


def check(answer, caller, form, key_type, api, mode):
    wanted = oracle(caller, form, key_type, api, mode)
    assert seen(answer) == wanted, (caller.state, form, key_type, api, mode,
                                    caller.subscription)
    if answer.status == 200:
        assert answer.get("X-Seen") == f"{caller.id} {wanted[2]} {key_type}"
        assert answer.get("Deprecation") == \
            ("@1577836800" if api == "deprecated" else None)


def answers_to(server, rows):
    """httpd closes the connection behind a 503: each of those has its own."""
    questions = [(path(api, mode), caller.tokens[form, key_type])
                 for caller, form, key_type, api, mode in rows]
    together = [oracle(*row)[0] != 503 for row in rows]
    many = iter(Client(server.port).ask(
        [question for question, keep in zip(questions, together) if keep]))
    return [next(many) if keep else request(server.port, *question)
            for question, keep in zip(questions, together)]


def test_every_state(server, callers):
    rows = [(caller, form, key_type, api, mode)
            for caller in callers for form, key_type in CREDENTIALS
            for api, mode in PLACES]
    assert len(rows) == 3 * (1 + 6 * 4 * 5) * 4 * 6 * 2 == 17424
    rows = rows[::STRIDE]
    answers = answers_to(server, rows)
    for answer, row in zip(answers, rows):
        check(answer, *row)
    outcomes = {seen(answer) for answer in answers}
    print(f"{len(rows)} states, {len(outcomes)} outcomes")
    assert outcomes == {(200, None, "gold"), (200, None, "silver"),
                        (200, None, "guest"), (401, 13, None),
                        (403, 30, None), (403, 31, None), (403, 32, None),
                        (404, 34, None), (503, 33, None)}


@pytest.mark.parametrize("claims", [dict(client_id="stranger"),
                                    dict(client_id=None)])
@pytest.mark.parametrize("api,mode", PLACES)
def test_no_application(server, key, api, mode, claims):
    caller = Caller("(null)", "active", None)
    answer = request(server.port, path(api, mode),
                     tokens.sign(tokens.claims(**claims), key))
    check(answer, caller, "client", "(null)", api, mode)


@pytest.mark.parametrize("api,mode", PLACES)
def test_bad_credentials(server, callers, api, mode):
    """Who they would be is not even asked."""
    good = callers[1].tokens["token", "production"]
    mistyped = good[:-1] + ("0" if good[-1] != "0" else "1")
    for token in (api_token(), mistyped):
        answer = request(server.port, path(api, mode), token)
        assert seen(answer) == (401, 13, None)
    answer = request(server.port, path(api, mode))
    assert seen(answer) == (401, 10, None)
