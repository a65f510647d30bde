"""htapi jwt: tokens that it signs, tokens that it refuses, and why."""
import base64
import json
import time

import pytest
from jwcrypto import jwk, jws

from support import htapi, tokens
from support.htapi import DONE, REFUSED, WRONG

NOW = 1_700_000_000
CLAIMS = {"iss": "https://i.example", "aud": "pizza", "sub": "alice",
          "exp": NOW + 600}


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts(token):
    """Header and claims."""
    return [json.loads(decode(part)) for part in token.split(".")[:2]]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Private JWKs in files by algorithm, their public set in another."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for alg in ("RS256", "PS384", "ES256", "ES512", "EdDSA", "Ed448",
                "HS256"):
        made[alg] = folder / f"{alg}.jwk"
        made[alg].write_text(
            htapi.run("key", "create", "--alg", alg, "--kid", alg).stdout)
    public = [json.loads(file.read_text()) for alg, file in made.items()
              if alg != "HS256"]
    made["set"] = folder / "set.json"
    made["set"].write_text(json.dumps({"keys": [
        jwk.JWK(**key).export_public(as_dict=True) for key in public]}))
    return made


def remember(answer):
    assert (answer.returncode, answer.stderr) == (DONE, ""), answer.stderr
    assert answer.stdout.endswith("\n") and answer.stdout.count("\n") == 1
    tokens.minted.add(answer.stdout.strip())
    return answer.stdout.strip()


def sign(key, *words, **more):
    return remember(htapi.run("jwt", "sign", "--key", key, *words, **more))


def mint(keys, alg="ES256", header=(), payload=None, **claims):
    """A token by jwcrypto; None takes a claim or a header member out."""
    whole = {"alg": alg, "kid": alg, "typ": "at+jwt", **dict(header)}
    token = jws.JWS(payload if payload is not None else json.dumps(
        {name: value for name, value in {**CLAIMS, **claims}.items()
         if value is not None}))
    token.add_signature(
        jwk.JWK(**json.loads(keys[alg].read_text())), whole["alg"],
        json.dumps({name: value for name, value in whole.items()
                    if value is not None}))
    text = token.serialize(compact=True)
    tokens.minted.add(text)
    return text


def verify(keys, token, *words, **more):
    return htapi.run("jwt", "verify", "--jwks", keys["set"], "--now", NOW,
                     *words, token, **more)


def accepted(keys, token, *words, **more):
    answer = verify(keys, token, *words, **more)
    assert (answer.returncode, answer.stderr) == (DONE, ""), answer.stderr
    return json.loads(answer.stdout)


def refused(keys, token, *words, **more):
    """The id of the error; its line says no token and no key."""
    answer = verify(keys, token, *words, **more)
    assert (answer.returncode, answer.stdout) == (REFUSED, ""), answer
    name, colon, detail = answer.stderr.partition(": ")
    assert colon and detail.endswith("\n") and detail.count("\n") == 1
    for part in token.split("."):
        assert len(part) < 9 or part not in answer.stderr
    return name


# --- signing ----------------------------------------------------------------

def test_sign_says_what_it_should(keys):
    before = int(time.time())
    header, claims = parts(sign(keys["ES256"], "--claim", "sub=alice"))
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": "ES256"}
    assert set(claims) == {"sub", "iat", "exp", "jti"}
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] == claims["iat"] + 3600
    assert len(claims["jti"]) == 32
    assert parts(sign(keys["ES256"]))[1]["jti"] != claims["jti"]


def test_sign_options(keys):
    header, claims = parts(sign(
        keys["RS256"], "--now", NOW, "--ttl=5mi", "--typ", "JWT",
        "--claim", "jti=mine", "--claim", "exp=5", "--claim=a=b=c",
        "--claim", "n=1.5", "--claim", 'text="7"', "--claim", "list=[1,\"x\"]",
        "--claim", "yes=true", "--claim", "empty=", "--claim", "zip=0042"))
    assert header["typ"] == "JWT"
    assert claims == {"iat": NOW, "exp": 5, "jti": "mine", "a": "b=c",
                      "n": 1.5, "text": "7", "list": [1, "x"], "yes": True,
                      "empty": "", "zip": "0042"}


@pytest.mark.parametrize("alg", ["RS256", "PS384", "ES256", "ES512", "EdDSA",
                                 "Ed448"])
