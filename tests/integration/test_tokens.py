"""Which tokens are accepted: every rule with its way in and its ways out.

One server for the whole file. ApiErrorDetail is on, so that the body says
which row of the error table it was."""
import json
import socket
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from jwcrypto import jwk
from jwcrypto.common import base64url_encode

from support import tokens
from support.client import request
from support.conf import issuer, location
from support.peers import Issuer
from support.server import MPM
from support.tokens import ISSUER, claims, encode, seal, seal_text

OK = 200
INVALID = "AO2-013"
EXPIRED = "AO2-014"
NOT_YET = "AO2-015"
AUDIENCE = "AO2-017"
MALFORMED = "AO2-011"
REPEATED = "AO2-012"

OTHER = "https://other.example"
SECRETS = "https://secrets.example"
LONG_KID = "k" * 256
#: No random bytes: a brace at the start would make a secret a JWK, a newline
#: at the end would be none of it.
SECRET = jwk.JWK(kty="oct", k=base64url_encode("long" * 16))
SHORT_SECRET = jwk.JWK(kty="oct", k=base64url_encode("tiny" * 8))

KEYS = {
    "ec": tokens.new_key("ES256", "ec"),
    "ec384": tokens.new_key("ES384", "ec384"),
    "ec521": tokens.new_key("ES512", "ec521"),
    "rsa": tokens.new_key("RS256", "rsa"),
    "ed": tokens.new_key("EdDSA", "ed"),
    "ed448": jwk.JWK.generate(kty="OKP", crv="Ed448", kid="ed448"),
    "pinned": tokens.new_key("RS256", "pinned"),
    "for_sig": tokens.new_key("ES256", "for_sig"),
    "for_enc": tokens.new_key("ES256", "for_enc"),
    "may_verify": tokens.new_key("ES256", "may_verify"),
    "may_encrypt": tokens.new_key("ES256", "may_encrypt"),
    "small": jwk.JWK.generate(kty="RSA", size=1024, kid="small"),
    "long": tokens.new_key("ES256", LONG_KID),
}
#: What the key set says of some of them.
SAID = {"pinned": {"alg": "PS256"}, "for_sig": {"use": "sig"},
        "for_enc": {"use": "enc"}, "may_verify": {"key_ops": ["verify"]},
        "may_encrypt": {"key_ops": ["encrypt"]}}
FOREIGN = tokens.new_key("ES256", "ec")
OTHER_KEY = tokens.new_key("ES256", "ec")
MANY = [tokens.new_key("ES256", f"m{i}") for i in range(9)]
OCT = jwk.JWK.generate(kty="oct", size=512, kid="oct")


def raw_secret(key):
    return jwk.base64url_decode(key.export(as_dict=True)["k"])


def corp_keys():
    keys = [dict(json.loads(key.export_public()), **SAID.get(name, {}))
            for name, key in KEYS.items()]
    return json.dumps({"keys": keys + [json.loads(OCT.export())]})


CONF = ("ApiErrorDetail On\nLimitRequestFieldSize 65536\n"
        + issuer()
        + issuer("ApiAlgorithms ES256", name="only")
        + issuer("ApiRequireType at+jwt", name="typed")
        + issuer("ApiAllowNoExpiry On", name="endless")
        + issuer(name="other", url=OTHER)
        + issuer(name="many")
        + issuer("ApiSharedSecret file:keys/secret", name="secret", keys="",
                 url=SECRETS)
        + issuer("ApiSharedSecret file:keys/short", name="short", keys="",
                 url=SECRETS)
        + issuer("ApiSharedSecret file:keys/secret", name="mixed")
        + "".join(location(f"/{name}", f"ApiAccept {name}") for name in (
            "corp", "only", "typed", "endless", "many", "secret", "short",
            "mixed"))
        + location("/both", "ApiAccept corp other")
        + location("/any", "ApiAccept corp", audience="any")
        + location("/two", "ApiAccept corp", audience="pasta pizza"))


