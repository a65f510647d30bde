"""Pages of docs/ that show configurations to adapt rather than a path to
follow: each configuration loads, and the tokens that providers.md describes
get in where it says so."""
import json
import re
from pathlib import Path

import pytest
from support import client, tokens
from support.server import MPM
from support.transcript import read

pytestmark = pytest.mark.skipif(MPM != "event", reason="the MPM is no part")

DOCS = Path(__file__).parents[2] / "docs"
MODULES = "rewrite headers".split()
#: Followed from top to bottom by tests of their own.
FOLLOWED = {"errors.md", "oauth2-backends.md", "opaque-tokens.md",
            "registry.md", "registry-postgresql.md", "several-issuers.md",
            "several-machines.md", "single-page-applications.md",
            "subscriptions.md"}


def blocks(page):
    return [step[1] for step in read(f"docs/{page}") if step[0] == "apache"]


def all_blocks():
    for page in sorted(path.name for path in DOCS.glob("*.md")):
        for number, block in enumerate(blocks(page)):
            if page not in FOLLOWED:
                yield pytest.param(block, id=f"{page}-{number}")


def test_there_are_configurations():
    assert len(list(all_blocks())) >= 8


@pytest.mark.parametrize("block", all_blocks())
def test_it_loads(httpd, block):
    server = httpd(modules=MODULES, start=False, files={
        "keys/gateway.secret": "a secret", "registry.json": '{"version": 1}'})
    code, said = server.configtest(block)
    assert code == 0 and "AO2" not in said, said
    broken, count = re.subn(r"(?m)^(\s*)(Api[A-Z]\w+)", r"\1\2x", block, 1)
    assert count and server.configtest(broken)[0] != 0


def providers():
    steps = re.findall(r"(?ms)^```(json|apache)\n(.*?)^```$",
                       (DOCS / "providers.md").read_text())
    assert [mark for mark, _ in steps] == ["json", "apache"] * 5
    texts = [text for _, text in steps]
    return [pytest.param(json.loads(claims), conf, id=claims.split('"')[3])
            for claims, conf in zip(texts[::2], texts[1::2])]


@pytest.mark.parametrize("claims,conf", providers())
def test_a_token_of_the_provider(httpd, claims, conf):
    key = tokens.new_key("RS256")
    conf = re.sub(r"(?m)^    (ApiIssuerURL .*)$",
                  r"    \1\n    ApiJWKS file:keys/provider.json", conf)
    server = httpd(conf, files={"keys/provider.json": tokens.key_set(key),
                                "htdocs/orders": "pizza"})

    def status(**changes):
        sent = {**tokens.claims(scope=None, client_id=None, sub=None),
                **claims, **changes}
        token = tokens.sign({k: v for k, v in sent.items() if v is not None},
                            key, "RS256", {"typ": "JWT"})
        return client.request(server.port, "/orders", token).status

    assert status() == 200
    assert status(iss=claims["iss"] + "x") == 401
    assert status(aud="another") == 401
    rights = {name: None for name in ("scope", "scp", "roles", "permissions")}
    assert status(**rights) == 403
