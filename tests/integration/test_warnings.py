"""What a configuration may say and hardly means: told at each start, by name
and with what comes of it. The twin, which differs in one thing, has none."""
import json
import os

import pytest
from support import conf
from support.server import MPM

pytestmark = pytest.mark.skipif(
    MPM != "event", reason="configtest is the same with every MPM")
ANY = "<Location /x>\nAuthType Bearer\nApiAudience any\n</Location>\n"
ACCEPT = conf.location("/x", "ApiAccept corp")
TWO = conf.issuer() + conf.issuer(name="other", keys="ApiJWKS file:keys/corp"
                                  ".json")
LONG = "0123456789abcdef0123456789abcdef"
HTTP = ("ApiJWKS http://192.0.2.1/keys", "ApiIntrospection http://192.0.2.1/i",
        "ApiMetadata http://192.0.2.1/.well-known/openid-configuration")


def host(inner):
    return ("<VirtualHost 127.0.0.1:1>\nServerName two.example\n"
            f"{inner}\n</VirtualHost>\n")


def http(line):
    return conf.issuer("ApiAllowInsecureHTTP On", keys=line)


def registry(issuer):
    return (conf.issuer() + "ApiRegistry file:conf/" + issuer + ".json\n")


ROWS = {  # what is said; the warnings in it; the twin without
    "no audience": (
        conf.issuer() + conf.location("/x", audience=None),
        ["AuthType Bearer without ApiAudience"],
        conf.issuer() + conf.location("/x")),
    "no issuer": (
        TWO + conf.location("/x") + host(conf.location(
            "/x", "ApiAccept corp other")),
        ["AuthType Bearer without ApiAccept"],
        TWO + conf.location("/x", "ApiAccept corp other")),
    "any audience": (
        conf.issuer() + ANY,
        ["httpd.conf:LINE: ApiAudience any: tokens that the issuer made"],
        conf.issuer() + ANY.replace("any", "anything")),
    "any audience twice": (
        conf.issuer() + ANY + ANY,
        ["httpd.conf:LINE: ApiAudience any, as in other places"],
        conf.issuer() + conf.location("/x") * 2),
    "verification is off": (
        conf.issuer("ApiTLS verify=off"),
        ["ApiTLS verify=off in <ApiIssuer corp>: whoever is in between"],
        conf.issuer("ApiTLS verify=on")),
    "literal shared secret": (
        conf.issuer(f"ApiSharedSecret {LONG}"),
        ["ApiSharedSecret in <ApiIssuer corp>: the secret stands in the "
         "configuration itself"],
        conf.issuer("ApiSharedSecret file:keys/private")),
    "literal client secret": (
        conf.issuer("ApiClientAuth client_secret_post me secret"),
        ["ApiClientAuth in <ApiIssuer corp>: the secret stands in the"],
        conf.issuer("ApiClientAuth client_secret_post me file:keys/private")),
    "literal cache secret": (
        f"ApiCacheSecret {LONG}",
        ["ApiCacheSecret: the secret stands in the configuration itself"],
        "ApiCacheSecret file:keys/private"),
    "shared secret for everybody": (
        conf.issuer("ApiSharedSecret file:keys/open"),
        ["ApiSharedSecret in <ApiIssuer corp>: everybody can read the file"],
        conf.issuer("ApiSharedSecret file:keys/private")),
    "client secret for everybody": (
        conf.issuer("ApiClientAuth bearer file:keys/open"),
        ["ApiClientAuth in <ApiIssuer corp>: everybody can read the file"],
        conf.issuer("ApiClientAuth bearer file:keys/private")),
    "unused issuer": (
        TWO + ACCEPT,
        ["<ApiIssuer other> is not used: no ApiAccept names it"],
        TWO + conf.location("/x", "ApiAccept corp other")),
    "unused in a virtual host": (
        conf.issuer() + host(conf.issuer(name="other", keys="ApiJWKS file:"
                                         "keys/corp.json")
                             + conf.location("/x", "ApiAccept corp")),
        ["<ApiIssuer other> is not used"],
        conf.issuer() + host(conf.issuer(name="other", keys="ApiJWKS file:"
                                         "keys/corp.json")
                             + conf.location("/x", "ApiAccept corp other"))),
    "replaced in each virtual host": (
        conf.issuer(name="a", keys="ApiJWKS file:keys/corp.json")
        + TWO + conf.location("/x", "ApiAccept corp a") + host(
            conf.issuer(name="other", keys="ApiJWKS file:keys/corp.json")
            + conf.location("/x", "ApiAccept other")),
        ["<ApiIssuer other> is not used"],
        conf.issuer(name="a", keys="ApiJWKS file:keys/corp.json")
        + TWO + conf.location("/x", "ApiAccept corp a") + host(
            conf.location("/x", "ApiAccept other"))),
    "clients of an unknown issuer": (
        registry("stranger"),
        ['clients of the issuer "stranger" stand in it, and there is no '
         "<ApiIssuer> of that NAME"],
        registry("corp")),
    **{line.split()[0] + " over http": (
        http(line), [line.split()[0] + " in <ApiIssuer corp> is an http URL"],
        http(line.replace("http://192.0.2.1", "http://127.0.0.1")))
       for line in HTTP},
    "issuer over http": (
        conf.issuer("ApiAllowInsecureHTTP On", keys="",
                    url="http://issuer.example"),
        ["ApiIssuerURL in <ApiIssuer corp> is an http URL"],
        conf.issuer("ApiAllowInsecureHTTP On", keys="",
                    url="https://issuer.example")),
}


def document(issuer):
    return json.dumps({"version": 1, "plans": [], "apis": [], "applications": [
        {"id": f"app{n}", "status": "active", "tokens": [],
         "subscriptions": [],
         "clients": [{"issuer": issuer, "client_id": f"c{n}",
                      "key_type": "production"}]} for n in range(3)]})


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    server = module_httpd(files={
        "keys/corp.json": jwks, "keys/open": LONG, "keys/private": LONG,
        "conf/corp.json": document("corp"),
        "conf/stranger.json": document("stranger")}, start=False)
    os.chmod(server.root / "keys/open", 0o644)
    os.chmod(server.root / "keys/private", 0o600)
    return server


def warnings(server, text):
    """The warnings of a configuration that is good."""
    code, said = server.configtest(text)
    assert code == 0 and "Syntax OK" in said, said
    return [line for line in said.splitlines() if line != "Syntax OK"]


@pytest.mark.parametrize("what", ROWS)
def test_warning(server, what):
    text, wanted, twin = ROWS[what]
    said = warnings(server, text)
    if "LINE" in wanted[0]:
        lines = (server.root / "httpd.conf").read_text().splitlines()
        number = lines.index("ApiAudience any") + 1
        wanted = [wanted[0].replace("LINE", str(number))]
    assert len(said) == len(wanted) and all(
        words in line for words, line in zip(wanted, said)), said
    assert warnings(server, twin) == []
