#!/usr/bin/python3
"""Writes the seeds of the fuzz targets: corpus/TARGET/NAME, a file an input.

    tests/fuzz/make_seeds.py [FOLDER]       (default: corpus beside this file)

What lies there under other names (regressions) is left alone. How a target
reads its input says the top of its fuzz_TARGET.c.
"""
import base64
import hmac
import json
import pathlib
import sys


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def text(value):
    return json.dumps(value, separators=(",", ":"))


# --- keys -------------------------------------------------------------------

SECRET = b"a secret of sixty-four bytes, for the longest of all hashes: HS512"
OCT = {"kty": "oct", "k": b64(SECRET)}
P256 = {"kty": "EC", "crv": "P-256",
        "x": "aszw_FR42UHraauE8LWKnHuGRYEwjhV3NfDzugZTqW4",
        "y": "01r_Uf-sAerGqElkyNKLNxtlUUwoEA6o1O16tTzmrgw"}
P256_D = "dw7rH5fNYydbtem9EnrEIZPagL72NfkxGr8XdORpRHA"
P384 = {"kty": "EC", "crv": "P-384",
        "x": "UpmQJE0ffwj569gXWlOLhzR9dpgVO3fuP8bJ_waMNwGMJHxgiH7J57ui22P44jEe",
        "y": "5pXy0mfriPOgolq3LynrwR2FAoF1bmOlJCpnMkT9y796tRNaSZIRc1552p362ylQ"}
P521 = {"kty": "EC", "crv": "P-521",
        "x": "AezDTsqaJT714R_9Un01vWEU6ZwOW72sC_iO8Bfec6oFEaGsNniqgcyDp_m023und"
             "tH8P0wpHxRyndVkhgpEBKds",
        "y": "AABO8Oq2tOlxXDoykbqYGAF5tzh9dCWGSPwc8mI21cgikX1ZajbmgroeteJxpzD9v"
             "DVrzuZWLxi2BKM9lHfXxOCn"}
ED25519 = {"kty": "OKP", "crv": "Ed25519",
           "x": "GfvDWhyWTptYGwG89OPZplWjZ6xGpbmdLmgaXWQu9O8"}
ED25519_D = "eXlF9LMy1if1wzojnvdg4GLEXt832ojHWY8tt8bwDeY"
ED448 = {"kty": "OKP", "crv": "Ed448",
         "x": "DoXnQREUrRcukfvGNvmETA--kviPvJGH5Nx0TWz2a8fkyAMGW95qtdwzkJ5AzhpFK"
              "oxKS0reTc4A"}
RSA = {"kty": "RSA", "e": "AQAB",
       "n": "rFpRU0KB9DUP7v1jNP5npTpwqd4yI7_PM6hzynpwwOlEIgcowkikMDvpoUjHenleq-i"
            "v_6w4_YfCmm-c7v2a979aq90uQzZ7j0xnW8g9htv7o03yyZylZDrrXxsip4e_LwP_JQ"
            "pxd235X_ucxv_ED6pjE_LzNZAGbvoxML8tTMBdQYM0uRHtTK5LOlzAk6rnXaC9z0Kyr"
            "AUF39R75pVxfTurV-8I9ZkWJoZ7R-S4DD6MYvg9rIxjRVUN30GYFsTPv8LPIC1O_Y_J"
            "cn-3_iBIzXC0vt5eoVt4Jp-aYKTv_0BVX48CJBNNZtYiyEyf6UOUpp2ClpLWnBehgWb"
            "th8GAQw"}
