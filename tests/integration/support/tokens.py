"""Keys and tokens, made by another library than the module's own."""
import json
import time

from jwcrypto import jwk, jws
from jwcrypto.common import base64url_encode
from jwcrypto.jwa import JWA

ISSUER = "https://issuer.example"
#: Every token of the run: none may be found in a log.
minted = set()

KINDS = {
    "RS256": dict(kty="RSA", size=2048), "RS384": dict(kty="RSA", size=2048),
    "RS512": dict(kty="RSA", size=2048), "PS256": dict(kty="RSA", size=2048),
    "PS384": dict(kty="RSA", size=2048), "PS512": dict(kty="RSA", size=2048),
    "ES256": dict(kty="EC", crv="P-256"), "ES384": dict(kty="EC", crv="P-384"),
    "ES512": dict(kty="EC", crv="P-521"),
    "EdDSA": dict(kty="OKP", crv="Ed25519"),
    "HS256": dict(kty="oct", size=256), "HS384": dict(kty="oct", size=384),
    "HS512": dict(kty="oct", size=512),
}
ASYMMETRIC = [alg for alg in KINDS if not alg.startswith("HS")]


def new_key(alg="ES256", kid="k1", **more):
    return jwk.JWK.generate(kid=kid, **KINDS[alg], **more)


def key_set(*keys, **more):
    """A JWK Set of public keys; `more` is added to each."""
    return json.dumps({"keys": [dict(json.loads(k.export_public()), **more)
                                for k in keys]})


def claims(**changes):
    """Good claims; None takes one out."""
    now = int(time.time())
    base = dict(iss=ISSUER, sub="alice", client_id="app", aud="pizza",
                scope="read write", exp=now + 300, iat=now)
    base.update(changes)
    return {k: v for k, v in base.items() if v is not None}


def sign(payload, key, alg="ES256", header=None, raw_header=None):
    """A compact JWS over bytes, a string or an object."""
    if not isinstance(payload, (bytes, str)):
        payload = json.dumps(payload)
    head = dict(alg=alg, typ="at+jwt")
    kid = json.loads(key.export()).get("kid")
    if kid:
        head["kid"] = kid
    head.update(header or {})
    head = {k: v for k, v in head.items() if v is not None}
    token = jws.JWS(payload)
    token.allowed_algs = list(KINDS)
    token.add_signature(key, None, raw_header or json.dumps(head))
    text = token.serialize(compact=True)
    minted.add(text)
    return text


def encode(part):
    """base64url of bytes, a string or an object."""
    return base64url_encode(part if isinstance(part, (bytes, str))
                            else json.dumps(part))


def seal(header, payload, key, alg="ES256"):
    """A compact JWS whose parts are any bytes at all, rightly signed: where
    one is refused, it is not for its signature."""
    return seal_text(f"{encode(header)}.{encode(payload)}", key, alg)


def seal_text(text, key, alg="ES256"):
    """The same for parts that are encoded already."""
    signature = JWA.signing_alg(alg).sign(key, text.encode())
    text += "." + base64url_encode(signature)
    minted.add(text)
    return text
