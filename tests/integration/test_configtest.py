"""Every directive at configtest: what is wrong is refused in a sentence that
names the directive, the value and what is allowed; the good twin passes."""
import re
from pathlib import Path

import pytest
from support import conf, tokens
from support.server import MPM

pytestmark = pytest.mark.skipif(
    MPM != "event", reason="configtest is the same with every MPM")
TOP = Path(__file__).parents[2]
#: Directives of others that the module only watches.
WATCHED = {"Require", "AuthType", "DBDriver", "DBDParams", "DBDMin",
           "DBDPersist", "DBDInitSQL"}
HUGE = "x" * 100_000
FLAG = (["On", "off", "ON"], {"yes": "On or Off", "1": "On or Off"})
DURATION = (["0", "90", "500ms", "30s", "5mi", "1h", "2d"], {
    text: "a duration such as" for text in
    ["-1", "5x", "'5 mi'", "mi", "1.5s", "0x10", "99999999999999d",
     "9223372036854775807ms", "inf"]})


class Row:
    """A directive: good argument lists, bad ones with what the message must
    say, whether it may stand without arguments or with many."""

    def __init__(self, good, bad, many=False, least=1):
        self.good, self.bad = good, bad
        self.many, self.least = many, least


LOCATION = {
    "ApiAccept": Row(["corp", "corp corp"], {"nobody": '"nobody"',
                                             "corp nobody": '"nobody"',
                                             "Corp": "<ApiIssuer>"}, True),
    "ApiAudience": Row(["any", "ANY", "pizza", "https://x/ y", "'two words'"],
                       {"'' x": "not empty", "any x": "any alone",
                        "x any": "any alone"}, True),
    "ApiTokenFrom": Row(
        ["header", "HEADER", "header:X-Key", "cookie:t query:t form:t header",
         "header:Authorization", "header:X-Host header:Hosts",
         "cookie:Host query:Origin form:Host"],
        {**{f"header:{name}": "a header that has no other meaning"
            for name in ["Host", "HOST", "Connection", "Content-Length",
                         "Transfer-Encoding", "Content-Type", "Cookie", "TE",
                         "Expect", "Keep-Alive", "Proxy-Authorization",
                         "Trailer", "Upgrade", "Origin", "Referer",
                         "Access-Control-Request-Method",
                         "content_length"]},
         "header header:host": "a header that has no other meaning",
         "header:X-Key header:Origin": "a header that has no other meaning",
         **{text: "header:NAME" for text in
         ["body", "header:", "cookie:", "query:", "form:", "header:a b",
          "'header:a b'", "'cookie:a;b'", "query:a&b", "query:a%20b",
          "form:a+b", "Header:X\u00fc", "'' header", "header header:"]}},
        True),
    "ApiForwardToken": Row(*FLAG),
    "ApiPassClaim": Row(
        ["sub header X-User", "sub env WHO", "a.b HEADER X", "'a b' env C"],
        {"sub cookie X": "env or header", "sub header 'X Y'": "name",
         "sub header Authorization": "header of the application's own",
         "sub header host": "header of the application's own",
         "sub header Content-Length": "header of the application's own",
         "sub header X:Y": "name", "sub env 'A=B'": "name of a variable",
         "'' env A": "CLAIM env NAME",
         "sub": "CLAIM env NAME", "sub env": "CLAIM env NAME"}, least=3),
    "ApiErrorBody": Row(["problem", "message", "FAULT", "none"],
                        {"html": "problem, message, fault or none",
                         "json": "problem, message, fault or none"}),
    "ApiErrorDetail": Row(*FLAG),
    "ApiName": Row(["off", "OFF", "pizza", "pizza 1.0", "'a b:/c' '2 0'",
                    "off 1"],
                   {"''": "NAME [VERSION]", "'' 1.0": "1 to 255 bytes",
                    "pizza " + "1" * 256: "1 to 255 bytes"}),
    "ApiSubscription": Row(
        ["required", "Optional", "OFF", "optional plan=few"],
        {"On": "required, optional or off",
         "none": "required, optional or off",
         "optional plan=fewer": 'no plan "fewer"',
         "optional plan=": "plan=NAME", "optional few": "plan=NAME",
         "optional plan=few x": "takes one of required, optional",
         "required plan=few": "only behind optional",
         "off plan=few": "only behind optional"}),
    "ApiPreflight": Row(["pass", "Protect"], {"On": "pass or protect",
                                              "open": "pass or protect"}),
    "ApiAnonymous": Row(*FLAG),
    "ApiUpstreamToken": Row(["off", "OFF"], {
        "nobody": "the NAME of an <ApiUpstream>", "''": "the NAME of an"}),
}
SERVER = {
    "ApiTokenCache": Row(["off", "64K", "16M", "1G"], {
        text: "a size such as" for text in
        ["1K", "0", "-1", "16MB", "16X", "99999999999999999999",
         "9999999999G"]}),
    "ApiCache": Row(
        ["none", "shmcb", "shmcb:run/cache(64K)", "SHMCB:run/other(1M)"],
        {"none x": "nothing follows none", "shmcb x": "nothing follows",
         "shmcb:run/cache(1K)": "64K or more", "shmcb:run/cache(": "64K or",
         ":x": "PROVIDER:ARGS", "a$b:x": "PROVIDER:ARGS",
         "nobody:x": "nobody"}),
    "ApiCacheSecret": Row(
        ["file:keys/secret", "env:AO2_TEST_SECRET", "0123456789abcdef"],
        {"short": "at least 16", "env:AO2_TEST_NONE": "not set",
         "file:keys/absent": "No such file"}),
    "ApiRegistry": Row(["file:conf/registry.json"], {
        "conf/registry.json": "file:PATH", "file:": "file:PATH",
        "https://x/y": "file:PATH", "sqlite3:x": "file:PATH",
        "file:conf/absent": "No such file", "file:conf": "no regular file",
        "file:keys/revoked": "line 1"}),
    "ApiRegistryTTL": Row(*DURATION),
    "ApiMetricsClients": Row(["0", "1", "1000"], {
        text: "a number from 0 to 1000" for text in
        ["1001", "-1", "+1", "1x", "x", "99999999999999999999"]}),
    "ApiRevocations": Row(["file:keys/revoked"], {
        "keys/revoked": "file:PATH", "file:": "file:PATH",
        "file:keys/absent": "No such file", "file:keys": "no regular file",
        "https://x/y": "file:PATH"}),
}
URLS = {text: "URL" for text in
        ["ftp://x/", "x", "//x/y", "https://", "https:///x", "https://x y",
         "https://u:p@x/", "https://x/#f", "https://x:0/", "https://x:99999/",
         "javascript:x", "FILE:///x"]}
