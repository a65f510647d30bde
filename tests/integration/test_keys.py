"""Which keys count: their forms, and what they say about their use."""
import base64
import json

import pytest
from jwcrypto import jwk
from support import peers, remote, tokens
from support.certificates import self_signed
from support.server import ONE_PROCESS

KEYS = {alg: tokens.new_key(alg, kid="k1") for alg in tokens.ASYMMETRIC}
RSA, EC, ED = KEYS["RS256"], KEYS["ES256"], KEYS["EdDSA"]
STRANGER = tokens.new_key("ES256", kid="k1")


def public(key, **changes):
    """A JWK; None takes a member out."""
    it = {**json.loads(key.export_public()), **changes}
    return {name: value for name, value in it.items() if value is not None}


def text_of(*keys):
    return json.dumps({"keys": list(keys)})


def private_pem(key):
    return key.export_to_pem(private_key=True, password=None)


def public_pem(key):
    return key.export_to_pem().decode()


def certificate(key, **how):
    return self_signed(private_pem(key), **how)


def x5c(key, **changes):
    """A JWK whose key stands in a certificate alone."""
    lines = certificate(key, days=(-20, -10)).splitlines()
    gone = dict.fromkeys(("n", "e", "x", "y"))
    return public(key, x5c=["".join(lines[1:-1])], **gone, **changes)


# A row: the issuer's lines, or the text of its JWK Set; the key that signs,
# its algorithm, "kid" and so on in the token's header; the status.
ROWS = {}


def row(name, source, key, status, alg="ES256", **header):
    assert name not in ROWS, name
    ROWS[name] = (source, key, status, alg, header)


def pem_row(name, content, options, key, status, alg="ES256", **header):
    row(name, ("ApiPublicKey file:keys/{name} " + options, content), key,
        status, alg, **header)


for alg, key in KEYS.items():
    row(f"jwk-{alg}", text_of(public(key)), key, 200, alg)
    pem_row(f"pem-{alg}", public_pem(key), "kid=k1", key, 200, alg)
    pem_row(f"certificate-{alg}", certificate(key), "kid=k1", key, 200, alg)
    row(f"x5c-{alg}", text_of(x5c(key)), key, 200, alg)
row("stranger", text_of(public(EC)), STRANGER, 401)
row("single-jwk", json.dumps(public(EC)), EC, 200)

# The PEM file's own settings.
pem_row("pem-no-kid", public_pem(EC), "", EC, 401)
pem_row("pem-token-no-kid", public_pem(EC), "", EC, 200, kid=None)
pem_row("pem-other-kid", public_pem(EC), "kid=k2", EC, 401)
pem_row("pem-alg", public_pem(RSA), "alg=PS256 kid=k1", RSA, 200, "PS256")
pem_row("pem-other-alg", public_pem(RSA), "alg=PS256 kid=k1", RSA, 401,
        "RS256")
pem_row("pem-expired", certificate(EC, days=(-20, -10)), "kid=k1", EC, 200)
pem_row("pem-private", private_pem(EC).decode(), "kid=k1", EC, 200)
pem_row("pem-text-around", "Our key\n" + public_pem(EC) + "\nthe end\n",
        "kid=k1", EC, 200)
pem_row("pem-crlf", public_pem(EC).replace("\n", "\r\n"), "kid=k1", EC, 200)

# What a JWK says about its use.
for name, changes, status in [
        ("use-sig", {"use": "sig"}, 200), ("use-enc", {"use": "enc"}, 401),
        ("use-other", {"use": "Sig"}, 401), ("use-number", {"use": 1}, 401),
        ("ops-verify", {"key_ops": ["verify"]}, 200),
        ("ops-both", {"key_ops": ["sign", "verify"]}, 200),
        ("ops-sign", {"key_ops": ["sign"]}, 401),
        ("ops-encrypt", {"key_ops": ["encrypt"]}, 401),
        ("ops-none", {"key_ops": []}, 401),
        ("ops-text", {"key_ops": "verify"}, 401),
        ("ops-use", {"key_ops": ["verify"], "use": "enc"}, 401),
        ("alg-same", {"alg": "ES256"}, 200),
        ("alg-other", {"alg": "ES384"}, 401),
        ("alg-unknown", {"alg": "ES256K"}, 401),
        ("alg-encryption", {"alg": "ECDH-ES"}, 401),
        ("alg-case", {"alg": "es256"}, 401),
        ("alg-number", {"alg": 256}, 401),
        ("alg-none", {"alg": "none"}, 401),
        ("crv-other", {"crv": "P-384"}, 401),
        ("crv-unknown", {"crv": "secp256k1"}, 401),
        ("kty-other", {"kty": "RSA"}, 401),
        ("kty-unknown", {"kty": "EC2"}, 401),
        ("kty-none", {"kty": None}, 401),
        ("x-cut", {"x": public(EC)["x"][:-2]}, 401),
        ("x-padded", {"x": public(EC)["x"] + "="}, 401),
        ("x-other", {"x": public(STRANGER)["x"]}, 401),
        ("y-none", {"y": None}, 401),
        ("kid-other", {"kid": "K1"}, 401), ("kid-longer", {"kid": "k12"}, 401),
        ("kid-number", {"kid": 1}, 401),
        ("kid-too-long", {"kid": "k" * 257}, 401),
        ("d-too", {"d": json.loads(EC.export())["d"]}, 200),
        ("more-members", {"iat": 1, "x5t": "x", "ext": True}, 200)]:
    # Another key stands beside it, so that the set is good in every case.
    row(name, text_of(public(EC, **changes), public(ED, kid="beside")), EC,
        status)