P256_X5C = ("MIIBcDCCARWgAwIBAgIUKcQAGcccH/nbrPujpbHlhW+KqR0wCgYIKoZIzj0EAwIwDDE"
            "KMAgGA1UEAwwBYTAgFw0yNjExMjQyMjA3MjdaGA8yMTI2MTAzMTIyMDcyN1owDDEKMA"
            "gGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEZV4FA9JfC0hY/tSN2T6"
            "l/z4bkrrK1xf7UVG75MNZqR3qnJQ8+cYHQNACZTzYFk6ZA5HdjB2VdirVeyMRhlD5+j"
            "UzBRMB0GA1UdDgQWBBQUQCrCKEyQ3e4waVyamTHWHQaynTAfBgNVHSMEGDAWgBQUQCr"
            "CKEyQ3e4waVyamTHWHQaynTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAME"
            "YCIQDbPWEgeP8ydX7sw9r5QvmLPBLolA1vDSnFY8++2Em75AIhALKn7zrLlb23q0u8O"
            "/Ubc4jrfYFlI3indzYOfLV4lGTh")
ED25519_X5C = ("MIIBLjCB4aADAgECAhRC8DDURGjQT9zHfAIvX06kf0W/VjAFBgMrZXAwDDEKMAgG"
               "A1UEAwwBYTAgFw0yNjExMjQyMjA3MjdaGA8yMTI2MTAzMTIyMDcyN1owDDEKMAgG"
               "A1UEAwwBYTAqMAUGAytlcAMhALOSCn/7YapVjfaxAByxIEPV1K2kTuUlOJ7KOYTX"
               "xH6So1MwUTAdBgNVHQ4EFgQUHRoEftBv20enPvszK6gPvVdObywwHwYDVR0jBBgw"
               "FoAUHRoEftBv20enPvszK6gPvVdObywwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD"
               "QQBi2R57R26IuxBoOJ1igMDZCDqKubL6aftPeolG9V1m9pKqe7lNDSJvX63pkjsi"
               "IYzL1Olu6ovUxnp+7fG0JbsK")


def jwk():
    small = "rFpRU0KB9DUP7v1jNP5npTpwqd4yI7_PM6hzynpwwOk"
    return {
        "oct": OCT,
        "oct-pinned": {**OCT, "alg": "HS512", "use": "sig",
                       "key_ops": ["sign", "verify"], "kid": "h"},
        "oct-short": {"kty": "oct", "k": "AA", "alg": "HS256"},
        "oct-empty": {"kty": "oct", "k": ""},
        "p256": {**P256, "kid": "e", "alg": "ES256"},
        "p256-private": {**P256, "d": P256_D},
        "p256-other-d": {**P256, "d": ED25519_D},
        "p256-off-curve": {**P256, "y": P256["x"]},
        "p256-x-short": {**P256, "x": P256["x"][:-4]},
        "p256-x-zero": {**P256, "x": "A" * 43},
        "p256-as-p384": {**P256, "crv": "P-384"},
        "p256-wrong-alg": {**P256, "alg": "ES384"},
        "p384": P384,
        "p521": P521,
        "ed25519": {**ED25519, "kid": "o", "alg": "EdDSA"},
        "ed25519-private": {**ED25519, "d": ED25519_D, "alg": "Ed25519"},
        "ed25519-other-d": {**ED25519, "d": P256_D},
        "ed448": {**ED448, "use": "sig"},
        "rsa": {**RSA, "alg": "PS256"},
        "rsa-small": {**RSA, "n": small},
        "rsa-e1": {**RSA, "e": "AQ"},
        "rsa-e-even": {**RSA, "e": "AQAA"},
        "rsa-e-huge": {**RSA, "e": "AQAAAAAB"},
        "x5c-ec": {"kty": "EC", "crv": "P-256", "x5c": [P256_X5C]},
        "x5c-okp": {"kty": "OKP", "crv": "Ed25519", "x5c": [ED25519_X5C]},
        "x5c-other-curve": {"kty": "EC", "crv": "P-384", "x5c": [P256_X5C]},
        "x5c-other-kind": {"kty": "RSA", "x5c": [P256_X5C]},
        "x5c-no-base64": {"kty": "RSA", "x5c": ["%%%"]},
        "enc": {**ED25519, "use": "enc"},
        "ops": {**ED25519, "key_ops": ["verify"]},
        "ops-other": {**ED25519, "key_ops": ["encrypt"]},
        "kty-unknown": {"kty": "AKP", "crv": "x"},
        "kty-number": {"kty": 1},
        "kid-empty": {**ED25519, "kid": ""},
        "kid-nul": {**ED25519, "kid": "a\0b"},
        "kid-long": {**ED25519, "kid": "k" * 257},
    }