HTTP = {"http://keys.example/": "http"}
ISSUER = {
    "ApiIssuerURL": Row(["https://a.example", "https://a.example/t?x=%20"], {
        "'two words'": "exactly as", "a\u00fc": "exactly"}),
    "ApiMetadata": Row(["auto", "OFF", "https://a.example/.well-known/x",
                        "http://127.0.0.1:8080/x", "http://[::1]/x",
                        "http://localhost/x"],
                       {**URLS, **HTTP, "on": "auto, off or a URL"}),
    "ApiJWKS": Row(["file:keys/corp.json", "https://a.example/k",
                    "file:keys/corp.json https://a.example/k",
                    "http://127.0.0.1/k"],
                   {**{k: "file:PATH" for k in URLS}, **HTTP,
                    "file:": "file:PATH", "keys/corp.json": "file:PATH",
                    "file:keys/absent": "No such file"}, True),
    "ApiPublicKey": Row(
        ["file:keys/public.pem", "file:keys/public.pem kid=a alg=ES256"],
        {"keys/public.pem": "file:PATH", "file:": "file:PATH",
         "file:keys/absent": "No such file",
         "file:keys/public.pem kid=": "kid=ID and alg=ALG",
         "file:keys/public.pem alg=none": "kid=ID and alg=ALG",
         "file:keys/public.pem alg=": "kid=ID and alg=ALG",
         "file:keys/public.pem alg=RS256": "RS256",
         "file:keys/public.pem use=sig": "kid=ID and alg=ALG",
         "file:keys/public.pem kid=" + "k" * 257: "kid=ID and alg=ALG",
         "file:keys/corp.json": "PEM"}),
    "ApiSharedSecret": Row(
        ["file:keys/secret", "file:keys/secret kid=a", "env:AO2_TEST_SECRET",
         "'exec:/bin/echo 0123456789abcdef0123456789abcdef'",
         "0123456789abcdef0123456789abcdef"],
        {"short": "at least 32", "file:keys/absent": "No such file",
         "file:keys/short": "at least 32", "env:AO2_TEST_NONE": "not set",
         "exec:/bin/false": "failed", "exec:/absent": "cannot be started",
         "exec:": "no command", "exec:/bin/true": "empty",
         "file:keys/secret kid=": "kid=ID", "file:keys/secret x": "kid=ID",
         "file:keys/corp.json": "oct"}),
    "ApiAlgorithms": Row(
        ["RS256", "ES256 ES384 EdDSA", "Ed25519 Ed448"],
        {text: "RS256 RS384" for text in
         ["none", "NONE", "rs256", "RS257", "HS1", "RS256,ES256", "'' RS256",
          "ES256 none"]} | {"HS256": "ApiSharedSecret"}, True),
    "ApiTokenFormat": Row(["jwt", "JWT", "any"], {
        "saml": "jwt, opaque or any",
        "opaque": "ApiIntrospection"}),
    "ApiRequireType": Row(["off", "at+jwt", "at+jwt JWT"], {
        "'' JWT": "off alone", "off at+jwt": "off alone",
        "at+jwt off": "off alone"}, True),
    "ApiClaims": Row(
        ["subject=a", "subject=a,b.c client=d scope=e", "scope=x"],
        {text: "scope=CLAIM" for text in
         ["subject", "subject=", "subject=a,", "subject=,a", "subject=a,,b",
          "user=a", "Subject=a", "'' scope=x", "subject=a roles=b"]}, True),
    "ApiClockSkew": Row(*DURATION),
    "ApiAllowNoExpiry": Row(*FLAG),
    "ApiJWKSTTL": Row(*DURATION),
    "ApiJWKSStale": Row(*DURATION),
    "ApiIntrospection": Row(
        ["auto", "OFF", "https://a.example/i", "http://127.0.0.1/i"],
        {**URLS, **HTTP, "on": "auto, off or a URL"}),
    "ApiIntrospectJWT": Row(
        ["Off", "On\nApiIntrospection https://a.example/i"],
        {"yes": "On or Off", "On": "ApiIntrospection"}),
    "ApiIntrospectionParam": Row(
        ["token_type_hint access_token", "a 'b c'"],
        {"a": "NAME VALUE", "'' b": "NAME VALUE",
         "token x": "not sent anyway", "client_id x": "not sent anyway"},
        least=2),
    "ApiClientAuth": Row(
        ["none", "none me", "client_secret_basic me file:keys/secret",
         "client_secret_post me env:AO2_TEST_SECRET",
         "client_secret_jwt me file:keys/secret",
         "client_secret_jwt:HS256 me file:keys/secret",
         "private_key_jwt me file:keys/private.pem",
         "private_key_jwt:ES256 me file:keys/private.pem",
         "tls_client_auth me\nApiTLS cert=keys/public.pem "
         "key=keys/private.pem", "bearer file:keys/secret"],
        {"basic me x": "client_secret_basic",
         "client_secret_basic": "client_secret_basic CLIENT-ID",
         "client_secret_basic me": "SECRET-SOURCE",
         "client_secret_basic '' x": "client id of printable ASCII",
         "client_secret_basic me file:keys/absent": "No such file",
         "client_secret_basic me env:AO2_TEST_NONE": "not set",
         "client_secret_jwt me short": "32",
         "client_secret_jwt:ES256 me file:keys/secret": "ES256",
         "private_key_jwt me 0123": "file:KEY",
         "private_key_jwt:RS256 me file:keys/private.pem": "RS256",
         "private_key_jwt me file:keys/public.pem": "private key",
         "private_key_jwt:none me file:keys/private.pem": "none",
         "none:ES256 me": "client_secret_basic",
         "tls_client_auth": "CLIENT-ID",
         "tls_client_auth me": "needs cert= and key= of ApiTLS",
         "bearer": "SECRET-SOURCE"}),
    "ApiCacheTTL": Row(*DURATION),
    "ApiNegativeCacheTTL": Row(*DURATION),
    "ApiConcurrency": Row(["1", "32"], {
        text: "a number from 1 to" for text in
        ["0", "-1", "+1", "1x", "1.5", "99999999999999999999", "' 1'"]}),
    "ApiTimeout": Row(
        ["total=5s", "connect=1s total=5s", "connect=100ms"],
        {text: "connect=DURATION" for text in
         ["5s", "total=", "total=0", "connect=0", "total=5x", "read=1s",
          "total=5s read=1s"]} | {
            "connect=9s total=5s": "connect= is longer than total="}, True),
    "ApiTLS": Row(
        ["ca=keys/public.pem", "ca=keys", "verify=on",
         "cert=keys/public.pem key=keys/private.pem",
         "proxy=http://proxy.example:3128"],
        {"ca=": "a file or folder", "ca=keys/absent": "a file or folder",
         "cert=keys": "a file that is there",
         "cert=keys/public.pem": "cert= and key= together",
         "key=keys/private.pem": "cert= and key= together",
         "verify=maybe": "verify=on, verify=off", "verify=": "verify=on",
         "proxy=": "proxy=URL", "proxy=ftp://x": "proxy=URL",
         "version=1.3": "ca=PATH"}, True),
    "ApiAllowInsecureHTTP": Row(
        ["Off", "On\nApiJWKS http://keys.example/k"], FLAG[1]),
}
LIFE = {text: "a duration of at least 1s" for text in
        ["0", "500ms", "-1", "5x", "1.5s", "'5 mi'"]}