# One key, two families: "alg" binds it.
row("rsa-any-rs", text_of(public(RSA)), RSA, 200, "RS256")
row("rsa-any-ps", text_of(public(RSA)), RSA, 200, "PS512")
row("rsa-bound-ps", text_of(public(RSA, alg="PS512")), RSA, 200, "PS512")
row("rsa-bound-rs", text_of(public(RSA, alg="PS512")), RSA, 401, "RS256")
row("eddsa-bound", text_of(public(ED, alg="EdDSA")), ED, 200, "EdDSA")
row("ed25519-bound", text_of(public(ED, alg="Ed25519")), ED, 200, "EdDSA")
row("ed448-bound", text_of(public(ED, alg="Ed448"), public(EC, kid="b")), ED,
    401, "EdDSA")

# RSA sizes and exponents; secrets are no keys of a set.
for bits, status in (1024, 401), (2040, 401), (2048, 200), (3072, 200):
    key = jwk.JWK.generate(kty="RSA", size=bits, kid="k1")
    row(f"rsa-{bits}", text_of(public(key), public(EC, kid="b")), key, status,
        "RS256")
for e, status in ("AQAB", 200), ("AQ", 401), ("Ag", 401), ("AQAAAAAB", 401):
    row(f"rsa-e-{e}", text_of(public(RSA, e=e), public(EC, kid="b")), RSA,
        status, "RS256")
SECRET = jwk.JWK.generate(kty="oct", size=256, kid="k1")
row("secret", text_of(json.loads(SECRET.export()), public(EC, kid="b")),
    SECRET, 401, "HS256")

# Certificates in a set are a form of the key and nothing else.
row("x5c-beside", text_of({**public(EC), "x5c": x5c(STRANGER)["x5c"]}), EC,
    200)
row("x5c-beside-key", text_of({**public(EC), "x5c": x5c(STRANGER)["x5c"]}),
    STRANGER, 401)
row("x5c-second", text_of({**x5c(EC), "x5c": x5c(STRANGER)["x5c"]
                           + x5c(EC)["x5c"]}), EC, 401)
row("x5c-other-type", text_of(x5c(EC, kty="RSA"), public(ED, kid="b")), EC,
    401)
row("x5c-broken", text_of(x5c(EC) | {"x5c": ["AAAA"]}, public(ED, kid="b")),
    EC, 401)
row("x5c-use", text_of(x5c(EC, use="enc"), public(ED, kid="b")), EC, 401)

# Several keys.
ODD = [{"kty": "OKP", "crv": "X25519", "x": "AA"}, {"kty": "new"}, {}, [], 5,
       None, "k", {"kty": "EC"}, {"kty": "RSA", "n": "AA", "e": "AQAB"}]
row("among-odd", text_of(*ODD, public(EC), *ODD), EC, 200)
row("same-kid-first", text_of(public(EC), public(STRANGER)), EC, 200)
row("same-kid-second", text_of(public(STRANGER), public(EC)), EC, 200)
OTHERS = [public(tokens.new_key(kid=f"o{i}")) for i in range(8)]
row("no-kid-8th", text_of(*OTHERS[:7], public(EC)), EC, 200, kid=None)
row("no-kid-9th", text_of(*OTHERS, public(EC)), EC, 401, kid=None)
row("no-kid-fitting", text_of(*[public(ED, kid=f"o{i}") for i in range(20)],
                              public(EC)), EC, 200, kid=None)
row("keys-no-kid", text_of(public(EC, kid=None)), EC, 200, kid=None)
row("64th", text_of(*[public(ED, kid=f"n{i}") for i in range(63)],
                    public(EC)), EC, 200)

