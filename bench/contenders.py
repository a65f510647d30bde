"""Who is measured, in which modes, with which configuration.

Every contender is the same httpd (or nginx) with a module more; it serves
the same small file under one path a mode.
"""
from dataclasses import dataclass

from servers import MODULE, MODULES, Httpd
from support import tokens
from world import ALGS, CLIENT, SECRET

PATHS = ("jwt", "opaque", "key", "plan")
PATH_OF = {"opaque": "opaque", "api token": "key"}


@dataclass(frozen=True)
class Mode:
    name: str
    path: str  # below the document root
    kind: str  # of the token; "": none is sent
    is_new: bool = False

    def stream(self, world):
        """The tokens of one request after the other."""
        if not self.kind:
            while True:
                yield None
        yield from (world.new if self.is_new else world.known)(self.kind)


FILE = Mode("small file", "file", "")
#: What every mode is compared with: the same token, which nobody looks at.
PLAIN = {kind: Mode(f"small file, {kind}", PATH_OF.get(kind, "jwt"), kind)
         for kind in (*ALGS, "opaque", "api token")}
KNOWN_JWT = Mode("JWT known", "jwt", "RS256")
NEW_JWTS = {alg: Mode(f"JWT new, {alg}", "jwt", alg, True) for alg in ALGS}
KNOWN_OPAQUE = Mode("opaque known", "opaque", "opaque")
NEW_OPAQUE = Mode("opaque new", "opaque", "opaque", True)
API_TOKEN = Mode("API token", "key", "api token")
PLAN = Mode("JWT known, subscription, limit", "plan", "RS256")


def locations(lines):
    """A <Location> for each path; `lines` by path."""
    return "\n".join(f"<Location /{path}>\n{text}\n</Location>"
                     for path, text in lines.items())


class Contender:
    name = ""
    modes = ()
    #: A module of httpd, or None.
    module = None

    def __init__(self, world):
        self.world = world

    @classmethod
    def is_there(cls):
        return cls.module is None or \
            (MODULES / f"mod_{cls.module}.so").exists()

    def conf(self):
        raise NotImplementedError

    def configure(self, root, mpm="prefork", threads=1):
        """A server that is ready to be started."""
        server = Httpd(root)
        for path in ("file", *PATHS):
            server.write(f"htdocs/{path}/index.html", "hello, world\n")
        modules = [self.module] if self.module else []
        return server.configure(self.conf(), mpm, threads, modules)


class Bare(Contender):
    """httpd without a module for tokens."""
    name = "bare httpd"
    modes = (FILE, *PLAIN.values())

    def conf(self):
        return locations(dict.fromkeys(PATHS, "Require all granted"))


class Ours(Contender):
    name = "mod_api_oauth2"
    modes = (KNOWN_JWT, *NEW_JWTS.values(), KNOWN_OPAQUE, NEW_OPAQUE,
             API_TOKEN, PLAN)

    def conf(self):
        place, url = self.world.place, self.world.introspector.url
        jwt = "AuthType Bearer\nApiAccept corp\nApiAudience pizza\n" \
              "Require valid-user"
        return f"""
LoadModule api_oauth2_module {MODULE}
<ApiIssuer corp>
    ApiIssuerURL {tokens.ISSUER}
    ApiTokenFormat jwt
    ApiJWKS file:{place}/jwks.json
</ApiIssuer>
<ApiIssuer asked>
    ApiIssuerURL {tokens.ISSUER}
    ApiMetadata off
    ApiTokenFormat opaque
    ApiIntrospection {url}/introspect
    ApiClientAuth client_secret_basic {CLIENT} {SECRET}
</ApiIssuer>
ApiRegistry file:{place}/registry.json
""" + locations({
            "jwt": jwt,
            "opaque": jwt.replace("corp", "asked"),
            "key": jwt.replace("corp", "apitoken"),
            "plan": jwt + "\nApiName pizza 1.0"})


class ModOauth2(Contender):
    name = "mod_oauth2"
    module = "oauth2"
    modes = (KNOWN_JWT, NEW_JWTS["RS256"], NEW_JWTS["ES256"], KNOWN_OPAQUE,
             NEW_OPAQUE)

    def conf(self):
        url = self.world.introspector.url
        start = "AuthType oauth2\nRequire valid-user\nOAuth2TokenVerify "
        return locations({
            "jwt": f"{start}jwks_uri {url}/jwks",
            "opaque": f"{start}introspect {url}/introspect introspect.auth="
                      f"client_secret_basic&client_id={CLIENT}"
                      f"&client_secret={SECRET}"})




class ModAuthOpenidc(Contender):
    """It has either keys or an introspection endpoint, and both by https
    alone."""
    name = "mod_auth_openidc"
    module = "auth_openidc"
    modes = (KNOWN_JWT, NEW_JWTS["RS256"], NEW_JWTS["ES256"])

    def way(self):
        return f"OIDCOAuthVerifyJwksUri {self.world.tls.url}/jwks"

    def conf(self):
        return f"""
OIDCCryptoPassphrase {SECRET}
OIDCOAuthSSLValidateServer Off
OIDCOAuthRemoteUserClaim sub
{self.way()}
""" + locations(dict.fromkeys(
            ("jwt", "opaque"), "AuthType oauth20\nRequire valid-user"))


class ModAuthOpenidcAsking(ModAuthOpenidc):
    modes = (KNOWN_OPAQUE, NEW_OPAQUE)

    def way(self):
        return f"""
OIDCOAuthIntrospectionEndpoint {self.world.tls.url}/introspect
OIDCOAuthClientID {CLIENT}
OIDCOAuthClientSecret {SECRET}"""


HTTPD = (Bare, Ours, ModOauth2, ModAuthOpenidc, ModAuthOpenidcAsking)