UPSTREAM = {
    "ApiUpstreamOrigin": Row(
        ["https://a.example", "https://a.example/", "HTTPS://A:8443",
         "https://a balancer://b wss://c h2://d", "http://127.0.0.1:8080",
         "http://[::1] ws://localhost:1 h2c://127.0.0.2",
         "http://a\nApiAllowInsecureHTTP On"],
        {**{text: "SCHEME://HOST[:PORT] without a path" for text in
            ["a.example", "https://", "ftp://a", "https://a/path",
             "https://a?x", "https://a/#x", "https://u@a", "https://a:0",
             "https://a:99999", "balancer://a:80", "https://a b/",
             "'https://a b'", "https://*.a", "https://[a"]},
         "http://a": "clear text", "ws://127.0.0.1.a": "clear text",
         "https://a h2c://10.0.0.1": "clear text"}, True),
    "ApiTokenEndpoint": Row(
        ["https://a.example/t", "http://127.0.0.1:1/t",
         "http://a/t\nApiAllowInsecureHTTP On"],
        {**URLS, "http://a.example/t": "http"}),
    "ApiGrant": Row(
        ["client_credentials", "password user file:keys/secret",
         "refresh_token env:AO2_TEST_SECRET",
         "jwt_bearer file:keys/private.pem",
         "jwt_bearer file:keys/private.pem sub=you iss=me",
         "token_exchange",
         "token_exchange subject_type=jwt requested_type=urn:x:y"],
        {"implicit": "client_credentials, password",
         "Password u file:keys/secret": "client_credentials, password",
         "client_credentials x": "takes client_credentials",
         "password user": "USER SECRET-SOURCE",
         "password user file:keys/absent": "No such file",
         "password user env:AO2_TEST_NONE": "not set",
         "refresh_token": "SECRET-SOURCE",
         "refresh_token file:keys/absent": "No such file",
         "jwt_bearer": "file:KEY",
         "jwt_bearer 0123": "file:KEY",
         "jwt_bearer file:keys/public.pem": "private key",
         "jwt_bearer file:keys/absent": "No such file",
         "jwt_bearer file:keys/private.pem aud=x": "iss=.. and sub=..",
         "jwt_bearer file:keys/private.pem iss=": "iss=.. and sub=..",
         "jwt_bearer file:keys/private.pem\nApiClientAuth none":
             "needs iss=",
         "token_exchange subject_type=cookie": "access_token, refresh_token",
         "token_exchange actor=x": "subject_type=.. and requested_type=.."}),
    "ApiTokenScope": Row(["a", "a:b c/d"], {
        "'a b'": "a scope", "'a\"b'": "a scope", "a '' b": "a scope",
        "a\\b": "a scope"}, True),
    "ApiTokenAudience": Row(["a", "https://a/ 'b c'"], {
        "'' a": "printable ASCII", "a \u00fc": "printable ASCII"}, True),
    "ApiTokenResource": Row(["https://a/b?c", "urn:x:y https://c"], {
        text: "an absolute URI" for text in
        ["a", "/a", "https://a/#b", "'https://a b'", "1x:y", "x:",
         "https://\u00fc"]}, True),
    "ApiTokenParam": Row(["tenant shop", "a 'b c'"], {
        "a": "NAME VALUE", "'' b": "NAME VALUE",
        **{f"{name} x": "not sent anyway" for name in
           ["grant_type", "client_secret", "assertion", "scope", "resource",
            "subject_token", "password", "refresh_token"]}}, least=2),
    "ApiTokenRequestHeader": Row(["X-Tenant shop", "X-A 'b c'"], {
        "X-A": "NAME VALUE", "'X A' b": "a header field",
        **{f"{name} x": "not sent anyway" for name in
           ["Authorization", "Host", "content_length", "Connection",
            "Accept"]},
        "X-A ''": "NAME VALUE", "X-A 'a\u00fc'": "printable ASCII"},
        least=2),
    "ApiUpstreamHeader": Row(
        ["Authorization Bearer", "Authorization", "X-Token", "X-Token JWT"],
        {"'X Y'": "a header field", "Host": "means nothing else",
         "connection": "means nothing else", "Cookie": "means nothing else",
         "X-Token 'a b'": "a scheme", "X-Token a:": "a scheme"}),
    "ApiRefreshAt": Row(["75%", "1%", "99%", "30s", "5mi", "60"], {
        text: "1% to 99%" for text in
        ["0%", "100%", "-5%", "5.5%", "x", "500ms", "0", "%", "75%x"]}),
    "ApiDefaultLifetime": Row(["1", "90", "30s", "5mi", "1h"], LIFE),
    "ApiRetryOn401": Row(
        ["On", "off", "On body=0", "On body=64K", "On body=16M"],
        {"yes": "On or Off", "On 64K": "body=SIZE", "On body=": "body=SIZE",
         "On body=17M": "at most 16M", "On body=-1": "body=SIZE",
         "On size=1": "body=SIZE"}),
}
#: What stands in both kinds of sections.
SHARED = ["ApiIssuerURL", "ApiMetadata", "ApiClientAuth", "ApiTimeout",
          "ApiTLS", "ApiAllowInsecureHTTP"]
