"""Names hold any characters and never stand for one another; addresses and
networks of API tokens."""
import itertools
import json
from urllib.parse import quote

import pytest

from support import tokens
from support.catalogue import api_token, code, document, token_row
from support.client import request
from support.conf import issuer, location
from support.htapi import Registry
from support.wait import until

#: Two names that are one when they are joined by what stands between.
PAIRS = [(f"a{mark}b", "c") for mark in ":-/.|,\x1f\u00e9"] + \
    [("a", f"b{mark}c") for mark in ":-/.|,\x1f\u00e9"] + \
    [("a%3Ab", "c"), ("a", "b%3Ac"), ("A:b", "c"), ("a:b", "C"),
     ("a:b ", "c"), ("a\u0301", "c"), ("\u00e1", "c")]
PLAN = {"name": "one", "limits": [{"requests": 1, "per": "1h"}]}


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def shown(text):
    """As variables are written (docs/reference.md, Values passed on)."""
    return quote(text, safe="".join(map(chr, range(32, 127)))
                 .replace("%", ""))


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    """Issuer and client, API and version, application: all of PAIRS."""
    names = sorted({name for name, _ in PAIRS
                    if not set(name) & set(' \x1f"')})
    conf = "ApiRegistry file:conf/registry.json\n" + "".join(
        issuer(name=name, url=f"https://{number}.example",
               keys="ApiJWKS file:keys/corp.json")
        for number, name in enumerate(names))
    for number, (name, version) in enumerate(PAIRS):
        conf += location(f"/{number}", f"ApiName {quoted(name)} "
                         f"{quoted(version)}", audience="any")
    conf += (f"<Location />\nApiAccept {' '.join(names)}\nApiErrorDetail On\n"
             "</Location>\n"
             'Header always set X-Seen "%{API_NAME}e|%{API_VERSION}e|'
             '%{API_APPLICATION}e"\n')
    applications = [
        dict(id=f"{number}:{name}", clients=[
            dict(issuer=name, client_id=client)], subscriptions=[
            dict(api=api, version=version, plan="one")
            for api, version in PAIRS])
        for number, (name, client) in enumerate(PAIRS) if name in names]
    text = json.dumps({"version": 1, "plans": [PLAN], "apis": [
        dict(name=name, version=version) for name, version in PAIRS],
        "applications": applications})
    server = module_httpd(conf, files={
        "keys/corp.json": jwks, "conf/registry.json": text,
        **{f"htdocs/{number}": "page" for number in range(len(PAIRS))}})
    server.names = names
    return server


def test_names(server, key):
    """Each pair of each kind is one of its own: in what is found, and in
    what is counted."""
    callers = [pair for pair in PAIRS if pair[0] in server.names]
    assert len(callers) > 15
    signed = {(name, client): tokens.sign(tokens.claims(
        iss=f"https://{server.names.index(name)}.example", client_id=client),
        key) for name, client in callers
        if not any(ord(c) < 32 for c in client)}
    rows = list(itertools.product(signed.items(), enumerate(PAIRS)))
    print(f"{len(rows)} pairs of pairs")
    for ((name, client), token), (number, (api, version)) in rows:
        answer = request(server.port, f"/{number}", token)
        assert answer.status == 200, (name, client, api, version)
        assert answer.get("X-Seen") == "|".join(
            [shown(api), shown(version),
             f"{PAIRS.index((name, client))}:{shown(name)}"])
        assert code(request(server.port, f"/{number}", token)) == (429, 35)


NETWORKS = [  # of the token; from where it may be used, and may not
    (["192.0.2.0/24"], ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.1"],
     ["192.0.1.255", "192.0.3.0", "2001:db8::1", "::192.0.2.1"]),
    (["192.0.2.7"], ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
    (["0.0.0.0/1"], ["100.64.0.1"], ["198.51.100.1", "2001:db8::1"]),
    (["192.0.2.128/25"], ["192.0.2.128"], ["192.0.2.127"]),
    (["2001:db8::/32"], ["2001:db8::1", "2001:db8:ffff::"],
     ["2001:db9::", "192.0.2.1"]),
    (["2001:db8::7"], ["2001:db8::7", "2001:DB8:0:0::7"], ["2001:db8::8"]),
    (["2001:db8::/33"], ["2001:db8:7fff::"], ["2001:db8:8000::"]),
    (["192.0.2.0/24", "2001:db8::/32"], ["192.0.2.9", "2001:db8::9"],
     ["198.51.100.1", "2001:db9::"]),
    ([], ["198.51.100.1", "2001:db8::1"], []),
]


@pytest.fixture(scope="module")
def by_address(module_httpd):
    made = [api_token() for _ in NETWORKS]
    rows = [token_row(token, id=f"t{number}", ip=networks)
            for number, (token, (networks, _, _)) in
            enumerate(zip(made, NETWORKS))]
    conf = "ApiRegistry file:conf/registry.json\n" + location(
        "/page", "ApiAccept apitoken", audience=None)
    behind = "RemoteIPHeader X-Forwarded-For\n" \
             "RemoteIPInternalProxy 127.0.0.1\n"
    files = {"htdocs/page": "page", "conf/registry.json":
             document({"id": "app", "tokens": rows})}
    servers = (module_httpd(conf + behind, ["remoteip"], files=files),
               module_httpd(conf, ["remoteip"], files=files))
    return servers, made


@pytest.mark.parametrize("number,row", enumerate(NETWORKS))
def test_networks(by_address, number, row):
    (behind, plain), made = by_address
    _, allowed, refused = row
    for address, status in [*((a, 200) for a in allowed),
                            *((a, 401) for a in refused)]:
        header = [("X-Forwarded-For", address)]
        answer = request(behind.port, "/page", made[number], header)
        assert answer.status == status, address
        # whom nobody vouches for is where he is
        answer = request(plain.port, "/page", made[number], header)
        assert answer.status == (200 if row[0] in ([], ["0.0.0.0/1"])
                                 else 401)


def test_tokens_of_one_application(httpd):
    """Several at once; one is renewed with a time of grace, and taken back."""
    server = httpd(start=False)
    registry = Registry(f"file:{server.root}/registry.json")
    registry.fill()
    registry.do("subscribe shop pizza 1.0 --plan gold")
    first, old = (registry.token("token create shop") for _ in range(2))
    server.write("htdocs/page", "page")
    server.start("ApiRegistry file:registry.json\nApiRegistryTTL 100ms\n" +
                 location("/page", "ApiAccept apitoken", "ApiName pizza 1.0",
                          audience=None))

    def statuses(*asked):
        return [request(server.port, "/page", token).status
                for token in asked]

    assert statuses(first, old) == [200, 200]
    name = registry.json("token list shop")[1]["id"]
    new = registry.token(f"token rotate shop {name} --grace 1s")
    until(lambda: statuses(first, old, new) == [200, 401, 200])
    name = registry.json("token list shop")[0]["id"]
    registry.do(f"token revoke shop {name}")
    until(lambda: statuses(first, old, new) == [401, 401, 200])