def jwks():
    def of(*keys):
        return {"keys": list(keys)}
    return {
        "oct": of(OCT), "one-jwk": OCT, "none": of(),
        "oct-kids": of({**OCT, "kid": "a"}, {**OCT, "kid": "b"}, OCT),
        "same-kid": of({**OCT, "kid": "a"}, {**OCT, "kid": "a"}),
        "mixed": of({**OCT, "kid": "h"}, {**ED25519, "kid": "o"}, RSA),
        "ed25519": of(ED25519), "ec": of(P256),
        "skipped": of({"kty": "AKP"}, 1, {}, {**OCT, "use": "enc"}, OCT),
        "only-skipped": of({"kty": "AKP"}),
        "nine": of(*[OCT] * 9),
        "64": of(*[{"kty": "oct", "k": "AA"}] * 64),
        "65": of(*[{"kty": "oct", "k": "AA"}] * 65),
        "no-array": {"keys": {}},
        "null": {"keys": None},
    }


# --- tokens -----------------------------------------------------------------

def compact(header, payload, signature=b"\1"):
    return ".".join(b64(part.encode() if isinstance(part, str) else part)
                    for part in (header, payload, signature))


def hs(alg, kid=None):
    header = text({"alg": alg, **({"kid": kid} if kid else {})})
    signed = b64(header.encode()) + "." + b64(b'{"sub":"a"}')
    mac = hmac.digest(SECRET, signed.encode(), "sha" + alg[2:])
    return signed + "." + b64(mac)


# Signed with the private parts of the keys above: RS256, PS256, ES256, EdDSA.
SIGNED = {
    "rs256": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.XbLAm-WKXhTYCY598itCE_DO0VH2U"
             "D0r7VGA5N4Qvkw7IKXke1IptBshHw5pGDl78h56x7zEV-hnW2bSRH2yLyfyXq-p2xFM"
             "3C0D6rhOD8jDBMJEzfD5kvKO8OmZXQZqQwgONWnnpyraxyqABzNwtzPcQ-IQ3uzvWHj"
             "n89oCGk0LTDylJJNSXbk-BsPhxTmw4Qa4RTZg7iYc6v9BQBK4Mojl3SCIEaT-2vb41S"
             "90GMoyIjvX-qvjDTcWMYPvykEgm78arFosyGNIyVSrKoHsaFAdRl9tGUrHvngjUPhOO"
             "q7eseNY0h3uBnat-Od-wJlc7lXzK_wvgd1Wt8d8u-9D0Q",
    "ps256": "eyJhbGciOiJQUzI1NiIsImtpZCI6InIifQ.eyJzdWIiOiJhIn0.ePUkFeSQdnqvMRH"
             "72-d4LVc51KAMTQcOL5jNifOmyN2V-8hG2Fyx52KfRvg-cXE25oKcawvua8IXaX7MrV"
             "KIJLCZvG9gzCTFwqbGUHoIRnQ4g-obQFRQc1NsAmY_kfE-odwuHI8tciw_EvWTj58EF"
             "uRyUf6H1Hxy4Q5ZhYhqaJD7TTyRsXUBsbNo1X8j2hyVJ7Hzw1sNagsxje_bFD7yTeTs"
             "Ilvv4x1U-XWv63ckNZzhKZH6PaRqm90rd4gIjiOuyuNIEcOmDgsWQ7tMFHVloEtojdh"
             "6bZy1yhgpli_zGaf-2jbu6dOuT3KF-sOJdwfXzjaZ7PZjtJm03KEwidrtWA",
    "es256": "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJzdWIiOiJhIn0.Xx_XUUFHNPDb4U1"
             "ImWYh3mpEX324luqYmOyS7FyAPUE-kLMQeHwXjZ-m1a2xd7KUZmZB-Ze1B6B8BNlxXb"
             "GxQA",
    "eddsa": "eyJhbGciOiJFZERTQSIsImtpZCI6Im8ifQ.eyJzdWIiOiJhIn0.-BbdTN7dBSXon2j"
             "UTKhFMMZPCipPHOJNoXQsHi27w_7wTY_s-Xt2ungrRZYtrrZ_2dGqhGAiM8XhHoFist"
             "XTAA",
    "eddsa-no-kid": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.ZFR0rjEq2ITj7ULyS_d9a7"
                    "u_9QaAjlgdjbUC6PzAsAwNxhUAgnjqmVJkS0Wfeobuv0eb5aJcFXDqorWEn"
                    "EUBCw",
}


