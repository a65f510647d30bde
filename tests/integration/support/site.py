"""Pieces of configuration, and the people who call."""
from support import tokens

CORP = f"""
<ApiIssuer corp>
    ApiIssuerURL {tokens.ISSUER}
    ApiJWKS file:keys/jwks.json
</ApiIssuer>
"""

#: Who calls, as changes to tokens.claims(). Mallory signs with another key.
PEOPLE = {
    "alice": dict(plan="gold", level=3, vip=True, roles=["dev", "admin"],
                  address={"city": "Rome"}),
    "bob": dict(sub="bob", client_id="other", scope="read", roles=["dev"]),
    "robot": dict(sub="robot", client_id="robot", scope="write"),
}
EVERYBODY = [*PEOPLE, "nobody", "mallory"]


def token_of(who, key, **changes):
    if who == "nobody":
        return None
    claims = tokens.claims(**{**PEOPLE.get(who, {}), **changes})
    return tokens.sign(claims, tokens.new_key() if who == "mallory" else key)


def location(path, lines):
    return (f"<Location {path}>\nAuthType Bearer\nAuthName api\n"
            f"ApiAudience pizza\n{lines}\n</Location>\n")
