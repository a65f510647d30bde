#include "glue/directive.h"
#include "glue/issuer_draft.h"

#include <apr_strings.h>

#include "base/text.h"

#define CONNECT_TIMEOUT apr_time_from_sec(2)
#define TOTAL_TIMEOUT apr_time_from_sec(5)
#define CLOCK_SKEW apr_time_from_sec(60)
#define JWKS_TTL apr_time_from_sec(60 * 60)
#define JWKS_STALE apr_time_from_sec(24 * 60 * 60)
#define CACHE_TTL apr_time_from_sec(300)
#define NEGATIVE_TTL apr_time_from_sec(10)
#define CONCURRENCY 32

ao2_issuer_draft_t *ao2_issuer_draft_make(const char *name, apr_pool_t *pool)
{
    static const char *const subject[] = {"sub"};
    static const char *const client[] = {"client_id", "azp", "cid"};
    static const char *const scope[] = {"scope", "scp"};
    ao2_issuer_draft_t *draft = apr_pcalloc(pool, sizeof(*draft));
    ao2_issuer_t *issuer = &draft->issuer;

    draft->static_keys = apr_array_make(pool, 2, sizeof(ao2_key_t *));
    draft->files = apr_array_make(pool, 2, sizeof(char *));
    draft->urls = apr_array_make(pool, 2, sizeof(char *));
    draft->params = apr_array_make(pool, 2, sizeof(char *));
    issuer->name = name;
    issuer->label = apr_psprintf(pool, "<ApiIssuer %s>", name);
    issuer->rules.issuer_name = name;
    issuer->rules.subject_claims = ao2_text_list(1, subject, pool);
    issuer->rules.client_claims = ao2_text_list(3, client, pool);
    issuer->rules.scope_claims = ao2_text_list(2, scope, pool);
    issuer->rules.skew = CLOCK_SKEW;
    issuer->algorithms = ao2_alg_default();
    issuer->way.connect_timeout = CONNECT_TIMEOUT;
    issuer->way.total_timeout = TOTAL_TIMEOUT;
    issuer->way.verify = 1;
    issuer->source.issuer_name = name;
    issuer->source.ttl = JWKS_TTL;
    issuer->source.stale = JWKS_STALE;
    issuer->discovery.ttl = JWKS_TTL;
    issuer->introspection.params = draft->params;
    issuer->introspection.ttl = CACHE_TTL;
    issuer->introspection.negative_ttl = NEGATIVE_TTL;
    issuer->introspection.rules = &issuer->rules;
    issuer->concurrency = CONCURRENCY;
    return draft;
}

ao2_issuer_draft_t *ao2_issuer_draft_of(const cmd_parms *cmd,
                                        const char **error)
{
    ao2_issuer_draft_t *draft = ao2_server_of(cmd->server)->open;

    *error = draft ? NULL
                   : apr_psprintf(cmd->pool,
                                  "%s is only allowed inside <ApiIssuer NAME>",
                                  cmd->cmd->name);
    return draft;
}

static const char *section_error(const ao2_issuer_draft_t *draft,
                                 const cmd_parms *cmd, const char *text)
{
    return apr_psprintf(cmd->pool, "<ApiIssuer %s>: %s", draft->issuer.name,
                        text);
}

static const char *check_algorithms(ao2_issuer_draft_t *draft,
                                    const cmd_parms *cmd)
{
    ao2_issuer_t *issuer = &draft->issuer;

    if (!draft->has_algorithms && draft->has_secret) {
        issuer->algorithms |= ao2_alg_hmac();
    }
    if (!draft->has_secret && (issuer->algorithms & ao2_alg_hmac()) != 0) {
        return section_error(draft, cmd, "ApiAlgorithms allows HS256, HS384 "
                             "or HS512, which need ApiSharedSecret");
    }
    if (draft->has_secret && (issuer->algorithms & ao2_alg_hmac()) == 0) {
        return section_error(draft, cmd, "ApiSharedSecret is never used: "
                             "ApiAlgorithms allows none of HS256, HS384 and "
                             "HS512");
    }
    return NULL;
}