def test_round_trip(keys, alg):
    token = sign(keys[alg], "--now", NOW, "--claim", "sub=alice")
    assert parts(token)[0]["alg"] == alg
    assert accepted(keys, token)["sub"] == "alice"
    if alg != "Ed448":  # a name that jwcrypto does not know
        assert accepted(keys, mint(keys, alg)) == CLAIMS
        check = jws.JWS()
        check.deserialize(token)
        check.verify(jwk.JWK(**json.loads(keys[alg].read_text())))


def test_sign_with_a_secret(keys):
    token = sign(keys["HS256"], "--now", NOW, "--claim", "sub=a")
    assert accepted(keys, token, "--secret", keys["HS256"])["sub"] == "a"
    assert refused(keys, token) == "token_invalid"


def test_sign_with_pem_and_stdin(keys, tmp_path):
    key = jwk.JWK(**json.loads(keys["RS256"].read_text()))
    file = tmp_path / "key.pem"
    file.write_bytes(key.export_to_pem(private_key=True, password=None))
    for alg in ("RS256", "RS512", "PS256"):
        token = sign(file, "--alg", alg, "--now", NOW, "--claim", "sub=a")
        assert parts(token)[0] == {"alg": alg, "typ": "at+jwt"}
        answer = htapi.run("jwt", "verify", "--jwks", file, "--now", NOW,
                           token)
        assert answer.returncode == DONE, answer.stderr
    assert parts(sign("-", input=file.read_text()))[0]["alg"] == "RS256"


@pytest.mark.parametrize("words, said", [
    ([], "--key FILE is needed"),
    (["--key", "{key}", "word"], "--key FILE is needed"),
    (["--key", "/nowhere"], "--key: /nowhere cannot be read"),
    (["--key", "{set}"], "--key: no usable key"),
    (["--key", "{key}", "--alg", "ES384"], "the key is not private, or does"),
    (["--key", "{key}", "--alg", "none"], "--alg: no such signature"),
    (["--key", "{key}", "--ttl", "1w"], "--ttl takes a duration"),
    (["--key", "{key}", "--ttl", "-1"], "--ttl takes a duration"),
    (["--key", "{key}", "--now", "today"], "--now takes a number"),
    (["--key", "{key}", "--now", "1e9"], "--now takes a number"),
    (["--key", "{key}", "--now", "99999999999999999999"], "--now takes a"),
    (["--key", "{key}", "--claim", "sub"], "--claim takes NAME=VALUE"),
    (["--key", "{key}", "--claim", "=x"], "--claim takes NAME=VALUE"),
    (["--key", "{key}", "--claim", "a=1", "--claim", "a=2"], "the claim a is"),
    (["--key", "{key}", "--key", "{key}"], "--key is given twice"),
    (["--key", "{key}", "--exp", "5"], "unknown option --exp"),
])
def test_sign_wrong(keys, words, said):
    answer = htapi.run("jwt", "sign", *(
        word.format(key=keys["ES256"], set=keys["set"]) for word in words))
    assert (answer.returncode, answer.stdout) == (WRONG, "")
    assert answer.stderr.startswith("htapi: " + said)
    assert answer.stderr.splitlines()[1].startswith("usage: htapi jwt sign ")


# --- verifying --------------------------------------------------------------

def test_tampered(keys):
    token = mint(keys)
    accepted(keys, token)
    head, claims, signature = token.split(".")
    forged = base64.urlsafe_b64encode(json.dumps(
        {**CLAIMS, "sub": "admin"}).encode()).decode().rstrip("=")
    for other in (f"{head}.{forged}.{signature}", f"{head}.{claims}.",
                  f"{head}.{claims}", f"{head}.{claims}.{signature[:-4]}",
                  f"{head}.{claims}.{signature}AAAA", f"{token}.", f".{token}",
                  f"{head}.{claims}.{signature.swapcase()}",
                  f"{head}.{claims}.{signature}="):
        assert refused(keys, other) == "token_invalid"


@pytest.mark.parametrize("claims, error", [
    ({}, None),
    ({"exp": NOW - 59}, None),
    ({"exp": NOW - 60}, "token_expired"),
    ({"exp": None}, "token_invalid"),
    ({"exp": str(NOW + 600)}, "token_invalid"),
    ({"nbf": NOW + 60}, None),
    ({"nbf": NOW + 61}, "token_not_yet_valid"),
    ({"iat": NOW + 61}, "token_not_yet_valid"),
    ({"sub": None}, "token_invalid"),
    ({"sub": None, "client_id": "app"}, None),
    ({"sub": ""}, "token_invalid"),
    ({"jti": 5}, "token_invalid"),
])
def test_claims(keys, claims, error):
    token = mint(keys, **claims)
    if error:
        assert refused(keys, token) == error
    else:
        assert accepted(keys, token) == {
            name: value for name, value in {**CLAIMS, **claims}.items()
            if value is not None}


