"""Opaque tokens: what an issuer is asked, what its answers mean, and how few
calls that takes."""
import base64
import concurrent.futures
import hashlib
import json
import os
import signal
import ssl
import time
from pathlib import Path

import pytest
from jwcrypto import jwk, jwt
from support import certificates, faults, tokens
from support.catalogue import api_token, application, document, token_row
from support.client import request
from support.introspector import Introspector, active
from support.server import MPM
from support.wait import until

#: Several processes, with room for a crowd.
CROWD = "StartServers 4\nServerLimit 4\n" + (
    "MinSpareServers 4\nMaxSpareServers 4\nMaxRequestWorkers 4"
    if MPM == "prefork" else
    "ThreadsPerChild 32\nMaxRequestWorkers 128\nMinSpareThreads 32\n"
    "MaxSpareThreads 128")
SECRET = "s3cret & more of it, 32 bytes long"


@pytest.fixture
def issuer():
    server = Introspector()
    yield server
    server.stop()


def token():
    text = base64.urlsafe_b64encode(os.urandom(24)).decode().rstrip("=")
    tokens.minted.add(text)
    return text


def objects(issuer, lines="", name="corp", timeout="connect=500ms total=1s"):
    return (f"<ApiIssuer {name}>\nApiTokenFormat opaque\n"
            f"ApiIntrospection {issuer.url}/introspect\n"
            f"ApiTimeout {timeout}\n{lines}\n</ApiIssuer>\n")


LOCATION = """
<Location />
    AuthType Bearer
    AuthName api
    ApiAudience any
    ApiErrorDetail On
    Require valid-user
</Location>
"""


def run(httpd, issuer, lines="", more="", main=CROWD,
        registry='{"version": 1}', **settings):
    server = httpd(objects(issuer, lines, **settings) + LOCATION + more,
                   main=main, files={"htdocs/index.html": "hi",
                                     "htdocs/mixed/index.html": "hi",
                                     "conf/registry.json": registry,
                                     "keys/secret": SECRET + "\n"})
    server.expect("AO2-040")
    return server


def status(server, text, path="/"):
    return request(server.port, path, text).status


def crowd(server, texts, threads=64):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda text: status(server, text), texts))


def test_what_is_asked(httpd, issuer):
    server = run(httpd, issuer, "ApiIntrospectionParam resource 'a & b'\n"
                 "ApiClientAuth client_secret_basic a:b file:keys/secret")
    text = token()
    issuer.answers[text] = active()
    assert status(server, text) == 200
    assert issuer.forms == [{"token": text, "resource": "a & b",
                             "token_type_hint": "access_token"}]
    head = issuer.headers[0]
    login = base64.b64decode(head["Authorization"].split()[1]).decode()
    assert login == "a%3Ab:s3cret+%26+more+of+it%2C+32+bytes+long"
    assert head["Content-Type"] == "application/x-www-form-urlencoded"
    assert head["Accept"].startswith("application/json")
    assert head["Accept-Encoding"] is None and head["Expect"] is None


@pytest.mark.parametrize("method,form,field", [
    ("client_secret_post me file:keys/secret",
     {"client_id": "me", "client_secret": SECRET}, None),
    ("none me", {"client_id": "me"}, None),
    ("none", {}, None),
    ("bearer file:keys/secret", {}, "Bearer " + SECRET),
])
def test_client_authentication(httpd, issuer, method, form, field):
    server = run(httpd, issuer, f"ApiClientAuth {method}")
    text = token()
    issuer.answers[text] = active()
    assert status(server, text) == 200
    assert issuer.forms == [dict(form, token=text,
                                 token_type_hint="access_token")]
    assert issuer.headers[0]["Authorization"] == field


def secret_key():
    text = base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")
    return jwk.JWK(kty="oct", k=text)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "ES512",
                                 "EdDSA", "HS256"])