@pytest.fixture(scope="module")
def server(module_httpd):
    corp = corp_keys()
    server = module_httpd(start=False, files={
        "keys/corp.json": corp, "keys/only.json": corp,
        "keys/typed.json": corp, "keys/endless.json": corp,
        "keys/mixed.json": corp, "keys/many.json": tokens.key_set(*MANY),
        "keys/other.json": tokens.key_set(OTHER_KEY),
        **{f"htdocs/{name}": "ok" for name in (
            "corp only typed endless many secret short mixed both any "
            "two").split()}})
    for name, key in (("secret", SECRET), ("short", SHORT_SECRET)):
        path = server.root / "keys" / name
        path.write_bytes(raw_secret(key))
        path.chmod(0o600)
    return server.start(CONF)


def verdict(server, token, path="/corp"):
    answer = request(server.port, path, token)
    return OK if answer.status == OK else json.loads(answer.body)["code"]


def good(payload=None, key="ec", alg="ES256", **header):
    """A token that is fine but for what is said."""
    head = {"alg": alg, "kid": key, **header}
    return seal({k: v for k, v in head.items() if v is not None},
                claims() if payload is None else payload, KEYS[key], "EdDSA"
                if alg.startswith("Ed") else alg)


# --- algorithms ---------------------------------------------------------

FITTING = [("RS256", "rsa"), ("RS384", "rsa"), ("RS512", "rsa"),
           ("PS256", "rsa"), ("PS384", "rsa"), ("PS512", "rsa"),
           ("ES256", "ec"), ("ES384", "ec384"), ("ES512", "ec521"),
           ("EdDSA", "ed"), ("EdDSA", "ed448"), ("Ed25519", "ed"),
           ("Ed448", "ed448"), ("PS256", "pinned"), ("ES256", "for_sig"),
           ("ES256", "may_verify")]


@pytest.mark.parametrize("alg,key", FITTING)
def test_fitting_algorithm(server, alg, key):
    assert verdict(server, good(key=key, alg=alg)) == OK
    assert verdict(server, good(key=key, alg=alg, kid=None)) == OK


@pytest.mark.parametrize("alg,key", [
    ("RS256", "pinned"), ("PS384", "pinned"), ("RS256", "small"),
    ("Ed25519", "ed448"), ("Ed448", "ed"), ("ES256", "for_enc"),
    ("ES256", "may_encrypt")])
def test_key_that_does_not_fit(server, alg, key):
    assert verdict(server, good(key=key, alg=alg)) == INVALID
    assert verdict(server, good(key=key, alg=alg, kid=None)) == INVALID


def ecdsa(header, key, digest, size):
    """ECDSA with a digest that another curve is for."""
    text = f"{encode(header)}.{encode(claims())}"
    der = KEYS[key].get_op_key("sign").sign(text.encode(), ec.ECDSA(digest))
    r, s = utils.decode_dss_signature(der)
    return f"{text}.{base64url_encode(r.to_bytes(size, 'big') + s.to_bytes(size, 'big'))}"


@pytest.mark.parametrize("alg,key,digest,size,expected", [
    ("ES256", "ec", hashes.SHA256(), 32, OK),
    ("ES384", "ec", hashes.SHA384(), 32, INVALID),
    ("ES384", "ec", hashes.SHA384(), 48, INVALID),
    ("ES256", "ec384", hashes.SHA256(), 48, INVALID),
    ("ES256", "ec", hashes.SHA256(), 33, INVALID),
    ("ES256", "ec", hashes.SHA384(), 32, INVALID)])
def test_curve_decides(server, alg, key, digest, size, expected):
    token = ecdsa({"alg": alg, "kid": key}, key, digest, size)
    assert verdict(server, token) == expected


@pytest.mark.parametrize("path,alg,expected", [
    ("/only", "ES256", OK), ("/only", "RS256", INVALID),
    ("/corp", "RS256", OK)])
def test_allow_list(server, path, alg, expected):
    key = "ec" if alg == "ES256" else "rsa"
    assert verdict(server, good(key=key, alg=alg), path) == expected