# What a token brings along is no key, whatever the header calls it.
for name, header in [
        ("jwk", {"jwk": public(STRANGER)}),
        ("x5c", {"x5c": x5c(STRANGER)["x5c"]}),
        ("kid-path", {"kid": "../../keys/stranger.json"}),
        ("kid-null", {"kid": "/dev/null"}),
        ("kid-sql", {"kid": "' UNION SELECT 'AAAA'; --"}),
        ("kid-url", {"kid": "http://127.0.0.1/jwks"}),
        ("kid-controls", {"kid": "k1\r\nX: y\x1b[31m\x7f"}),
        ("kid-longer", {"kid": "k1" + "\u00e9" * 100})]:
    row(f"token-{name}", text_of(public(EC)), STRANGER, 401, **header)
    if "kid" not in header:
        row(f"token-{name}-good", text_of(public(EC)), EC, 200, **header)


def lines_of(name, source):
    """The configuration of a row, and the file it names."""
    lines, content = source if isinstance(source, tuple) else (
        "ApiJWKS file:keys/{name}", source)
    return lines.format(name=name), content


@pytest.fixture(scope="module")
def server(module_httpd):
    rows = {name: lines_of(name, source)
            for name, (source, *_) in ROWS.items()}
    return module_httpd(
        remote.many({name: lines for name, (lines, _) in rows.items()}),
        files={f"keys/{name}": content
               for name, (_, content) in rows.items()})


@pytest.mark.parametrize("name", ROWS)
def test_row(server, name):
    _, key, status, alg, header = ROWS[name]
    claims = tokens.claims(iss=f"https://{name}.example")
    token = tokens.sign(claims, key, alg, header)
    assert remote.status(server, token, f"/{name}") == {
        200: remote.SERVED}.get(status, status)


def test_logs_stay_lines(server):
    """What stands in "kid" adds no line and no control to a log."""
    log = (server.root / "error.log").read_bytes()
    assert b"\x1b" not in log and b"\x7f" not in log and b"\r" not in log
    # A warning of the configuration begins with the file that it is of.
    starts = b"[", f"{server.root}/httpd.conf:".encode()
    assert not [line for line in log.splitlines()
                if not line.startswith(starts)]


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk-url"])
def test_no_call_because_a_token_says_so(httpd, jwks, key, name):
    stranger = tokens.new_key(kid="k1")
    issuer = peers.Issuer(tokens.key_set(stranger))
    header = {"jku": {"jku": issuer.url}, "x5u": {"x5u": issuer.url},
              "jwk-url": {"jwk": issuer.url, "kid": issuer.url}}[name]
    try:
        server = httpd(remote.site("ApiJWKS file:keys/jwks.json"),
                       main=ONE_PROCESS, files={"keys/jwks.json": jwks})
        bad = tokens.sign(tokens.claims(), stranger, header=header)
        assert remote.status(server, bad) == 401
        assert issuer.server.accepted == 0
    finally:
        issuer.stop()


REFUSED = {  # at configtest, and why
    "65-keys": ("ApiJWKS file:keys/it",
                text_of(*[public(EC, kid=f"n{i}") for i in range(65)]),
                "more than 64 keys"),
    "no-usable": ("ApiJWKS file:keys/it", text_of(public(EC, use="enc")),
                  "no usable key"),
    "pem-nothing": ("ApiPublicKey file:keys/it", "hello\n", "no PEM"),
    "pem-cut": ("ApiPublicKey file:keys/it", public_pem(EC)[:-60], "no PEM"),
    "pem-alg": ("ApiPublicKey file:keys/it alg=RS256", public_pem(EC),
                "does not fit the algorithm RS256"),
    "pem-small": ("ApiPublicKey file:keys/it", public_pem(
        jwk.JWK.generate(kty="RSA", size=1024)), "2048"),
    "pem-encrypted": ("ApiPublicKey file:keys/it", EC.export_to_pem(
        private_key=True, password=b"secret").decode(), "no PEM"),
    "pem-der": ("ApiPublicKey file:keys/it", base64.b64decode("".join(
        public_pem(EC).splitlines()[1:-1])).decode("latin-1"), "no PEM"),
    "17-files": ("ApiJWKS " + 17 * "file:keys/it ", text_of(public(EC)),
                 "more than 16 files"),
    "17-urls": ("ApiJWKS " + 17 * "https://a.example/ ", "",
                "more than 16 URLs"),
}
ACCEPTED = {
    "64-keys": ("ApiJWKS file:keys/it",
                text_of(*[public(EC, kid=f"n{i}") for i in range(64)])),
    "pem": ("ApiPublicKey file:keys/it alg=ES256", public_pem(EC)),
    "16-files": ("ApiJWKS " + 16 * "file:keys/it ", text_of(public(EC))),
    "16-urls": ("ApiJWKS " + 16 * "https://a.example/ ", ""),
}


@pytest.mark.parametrize("name", [*REFUSED, *ACCEPTED])
def test_configtest(httpd, name):
    lines, content, *why = REFUSED.get(name) or ACCEPTED[name]
    server = httpd(start=False, files={"keys/it": content})
    code, told = server.configtest(remote.site(lines))
    assert (code != 0) == (name in REFUSED), told
    assert all(text in told for text in why)