static const char *check_url(const ao2_issuer_draft_t *draft,
                             const cmd_parms *cmd, const char *directive,
                             const char *url)
{
    const char *wrong = ao2_text_check_url(url,
                                           draft->issuer.discovery.allow_http);

    if (!wrong) {
        return NULL;
    }
    return section_error(draft, cmd,
                         apr_psprintf(cmd->temp_pool, "%s \"%s\" %s",
                                      directive,
                                      ao2_text_for_log(ao2_span(url), 200,
                                                       cmd->temp_pool),
                                      wrong));
}

static const char *check_urls(const ao2_issuer_draft_t *draft,
                              const cmd_parms *cmd)
{
    const ao2_issuer_t *issuer = &draft->issuer;
    const char *error = NULL;
    int i;

    for (i = 0; i < draft->urls->nelts && !error; i++) {
        error = check_url(draft, cmd, "ApiJWKS",
                          APR_ARRAY_IDX(draft->urls, i, const char *));
    }
    if (!error && issuer->discovery.metadata_url) {
        error = check_url(draft, cmd, "ApiMetadata",
                          issuer->discovery.metadata_url);
    }
    if (!error && issuer->introspection.url) {
        error = check_url(draft, cmd, "ApiIntrospection",
                          issuer->introspection.url);
    }
    return error;
}

/* Whether and where the issuer can be asked. Where nothing says how we show
 * who we are, metadata alone is no reason to ask. */
static const char *check_introspection(ao2_issuer_draft_t *draft,
                                       const cmd_parms *cmd)
{
    ao2_issuer_t *issuer = &draft->issuer;
    int by_metadata = issuer->introspection.auth.is_set &&
                      !draft->metadata_off && issuer->rules.issuer_url;

    issuer->introspects = !draft->introspection_off &&
                          issuer->format != AO2_FORMAT_JWT &&
                          (issuer->introspection.url || by_metadata);
    if (issuer->introspect_jwt) {
        issuer->introspects = !draft->introspection_off &&
                              (issuer->introspection.url || by_metadata);
    }
    if (!issuer->introspects &&
        (issuer->format == AO2_FORMAT_OPAQUE || issuer->introspect_jwt)) {
        return section_error(draft, cmd,
                             issuer->introspect_jwt
                                 ? "ApiIntrospectJWT needs ApiClientAuth and "
                                   "metadata, or an ApiIntrospection URL"
                                 : "ApiTokenFormat opaque needs "
                                   "ApiClientAuth and metadata, or an "
                                   "ApiIntrospection URL");
    }
    if (issuer->introspection.auth.method == AO2_AUTH_TLS &&
        !issuer->way.cert) {
        return section_error(draft, cmd, "ApiClientAuth tls_client_auth "
                             "needs cert= and key= of ApiTLS");
    }
    if (draft->introspection_said && !issuer->introspects) {
        return section_error(draft, cmd, "ApiIntrospection is never used: "
                             "ApiTokenFormat is jwt");
    }
    return NULL;
}

/* Where keys come from, once it is known what was said. */
static const char *check_keys(ao2_issuer_draft_t *draft,
                              const cmd_parms *cmd)
{
    ao2_issuer_t *issuer = &draft->issuer;
    int has_keys = draft->static_keys->nelts || draft->files->nelts ||
                   draft->urls->nelts;

    issuer->source.use_metadata = !has_keys && !draft->metadata_off &&
                                  issuer->rules.issuer_url;
    if (!has_keys && !issuer->source.use_metadata &&
        issuer->format != AO2_FORMAT_OPAQUE) {
        return section_error(draft, cmd, "no keys: name ApiJWKS, "
                             "ApiPublicKey or ApiSharedSecret, or leave "
                             "ApiMetadata at auto; or say ApiTokenFormat "
                             "opaque");
    }
    if (issuer->source.use_metadata && !issuer->discovery.metadata_url) {
        return check_url(draft, cmd, "ApiIssuerURL",
                         issuer->discovery.issuer_url);
    }
    return NULL;
}