NO_ALG = ["none", "None", "NONE", "nOnE", "", " none", "none ", "es256",
          "ES256 ", " ES256", "ES256\0", "ES256K", "RSA1_5", "dir", "A128KW",
          None, True, 0, [], ["ES256"], {}, {"ES256": 1}]


@pytest.mark.parametrize("alg", NO_ALG)
def test_alg_is_none_of_the_list(server, alg):
    head = {"alg": alg, "kid": "ec"}
    signed = seal(head, claims(), KEYS["ec"])
    bare = signed.rpartition(".")[0]
    assert verdict(server, signed) == INVALID
    assert verdict(server, bare + ".") == INVALID
    assert verdict(server, bare) == INVALID
    assert verdict(server, seal(dict(head, alg="ES256"), claims(),
                                KEYS["ec"])) == OK


def test_alg_missing(server):
    assert verdict(server, seal({"kid": "ec"}, claims(),
                                KEYS["ec"])) == INVALID


# --- shared secrets -----------------------------------------------------

@pytest.mark.parametrize("path,key,alg,expected", [
    ("/secret", SECRET, "HS256", OK), ("/secret", SECRET, "HS384", OK),
    ("/secret", SECRET, "HS512", OK), ("/short", SHORT_SECRET, "HS256", OK),
    ("/short", SHORT_SECRET, "HS384", INVALID),
    ("/short", SHORT_SECRET, "HS512", INVALID),
    ("/secret", SHORT_SECRET, "HS256", INVALID),
    ("/secret", OCT, "HS256", INVALID)])
def test_shared_secret(server, path, key, alg, expected):
    token = seal({"alg": alg}, claims(iss=SECRETS), key, alg)
    assert verdict(server, token, path) == expected


@pytest.mark.parametrize("path", ["/corp", "/mixed"])
@pytest.mark.parametrize("kid", ["oct", None])
def test_oct_in_a_key_set_is_no_key(server, path, kid):
    head = {"alg": "HS256", **({"kid": kid} if kid else {})}
    assert verdict(server, seal(head, claims(), OCT, "HS256"),
                   path) == INVALID


def test_both_kinds_in_one_issuer(server):
    assert verdict(server, good(), "/mixed") == OK
    assert verdict(server, seal({"alg": "HS256"}, claims(), SECRET, "HS256"),
                   "/mixed") == OK


def public_forms():
    public = KEYS["rsa"].get_op_key("verify")
    pem = KEYS["rsa"].export_to_pem()
    der = public.public_bytes(serialization.Encoding.DER,
                              serialization.PublicFormat.SubjectPublicKeyInfo)
    pkcs1 = public.public_bytes(serialization.Encoding.PEM,
                                serialization.PublicFormat.PKCS1)
    exported = KEYS["rsa"].export_public()
    modulus = json.loads(exported)["n"]
    return [pem, pem.rstrip(), der, pkcs1, exported.encode(),
            modulus.encode(), jwk.base64url_decode(modulus)]


@pytest.mark.parametrize("path", ["/corp", "/mixed"])
@pytest.mark.parametrize("form", public_forms(), ids=range(7))
def test_public_key_as_secret(server, path, form):
    key = jwk.JWK(kty="oct", k=base64url_encode(form))
    for alg in ("HS256", "HS384", "HS512"):
        token = seal({"alg": alg, "kid": "rsa"}, claims(), key, alg)
        assert verdict(server, token, path) == INVALID
    assert verdict(server, good(key="rsa", alg="RS256"), path) == OK


# --- header -------------------------------------------------------------

@pytest.mark.parametrize("more", [
    {"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": True},
    {"crit": None}, {"b64": False}, {"b64": True}, {"zip": "DEF"},
    {"enc": "A256GCM"}, {"enc": None}])
def test_extension_that_is_not_understood(server, more):
    assert verdict(server, good(**{"x": 1})) == OK
    head = {"alg": "ES256", "kid": "ec", **more}
    assert verdict(server, seal(head, claims(), KEYS["ec"])) == INVALID