ALL = {**LOCATION, **SERVER, **ISSUER, **UPSTREAM}
REGISTRY = "ApiRegistry file:conf/registry.json\n"


@pytest.fixture(scope="module")
def server(module_httpd, key, jwks):
    pem = key.export_to_pem().decode()
    private = key.export_to_pem(private_key=True, password=None).decode()
    server = module_httpd(main="ApiAudience any\n" + REGISTRY, start=False,
                          modules=["socache_shmcb"], files={
        "keys/corp.json": jwks, "keys/public.pem": pem,
        "keys/private.pem": private, "keys/secret": "s" * 64 + "\n",
        "keys/short": "s" * 31 + "\n", "keys/revoked": "jti:x\n",
        "conf/registry.json": '{"version": 1, "plans": [{"name": "few"}]}'})
    server.env["AO2_TEST_SECRET"] = "e" * 64
    server.start()
    return server


def issuer(*lines, name="corp"):
    """An issuer object that is complete without `lines`."""
    names = {line.split()[0] for text in lines for line in text.split("\n")}
    base = {"ApiIssuerURL": tokens.ISSUER, "ApiJWKS": "file:keys/corp.json"}
    return conf.section("ApiIssuer", name, [
        *(f"{k} {v}" for k, v in base.items() if k not in names), *lines])


