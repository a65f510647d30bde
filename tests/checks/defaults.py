"""Where the code keeps the defaults of directives.

default_of(guard, directive) gives what docs/reference.md must show, as a
list of words; None where there is no default.
"""
import re

from guard import blank

SECTION = "src/glue/issuer_section.c"
UPSTREAM = "src/glue/upstream_section.c"
PARTY = "src/glue/section.c"  # of what both kinds of sections have

# No default: must be said, or nothing is what it means.
NONE = {"<ApiIssuer", "ApiIssuerURL", "ApiJWKS", "ApiPublicKey",
        "ApiSharedSecret", "ApiAudience", "ApiPassClaim", "ApiClientAuth",
        "ApiIntrospectionParam", "ApiRevocations", "ApiRegistry",
        "<ApiUpstream", "ApiUpstreamOrigin", "ApiTokenEndpoint",
        "ApiTokenScope", "ApiTokenAudience", "ApiTokenResource",
        "ApiTokenParam", "ApiTokenRequestHeader", "ApiCacheSecret",
        "ApiUpstreamToken"}

# A default that is no row of a table: the word, and the code that makes it.
SHOWN_BY = {
    "ApiAccept": ("the one issuer there is".split(),
                  "src/glue/authenticate.c", r"apr_hash_first\("),
    "ApiTokenFrom": (["header"], "src/glue/carriers.c",
                     r'AO2_CARRIER_HEADER, "Authorization"'),
    "ApiCache": (["shmcb:(8M)"], "src/glue/caches.c",
                 r'define SHMCB_SIZE "\(8M\)"'),
    "ApiMetadata": (["auto"], SECTION,
                    r"!has_keys &&\s+!draft->section.metadata_off"),
    "ApiTokenFormat": (["any"], "src/service/issuer.h",
                       r"enum \{\s*AO2_FORMAT_ANY,"),
    "ApiName": (["off"], "src/glue/subscription.c",
                r"!dir->api \|\| !dir->api->name"),
    "ApiRegistryTTL": (["5s"], "src/glue/runtime.c",
                       r"#define REGISTRY_TTL apr_time_from_sec\(5\)"),
    "ApiTokenCache": (["16M"], "src/glue/runtime.c",
                      r"#define TOKEN_CACHE \(16 \* 1024 \* 1024\)"),
    "ApiMetricsClients": (["0"], "src/glue/figures.c", r"if \(most && \*most"),
    "ApiIntrospection": (["auto"], SECTION,
                         r"introspection\.url \|\| by_metadata"),
    "ApiConcurrency": (["32"], SECTION, r"#define CONCURRENCY 32\b"),
    "ApiGrant": (["client_credentials"], UPSTREAM,
                 r"grant.type = AO2_GRANT_CLIENT_CREDENTIALS;"),
    "ApiUpstreamHeader": (["Authorization", "Bearer"], UPSTREAM,
                          r'header = "Authorization";\s*\S*scheme = "Bearer"'),
    "ApiRefreshAt": (["75%"], UPSTREAM, r"#define REFRESH_PERCENT 75\b"),
    "ApiDefaultLifetime": (["300"], UPSTREAM,
                           r"#define DEFAULT_LIFETIME apr_time_from_sec\("
                           r"5 \* 60\)"),
    "ApiRetryOn401": (["On", "body=64K"], UPSTREAM,
                      r"#define RETRY_BODY \(64 \* 1024\)"),
    "ApiRequireType": (["off"], "src/core/claims.h", r"\*types;[^\n]*NULL"),
}

SECONDS = {"": 1, "s": 1, "mi": 60, "h": 3600, "d": 86400}


def seconds(text):
    """A duration as httpd's suffixes write it; None when it is none."""
    match = re.fullmatch(r"(\d+)(s|mi|h|d|)", text)
    return int(match[1]) * SECONDS[match[2]] if match else None


def duration(guard, member, path=SECTION):
    """The seconds that a new section has in @a member."""
    code = blank(guard.text(path))
    value = re.search(rf"{re.escape(member)} = (\w+);", code)
    macro = value and re.search(rf"#define {value[1]} "
                                r"apr_time_from_sec\(([\d *]+)\)", code)
    if not macro:
        guard.fault(path, f"no default of {member}")
        return 0
    product = 1
    for factor in macro[1].split("*"):
        product *= int(factor)
    return product


def setting(guard, member, is_flag):
    """The fallback of a row in dir_settings.def, as the directive says it."""
    rows = blank(guard.text("src/glue/dir_settings.def"))
    row = re.search(rf"AO2_NUMBER\({member}, (\w+)\)", rows)
    if not row:
        return None
    if is_flag:
        return [{"0": "Off", "1": "On"}[row[1]]]
    return [row[1].rsplit("_", 1)[-1].lower()]


def algorithms(guard):
    """ApiAlgorithms: all but HMAC; EdDSA stands for its two curves."""
    rows = re.findall(r'ROW\("(\w+)", (\w+), (\w+),',
                      guard.text("src/core/alg.c"))
    return [name for name, family, curve in rows
            if family != "HMAC" and (family != "EDDSA" or curve == "NONE")]


def claims(guard):
    """ApiClaims: the three lists of names."""
    text = guard.text(SECTION)
    return [name + "=" + ",".join(re.findall(r'"(\w+)"', match[1]))
            for name in ("subject", "client", "scope")
            for match in [re.search(rf"{name}\[\] = \{{([^}}]*)\}}", text)]
            if match]


def is_assigned(guard, member, value, path=SECTION):
    return re.search(rf"{re.escape(member)} = {value};",
                     blank(guard.text(path))) is not None


def default_of(guard, directive, handler, info):
    """@a handler and @a info are those of the row in directives.c."""
    if directive in NONE:
        return None
    if directive in SHOWN_BY:
        words, path, pattern = SHOWN_BY[directive]
        if not re.search(pattern, guard.text(path)):
            guard.fault(path, f"what makes {' '.join(words)} the default of "
                              f"{directive} is not there any more")
        return words
    if directive == "ApiAlgorithms":
        return algorithms(guard)
    if directive == "ApiClaims":
        return claims(guard)
    if directive == "ApiTimeout":
        return [f"{name}={duration(guard, f'way->{name}_timeout', PARTY)}s"
                for name in ("connect", "total")]
    if directive == "ApiTLS":
        return ["verify=" + ("on" if is_assigned(guard, "way->verify",
                                                    "1", PARTY)
                             else "off")]
    member = re.search(r"_MEMBER\(([\w.]+)\)", info)
    if handler == "ao2_issuer_duration":
        return [f"{duration(guard, member[1].replace('issuer.', '', 1))}s"]
    if handler == "ao2_party_flag":
        return ["On" if is_assigned(guard, "discovery->" + member[1], "1",
                                    PARTY) else "Off"]
    if handler == "ao2_issuer_flag":
        name = member[1].replace("issuer.", "", 1)
        return ["On" if is_assigned(guard, name, "1") else "Off"]
    found = setting(guard, member[1] if member
                    else handler.replace("ao2_set_", "", 1),
                    handler == "ao2_set_flag")
    if not found:
        guard.fault("tests/checks/defaults.py",
                    f"does not know where the default of {directive} lies")
    return found