@pytest.mark.parametrize("typ,typed,untyped", [
    ("at+jwt", OK, OK), ("AT+JWT", OK, OK), ("application/at+jwt", OK, OK),
    ("Application/AT+jwt", OK, OK), ("JWT", INVALID, OK),
    ("", INVALID, OK), ("at+jwt ", INVALID, OK), ("at+jw", INVALID, OK),
    ("application/", INVALID, OK), ("text/at+jwt", INVALID, OK),
    (5, INVALID, INVALID), (["at+jwt"], INVALID, INVALID),
    ("at+jwt\0", INVALID, INVALID)])
def test_type(server, typ, typed, untyped):
    token = good(typ=typ)
    assert verdict(server, token, "/typed") == typed
    assert verdict(server, token) == untyped


def test_type_missing(server):
    assert verdict(server, good(), "/typed") == INVALID
    assert verdict(server, good()) == OK


def padded(size):
    head = '{"alg":"ES256","kid":"ec","x":"'
    return head + "x" * (size - len(head) - 2) + '"}'


@pytest.mark.parametrize("size,expected", [(2048, OK), (2049, INVALID),
                                           (2052, INVALID), (9000, INVALID)])
def test_header_size(server, size, expected):
    assert verdict(server, seal(padded(size), claims(),
                                KEYS["ec"])) == expected


# --- kid ----------------------------------------------------------------

@pytest.mark.parametrize("kid", [
    "", "e", "EC", "ec ", " ec", "ec\0", "ecx", "../ec", "/etc/passwd",
    "ec' OR '1'='1", "ec\r\nX: y", "https://issuer.example/ec", "ec\u00e9",
    "k" * 257, 1, True, [], ["ec"], {"ec": 1}])
def test_kid_names_no_key(server, kid):
    head = {"alg": "ES256", "kid": kid}
    assert verdict(server, seal(head, claims(), KEYS["ec"])) == INVALID


@pytest.mark.parametrize("kid", ["ec", None])
def test_kid_names_the_key(server, kid):
    assert verdict(server, good(kid=kid)) == OK


def test_kid_of_another_key(server):
    assert verdict(server, good(kid="for_sig")) == INVALID


def test_kid_of_a_key_of_another_kind(server):
    """The signature is right for its own key; kid and alg do not meet."""
    assert verdict(server, good(key="rsa", alg="RS256")) == OK
    for kid in ("ec", "ed", "oct"):
        assert verdict(server, good(key="rsa", alg="RS256",
                                    kid=kid)) == INVALID
    assert verdict(server, good(kid="rsa")) == INVALID


def test_longest_kid(server):
    assert verdict(server, good(key="long", kid=LONG_KID)) == OK


@pytest.mark.parametrize("index,kid,expected", [
    (0, False, OK), (7, False, OK), (8, False, INVALID), (8, True, OK)])
def test_candidates_without_kid(server, index, kid, expected):
    head = {"alg": "ES256", **({"kid": f"m{index}"} if kid else {})}
    token = seal(head, claims(), MANY[index])
    assert verdict(server, token, "/many") == expected


def test_kid_is_not_logged(server):
    before = len(server.log())
    head = {"alg": "ES256", "kid": "x\r\n[emerg] forged line\x1b[2J"}
    assert verdict(server, seal(head, claims(), KEYS["ec"])) == INVALID
    added = server.log()[before:]
    assert "AO2-013" in added and "forged" not in added


ONE_PROCESS = ("StartServers 1\nServerLimit 1\nMaxRequestWorkers 1\n"
               if MPM == "prefork" else
               "StartServers 1\nServerLimit 1\nThreadsPerChild 8\n"
               "MaxRequestWorkers 8\nMinSpareThreads 1\n"
               "MaxSpareThreads 8\n")