def jws():
    good = text({"alg": "HS256"})
    headers = {
        "plain": good, "typ": text({"alg": "HS256", "typ": "at+jwt"}),
        "none": text({"alg": "none"}), "no-alg": "{}",
        "crit": text({"alg": "HS256", "crit": ["exp"]}),
        "b64": text({"alg": "HS256", "b64": False}),
        "jku": text({"alg": "HS256", "jku": "https://evil.example"}),
        "kid-empty": text({"alg": "HS256", "kid": ""}),
        "kid-long": text({"alg": "HS256", "kid": "k" * 257}),
        "typ-number": text({"alg": "HS256", "typ": 1}),
        "kid-number": text({"alg": "HS256", "kid": 1}),
        "kid-nul": text({"alg": "HS256", "kid": "a\0"}),
        "twice": '{"alg":"HS256","alg":"HS256"}',
        "space": ' {"alg":"ES256" }',
        "line-end": '{\r"alg":"HS256"}', "tab": '{\t"alg":"HS256"}',
        "broken": '{"alg":"HS256"',
        "deep": '{"alg":"HS256","a":' + "[" * 16 + "]" * 16 + "}",
    }
    rows = {f"header-{name}": f"{header}\n{{}}\nsignature"
            for name, header in headers.items()}
    rows.update({f"signed-{name}": token for name, token in SIGNED.items()})
    rows.update({f"signed-{alg.lower()}": hs(alg, kid) for alg, kid in
                 (("HS256", "h"), ("HS384", None), ("HS512", "h"))})
    rows.update({
        "confused": compact(text({"alg": "HS256", "kid": "r"}), "{}"),
        "es256-short": compact(text({"alg": "ES256"}), "{}", b"\1" * 63),
        "es256-zero": compact(text({"alg": "ES256"}), "{}", bytes(64)),
        "empty-payload": compact(good, ""),
        "empty-signature": compact(good, "{}", b""),
        "two-dots": "..", "five-parts": compact(good, "{}") + ".a.b",
        "padding": compact(good, "{}") + "=",
        "slack": compact(good, "{}")[:-1] + "R",
        "json": '{"payload":"","signatures":[]}',
        "long-header": text({"alg": "HS256", "a": "a" * 2048}) + "\n{}\ns",
    })
    return rows


# --- claims -----------------------------------------------------------------