def test_assertions(httpd, issuer, alg):
    """RFC 7523: signed by us, for the issuer, fresh each time."""
    if alg == "HS256":
        key, source = secret_key(), "file:keys/secret"
    else:
        key, source = tokens.new_key(alg), "file:keys/private.pem"
    method = "client_secret_jwt" if alg == "HS256" else "private_key_jwt"
    server = httpd(
        objects(issuer, f"ApiClientAuth {method}:{alg} me {source}")
        + LOCATION, files={
            "htdocs/index.html": "hi", "keys/secret": SECRET,
            "keys/private.pem": "" if alg == "HS256" else
            key.export_to_pem(private_key=True, password=None).decode()})
    seen = set()
    for _ in range(2):
        text = token()
        issuer.answers[text] = active()
        assert status(server, text) == 200
        form = issuer.forms[-1]
        assert form["client_assertion_type"].endswith(":jwt-bearer")
        claims = json.loads(jwt.JWT(jwt=form["client_assertion"], key=key,
                                    algs=[alg]).claims)
        assert claims["iss"] == claims["sub"] == "me"
        assert claims["aud"] == issuer.url + "/introspect"
        assert 0 <= claims["exp"] - time.time() <= 61
        seen.add(claims["jti"])
    assert len(seen) == 2


def test_mutual_tls(httpd, tmp_path):
    authority = certificates.Authority(tmp_path)
    context = authority.context()
    context.load_verify_locations(authority.path)
    context.verify_mode = ssl.CERT_REQUIRED
    issuer = Introspector(context)
    try:
        cert = key = authority.issue()
        cert.chmod(0o644)
        lines = f"ApiClientAuth tls_client_auth me\nApiTLS ca={authority.path}"
        text = token()
        issuer.answers[text] = active()
        server = run(httpd, issuer, f"{lines} cert={cert} key={key}")
        assert status(server, text) == 200
        assert issuer.forms[-1]["client_id"] == "me"
        (tmp_path / "other").mkdir()
        stranger = certificates.Authority(tmp_path / "other").issue()
        stranger.chmod(0o644)
        server = run(httpd, issuer,
                     f"{lines} cert={stranger} key={stranger}")
        assert status(server, text) == 503
    finally:
        issuer.stop()


def test_metadata(httpd, issuer):
    issuer.documents["/.well-known/oauth-authorization-server"] = {
        "issuer": issuer.url,
        "introspection_endpoint": issuer.url + "/found"}
    server = httpd(f"<ApiIssuer corp>\nApiIssuerURL {issuer.url}\n"
                   "ApiTokenFormat opaque\n"
                   "ApiClientAuth client_secret_basic me file:keys/secret\n"
                   "</ApiIssuer>\n" + LOCATION,
                   files={"htdocs/index.html": "hi", "keys/secret": SECRET})
    text = token()
    issuer.answers[text] = active(iss=issuer.url)
    assert status(server, text) == 200
    other = token()
    issuer.answers[other] = active(iss="https://other.example")
    assert status(server, other) == 401


def test_conditions_of_the_location(httpd, issuer):
    """Audience, scopes and claims of an answer count as a JWT's do."""
    server = httpd(objects(issuer) + """
<Location />
    AuthType Bearer
    ApiAudience pizza
    Require oauth2-scope write
</Location>""", files={"htdocs/index.html": "hi"})
    server.expect("AH01631")
    rows = [(active(aud="pizza"), 200), (active(aud=["x", "pizza"]), 200),
            (active(aud="x"), 401), (active(), 401),
            (active(aud="pizza", scope="read"), 403),
            (active(aud="pizza", exp=int(time.time()) - 100), 401),
            (active(aud="pizza", nbf=int(time.time()) + 100), 401),
            (active(aud="pizza", exp="soon"), 401)]
    for answer, wanted in rows:
        text = token()
        issuer.answers[text] = answer
        assert status(server, text) == wanted, answer


def test_one_call_for_a_crowd(httpd, issuer):
    """200 first requests with one token, on four processes; then none until
    the answer is too old."""
    issuer.delay = 0.3
    server = run(httpd, issuer, "ApiCacheTTL 1h", timeout="total=20s")
    text = token()
    issuer.answers[text] = active(exp=int(time.time()) + 9000)
    assert crowd(server, [text] * 200) == [200] * 200
    assert issuer.calls == 1
    assert crowd(server, [text] * 1000) == [200] * 1000
    assert issuer.calls == 1


def test_one_call_for_a_crowd_with_junk(httpd, issuer):
    issuer.delay = 0.3
    server = run(httpd, issuer, timeout="total=20s")
    text = token()
    assert crowd(server, [text] * 100) == [401] * 100
    assert issuer.calls == 1
    assert status(server, "short") == 401
    assert issuer.calls == 1