def test_flood_of_unknown_kids(httpd, key, jwks):
    """A thousand kids nobody knows cost the issuer one call."""
    remote = Issuer(jwks)
    try:
        server = httpd(ONE_PROCESS + issuer(keys=f"ApiJWKS {remote.url}/keys")
                       + location("/"), files={"htdocs/index.html": "ok"})
        server.expect("AH00161")  # the one process is busy: as intended
        token = tokens.sign(claims(), key)
        assert request(server.port, "/", token).status == OK
        first = len(remote.calls)
        payload = claims()
        for i in range(1000):
            token = seal({"alg": "ES256", "kid": f"x{i}"}, payload, key)
            assert request(server.port, "/", token).status == 401
        assert first == 1 and len(remote.calls) <= 2
        assert request(server.port, "/", tokens.sign(claims(), key)).status \
            == OK
    finally:
        remote.stop()


# --- form ---------------------------------------------------------------

def test_segments(server):
    token = good()
    head, payload, signature = token.split(".")
    assert verdict(server, token) == OK
    for text in (f"{head}.{payload}", f"{token}.", f".{token}",
                 f"{token}.{signature}", f"{head}..{payload}.{signature}",
                 f".{payload}.{signature}", f"{head}.{payload}.",
                 f"{head}..{signature}", f"..{signature}", "..", ".", "a.b.c",
                 f"{head}.{payload}.x.y.{signature}", head,
                 head + payload + signature):
        assert verdict(server, text) == INVALID, text


@pytest.mark.parametrize("text", [
    lambda h, p, s: json.dumps({"protected": h, "payload": p,
                                "signature": s}),
    lambda h, p, s: json.dumps({"payload": p, "signatures": [
        {"protected": h, "signature": s}]})], ids=["flattened", "general"])
def test_json_serialisation(server, text):
    assert verdict(server, text(*good().split("."))) == MALFORMED


def slack(text):
    """Another text that lax decoders take for the same bytes."""
    alphabet = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                "0123456789-_")
    assert len(text) % 4, "no spare bits in this one"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def uneven(value, width=0):
    """JSON text whose base64url leaves spare bits."""
    text = json.dumps(value)
    return text + " " * (1 if (len(text) + width) % 3 == 0 else 0)


def test_one_spelling(server):
    head = encode(uneven({"alg": "ES256", "kid": "ec"}))
    payload = encode(uneven(claims()))
    token = seal_text(f"{head}.{payload}", KEYS["ec"])
    signature = token.split(".")[2]
    assert verdict(server, token) == OK
    assert verdict(server, f"{head}.{payload}.{slack(signature)}") == INVALID
    for text in (f"{slack(head)}.{payload}", f"{head}.{slack(payload)}"):
        assert verdict(server, seal_text(text, KEYS["ec"])) == INVALID


def swapped(text):
    return text.replace("-", "+").replace("_", "/")


def test_alphabet(server):
    while True:  # a signature that needs the two characters in question
        token = good()
        if swapped(token.split(".")[2]) != token.split(".")[2]:
            break
    head, payload, signature = token.split(".")
    assert verdict(server, token) == OK
    assert verdict(server, f"{head}.{payload}.{swapped(signature)}") \
        == INVALID
    assert verdict(server, token + "=") == INVALID
    assert verdict(server, token + "==") == INVALID
    for text in (f"{head}=.{payload}.{signature}",
                 f"{head}.{payload}=.{signature}",
                 f"{head}. {payload}.{signature}",
                 f"{head}.{payload}.{signature}\t{signature}",
                 f"{head}.{payload}.{signature}\u00e9"):
        assert verdict(server, text) == MALFORMED, text
    assert verdict(server, f"{head}.{payload}.{signature}~") == INVALID