def claims():
    good = {"iss": "https://as.example", "sub": "alice", "exp": 1700003600}

    def row(choice=0, **more):
        return chr(ord("@") + choice) + text({**good, **more})

    rows = {
        "plain": row(), "scope": row(scope="read write"),
        "scope-list": row(scope=["read", "write:all"]),
        "scope-spaces": row(scope="  read  "), "scope-quote": row(scope='a"b'),
        "scope-space-in-list": row(scope=["a b"]),
        "scopes-65": row(scope="a " * 65), "scope-257": row(scope="a" * 257),
        "scp": row(scp=["a"]), "client": row(client_id="c", azp="d"),
        "client-same": row(client_id="alice"), "sub-number": row(sub=1),
        "sub-empty": row(sub=""), "sub-nul": row(sub="a\0"),
        "sub-line": row(sub="a\nb"), "sub-utf8": row(sub="\u00e4\u4e2d"),
        "exp-real": row(exp=1.7000036e9), "exp-string": row(exp="1700003600"),
        "exp-past": row(exp=1600000000), "exp-edge": row(2, exp=1699999941),
        "exp-now": row(exp=1700000000), "exp-end": row(2, exp=1699999940),
        "exp-negative": row(exp=-1), "exp-huge": row(exp=9223372036854775807),
        "exp-1e300": row().replace("1700003600", "1e300"),
        "exp-1e400": row().replace("1700003600", "1e400"),
        "exp-null": row(exp=None), "nbf": row(nbf=1699999999.5),
        "nbf-future": row(nbf=1700000001), "nbf-skew": row(2, nbf=1700000060),
        "iat-future": row(iat=1800000000), "jti": row(jti="x"),
        "jti-long": row(jti="j" * 257), "iss-case": row(iss="HTTPS://as.example"),
        "iss-any": row(4, iss=1), "typ": row(typ="application/AT+JWT"),
        "typ-longer": row(typ="at+jwtx"), "typ-short": row(typ="at+jw"),
        "aud": row(aud="https://api.example"),
        "aud-list": row(aud=[1, "https://two.example"]),
        "aud-prefix": row(aud="https://api.example/"),
        "values": row(a=[1, "b,c", True], b={"c": "\u00e4%"}, d=None, e=1.5,
                      f=["x", [1]], g="%0A\r\n"),
        "value-long": row(a="\u00e4" * 700), "no-issuer": '@{"sub":"a"}',
        "none": "A{}", "no-exp": 'Q{"sub":"a"}',
        "paths": 'I{"iss":"https://as.example","user":{"name":"u"},'
                 '"a":{"b":{"c":"d"}},"realm.roles":["x"]}',
    }
    return rows


def documents():
    """Strict JSON, and what is not."""
    return {
        "empty": "{}", "nested": '{"a":{"b":{"c":1}},"a.b":[{"c":2}]}',
        "names": '{"":1,"a":{"":2},"a.":{"b":3}}',
        "values": '{"s":"\\u0000\\ud834\\udd1e","t":true,"f":false,"n":null}',
        "numbers": '{"a":0,"b":-1,"c":1e300,"d":-0.0,"e":9223372036854775807,'
                   '"f":4611686018427,"g":4611686018428,"h":0.1,"i":1e-300}',
        "over": '{"a":9223372036854775808}', "infinite": '{"a":1e400}',
        "depth-16": '{"a":' + "[" * 15 + "]" * 15 + "}",
        "depth-17": '{"a":' + "[" * 16 + "]" * 16 + "}",
        "depth-in-string": '{"a":"' + "[" * 40 + '\\""}',
        "twice": '{"a":1,"a":1}', "twice-escaped": '{"a":1,"\\u0061":1}',
        "array": "[]", "literal": "true", "nothing": "", "space": " \t\r\n{} ",
        "behind": "{}x", "nul-behind": "{}\0", "nul-inside": '{"a\0b":1}',
        "bom": b"\xef\xbb\xbf{}", "latin1": b'{"a":"\xe4"}',
        "surrogate": '{"a":"\\ud800"}', "name-nul": '{"\\u0000":1}',
        "comma": '{"a":1,}', "comment": "{/**/}", "single": "{'a':1}",
        "open": '{"a":[', "escape-end": '{"a":"\\',
    }