def test_skew_and_now(keys):
    token = mint(keys, exp=NOW - 1)
    accepted(keys, token)
    accepted(keys, token, "--skew=2s")
    assert refused(keys, token, "--skew", "1") == "token_expired"
    assert refused(keys, token, "--skew=0") == "token_expired"
    answer = htapi.run("jwt", "verify", "--jwks", keys["set"], token)
    assert answer.returncode == REFUSED
    fresh = sign(keys["ES256"], "--claim", "sub=a")
    answer = htapi.run("jwt", "verify", "--jwks", keys["set"], fresh)
    assert answer.returncode == DONE


def test_issuer_and_audience(keys):
    token = mint(keys, aud=["pasta", "pizza"])
    accepted(keys, token, "--issuer", "https://i.example")
    for other in ("https://i.example/", "HTTPS://i.example", ""):
        assert refused(keys, token, "--issuer", other) == "token_invalid"
    accepted(keys, token, "--audience", "x", "--audience", "pizza")
    assert refused(keys, token, "--audience", "pizz") == "token_audience"
    assert refused(keys, mint(keys, aud=None), "--audience",
                   "pizza") == "token_audience"


def test_algorithms(keys):
    token = mint(keys, "ES256")
    accepted(keys, token, "--alg", "RS256", "--alg", "ES256")
    assert refused(keys, token, "--alg", "RS256") == "token_invalid"
    accepted(keys, mint(keys, "EdDSA"), "--alg", "EdDSA")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    assert refused(keys, f"{none}.{token.split('.')[1]}.") == "token_invalid"


def test_types(keys):
    token = mint(keys)
    accepted(keys, token, "--type", "AT+JWT")
    accepted(keys, token, "--type", "x", "--type", "at+jwt")
    assert refused(keys, token, "--type", "JWT") == "token_invalid"
    assert refused(keys, mint(keys, header={"typ": None}), "--type",
                   "at+jwt") == "token_invalid"


def test_kids(keys):
    accepted(keys, mint(keys, header={"kid": None}))
    assert refused(keys, mint(keys, header={"kid": "RS256"})) \
        == "token_invalid"
    assert refused(keys, mint(keys, header={"kid": "other"})) \
        == "token_invalid"


def test_key_in_the_token(keys):
    """Neither a key inside the token nor one it points at."""
    evil = jwk.JWK.generate(kty="EC", crv="P-256")
    token = jws.JWS(json.dumps(CLAIMS))
    token.add_signature(evil, "ES256", json.dumps({
        "alg": "ES256", "jwk": evil.export_public(as_dict=True),
        "jku": "https://evil.example", "x5u": "https://evil.example"}))
    assert refused(keys, token.serialize(compact=True)) == "token_invalid"


def test_public_key_as_secret(keys, tmp_path):
    key = jwk.JWK(**json.loads(keys["RS256"].read_text()))
    file = tmp_path / "public.pem"
    file.write_bytes(key.export_to_pem().rstrip(b"\n"))
    secret = jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(
        file.read_bytes()).decode().rstrip("="))
    token = jws.JWS(json.dumps(CLAIMS))
    token.add_signature(secret, "HS256", json.dumps({"alg": "HS256"}))
    text = token.serialize(compact=True)
    assert refused({"set": file}, text) == "token_invalid"
    assert refused({"set": file}, text, "--alg", "HS256") == "token_invalid"
    assert accepted({"set": file}, text, "--secret", file) == CLAIMS