def test_every_segment_is_signed(server):
    token = good()
    head, payload, signature = token.split(".")
    forged = encode(claims(sub="root"))
    other = encode({"alg": "ES256", "kid": "ec", "x": 1})
    assert verdict(server, token) == OK
    assert verdict(server, f"{head}.{forged}.{signature}") == INVALID
    assert verdict(server, f"{other}.{payload}.{signature}") == INVALID
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert verdict(server, f"{head}.{payload}.{flipped}") == INVALID
    assert verdict(server, f"{head}.{payload}.{signature[:-4]}") == INVALID
    assert verdict(server, f"{token}AAAA") == INVALID
    zeros = base64url_encode(bytes(64))
    assert verdict(server, f"{head}.{payload}.{zeros}") == INVALID
    assert verdict(server, seal({"alg": "ES256", "kid": "ec"}, claims(),
                                FOREIGN)) == INVALID


@pytest.mark.parametrize("head", [
    '{"alg":"ES256","kid":"ec"} ', '{"alg":"ES256",\r\n "kid":"ec"}',
    '{\r\n"alg":"ES256","kid":"ec"}', '{\n\t"alg":"ES256","kid":"ec"}',
    '{\t"alg":"ES256","kid":"ec"}', '{ "alg":"ES256","kid":"ec"}',
    '{"\\u0061lg":"ES256","kid":"ec"}'])
def test_header_as_json_may_be_written(server, head):
    assert verdict(server, seal(head, claims(), KEYS["ec"])) == OK


@pytest.mark.parametrize("head", [
    '{"alg":"ES256","alg":"ES256","kid":"ec"}',
    '{"alg":"none","alg":"ES256","kid":"ec"}',
    '{"alg":"ES256","\\u0061lg":"ES256","kid":"ec"}',
    '{"alg":"ES256","kid":"ec","x":{"a":1,"a":1}}',
    '{"alg":"ES256","kid":"ec"}\0', '{"alg":"ES256","kid":"ec"}x',
    '{"alg":"ES256","kid":"ec",}', '{"alg":"ES256","kid":"ec"',
    '\ufeff{"alg":"ES256","kid":"ec"}', '["ES256"]', '"ES256"', "{}",
    '{"alg":"ES256","kid":"ec"}{}', "{'alg':'ES256','kid':'ec'}",
    b'{"alg":"ES256","kid":"ec","x":"\xff"}',
    '{"alg":"ES256","kid":"ec","x":' + "[" * 16 + "]" * 16 + "}"])
def test_header_is_no_strict_json(server, head):
    assert verdict(server, seal(head, claims(), KEYS["ec"])) == INVALID


def text_of(**changes):
    return json.dumps(claims(**changes))


@pytest.mark.parametrize("payload", [
    lambda: text_of() + "\n", lambda: text_of(x="a\0b"),
    lambda: text_of(x={"a": {"a": 1}}),
    lambda: text_of()[:-1] + ',"x":' + "[" * 15 + "]" * 15 + "}"],
    ids=["newline", "nul", "nested", "depth16"])
def test_payload_as_json_may_be_written(server, payload):
    assert verdict(server, good(payload())) == OK


@pytest.mark.parametrize("payload", [
    lambda: text_of() + "\0", lambda: text_of() + "\0{}",
    lambda: text_of() + "x", lambda: text_of()[:-1],
    lambda: text_of()[:-1] + ',"sub":"alice"}',
    lambda: text_of()[:-1] + ',"\\u0073ub":"alice"}',
    lambda: text_of()[:-1] + ',"x":{"a":1,"a":1}}',
    lambda: text_of()[:-1] + ',"x":' + "[" * 16 + "]" * 16 + "}",
    lambda: "[" + text_of() + "]", lambda: '"' + ISSUER + '"',
    lambda: "null", lambda: "", lambda: "\0",
    lambda: text_of(x="?").encode().replace(b"?", b"\xff"),
    lambda: text_of(x="?").encode().replace(b"?", b"\xed\xa0\x80"),
    lambda: "\ufeff" + text_of()],
    ids="nul nul2 junk cut twice escaped nested depth17 array string null "
        "empty only_nul utf8 surrogate bom".split())
def test_payload_is_no_strict_json(server, payload):
    assert verdict(server, good(payload())) == INVALID