def stream():
    """Documents; the first byte is the length of a piece."""
    return {
        "empty": "\0{}", "space": "\2 { } \n",
        "values": '\4{"a":1,"b":"x","c":{"d":[1,2]},"e":null,"f":-1.5e3}',
        "lists": '\1{"a":[1,"]}\\"",{"b":2}],\n"b":[],"c":[[1]]}',
        "names": '\3{"\\u0061":1,"":[2]}', "twice": '\3{"a":1,"\\u0061":2}',
        "inner-twice": '\5{"a":{"b":1,"b":1}}', "nul": '\5{"a":"\0"}',
        "name-nul": '\5{"\\u0000":1}', "behind": "\5{}x", "array": "\5[1]",
        "comma": '\5{"a":[1,]}', "comma-first": '\5{"a":[,1]}',
        "no-comma": '\5{"a":[1 2]}', "no-colon": '\5{"a" 1}',
        "number-string": '\5{"a":1"b"}', "open": '\5{"a":[1', "nothing": "\5",
        "deep": '\17{"a":' + '[' * 33 + ']' * 33 + "}",
        "mixed-brackets": '\5{"a":[[1}]}', "latin1": b'\5{"a":"\xe4"}',
        "long": '\5{"a":"' + "a" * 199 + '"}', "escape": '\1{"a":"\\\\"}',
    }


def registry():
    digest = "00112233445566778899aabbccddeeff" * 2
    token = {"id": "t", "sha256": digest, "prefix": "api_NtBQ",
             "scopes": ["orders:read"], "key_type": "production",
             "not_before": None, "expires": "2027-01-01T00:00:00Z",
             "status": "active", "ip": ["192.0.2.0/24", "2001:db8::/32"]}
    subscribed = {"api": "pizza", "version": "1.0", "plan": "gold",
                  "status": "active", "starts": None, "expires": None}
    client = {"issuer": "corp", "client_id": "c", "key_type": "sandbox"}

    def of(plans=(), apis=(), applications=(), **more):
        return {"version": 1, "plans": list(plans), "apis": list(apis),
                "applications": list(applications), **more}

    gold = {"name": "gold",
            "limits": [{"requests": 5000, "per": "1mi", "burst": 500},
                       {"requests": 1000000, "per": "30d"}]}
    pizza = {"name": "pizza", "version": "1.0", "status": "published"}

    def app(**more):
        return of([gold], [pizza], [{"id": "app-1", **more}])
    return {
        "empty": of(), "no-version": "{}", "unknown": of(more=[]),
        "unknown-line": '{"version":1,"a\\nb":[]}',
        "version-list": '{"version":[1]}',
        "plan": of([gold]), "plan-twice": of([gold, gold]),
        "plan-quote": of([{"name": 'a"\\\n', "limits": [
            {"requests": 1, "per": "1s"}]}]),
        "api": of(apis=[pizza, {"name": "a"}]), "api-twice": of(apis=[pizza] * 2),
        "api-dates": of(apis=[{"name": "a", "status": "deprecated",
                               "deprecation": "2024-01-01T00:00:00Z",
                               "sunset": "2024-02-30T00:00:00Z"}]),
        "app": app(name="n", owner="o", status="blocked", token_format="jwt"),
        "client": app(clients=[client]), "client-twice": app(clients=[client] * 2),
        "token": app(tokens=[token]),
        "token-digest": app(tokens=[{**token, "sha256": digest.upper()}]),
        "token-ip": app(tokens=[{**token, "ip": ["192.0.2.0/33"]}]),
        "subscribed": app(subscriptions=[subscribed]),
        "all-versions": app(subscriptions=[{**subscribed, "version": "*"}]),
        "dangling": app(subscriptions=[{**subscribed, "plan": "none"}]),
        "order": '{"applications":[{"id":"x","subscriptions":[{"api":"a"}]}],'
                 '\n"apis":[{"name":"a"}],"version":1}',
        "whole": app(clients=[client], tokens=[token],
                     subscriptions=[subscribed]),
    }