def test_cache_times(httpd, issuer):
    server = run(httpd, issuer, "ApiCacheTTL 1s\nApiNegativeCacheTTL 1s")
    good, bad = token(), token()
    issuer.answers[good] = active()
    for _ in range(3):
        assert status(server, good) == 200
        assert status(server, bad) == 401
    assert issuer.calls == 2
    issuer.answers[good], issuer.answers[bad] = {"active": False}, active()
    until(lambda: status(server, good) == 401)
    until(lambda: status(server, bad) == 200)


def test_no_cache(httpd, issuer):
    server = run(httpd, issuer, "ApiCacheTTL 0\nApiNegativeCacheTTL 0")
    text = token()
    issuer.answers[text] = active()
    for calls in (1, 2, 3):
        assert status(server, text) == 200
        assert issuer.calls == calls
    issuer.answers.clear()
    assert status(server, text) == 401


def test_concurrency(httpd, issuer):
    issuer.delay = 0.02
    server = run(httpd, issuer, "ApiConcurrency 8", timeout="total=30s")
    texts = [token() for _ in range(300)]
    issuer.answers.update({text: active() for text in texts})
    assert crowd(server, texts) == [200] * 300
    assert issuer.calls == 300
    assert 2 <= issuer.most <= 8


def test_killed_owner(httpd, issuer):
    """The process that calls is killed: another takes over."""
    issuer.delay = 30
    server = run(httpd, issuer, timeout="total=20s")
    server.expect("AH00052|exit signal")
    text = token()
    issuer.answers[text] = active()
    many = 4 if MPM == "prefork" else 80  # more than one process has threads
    with concurrent.futures.ThreadPoolExecutor(many) as pool:
        asked = [pool.submit(status, server, text) for _ in range(many)]
        until(lambda: issuer.calls == 1)
        issuer.delay = 0
        os.kill(caller_of(issuer, server), signal.SIGKILL)
        before = time.monotonic()
        done = []
        for one in asked:
            try:
                done.append(one.result(20))
            except (OSError, IndexError):
                done.append(None)
        assert time.monotonic() - before < 3
    assert set(done) <= {200, None} and 200 in done
    assert issuer.calls == 2


def caller_of(issuer, server):
    """The process of `server` that has a connection to the issuer."""
    wanted = f"0100007F:{issuer.port:04X}"
    for child in children(server.process.pid):
        inodes = set()
        for link in Path(f"/proc/{child}/fd").iterdir():
            try:
                name = os.readlink(link)
            except OSError:
                continue
            if name.startswith("socket:["):
                inodes.add(name[8:-1])
        for line in Path(f"/proc/{child}/net/tcp").read_text().splitlines():
            words = line.split()
            if len(words) > 9 and words[2] == wanted and words[9] in inodes:
                return child
    raise AssertionError("nobody calls")


def children(pid):
    return [int(path.name) for path in Path("/proc").iterdir()
            if path.name.isdigit() and
            f"\nPPid:\t{pid}\n" in read(path / "status")]


def read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