# --- times --------------------------------------------------------------

def at(offset):
    return lambda: int(time.time()) + offset


def raw(text):
    """A number as JSON writes it but Python does not."""
    return lambda: text


NOT_A_TIME = [raw(t) for t in (
    '"soon"', '"9999999999"', "null", "true", "[]", "[9999999999]", "{}",
    "-1", "-0.0", "-1e300", "1e400", "-9223372036854775809",
    "9223372036854775808", "99999999999999999999", "NaN", "0x7fffffff",
    "+9999999999", "09999999999")]
NOT_A_TIME_IDS = [value() for value in NOT_A_TIME]
LATER = [raw(t) for t in (
    "2147483648", "4294967296", "99999999999", "9223372036854775807",
    "9223372036854775806.5", "1e10", "1e18", "1e19", "1e300",
    "4102444800.999999")]
LATER_IDS = [value() for value in LATER]


def timed(claim, value):
    """Claims with one of them as text, whatever it is."""
    rest = json.dumps(claims(**{claim: None}))
    return f'{rest[:-1]},"{claim}":{value()}}}'


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", NOT_A_TIME, ids=NOT_A_TIME_IDS)
def test_no_time_at_all(server, claim, value):
    assert verdict(server, good(timed(claim, value))) == INVALID
    assert verdict(server, good(timed(claim, value)), "/endless") == INVALID


@pytest.mark.parametrize("value", LATER, ids=LATER_IDS)
def test_far_future(server, value):
    assert verdict(server, good(timed("exp", value))) == OK
    assert verdict(server, good(timed("nbf", value))) == NOT_YET
    assert verdict(server, good(timed("iat", value))) == NOT_YET


@pytest.mark.parametrize("claim,offset,expected", [
    ("exp", 300, OK), ("exp", -50, OK), ("exp", -61, EXPIRED),
    ("exp", -3600, EXPIRED), ("nbf", -300, OK), ("nbf", 50, OK),
    ("nbf", 90, NOT_YET), ("iat", -300, OK), ("iat", 50, OK),
    ("iat", 90, NOT_YET)])
def test_near_now(server, claim, offset, expected):
    assert verdict(server, good(timed(claim, at(offset)))) == expected
    half = good(timed(claim, lambda: f"{int(time.time()) + offset}.25"))
    assert verdict(server, half) == expected


@pytest.mark.parametrize("claim,value,expected", [
    ("exp", "0", EXPIRED), ("exp", "-0", EXPIRED), ("exp", "0.5", EXPIRED),
    ("exp", "1e-300", EXPIRED), ("nbf", "0", OK), ("nbf", "0.5", OK),
    ("iat", "0", OK), ("iat", "1e0", OK)])
def test_long_ago(server, claim, value, expected):
    assert verdict(server, good(timed(claim, raw(value)))) == expected


def test_no_expiry(server):
    token = good(claims(exp=None))
    assert verdict(server, token) == INVALID
    assert verdict(server, token, "/endless") == OK
    assert verdict(server, good(claims(exp=int(time.time()) - 100)),
                   "/endless") == EXPIRED


# --- audience, issuer, names --------------------------------------------

ABSENT = object()


def with_claim(name, value):
    return claims(**{name: None}) if value is ABSENT else \
        dict(claims(), **{name: value})


@pytest.mark.parametrize("aud,expected", [
    ("pizza", OK), (["pizza"], OK), (["a", "pizza", "b"], OK),
    (["pizza", 5, None, {}], OK), ("Pizza", AUDIENCE), ("pizza ", AUDIENCE),
    ("piz", AUDIENCE), ("pizzas", AUDIENCE), ("pizza\0", AUDIENCE),
    ("pizza,pasta", AUDIENCE), ("a pizza", AUDIENCE), ("", AUDIENCE),
    ([], AUDIENCE), ([["pizza"]], AUDIENCE), ([{"pizza": 1}], AUDIENCE),
    ({"pizza": 1}, AUDIENCE), ({"0": "pizza"}, AUDIENCE), (5, AUDIENCE),
    (None, AUDIENCE), (True, AUDIENCE), (ABSENT, AUDIENCE)])