def upstream(*lines, name="orders"):
    """The same for an upstream object."""
    names = {line.split()[0] for text in lines for line in text.split("\n")
             if line}
    base = {"ApiUpstreamOrigin": "https://a.example",
            "ApiTokenEndpoint": "https://a.example/t",
            "ApiClientAuth": "client_secret_basic me file:keys/secret"}
    return conf.section("ApiUpstream", name, [
        *(f"{k} {v}" for k, v in base.items() if k not in names), *lines])


def place(name, line):
    """A configuration in which the directive stands where it belongs."""
    if name in UPSTREAM:
        return upstream(line)
    if name in ISSUER:
        return issuer(line)
    if name in SERVER:
        return issuer() + line + "\n"
    return issuer() + conf.section("Location", "/x", [line])


def refused(server, text):
    """What configtest says to it, which is one complaint and a place."""
    code, said = server.configtest(text)
    assert code != 0, said
    assert "AddressSanitizer" not in said and "runtime error" not in said
    assert len(said) < 4000, len(said)
    return said


def accepted(server, text):
    code, said = server.configtest(text)
    assert code == 0, said
    assert "Syntax OK" in said


def line_of(server, start):
    lines = (server.root / "httpd.conf").read_text().splitlines()
    return {i for i, text in enumerate(lines, 1)
            if text.strip().startswith(start)}


def test_table_is_complete():
    """A new directive needs a row here."""
    source = (TOP / "src/glue/directives.c").read_text()
    known = set(re.findall(r'AP_INIT_\w+\(\s*"(<?\w+)"', source))
    print(f"{len(known)} directives")
    assert len(known) > 20
    assert known - WATCHED - {"<ApiIssuer", "<ApiUpstream"} == set(ALL)


BAD = [(name, args, word) for name, row in ALL.items()
       for args, word in row.bad.items()]


def all_good(name):
    """Every good argument list, each in a place of its own."""
    lines = [f"{name} {args}" for args in ALL[name].good]
    lines.append(lines[0].replace(name, name.lower()))
    if name in UPSTREAM:
        return "".join(upstream(line, name=f"u{i}")
                       for i, line in enumerate(lines))
    if name in ISSUER:
        return issuer() + "".join(issuer(line, name=f"i{i}")
                                  for i, line in enumerate(lines))
    if name in SERVER:
        return "\n".join(lines) + "\n"
    return issuer() + "".join(conf.section("Location", f"/{i}", [line])
                              for i, line in enumerate(lines))


@pytest.mark.parametrize("name", ALL)
def test_good(server, name):
    accepted(server, all_good(name))


@pytest.mark.parametrize("name,args,word", BAD)
def test_bad(server, name, args, word):
    said = refused(server, place(name, f"{name} {args}"))
    assert name in said
    assert word in said, said
    # httpd's own "Syntax error on line N" points at it, or at its section.
    found = re.search(r"line (\d+) of|httpd.conf:(\d+):", said)
    number = int(found.group(1) or found.group(2))
    assert number in (line_of(server, name) | line_of(server, "<ApiIssuer") |
                      line_of(server, "<ApiUpstream"))


@pytest.mark.parametrize("name", ALL)
def test_no_argument(server, name):
    assert f"{name} takes " in refused(server, place(name, name)) or \
        name in ("ApiClientAuth", "ApiGrant")


@pytest.mark.parametrize("name", ALL)
def test_too_many(server, name):
    row = ALL[name]
    first = row.good[0].split("\n")[0]
    if row.many:
        first = " ".join([first.split()[0]] * 64)
    said = refused(server, place(name, f"{name} {first} more more"))
    assert name in said


@pytest.mark.parametrize("name", ALL)
def test_huge(server, name):
    """An argument of 100 KB is refused or taken, and never repeated whole."""
    args = " ".join([HUGE] * ALL[name].least)
    code, said = server.configtest(place(name, f"{name} {args}"))
    assert len(said) < 4000
    assert (code == 0) == (name in {
        "ApiAudience", "ApiIssuerURL", "ApiRequireType", "ApiSharedSecret",
        "ApiIntrospectionParam", "ApiCacheSecret", "ApiTokenScope",
        "ApiTokenAudience", "ApiTokenParam", "ApiTokenRequestHeader",
        "ApiUpstreamHeader"}), said
    assert code == 0 or name in said


@pytest.mark.parametrize("name", ALL)
def test_binary(server, name):
    """Bytes that no text has: refused or taken, and escaped in the answer."""
    junk = bytes(range(1, 32)).replace(b"\n", b"").replace(b"\r", b"") + \
        bytes(range(127, 256))
    args = " ".join(["@"] * ALL[name].least).encode().replace(
        b"@", b'"' + junk.replace(b'"', b"") + b'"')
    (server.root / "binary.conf").write_bytes(name.encode() + b" " + args)
    code, said = server.configtest(
        place(name, "Include ${root}/binary.conf"))
    assert "Sanitizer" not in said
    if code:
        assert name in said
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", said), said
    else:
        assert name in {"ApiAudience", "ApiRequireType", "ApiSharedSecret",
                        "ApiIntrospectionParam", "ApiCacheSecret",
                        "ApiName", "ApiTokenParam"}


