"""A location whose tokens' keys come from a server, and asking it."""
import time

from support import client, tokens

TOTAL = 1.0
#: Nothing is at /NAME of many(): who may pass hears so from httpd.
SERVED = 404
#: What the machine may take on top of what is configured.
SLACK = 0.9


def issuer(name, lines, timeout="connect=500ms total=1s", url=tokens.ISSUER):
    return (f"<ApiIssuer {name}>\nApiIssuerURL {url}\n{lines}\n"
            f"ApiTimeout {timeout}\n</ApiIssuer>\n")


def location(accept="corp", path="/"):
    return (f"<Location {path}>\nAuthType Bearer\nAuthName api\n"
            f"ApiAccept {accept}\nApiAudience any\nRequire valid-user\n"
            "</Location>\n")


def site(lines, **more):
    """One issuer, everything protected."""
    return issuer("corp", lines, **more) + location()


def many(rows):
    """{name: lines}: an issuer each, and a location /NAME for its tokens."""
    return "".join(issuer(name, lines, url=f"https://{name}.example")
                   + location(name, f"/{name}")
                   for name, lines in rows.items())


def ask(server, token, path="/"):
    """The answer, and how long it took."""
    start = time.monotonic()
    answer = client.request(server.port, path, token)
    return answer, time.monotonic() - start


def status(server, token, path="/"):
    return ask(server, token, path)[0].status


def refused_for_now(server, token, seconds=TOTAL):
    """The answer when keys cannot be had: never 401, and in time."""
    answer, took = ask(server, token)
    assert answer.status == 503
    assert answer.get("WWW-Authenticate") is None
    assert answer.get("Cache-Control") == "no-store"
    assert 1 <= int(answer.get("Retry-After")) <= 3
    assert took < seconds + SLACK
    return answer
