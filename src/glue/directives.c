#include "glue/directive.h"
#include "glue/issuer_draft.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/text.h"

/* Longest piece of a wrong value that a message repeats. */
#define VALUE_SHOWN 80
/* One less than AP_MAX_ARGC of httpd's server/config.c, which cuts. */
#define MOST_WORDS 63

const char *ao2_directive_bad(const cmd_parms *cmd, const char *value,
                              const char *allowed)
{
    return apr_psprintf(cmd->pool, "%s: \"%s\" is not allowed here: %s",
                        cmd->cmd->name,
                        ao2_text_for_log(ao2_span(value), VALUE_SHOWN,
                                         cmd->temp_pool),
                        allowed);
}

const char *ao2_directive_count(const cmd_parms *cmd, const char *wanted)
{
    return apr_psprintf(cmd->pool, "%s takes %s", cmd->cmd->name, wanted);
}

const char *ao2_directive_list(const cmd_parms *cmd, int argc,
                               const char *wanted)
{
    if (argc > MOST_WORDS) {
        return apr_psprintf(cmd->pool, "%s takes at most %d words",
                            cmd->cmd->name, MOST_WORDS);
    }
    return argc < 1 ? ao2_directive_count(cmd, wanted) : NULL;
}

const char *ao2_directive_option(const char *word, const char *name)
{
    size_t length = strlen(name);

    return strncmp(word, name, length) == 0 && word[length] == '='
               ? word + length + 1
               : NULL;
}

const char *ao2_directive_path(const cmd_parms *cmd, const char *word)
{
    if (strncmp(word, "file:", 5) != 0 || !word[5]) {
        return NULL;
    }
    return ap_server_root_relative(cmd->pool, word + 5);
}

void ao2_directive_note_use(const cmd_parms *cmd, const ao2_use_t *use)
{
    ao2_use_t *noted;

    if (ap_check_cmd_context((cmd_parms *)cmd, NOT_IN_HTACCESS)) {
        return;
    }
    noted = apr_array_push(ao2_server_of(cmd->server)->uses);
    *noted = *use;
    noted->file = cmd->directive->filename;
    noted->line = cmd->directive->line_num;
}

apr_array_header_t *ao2_directive_words(apr_pool_t *pool, int argc,
                                        char *const argv[])
{
    apr_array_header_t *words = apr_array_make(pool, argc, sizeof(char *));
    int i;

    for (i = 0; i < argc; i++) {
        APR_ARRAY_PUSH(words, const char *) = apr_pstrdup(pool, argv[i]);
    }
    return words;
}

int ao2_directive_is_token(const char *text)
{
    const char *at;

    for (at = text; *at; at++) {
        if (!apr_isalnum(*at) && !strchr("!#$%&'*+-.^_`|~", *at)) {
            return 0;
        }
    }
    return at > text;
}

int ao2_directive_is_printable(const char *text)
{
    const char *at = text;

    while (*at >= ' ' && *at <= '~') {
        at++;
    }
    return !*at && at > text;
}

int ao2_directive_is_one_of(const char *const *names, const char *name)
{
    for (; *names; names++) {
        if (ao2_text_same_field(ao2_span(*names), ao2_span(name))) {
            return 1;
        }
    }
    return 0;
}

