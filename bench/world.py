"""What the servers have to do with: keys, tokens, an introspection endpoint
and a registry. The same for all contenders."""
import itertools
import json
import uuid
from pathlib import Path

import servers  # noqa: F401  makes the package support known
from support import tokens
from support.certificates import Authority
from support.htapi import Registry
from support.introspector import Introspector, active

ALGS = ("RS256", "ES256", "EdDSA")
CLIENT, SECRET = "gateway", "bench-secret"


class World:
    def __init__(self, place):
        self.place = Path(place)
        self.place.mkdir(parents=True, exist_ok=True)
        self.keys = {alg: tokens.new_key(alg, kid=alg.lower())
                     for alg in ALGS}
        self.jwks = tokens.key_set(*self.keys.values())
        (self.place / "jwks.json").write_text(self.jwks)
        self.introspector = Introspector()
        # The same for a contender that speaks https alone.
        self.tls = Introspector(Authority(self.place).context())
        self.tls.answers = self.introspector.answers
        for one in (self.introspector, self.tls):
            one.documents["/jwks"] = json.loads(self.jwks)
        self.make_registry()
        for path in [self.place, *self.place.parents][:3]:
            path.chmod(path.stat().st_mode | 0o055)

    def make_registry(self):
        path = self.place / "registry.json"
        registry = Registry(f"file:{path}")
        registry.do("registry init")
        registry.do("plan add gold --limit 1000000/1s")
        registry.do("api add pizza 1.0")
        registry.do("app add shop")
        registry.do("app client shop --issuer corp --client-id app")
        registry.do("subscribe shop pizza 1.0 --plan gold")
        self.api_token = registry.token("token create shop --scope read")
        path.chmod(0o644)

    def jwt(self, alg):
        """A token that nobody has seen yet, of the usual size."""
        return tokens.sign(tokens.claims(jti=str(uuid.uuid4()), exp=2 ** 31),
                           self.keys[alg], alg)

    def opaque(self):
        token = uuid.uuid4().hex + uuid.uuid4().hex
        self.introspector.answers[token] = active(
            exp=2 ** 31, iss=tokens.ISSUER, aud="pizza")
        return token

    def make(self, kind):
        if kind == "opaque":
            return self.opaque()
        return self.api_token if kind == "api token" else self.jwt(kind)

    def known(self, kind):
        return itertools.repeat(self.make(kind))

    def new(self, kind):
        while True:
            yield self.make(kind)

    @staticmethod
    def tampered(token):
        """One character in the middle of the last part is another one."""
        at = (token.rfind(".") + 1 + len(token)) // 2
        return token[:at] + ("A" if token[at] != "A" else "B") + \
            token[at + 1:]

    def stop(self):
        self.introspector.stop()
        self.tls.stop()