@pytest.mark.parametrize("name", ALL)
def test_nul(server, name):
    """httpd ends a line at a NUL: what is left is judged as it stands."""
    (server.root / "binary.conf").write_bytes(
        name.encode() + b" \0" + ALL[name].good[0].encode() + b"\n")
    said = refused(server, place(name, "Include ${root}/binary.conf"))
    assert name in said


OUTSIDE = {  # where an issuer's directive must not stand
    "server": "{}\n", "virtual host": "<VirtualHost *:${{port}}>\n{}\n"
    "</VirtualHost>\n", "Location": "<Location /x>\n{}\n</Location>\n",
    "Directory": "<Directory />\n{}\n</Directory>\n",
    "Files": "<Files x>\n{}\n</Files>\n",
    "If": "<If true>\n{}\n</If>\n",
}


@pytest.mark.parametrize("name,where", [
    (name, where) for name in [*ISSUER, *UPSTREAM] for where in OUTSIDE
    if where in ("server", "Location") or name == "ApiIssuerURL"])
def test_issuer_directive_outside(server, name, where):
    line = f"{name} {ALL[name].good[0]}"
    section = "<ApiUpstream" if name in UPSTREAM else "<ApiIssuer"
    said = refused(server, OUTSIDE[where].format(line))
    assert f"{name} is only allowed inside {section}" in said or \
        f"{name} not allowed in <{where}> context" in said


@pytest.mark.parametrize("name", [*LOCATION, *SERVER])
def test_other_directive_inside(server, name):
    row = ALL[name]
    said = refused(server, issuer(f"{name} {row.good[0]}"))
    assert f"{name} is not allowed inside <ApiIssuer>" in said
    accepted(server, issuer() + f"{name} {row.good[0]}\n")


@pytest.mark.parametrize("line", [
    "ServerAdmin x@y", "Require all granted", "SetEnv a b",
    "<Location /x>\nRequire all granted\n</Location>",
    "<ApiIssuer other>\nApiIssuerURL https://x\n</ApiIssuer>",
    "<If true>\nApiAudience any\n</If>"])
def test_foreign_directive_inside(server, line):
    said = refused(server, issuer(line))
    assert "not allowed inside <ApiIssuer>" in said
    assert line.split()[0] in said
    number = int(re.search(r"line (\d+) of", said).group(1))
    assert number in line_of(server, line.split("\n")[0])


def test_conditions_inside(server):
    """What httpd resolves while it reads may stand anywhere."""
    accepted(server, issuer(
        "<IfModule api_oauth2_module>\nApiClockSkew 5s\n</IfModule>",
        "<IfDefine !NOTHING>\nApiClockSkew 6s\n</IfDefine>"))
    said = refused(server, issuer(
        "<IfModule api_oauth2_module>\nApiClockSkew x\n</IfModule>"))
    assert "ApiClockSkew" in said


@pytest.mark.parametrize("where", OUTSIDE)
def test_location_directive_everywhere(server, where):
    lines = [f"{name} {args}" for name, row in LOCATION.items()
             for args in row.good]
    accepted(server, issuer() + OUTSIDE[where].format("\n".join(lines)))


@pytest.mark.parametrize("name", SERVER)
@pytest.mark.parametrize("where", OUTSIDE)
def test_server_directive(server, name, where):
    text = OUTSIDE[where].format(f"{name} {SERVER[name].good[0]}")
    if where in ("server", "virtual host"):
        accepted(server, text)
    else:
        assert f"{name} not allowed in <{where}>" in refused(server, text)


@pytest.mark.parametrize("head", [
    "<ApiIssuer>", "<ApiIssuer >", "<ApiIssuer a b>", '<ApiIssuer "a b">',
    '<ApiIssuer "">', "<ApiIssuer a\x01>", "<ApiIssuer a\x7f>",
    "<ApiIssuer 'a\"'>", "<ApiIssuer a>b>", "<ApiIssuer a"])
def test_section_name(server, head):
    text = f"{head}\nApiIssuerURL https://x\nApiMetadata auto\n</ApiIssuer>\n"
    said = refused(server, text)
    assert "<ApiIssuer NAME> takes one name" in said or "not closed" in said \
        or "missing closing" in said
    assert "\x01" not in said and "\x7f" not in said


@pytest.mark.parametrize("name", ["a", "A-b_c.1", "\u00fcber", '"quoted"',
                                  "https://a.example/t"])
def test_section_name_twin(server, name):
    accepted(server, conf.issuer(name=name, keys="ApiMetadata auto"))


def test_section_in_places(server):
    section = issuer()
    for where, text in OUTSIDE.items():
        if where in ("server", "virtual host"):
            accepted(server, text.format(section))
        else:
            assert "<ApiIssuer" in refused(server, text.format(section))


def test_names_are_unique_in_a_server(server):
    said = refused(server, issuer() + issuer())
    assert "<ApiIssuer corp> stands here twice" in said
    host = "<VirtualHost *:${port}>\n%s</VirtualHost>\n"
    assert "twice" in refused(server, host % (issuer() + issuer()))
    accepted(server, issuer() + host % issuer() + host % issuer())