int ao2_directive_is_reserved(const char *name)
{
    static const char *const reserved[] = {
        "Connection", "Content-Length", "Content-Type", "Cookie", "Expect",
        "Host", "Keep-Alive", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", NULL};

    return ao2_directive_is_one_of(reserved, name);
}

const char *ao2_directive_param(apr_array_header_t *params,
                                const cmd_parms *cmd, int argc,
                                char *const argv[], const char *const *ours)
{
    if (argc != 2 || !argv[0][0]) {
        return ao2_directive_count(cmd, "NAME VALUE");
    }
    for (; *ours; ours++) {
        if (strcmp(argv[0], *ours) == 0) {
            return ao2_directive_bad(cmd, argv[0], "a parameter that is not "
                                                   "sent anyway");
        }
    }
    APR_ARRAY_PUSH(params, const char *) = apr_pstrdup(cmd->pool, argv[0]);
    APR_ARRAY_PUSH(params, const char *) = apr_pstrdup(cmd->pool, argv[1]);
    return NULL;
}

int ao2_directive_is_inner(const char *name)
{
    const command_rec *row = ao2_commands;

    while (row->name[0] != '<') {
        row++;
    }
    for (; row->name; row++) {
        if (row->name[0] != '<' && strcasecmp(row->name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* D: everywhere, .htaccess with AllowOverride AuthConfig included.
 * L: everywhere but in .htaccess.
 * S: server and virtual host. */
#define IN_D (OR_AUTHCFG | RSRC_CONF)
#define IN_L (ACCESS_CONF | RSRC_CONF)
#define IN_S RSRC_CONF
#define DIR_MEMBER(member) ((void *)APR_OFFSETOF(ao2_dir_t, member))
#define SERVER_MEMBER(member) ((void *)APR_OFFSETOF(ao2_server_t, member))
#define LIST(which) ((void *)(apr_uintptr_t)(which))
#define PARTY_MEMBER(member) \
    ((void *)APR_OFFSETOF(ao2_discovery_settings_t, member))
#define DRAFT_MEMBER(member) ((void *)APR_OFFSETOF(ao2_issuer_draft_t, member))

const command_rec ao2_commands[] = {
    AP_INIT_TAKE_ARGV("ApiAccept", ao2_set_accept, NULL, IN_D,
                      "names of the <ApiIssuer> objects accepted here"),
    AP_INIT_TAKE_ARGV("ApiAudience", ao2_set_audience, NULL, IN_D,
                      "values of which \"aud\" must hold one, or \"any\""),
    AP_INIT_TAKE_ARGV("ApiName", ao2_set_api_name, NULL, IN_D,
                      "NAME [VERSION], or off"),
    AP_INIT_TAKE_ARGV("ApiSubscription", ao2_set_subscription, NULL, IN_D,
                      "required, optional or off"),
    AP_INIT_TAKE_ARGV("ApiTokenFrom", ao2_set_token_from, NULL, IN_D,
                      "header[:NAME], cookie:NAME, query:NAME, form:NAME"),
    AP_INIT_TAKE_ARGV("ApiForwardToken", ao2_set_flag,
                      DIR_MEMBER(forward_token), IN_D, "On or Off"),
    AP_INIT_TAKE_ARGV("ApiPassClaim", ao2_set_pass_claim, NULL, IN_D,
                      "CLAIM env NAME or CLAIM header NAME"),
    AP_INIT_TAKE_ARGV("ApiErrorBody", ao2_set_error_body, NULL, IN_D,
                      "problem, message, fault or none"),
    AP_INIT_TAKE_ARGV("ApiErrorDetail", ao2_set_flag,
                      DIR_MEMBER(error_detail), IN_D, "On or Off"),
    AP_INIT_TAKE_ARGV("ApiPreflight", ao2_set_preflight, NULL, IN_D,
                      "pass or protect"),
    AP_INIT_TAKE_ARGV("ApiAnonymous", ao2_set_flag, DIR_MEMBER(anonymous),
                      IN_D, "On or Off"),
    AP_INIT_TAKE_ARGV("ApiUpstreamToken", ao2_set_upstream_token, NULL, IN_L,
                      "the NAME of an <ApiUpstream>, or off"),
    AP_INIT_RAW_ARGS("Require", ao2_watch_require, NULL, OR_AUTHCFG,
                     "see mod_authz_core"),
    AP_INIT_TAKE1("AuthType", ao2_watch_auth_type, NULL, OR_AUTHCFG,
                  "see mod_authn_core"),
    AP_INIT_TAKE1("DBDriver", ao2_watch_dbd, SERVER_MEMBER(dbd_driver), IN_S,
                  "see mod_dbd"),
    AP_INIT_TAKE1("DBDParams", ao2_watch_dbd, SERVER_MEMBER(dbd_params), IN_S,
                  "see mod_dbd"),
    AP_INIT_TAKE1("DBDMin", ao2_watch_dbd, SERVER_MEMBER(dbd_min), IN_S,
                  "see mod_dbd"),
    AP_INIT_TAKE1("DBDPersist", ao2_watch_dbd, SERVER_MEMBER(dbd_persist),
                  IN_S, "see mod_dbd"),
    AP_INIT_TAKE1("DBDInitSQL", ao2_watch_dbd_first, NULL, IN_S,
                  "see mod_dbd"),

    AP_INIT_TAKE_ARGV("ApiTokenCache", ao2_set_token_cache, NULL, IN_S,
                      "a size, or off"),
    AP_INIT_TAKE_ARGV("ApiCache", ao2_set_cache, NULL, IN_S,
                      "shmcb[:PATH(SIZE)], redis:HOST:PORT, PROVIDER:ARGS "
                      "or none"),
    AP_INIT_TAKE_ARGV("ApiCacheSecret", ao2_set_cache_secret, NULL, IN_S,
                      "file:PATH, env:NAME, exec:COMMAND or the secret"),
    AP_INIT_TAKE_ARGV("ApiRegistry", ao2_set_registry, NULL, IN_S,
                      "file:PATH or dbd"),
    AP_INIT_TAKE_ARGV("ApiRegistryTTL", ao2_set_registry_ttl, NULL, IN_S,
                      "a duration"),
    AP_INIT_TAKE_ARGV("ApiRevocations", ao2_set_revocations, NULL, IN_S,
                      "file:PATH"),
    AP_INIT_TAKE_ARGV("ApiMetricsClients", ao2_set_metrics_clients, NULL,
                      IN_S, "a number"),

    /* From here on: sections, and what stands inside of them. */
    AP_INIT_RAW_ARGS("<ApiIssuer", ao2_open_issuer, NULL, IN_S,
                     "NAME: somebody whose tokens may be accepted"),
    AP_INIT_TAKE_ARGV("ApiJWKS", ao2_issuer_jwks, NULL, IN_S,
                      "URLs or file:PATH of JWK Sets"),
    AP_INIT_TAKE_ARGV("ApiPublicKey", ao2_issuer_public_key, NULL, IN_S,
                      "file:PATH [kid=ID] [alg=ALG]"),
    AP_INIT_TAKE_ARGV("ApiSharedSecret", ao2_issuer_shared_secret, NULL, IN_S,
                      "file:PATH, env:NAME, exec:COMMAND or the secret "
                      "[kid=ID]"),
    AP_INIT_TAKE_ARGV("ApiAlgorithms", ao2_issuer_algorithms, NULL, IN_S,
                      "names of signature algorithms"),
    AP_INIT_TAKE_ARGV("ApiTokenFormat", ao2_issuer_token_format, NULL, IN_S,
                      "jwt, opaque or any"),
    AP_INIT_TAKE_ARGV("ApiRequireType", ao2_issuer_require_type, NULL, IN_S,
                      "\"typ\" values, or off"),
    AP_INIT_TAKE_ARGV("ApiClaims", ao2_issuer_claims, NULL, IN_S,
                      "[subject=..] [client=..] [scope=..]"),
    AP_INIT_TAKE_ARGV("ApiClockSkew", ao2_issuer_duration,
                      DRAFT_MEMBER(issuer.rules.skew), IN_S, "a duration"),
    AP_INIT_TAKE_ARGV("ApiAllowNoExpiry", ao2_issuer_flag,
                      DRAFT_MEMBER(issuer.rules.allow_no_expiry), IN_S,
                      "On or Off"),
    AP_INIT_TAKE_ARGV("ApiJWKSTTL", ao2_issuer_duration,
                      DRAFT_MEMBER(issuer.source.ttl), IN_S, "a duration"),
    AP_INIT_TAKE_ARGV("ApiJWKSStale", ao2_issuer_duration,
                      DRAFT_MEMBER(issuer.source.stale), IN_S, "a duration"),
    AP_INIT_TAKE_ARGV("ApiIntrospection", ao2_issuer_introspection, NULL,
                      IN_S, "auto, off or a URL"),
    AP_INIT_TAKE_ARGV("ApiIntrospectJWT", ao2_issuer_flag,
                      DRAFT_MEMBER(issuer.introspect_jwt), IN_S, "On or Off"),
    AP_INIT_TAKE_ARGV("ApiIntrospectionParam", ao2_issuer_param, NULL, IN_S,
                      "NAME VALUE"),
    AP_INIT_TAKE_ARGV("ApiCacheTTL", ao2_issuer_duration,
                      DRAFT_MEMBER(issuer.introspection.ttl), IN_S,
                      "a duration"),
    AP_INIT_TAKE_ARGV("ApiNegativeCacheTTL", ao2_issuer_duration,
                      DRAFT_MEMBER(issuer.introspection.negative_ttl), IN_S,
                      "a duration"),
    AP_INIT_TAKE_ARGV("ApiConcurrency", ao2_issuer_concurrency, NULL, IN_S,
                      "a number"),
    AP_INIT_RAW_ARGS("<ApiUpstream", ao2_open_upstream, NULL, IN_S,
                     "NAME: how to get an access token for a backend"),
    AP_INIT_TAKE_ARGV("ApiUpstreamOrigin", ao2_upstream_origin, NULL, IN_S,
                      "SCHEME://HOST[:PORT] or balancer://NAME"),
    AP_INIT_TAKE_ARGV("ApiTokenEndpoint", ao2_upstream_endpoint, NULL, IN_S,
                      "a URL"),
    AP_INIT_TAKE_ARGV("ApiGrant", ao2_upstream_grant, NULL, IN_S,
                      "client_credentials, password, refresh_token, "
                      "jwt_bearer or token_exchange, and what it takes"),
    AP_INIT_TAKE_ARGV("ApiTokenScope", ao2_upstream_words,
                      LIST(AO2_LIST_SCOPES), IN_S, "scopes"),
    AP_INIT_TAKE_ARGV("ApiTokenAudience", ao2_upstream_words,
                      LIST(AO2_LIST_AUDIENCES), IN_S, "values"),
    AP_INIT_TAKE_ARGV("ApiTokenResource", ao2_upstream_words,
                      LIST(AO2_LIST_RESOURCES), IN_S, "URIs"),
    AP_INIT_TAKE_ARGV("ApiTokenParam", ao2_upstream_param, NULL, IN_S,
                      "NAME VALUE"),
    AP_INIT_TAKE_ARGV("ApiTokenRequestHeader", ao2_upstream_request_header,
                      NULL, IN_S, "NAME VALUE"),
    AP_INIT_TAKE_ARGV("ApiUpstreamHeader", ao2_upstream_header, NULL, IN_S,
                      "NAME [SCHEME]"),
    AP_INIT_TAKE_ARGV("ApiRefreshAt", ao2_upstream_refresh_at, NULL, IN_S,
                      "PERCENT% or a duration"),
    AP_INIT_TAKE_ARGV("ApiDefaultLifetime", ao2_upstream_lifetime, NULL, IN_S,
                      "a duration"),
    AP_INIT_TAKE_ARGV("ApiRetryOn401", ao2_upstream_retry, NULL, IN_S,
                      "On or Off, [body=SIZE]"),
    /* In both kinds of sections. */
    AP_INIT_TAKE_ARGV("ApiIssuerURL", ao2_party_url, NULL, IN_S,
                      "the exact \"iss\""),
    AP_INIT_TAKE_ARGV("ApiMetadata", ao2_party_metadata, NULL, IN_S,
                      "auto, off or a URL"),
    AP_INIT_TAKE_ARGV("ApiClientAuth", ao2_party_client_auth, NULL, IN_S,
                      "METHOD [CLIENT-ID] [SECRET-SOURCE|file:KEY]"),
    AP_INIT_TAKE_ARGV("ApiTimeout", ao2_party_timeout, NULL, IN_S,
                      "[connect=DURATION] [total=DURATION]"),
    AP_INIT_TAKE_ARGV("ApiTLS", ao2_party_tls, NULL, IN_S,
                      "[ca=PATH] [cert=PATH key=PATH] [verify=on|off] "
                      "[proxy=URL]"),
    AP_INIT_TAKE_ARGV("ApiAllowInsecureHTTP", ao2_party_flag,
                      PARTY_MEMBER(allow_http), IN_S, "On or Off"),

    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};
