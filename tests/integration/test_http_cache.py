"""mod_cache in front: what one caller got is not handed to another.

The credential is taken out before mod_cache decides, so that its own rule
about Authorization never sees one."""
import json

import pytest
from support import client, conf, peers, site

MODES = {
    "quick handler": "CacheQuickHandler On", "handler": "CacheQuickHandler Off",
    "forced": "CacheQuickHandler On\nCacheIgnoreNoLastMod On\n"
              "CacheStorePrivate On\nCacheStoreNoStore On\n"
              "CacheIgnoreCacheControl On\nCacheDefaultExpire 3600\n",
}
CONF = """
CacheEnable disk /
CacheRoot ${root}/cache
CacheLock Off
ProxyPass / http://127.0.0.1:${backend}/
"""
PLACES = {  # path of the protected place, its lines, how the token is sent
    "/api": ((), lambda t: ("Authorization", f"Bearer {t}")),
    "/key": (("ApiTokenFrom header:X-Key",), lambda t: ("X-Key", t)),
    "/cookie": (("ApiTokenFrom cookie:T",), lambda t: ("Cookie", f"T={t}")),
    "/forward": (("ApiForwardToken On",),
                 lambda t: ("Authorization", f"Bearer {t}")),
}


class Counter(peers.Echo):
    """Answers that a shared cache may keep, each with its own number."""
    count = 0

    def answer(self):
        Counter.count += 1
        self.reply(200, json.dumps({
            "number": Counter.count,
            "user": self.headers.get("X-User")}).encode(),
            Cache_Control="public, s-maxage=600, max-age=600",
            ETag=f'"{Counter.count}"')

    do_GET = do_HEAD = answer


@pytest.fixture(scope="module", params=MODES)
def server(request, module_httpd, jwks):
    backend = peers.start(Counter)
    server = module_httpd(main=conf.issuer(), start=False, modules=[
        "proxy", "proxy_http", "cache", "cache_disk"],
        files={"keys/corp.json": jwks, "cache/x": ""})
    (server.root / "cache").chmod(0o777)
    yield server.start(
        f"Define backend {backend.port}\n{CONF}{MODES[request.param]}\n" +
        "".join(conf.location(path, "ApiPassClaim sub header X-User", *lines)
                for path, (lines, _) in PLACES.items()) +
        conf.location("/anonymous", "ApiAnonymous On",
                      "ApiPassClaim sub header X-User"))
    backend.shutdown()


def get(server, path, *headers):
    return client.request(server.port, path, headers=[
        h for h in headers if h])


def body(answer):
    return json.loads(answer.body)


def test_cache_works(server):
    """The control: a public answer is kept."""
    first, second = get(server, "/public"), get(server, "/public")
    assert body(first)["number"] == body(second)["number"]
    assert second.get("Age") is not None


@pytest.mark.parametrize("path", PLACES)
def test_nothing_protected_is_kept(server, key, path):
    carry = PLACES[path][1]
    alice = carry(site.token_of("alice", key))
    bob = carry(site.token_of("bob", key))
    assert get(server, path).status == 401
    first = get(server, path, alice)
    assert body(first)["user"] == "alice"
    for _ in range(2):
        assert get(server, path).status == 401
        assert get(server, path, carry(site.token_of("mallory", key))
                   ).status == 401
        assert body(get(server, path, bob))["user"] == "bob"
        answer = get(server, path, alice)
        assert body(answer)["user"] == "alice"
        assert answer.get("Age") is None
    assert len({body(get(server, path, alice))["number"]
                for _ in range(3)}) == 3


def test_conditional_requests(server, key):
    """No 304 for those who may not see the 200."""
    alice = ("Authorization", f"Bearer {site.token_of('alice', key)}")
    etag = get(server, "/api", alice).get("ETag")
    answer = get(server, "/api", ("If-None-Match", etag))
    assert answer.status == 401


def test_anonymous_and_known(server, key):
    """What nobody got may be kept, what somebody got is not."""
    alice = ("Authorization", f"Bearer {site.token_of('alice', key)}")
    assert body(get(server, "/anonymous/x", alice))["user"] == "alice"
    assert body(get(server, "/anonymous/x"))["user"] is None
    assert body(get(server, "/anonymous/x"))["user"] is None


def test_refusals_are_not_kept(server, key):
    answers = [get(server, "/api/refused") for _ in range(2)]
    assert [a.status for a in answers] == [401, 401]
    assert all(a.get("Cache-Control") == "no-store" for a in answers)
    assert all(a.get("Age") is None for a in answers)
    alice = ("Authorization", f"Bearer {site.token_of('alice', key)}")
    assert get(server, "/api/refused", alice).status == 200