def test_secrets(keys, tmp_path):
    raw = b"\x01 thirty-two bytes of a secret \xff\x00"
    raw += b"x" * (32 - len(raw))
    text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    oct_key = {"kty": "oct", "k": text, "kid": "HS256"}
    forms = {"raw": raw, "line": raw + b"\n",
             "jwk": json.dumps(oct_key).encode(),
             "set": json.dumps({"keys": [oct_key]}).encode()}
    token = mint({"HS256": keys["HS256"]}, "HS256")
    signed = jws.JWS(json.dumps(CLAIMS))
    signed.add_signature(jwk.JWK(**oct_key), "HS256",
                         json.dumps({"alg": "HS256"}))
    good = signed.serialize(compact=True)
    for name, content in forms.items():
        file = tmp_path / name
        file.write_bytes(content)
        for words in (["--jwks", keys["set"]], []):
            answer = htapi.run("jwt", "verify", *words, "--secret", file,
                               "--now", NOW, good)
            assert answer.returncode == DONE, (name, answer.stderr)
        assert refused(keys, token, "--secret", file) == "token_invalid"
        assert refused(keys, good, "--secret", file, "--alg",
                       "ES256") == "token_invalid"
    (tmp_path / "short").write_bytes(raw[:31])
    assert refused(keys, good, "--secret",
                   tmp_path / "short") == "token_invalid"


def test_token_from_stdin(keys):
    token = mint(keys)
    for text in (token, token + "\n", token + "\r\n"):
        assert accepted(keys, "-", input=text) == CLAIMS
    assert refused(keys, "-", input=token + "\nx") == "token_invalid"
    assert verify(keys, "-", input="").returncode == WRONG
    assert verify(keys, "-", input="a" * 20000).returncode == WRONG


def test_signature_only(keys):
    """The bytes of the payload, whatever they are."""
    payload = b"no JSON \xff\x00\n"
    token = mint(keys, payload=payload)
    assert refused(keys, token) == "token_invalid"
    answer = verify(keys, token, "--signature-only", text=False)
    assert (answer.returncode, answer.stdout) == (DONE, payload)
    assert answer.stderr == b""
    expired = mint(keys, exp=1)
    assert verify(keys, expired, "--signature-only").returncode == DONE
    answer = verify(keys, expired[:-4] + "AAAA", "--signature-only")
    assert (answer.returncode, answer.stdout) == (REFUSED, "")


def test_options_anywhere(keys):
    token = mint(keys)
    for words in (["jwt", "verify", token, "--jwks", keys["set"], "--now",
                   NOW],
                  ["jwt", "verify", "--jwks", keys["set"], f"--now={NOW}",
                   "--", token],
                  ["--now", NOW, "jwt", "--jwks", keys["set"], "verify",
                   token]):
        assert htapi.run(*words).returncode == DONE
    answer = htapi.run("jwt", "verify", "--jwks", keys["set"], "--", "--x")
    assert answer.returncode == REFUSED


@pytest.mark.parametrize("words, said", [
    (["x.y.z"], "--jwks or --secret"),
    (["--jwks", "{set}"], "--jwks or --secret"),
    (["--jwks", "{set}", "a", "b"], "--jwks or --secret"),
    (["--jwks", "/nowhere", "x"], "/nowhere cannot be read"),
    (["--secret", "/nowhere", "x"], "/nowhere cannot be read"),
    (["--secret", "/dev/null", "x"], "/dev/null is no regular file"),
    (["--jwks", "{set}", "--alg", "none", "x"], "--alg: no such"),
    (["--jwks", "{set}", "--skew", "soon", "x"], "--skew takes"),
    (["--jwks", "{set}", "--now", "", "x"], "--now takes a number"),
    (["--jwks", "{set}", "--now", "-5", "x"], "--now takes a number"),
    (["--jwks", "{set}", "--issuer", "a", "--issuer", "b", "x"],
     "--issuer is given twice"),
    (["--jwks", "{set}", "--signature-only=yes", "x"],
     "--signature-only takes no value"),
])
def test_verify_wrong(keys, words, said):
    answer = htapi.run("jwt", "verify",
                       *(word.format(set=keys["set"]) for word in words))
    assert (answer.returncode, answer.stdout) == (WRONG, "")
    assert answer.stderr.startswith("htapi: " + said)


# --- the command itself -----------------------------------------------------

@pytest.mark.parametrize("words", [[], ["nothing"], ["jwt"], ["jwt", "make"],
                                   ["key", "--alg", "ES256"]])
def test_no_command(words):
    answer = htapi.run(*words)
    assert (answer.returncode, answer.stdout) == (WRONG, "")
    assert answer.stderr.startswith("usage: htapi ")


def test_help_and_version():
    answer = htapi.run("--help")
    assert (answer.returncode, answer.stderr) == (DONE, "")
    assert "htapi jwt verify --jwks FILE" in answer.stdout
    answer = htapi.run("--version")
    assert (answer.returncode, answer.stderr) == (DONE, "")
    assert answer.stdout.startswith("htapi ")