INCOMPLETE = [  # lines of a section, what is missing
    ([], "ApiIssuerURL is missing"),
    (["ApiJWKS file:keys/corp.json"], "ApiIssuerURL is missing"),
    (["ApiIssuerURL https://a.example", "ApiMetadata off"], "no keys"),
    (["ApiIssuerURL http://a.example"], "ApiIssuerURL"),
    (["ApiIssuerURL urn:example"], "ApiIssuerURL"),
    (["ApiIssuerURL https://a.example", "ApiTokenFormat opaque"],
     "ApiTokenFormat opaque needs"),
    (["ApiTokenFormat opaque", "ApiIntrospection auto"],
     "ApiIssuerURL is missing"),
    (["ApiIssuerURL https://a.example", "ApiSharedSecret file:keys/secret",
      "ApiAlgorithms ES256"], "ApiSharedSecret is never used"),
    (["ApiIssuerURL https://a.example", "ApiTokenFormat jwt",
      "ApiIntrospection https://a.example/i"],
     "ApiIntrospection is never used"),
]
COMPLETE = [
    ["ApiIssuerURL https://a.example"],
    ["ApiIssuerURL urn:example", "ApiJWKS file:keys/corp.json"],
    ["ApiIssuerURL http://a.example", "ApiAllowInsecureHTTP On"],
    ["ApiIssuerURL http://127.0.0.1:8080/x"],
    ["ApiIssuerURL https://a.example", "ApiMetadata off",
     "ApiJWKS file:keys/corp.json"],
    ["ApiIssuerURL https://a.example", "ApiSharedSecret file:keys/secret",
     "ApiAlgorithms HS256 ES256"],
    ["ApiTokenFormat opaque", "ApiIntrospection https://a.example/i"],
]


@pytest.mark.parametrize("lines,word", INCOMPLETE)
def test_incomplete_section(server, lines, word):
    said = refused(server, conf.section("ApiIssuer", "corp", lines))
    assert "<ApiIssuer corp>" in said and word in said


@pytest.mark.parametrize("lines", COMPLETE)
def test_complete_section(server, lines):
    accepted(server, conf.section("ApiIssuer", "corp", lines))


@pytest.mark.parametrize("module", ["authn_core", "authz_core"])
def test_needed_modules(server, module):
    """Without these nobody would obey AuthType and Require."""
    plain = server.base
    server.base = re.sub(
        "LoadModule (authz_user|authz_host|%s)_.*" % module, "", plain)
    server.base = server.base.replace("Require all granted", "")
    text = issuer() + "<Location /x>\nAuthType Bearer\n</Location>\n"
    try:
        said = refused(server, text)
    finally:
        server.base = plain
    assert f"mod_api_oauth2 needs mod_{module}.c" in said
    accepted(server, text)


REQUIRES = {  # Require lines, and what the message must say
    "oauth2-scope": "oauth2-scope", "oauth2-client": "oauth2-client",
    "oauth2-issuer": "oauth2-issuer", "oauth2-token": "oauth2-token",
    "oauth2-claim": "oauth2-claim", 'oauth2-scope "a b"': "a scope holds",
    "oauth2-scope caf\u00e9": "a scope holds",
    'oauth2-scope "a\\"b"': "a scope holds", 'oauth2-client ""': "oauth2-cl",
    "oauth2-token person": "user, application and apitoken",
    "oauth2-token User": "user, application and apitoken",
    "oauth2-claim a ~": "one REGEX", "oauth2-claim a ~ b c": "one REGEX",
    "oauth2-claim a ~ (": "no regular expression",
    "oauth2-claim a ~ " + "(" * 50_000: "no regular expression",
    "oauth2-scope " + '"' + HUGE + ' "': "a scope holds",
}


@pytest.mark.parametrize("line", REQUIRES, ids=lambda text: text[:30])
def test_require(server, line):
    for text in (f"Require {line}", f"<RequireAll>\nRequire valid-user\n"
                 f"Require not {line}\n</RequireAll>"):
        said = refused(server, issuer() + conf.section(
            "Location", "/x", ["AuthType Bearer", text]))
        assert "Require" in said and REQUIRES[line] in said


@pytest.mark.parametrize("line", [
    "oauth2-scope a b", "oauth2-scope " + "s" * 10_000, "oauth2-client x",
    "oauth2-issuer corp apitoken", "oauth2-token user application",
    "api-subscription", "api-plan gold", "api-key-type sandbox",
    "oauth2-claim a",
    "oauth2-claim a.b c 'd e'", "oauth2-claim a ~ ^b$",
    "oauth2-claim a ~ '^b c$'"], ids=lambda text: text[:30])
def test_require_twin(server, line):
    accepted(server, issuer() + conf.section(
        "Location", "/x", ["AuthType Bearer", f"Require {line}"]))