FAULTS = {
    "500": faults.status(500), "429": faults.status(429),
    "400": faults.status(400), "401": faults.status(401),
    "403": faults.status(403), "redirect": faults.redirect,
    "html": faults.body("<html>", "text/html"),
    "broken": faults.body('{"active": tr'), "empty": faults.body(""),
    "string": faults.body('{"active": "true", "sub": "a"}'),
    "number": faults.body('{"active": 1, "sub": "a"}'),
    "twice": faults.body('{"active": true, "active": true, "sub": "a"}'),
    "long": faults.body('{"active": true, "sub": "' + "a" * 300000 + '"}'),
    "endless": faults.endless, "drip": faults.drip,
    "half": faults.raw(faults.LONG), "reset": faults.reset,
    "hang-in-body": faults.raw(faults.LONG, faults.sleep),
    "headers": faults.headers(1000),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(httpd, issuer, name):
    """The issuer's fault, never the token's; who is known goes on."""
    server = run(httpd, issuer)
    known, text = token(), token()
    issuer.answers.update({known: active(), text: active()})
    assert status(server, known) == 200
    issuer.fault = FAULTS[name]
    start = time.monotonic()
    answer = request(server.port, "/", text)
    assert time.monotonic() - start < 3
    assert answer.status == 503
    assert int(answer.get("Retry-After")) >= 1
    assert answer.get("WWW-Authenticate") is None
    assert status(server, known) == 200
    issuer.fault = None
    until(lambda: status(server, text) == 200)


def test_down_and_up(httpd, issuer):
    issuer.down()
    server = run(httpd, issuer)
    text = token()
    issuer.answers[text] = active()
    for _ in range(20):
        assert status(server, text) == 503
    issuer.up()
    before = time.monotonic()
    until(lambda: status(server, text) == 200)
    assert time.monotonic() - before < 3


def test_hanging_issuer_keeps_nobody_else(httpd, issuer):
    server = run(httpd, issuer, "ApiConcurrency 2")
    known = token()
    issuer.answers[known] = active()
    assert status(server, known) == 200
    until(lambda: "process" in server.log("access.log") or
          status(server, known) == 200)
    issuer.fault = faults.raw(b"", faults.sleep)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        stuck = [pool.submit(status, server, token()) for _ in range(8)]
        for _ in range(20):
            if MPM != "prefork":  # all of whose processes are waiting
                assert status(server, known) == 200
        assert {one.result(20) for one in stuck} == {503}


def two(httpd, first, second):
    return httpd(objects(first, name="one") + objects(second, name="two") +
                 LOCATION.replace("ApiAudience", "ApiAccept one two\n"
                                  "    ApiAudience"),
                 files={"htdocs/index.html": "hi"})


def test_several_issuers(httpd, issuer):
    other = Introspector()
    try:
        server = two(httpd, issuer, other)
        server.expect("AO2-040")
        texts = [token() for _ in range(3)]
        issuer.answers[texts[0]] = active()
        other.answers[texts[1]] = active()
        assert crowd(server, texts) == [200, 200, 401]
        issuer.down()
        text = token()
        other.answers[text] = active()
        assert status(server, text) == 200
        assert status(server, token()) == 503
        issuer.up()
    finally:
        other.stop()


def mistype(text):
    text = text[:-1] + ("0" if text[-1] != "0" else "1")
    tokens.minted.add(text)
    return text


def test_api_tokens_are_shown_to_nobody(httpd, issuer):
    """Nor are mistyped ones, where API tokens are accepted."""
    good = api_token()
    mixed = "<Location /mixed>\nApiAccept apitoken corp\n</Location>\n"
    server = run(httpd, issuer, more="ApiRegistry file:conf/registry.json\n"
                 + mixed, registry=document(application(
                     1, row=token_row(good))))
    plain, refused = mistype(good), mistype(api_token())
    others = "api_of-another-maker", "api_of-yet-another"
    issuer.answers = {text: active()
                      for text in (good, plain, refused, *others)}
    assert [status(server, text) for text in (good, plain, others[0])] == \
        [401, 200, 200]
    assert [status(server, text, "/mixed/")
            for text in (good, refused, others[1])] == [200, 401, 200]
    assert [form["token"] for form in issuer.forms] == \
        [plain, others[0], others[1]]


def test_location_that_accepts_another(httpd, issuer):
    """What one issuer object said is nothing to another."""
    other = Introspector()
    try:
        server = httpd(
            objects(issuer, name="one") + objects(other, name="two") +
            "".join(LOCATION.replace("Location />", f"Location /{name}>")
                    .replace("ApiAudience", f"ApiAccept {name}\nApiAudience")
                    for name in ("one", "two")),
            files={"htdocs/one": "1", "htdocs/two": "2"})
        text = token()
        issuer.answers[text] = active()
        for _ in range(3):
            assert status(server, text, "/one") == 200
            assert status(server, text, "/two") == 401
        assert other.calls == 1
    finally:
        other.stop()


def signed(key, issuer, header=None, **changes):
    claims = dict({"iss": "https://issuer.example", "aud": "me",
                   "iat": int(time.time()), "token_introspection": active()},
                  **changes)
    claims = {k: v for k, v in claims.items() if v is not None}
    return tokens.sign(claims, key, header=header or
                       {"typ": "token-introspection+jwt"})


def test_signed_answers(httpd, issuer, key, jwks):
    """RFC 9701."""
    server = httpd(
        objects(issuer, "ApiIssuerURL https://issuer.example\n"
                "ApiJWKS file:keys/corp.json\n"
                "ApiClientAuth client_secret_basic me file:keys/secret")
        + LOCATION, files={"htdocs/index.html": "hi", "keys/secret": SECRET,
                           "keys/corp.json": jwks})
    server.expect("AO2-040")
    stranger = tokens.new_key("ES256", "k1")
    rows = [
        (signed(key, issuer), 200),
        (signed(key, issuer, token_introspection={"active": False}), 401),
        (signed(stranger, issuer), 503),
        (signed(key, issuer, iss="https://other.example"), 503),
        (signed(key, issuer, aud="you"), 503),
        (signed(key, issuer, token_introspection=None), 503),
        (signed(key, issuer, header={"typ": "at+jwt"}), 503),
    ]
    for answer, wanted in rows:
        text = token()
        issuer.answers[text] = answer
        until(lambda: status(server, text) == wanted)


def test_jwt_too(httpd, issuer, key, jwks):
    """ApiIntrospectJWT: a good signature is not enough."""
    server = httpd(
        f"<ApiIssuer corp>\nApiIssuerURL {tokens.ISSUER}\n"
        "ApiJWKS file:keys/corp.json\nApiTokenFormat jwt\n"
        f"ApiIntrospection {issuer.url}/introspect\nApiIntrospectJWT On\n"
        "ApiCacheTTL 1s\n</ApiIssuer>\n" + LOCATION,
        files={"htdocs/index.html": "hi", "keys/corp.json": jwks})
    text = tokens.sign(tokens.claims(), key)
    issuer.answers[text] = active(iss=tokens.ISSUER)
    assert status(server, text) == 200
    assert issuer.calls == 1
    stranger = tokens.sign(tokens.claims(), tokens.new_key("ES256", "k1"))
    issuer.answers[stranger] = active()
    assert status(server, stranger) == 401
    assert issuer.calls == 1
    del issuer.answers[text]
    until(lambda: status(server, text) == 401)


def test_graceful_restarts_keep_what_is_known(httpd, issuer):
    server = run(httpd, issuer, "ApiCacheTTL 1h")
    text = token()
    issuer.answers[text] = active(exp=int(time.time()) + 9000)
    assert status(server, text) == 200
    for count in (2, 3):
        server.graceful()
        until(lambda: server.log().count("resuming normal") == count)
        assert crowd(server, [text] * 40) == [200] * 40
    assert issuer.calls == 1


def test_revocations(httpd, issuer):
    server = httpd("ApiRevocations file:conf/revoked\n" + objects(issuer) +
                   LOCATION, main=CROWD,
                   files={"htdocs/index.html": "hi", "conf/revoked": ""})
    server.expect("AO2-050 misconfigured: ApiRevocations")
    texts = {name: token() for name in
             ("jti", "digest", "client", "subject", "old", "young", "good")}
    now = int(time.time())
    said = {"jti": active(jti="j-1"), "client": active(client_id="lost"),
            "subject": active(sub="mallory"), "digest": active(),
            "old": active(sub="bob", iat=now - 100),
            "young": active(sub="bob", iat=now - 10), "good": active()}
    issuer.answers.update({texts[k]: v for k, v in said.items()})
    assert crowd(server, texts.values()) == [200] * 7
    digest = hashlib.sha256(texts["digest"].encode()).hexdigest()
    path = server.root / "conf/revoked"
    path.write_text(f"# taken back\njti:j-1\nsha256:{digest}\nclient:lost\n"
                    f"sub:mallory\n\nsub:bob before={now - 50}\n")
    before = time.monotonic()
    wanted = {name: 200 if name in ("young", "good") else 401
              for name in texts}

    def asked():
        return dict(zip(texts, crowd(server, texts.values())))
    until(lambda: time.monotonic() - before > 1)
    for _ in range(5):  # in every process
        assert asked() == wanted
    path.write_text("nonsense\n")
    until(lambda: [asked()] and "stays in force" in server.log())
    assert asked() == wanted
    path.write_text("")
    until(lambda: asked() == dict.fromkeys(texts, 200), seconds=3)


@pytest.mark.parametrize("text,word", [
    ("nonsense", "line 1"), ("jti:x\nsha256:12\n", "line 2"),
    ("sub:a before=x", "before="), ("jti:\n", "line 1"),
    ("client: before=5", "line 1")])
def test_revocations_at_configtest(httpd, text, word):
    server = httpd(files={"conf/revoked": text}, start=False)
    code, said = server.configtest("ApiRevocations file:conf/revoked")
    assert code == 1 and word in said, said