def store():
    """The first two bytes say what the cache does."""
    def head(length, expires=1700000001000000):
        return (length.to_bytes(8, "big") + expires.to_bytes(8, "big")
                + b"0123456789abcdef")
    return {
        "kept": b"\0\0value", "kept-empty": b"\0\1", "kept-other": b"\2\x30x",
        "kept-pieces": b"\0\x91" + b"v" * 300, "too-many": b"\0\0" + b"v" * 900,
        "forged": b"\1 " + head(5) + b"value",
        "forged-empty": b"\1 " + head(0),
        "forged-pieces": b"\1 " + head(8) + b"12\n345\n678",
        "forged-too-few": b"\1 " + head(9) + b"12\n345\n678",
        "forged-too-long": b"\1 " + head(4) + b"12345",
        "forged-piece-too-long": b"\1 " + head(4) + b"12\n345",
        "forged-old": b"\1 " + head(5, 1699999999000000) + b"value",
        "forged-for-ever": b"\1 " + head(5, 2 ** 64 - 1) + b"value",
        "forged-huge": b"\1 " + head(2 ** 63) + b"value",
        "forged-short": b"\1 " + head(5)[:31], "nothing": b"\1 ",
    }


# --- texts ------------------------------------------------------------------

def credential():
    return {
        "bearer": "ABearer abc.def-_~+/==", "case": "AbEARER a",
        "spaces": "ABearer   a", "basic": "ABasic dTpw", "bare": "ABearer",
        "empty": "A", "tab": "ABearer\ta", "two": "ABearer a, Bearer b",
        "second": "ABasic a,\t bearer b", "comma": "ABearer a,b",
        "equals": "ABearer =", "inner-equals": "ABearer a=b",
        "utf8": "ABearer \u00e4", "long": "ABearer " + "a" * 16385,
        "header": "Habc", "header-scheme": "HBearer abc", "header-two": "Ha,b",
        "query": "Qaccess_token\na=1&access_token=abc&b=2",
        "query-only": "Qt\nt=abc", "query-none": "Qt\na=1&tt=2",
        "query-twice": "Qt\nt=a&t=b", "query-encoded": "Qt\n%74=%61%2B&a=%",
        "query-plus": "Qt\nt=a+b", "query-empty": "Qt\nt=", "query-bare": "Qt\nt",
        "query-amps": "Qt\n&&t=a&&", "query-nul": "Qt\nt%00=a&t=%00",
        "query-case": "Qt\nT=a", "query-bad-good": "Qt\nt=%20&t=a",
        "cookie": "Ctoken\na=1; token=abc; b=2", "cookie-only": "Ct\nt=abc",
        "cookie-quoted": 'Ct\nt="abc"; a="b, c"', "cookie-comma": "Ct\na=1, t=b",
        "cookie-comma-behind": "Ct\nt=a,b=c", "cookie-twice": "Ct\nt=a;t=b",
        "cookie-empty": "Ct\nt=", "cookie-quote": 'Ct\nt="',
        "cookie-spaces": "Ct\n \t;; t=a ;\t", "cookie-prefix": "Ct\ntt=a; t",
        "cookie-commas": "Ct\na=,,, t=b,t=c",
    }


def metadata():
    def of(uri, issuer="https://as.example"):
        return text({"issuer": issuer, "jwks_uri": uri})
    uris = {
        "plain": "https://as.example/jwks", "port": "https://as.example:8443/a?b",
        "loopback": "http://127.0.0.1:80/", "localhost": "http://LOCALHOST/j",
        "ipv6": "http://[::1]:1/", "http": "http://as.example/",
        "like-loopback": "http://127.0.0.1.evil.example/",
        "user": "https://a@b.example/", "user-like": "https://a/@b",
        "fragment": "https://a.example/#b", "backslash": "https://a\\@b/",
        "port-0": "https://a:0/", "port-big": "https://a:65536/",
        "port-none": "https://a:/", "no-host": "https:///a",
        "file": "file:///etc/passwd", "space": "https://a b/",
        "line": "https://a/\r\nX: y", "case": "HTTPS://A/",
        "bracket": "https://[::1", "octal": "http://127.010.0.1/",
        "short": "http://127.1/", "host-at-slash": "https://a?@b/",
    }
    issuers = {
        "root": "https://as.example/", "path": "https://as.example/a/b",
        "path-slash": "https://as.example/a/", "query": "https://as.example/a?b",
        "query-root": "https://as.example?b", "other": "https://other.example",
        "none": "", "no-url": "corp",
    }
    rows = {f"uri-{name}": of(uri) for name, uri in uris.items()}
    rows.update({f"issuer-{name}": of(uris["plain"], issuer)
                 for name, issuer in issuers.items()})
    rows.update({"no-uri": text({"issuer": "https://as.example"}),
                 "uri-number": of(1), "issuer-number": of("https://a/", 1)})
    return rows