NEEDS = [  # what stands at a location, and whether it needs a registry
    ("ApiName pizza", 1), ("ApiName off", 0),
    ("ApiName pizza\nApiSubscription off", 0),
    ("ApiName pizza\nApiSubscription optional", 1),
    ("ApiSubscription optional plan=few", 1), ("ApiAccept apitoken", 1),
    ("Require api-subscription pizza", 1), ("Require api-plan few", 1),
    ("Require api-key-type sandbox", 1),
    ("Require oauth2-issuer apitoken", 1), ("Require oauth2-issuer corp", 0),
]


@pytest.mark.parametrize("lines,needs", NEEDS)
def test_registry_is_needed(server, lines, needs):
    text = issuer() + conf.section("Location", "/x", [lines])
    accepted(server, text)
    plain = server.base
    server.base = plain.replace(REGISTRY, "")
    try:
        if not needs:
            return accepted(server, text)
        said = refused(server, text)
        place = line_of(server, lines.split("\n")[-1 if "plan=" in lines
                                                  else 0])
        assert any(f":{line}: {lines.split()[0]}" in said for line in place)
        assert "ApiRegistry" in said
        accepted(server, "ApiSubscription off\n" + text
                 if lines == "ApiName pizza" else issuer())
        # whether it stands in front or behind makes no difference
        accepted(server, text + REGISTRY)
    finally:
        server.base = plain


@pytest.mark.parametrize("name", ["nobody", "Corp", tokens.ISSUER])
def test_required_issuer_is_there(server, name):
    said = refused(server, issuer() + conf.section(
        "Location", "/x", ["AuthType Bearer",
                           f"Require oauth2-issuer corp {name}"]))
    assert f'Require oauth2-issuer: "{name}" is not allowed' in said


# --- <ApiUpstream> as a whole ----------------------------------------------

@pytest.mark.parametrize("name", SHARED)
def test_shared_directives(server, name):
    """They say and take in one section what they do in the other."""
    row = ISSUER[name]
    for args in row.good:
        accepted(server, upstream(f"{name} {args}".split("\nApiJWKS")[0]))
    for args, word in row.bad.items():
        said = refused(server, upstream(f"{name} {args}"))
        assert name in said and word in said, said


@pytest.mark.parametrize("name", [n for n in ISSUER if n not in SHARED])
def test_issuer_directive_in_upstream(server, name):
    said = refused(server, upstream(f"{name} {ISSUER[name].good[0]}"))
    assert f"{name} is only allowed inside <ApiIssuer NAME>" in said


@pytest.mark.parametrize("name", UPSTREAM)
def test_upstream_directive_in_issuer(server, name):
    said = refused(server, issuer(f"{name} {UPSTREAM[name].good[0]}"))
    assert f"{name} is only allowed inside <ApiUpstream NAME>" in said


@pytest.mark.parametrize("lines,word", [
    (["ApiTokenEndpoint https://a/t", "ApiClientAuth none"],
     "ApiUpstreamOrigin is missing"),
    (["ApiUpstreamOrigin https://a", "ApiTokenEndpoint https://a/t"],
     "ApiClientAuth is missing"),
    (["ApiUpstreamOrigin https://a", "ApiClientAuth none"],
     "no token endpoint"),
    (["ApiUpstreamOrigin https://a", "ApiClientAuth none",
      "ApiIssuerURL https://a", "ApiMetadata off"], "no token endpoint"),
    (["ApiUpstreamOrigin https://a", "ApiClientAuth none",
      "ApiMetadata https://a/m"], "no token endpoint"),
    (["ApiUpstreamOrigin https://a", "ApiClientAuth none",
      "ApiIssuerURL http://a"], "ApiIssuerURL"),
    (["ApiUpstreamOrigin https://a", "ApiClientAuth tls_client_auth me",
      "ApiTokenEndpoint https://a/t"], "needs cert= and key= of ApiTLS"),
])
def test_incomplete_upstream(server, lines, word):
    said = refused(server, conf.section("ApiUpstream", "orders", lines))
    assert "<ApiUpstream orders>" in said and word in said, said


@pytest.mark.parametrize("lines", [
    ["ApiUpstreamOrigin https://a", "ApiClientAuth none",
     "ApiTokenEndpoint https://a/t", "ApiMetadata off"],
    ["ApiUpstreamOrigin https://a", "ApiClientAuth none",
     "ApiIssuerURL https://a"],
    ["ApiUpstreamOrigin https://a", "ApiClientAuth none",
     "ApiIssuerURL https://a", "ApiMetadata https://a/m"],
    ["ApiUpstreamOrigin https://a", "ApiClientAuth none",
     "ApiIssuerURL http://a", "ApiAllowInsecureHTTP On"],
])
def test_complete_upstream(server, lines):
    accepted(server, conf.section("ApiUpstream", "orders", lines))


def test_upstream_names(server):
    assert "stands here twice" in refused(server, upstream() + upstream())
    assert "means none" in refused(server, upstream(name="off"))
    assert "takes one name" in refused(server, upstream(name="a b"))
    host = "<VirtualHost *:${port}>\n%s</VirtualHost>\n"
    use = "<Location /x>\nApiUpstreamToken orders\n</Location>\n"
    accepted(server, upstream() + host % (upstream() + use) + host % use)
    assert '"orders" is not allowed here' in refused(
        server, host % upstream() + host % use)
    accepted(server, issuer() + upstream(name="corp"))