static const char *check_all(ao2_issuer_draft_t *draft, const cmd_parms *cmd)
{
    ao2_issuer_t *issuer = &draft->issuer;
    const char *error = check_algorithms(draft, cmd);

    if (!issuer->rules.issuer_url &&
        (issuer->format != AO2_FORMAT_OPAQUE || !issuer->introspection.url)) {
        return section_error(draft, cmd, "ApiIssuerURL is missing");
    }
    if (!error) {
        error = check_urls(draft, cmd);
    }
    if (!error) {
        error = check_introspection(draft, cmd);
    }
    if (!error) {
        error = check_keys(draft, cmd);
    }
    if (!error && issuer->way.connect_timeout > issuer->way.total_timeout) {
        error = section_error(draft, cmd, "ApiTimeout: connect= is longer "
                              "than total=");
    }
    return error;
}

const char *ao2_issuer_draft_finish(ao2_issuer_draft_t *draft,
                                    const cmd_parms *cmd)
{
    ao2_issuer_t *issuer = &draft->issuer;
    ao2_fail_t fail = {0};
    const char *error;

    issuer->discovery.issuer_url = issuer->rules.issuer_url;
    issuer->discovery.ttl = issuer->source.ttl;
    issuer->source.static_keys = draft->static_keys;
    issuer->source.files = draft->files;
    issuer->source.urls = draft->urls;
    error = check_all(draft, cmd);
    if (error) {
        return error;
    }
    issuer->introspection.algorithms = issuer->algorithms;
    if (ao2_key_source_check(&issuer->source, cmd->pool, cmd->temp_pool,
                             &fail) != AO2_OK) {
        return section_error(draft, cmd, fail.detail);
    }
    return ao2_issuer_draft_digest(draft, cmd)
               ? NULL
               : section_error(draft, cmd, "no digest can be made of it");
}

static int is_name(const char *text)
{
    const char *at;

    for (at = text; *at; at++) {
        if ((unsigned char)*at <= ' ' || *at == '"' || *at == '>' ||
            (unsigned char)*at == 0x7f) {
            return 0;
        }
    }
    return at > text;
}

static const char *section_name(cmd_parms *cmd, const char *args)
{
    const char *end = strrchr(args, '>');
    const char *rest;
    const char *text;

    if (!end || end[1]) {
        return NULL;
    }
    rest = apr_pstrmemdup(cmd->temp_pool, args, (apr_size_t)(end - args));
    text = ap_getword_conf(cmd->pool, &rest);
    return is_name(text) && !*rest ? text : NULL;
}

/* httpd would take what it knows for a setting of the server. */
static const char *check_inside(cmd_parms *cmd)
{
    const ap_directive_t *at;

    for (at = cmd->directive->first_child; at; at = at->next) {
        if (!ao2_directive_is_inner(at->directive)) {
            cmd->err_directive = at;
            return apr_psprintf(cmd->pool, "%s is not allowed inside "
                                "<ApiIssuer>", at->directive);
        }
    }
    return NULL;
}

const char *ao2_open_issuer(cmd_parms *cmd, void *dir, const char *args)
{
    ao2_server_t *server = ao2_server_of(cmd->server);
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    const char *name = section_name(cmd, args);
    ao2_issuer_draft_t *draft;
    ao2_verifier_t *verifier;

    (void)dir;
    if (error) {
        return error;
    }
    if (!name) {
        return "<ApiIssuer NAME> takes one name, without spaces, quotes or "
               "controls";
    }
    if (strcmp(name, AO2_API_TOKEN_ISSUER) == 0) {
        return "<ApiIssuer apitoken>: this name stands for the API tokens "
               "of ApiRegistry";
    }
    if (apr_hash_get(server->issuers, name, APR_HASH_KEY_STRING)) {
        return apr_psprintf(cmd->pool, "<ApiIssuer %s> stands here twice: "
                            "names are unique in a server", name);
    }
    error = check_inside(cmd);
    if (error) {
        return error;
    }
    draft = ao2_issuer_draft_make(name, cmd->pool);
    server->open = draft;
    error = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    server->open = NULL;
    if (!error) {
        error = ao2_issuer_draft_finish(draft, cmd);
    }
    if (error) {
        return error;
    }
    verifier = apr_pcalloc(cmd->pool, sizeof(*verifier));
    verifier->issuer = &draft->issuer;
    apr_hash_set(server->issuers, name, APR_HASH_KEY_STRING, verifier);
    return NULL;
}