def texts():
    return {
        "realm": "pizza\nread write", "quotes": 'a"b\\c\n"a\\ b', "empty": "\n",
        "line": b"a\r\0b\n\r", "utf8": "\u00e4%,\n\u00e4", "long": "a" * 600,
        "longer": "a" * 1100,
        "scopes": "r\n" + " ".join(f"s{number}" for number in range(300)),
        "twice": "r\na a aa a",
        "spaces": "r\n  a  b ", "percent": "%41%\n%4", "names": "X-User\nx_uSER",
        "durations": "5mi\n100ms", "hours": "48h\n2D", "bare": "60\n0",
        "huge": "99999999999999999999\n36601d", "years": "36600d\n3162240001",
        "sizes": "64K\n8m", "tebibyte": "1024G\n1025G", "signs": "-1\n+1",
        "url": "https://as.example/\nhttp://127.0.0.1:8080/",
    }


def base64url():
    return {
        "empty": "", "one": "QQ", "two": "QUI", "three": "QUJD",
        "minus": "-_-_", "slack-2": "QR", "slack-3": "QUJ", "length-1": "QUJDR",
        "padding": "QQ==", "plus": "+/+/", "space": "QU JD", "line": "QUJD\n",
        "nul": "QUJ\0", "high": b"\xff\xfe\x80\x00", "long": "QUJD" * 80,
    }


def token_answer():
    good = {"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer",
            "expires_in": 3600, "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA",
            "scope": "read"}
    return {
        "good": good, "short": {"access_token": "a", "token_type": "bEARER"},
        "numeric": {**good, "expires_in": "59.5"},
        "negative": {**good, "expires_in": -1},
        "huge": {**good, "expires_in": 1e300},
        "word": {**good, "expires_in": "0x10"},
        "line": {**good, "access_token": "a\r\nX-Evil: 1"},
        "space": {**good, "access_token": "a b"},
        "nul": {**good, "access_token": "a\0b"},
        "utf8": {**good, "access_token": "\u00e4"},
        "empty": {**good, "access_token": ""},
        "long": {**good, "access_token": "a" * (16 * 1024 + 1)},
        "dpop": {**good, "token_type": "DPoP"},
        "refresh": {**good, "refresh_token": "r\n"},
        "error": {"error": "invalid_grant", "error_description": "no"},
        "other-error": {"error": "anything"},
        "twice": '{"access_token":"a",' + text(good)[1:],
        "packed": "1700000000000000 1700000060000000 1 token",
        "packed-once": "5 5 0 t", "packed-signs": "-1 +5 0 t",
        "packed-line": "1 2 0 a\nb", "packed-numbers": "1 2 0 ",
        "packed-far": "9223372036854775808 2 0 t",
    }


TARGETS = {"base64url": base64url, "claims": claims, "credential": credential,
           "json": documents, "jwk": jwk, "jwks": jwks, "jws": jws,
           "metadata": metadata, "registry": registry, "store": store,
           "stream": stream, "text": texts, "token_answer": token_answer}


def write(folder):
    for target, rows in TARGETS.items():
        place = folder / target
        place.mkdir(parents=True, exist_ok=True)
        for name, row in rows().items():
            row = text(row) if isinstance(row, dict) else row
            row = row.encode() if isinstance(row, str) else row
            (place / name).write_bytes(row)


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1
          else pathlib.Path(__file__).parent / "corpus")