def test_audience(server, aud, expected):
    token = good(with_claim("aud", aud))
    assert verdict(server, token) == expected
    assert verdict(server, token, "/any") == OK


@pytest.mark.parametrize("aud,expected", [
    ("pizza", OK), ("pasta", OK), (["x", "pasta"], OK),
    ("pasta pizza", AUDIENCE), ("x", AUDIENCE)])
def test_one_of_two_audiences(server, aud, expected):
    assert verdict(server, good(claims(aud=aud)), "/two") == expected


@pytest.mark.parametrize("iss", [
    ISSUER + "/", ISSUER[:-1], ISSUER.upper(), "HTTPS" + ISSUER[5:],
    ISSUER + "\0", ISSUER + " ", " " + ISSUER, ISSUER + ":443", "", OTHER,
    "corp", None, True, 5, [ISSUER], {"iss": ISSUER}, {ISSUER: 1}, ABSENT])
def test_issuer_is_exact(server, iss):
    assert verdict(server, good(with_claim("iss", iss))) == INVALID
    assert verdict(server, good(with_claim("iss", ISSUER))) == OK


def test_issuer_selects_the_key(server):
    """Both issuers have a key "ec"; each counts for its own tokens."""
    head = {"alg": "ES256", "kid": "ec"}
    for iss, key, expected in ((ISSUER, KEYS["ec"], OK),
                               (OTHER, OTHER_KEY, OK),
                               (OTHER, KEYS["ec"], INVALID),
                               (ISSUER, OTHER_KEY, INVALID)):
        assert verdict(server, seal(head, claims(iss=iss), key),
                       "/both") == expected
    assert verdict(server, seal(head, claims(iss=OTHER), OTHER_KEY)) \
        == INVALID


@pytest.mark.parametrize("changes,expected", [
    ({}, OK), ({"sub": None}, OK), ({"client_id": None}, OK),
    ({"client_id": None, "azp": "app"}, OK),
    ({"sub": None, "client_id": None}, INVALID), ({"sub": ""}, INVALID),
    ({"sub": 5}, INVALID), ({"sub": ["alice"]}, INVALID),
    ({"sub": "a\0b"}, INVALID), ({"sub": "a\r\nb"}, INVALID),
    ({"sub": "a\x7fb"}, INVALID), ({"sub": "al\u00efce"}, OK),
    ({"client_id": 5}, INVALID), ({"scope": 5}, INVALID),
    ({"scope": ["read", "write"]}, OK), ({"scope": ["read write"]}, INVALID),
    ({"scope": " ".join(f"s{i}" for i in range(64))}, OK),
    ({"scope": " ".join(f"s{i}" for i in range(65))}, INVALID),
    ({"scope": "s" * 256}, OK), ({"scope": "s" * 257}, INVALID),
    ({"jti": "j" * 256}, OK), ({"jti": "j" * 257}, INVALID),
    ({"jti": 5}, INVALID)])
def test_other_claims(server, changes, expected):
    assert verdict(server, good(claims(**changes))) == expected


# --- keys that a token brings -------------------------------------------

@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


def was_called(listener):
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_token_brings_no_key(server, listener):
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
    public = json.loads(FOREIGN.export_public())
    with_keys = dict(jku=url, x5u=url, jwk=public,
                     x5c=[base64url_encode(FOREIGN.export_to_pem())])
    for kid in ("ec", "unknown", None, url):
        head = {"alg": "ES256", **with_keys, **({"kid": kid} if kid else {})}
        token = seal(head, claims(), FOREIGN)
        assert verdict(server, token) == INVALID
    assert verdict(server, good(**with_keys)) == OK
    assert verdict(server, good(claims(jku=url, jwks_uri=url))) == OK
    assert not was_called(listener)
    socket.create_connection(listener.getsockname()).close()
    assert was_called(listener)
