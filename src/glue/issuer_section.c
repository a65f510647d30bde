#include "glue/directive.h"
#include "glue/issuer_draft.h"

#include <apr_strings.h>

#include "base/text.h"

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
    draft->section.discovery = &issuer->discovery;
    draft->section.auth = &issuer->introspection.auth;
    draft->section.way = &issuer->way;
    ao2_section_init(&draft->section, AO2_SECTION_ISSUER, name, pool);
    issuer->name = name;
    issuer->label = draft->section.label;
    issuer->rules.issuer_name = name;
    issuer->rules.subject_claims = ao2_text_list(1, subject, pool);
    issuer->rules.client_claims = ao2_text_list(3, client, pool);
    issuer->rules.scope_claims = ao2_text_list(2, scope, pool);
    issuer->rules.skew = CLOCK_SKEW;
    issuer->algorithms = ao2_alg_default();
    issuer->source.issuer_name = name;
    issuer->source.ttl = JWKS_TTL;
    issuer->source.stale = JWKS_STALE;
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
    ao2_section_t *section = ao2_section_of_kind(cmd, AO2_SECTION_ISSUER,
                                                 error);

    return section ? (ao2_issuer_draft_t *)section : NULL;
}

static const char *section_error(const ao2_issuer_draft_t *draft,
                                 const cmd_parms *cmd, const char *text)
{
    return ao2_section_error(&draft->section, cmd, text);
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

static const char *check_urls(const ao2_issuer_draft_t *draft,
                              const cmd_parms *cmd)
{
    const ao2_issuer_t *issuer = &draft->issuer;
    const char *error = NULL;
    int i;

    for (i = 0; i < draft->urls->nelts && !error; i++) {
        error = ao2_section_check_url(&draft->section, cmd, "ApiJWKS",
                          APR_ARRAY_IDX(draft->urls, i, const char *));
    }
    if (!error && issuer->introspection.url) {
        error = ao2_section_check_url(&draft->section, cmd, "ApiIntrospection",
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
                      !draft->section.metadata_off && issuer->rules.issuer_url;

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

    issuer->source.use_metadata = !has_keys && !draft->section.metadata_off &&
                                  issuer->rules.issuer_url;
    if (!has_keys && !issuer->source.use_metadata &&
        issuer->format != AO2_FORMAT_OPAQUE) {
        return section_error(draft, cmd, "no keys: name ApiJWKS, "
                             "ApiPublicKey or ApiSharedSecret, or leave "
                             "ApiMetadata at auto; or say ApiTokenFormat "
                             "opaque");
    }
    if (issuer->source.use_metadata && !issuer->discovery.metadata_url) {
        return ao2_section_check_url(&draft->section, cmd, "ApiIssuerURL",
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
    return error ? error : ao2_section_check(&draft->section, cmd);
}

/* What the keys that never change are. */
static apr_array_header_t *key_material(const ao2_issuer_draft_t *draft,
                                        apr_pool_t *temp)
{
    apr_array_header_t *spans = apr_array_make(temp, 4, sizeof(ao2_span_t));
    int i;

    for (i = 0; i < draft->static_keys->nelts; i++) {
        const ao2_key_t *key = APR_ARRAY_IDX(draft->static_keys, i,
                                             const ao2_key_t *);

        APR_ARRAY_PUSH(spans, ao2_span_t) = ao2_span(key->kid);
        APR_ARRAY_PUSH(spans, ao2_span_t) =
            key->kind == AO2_KEY_SECRET
                ? key->secret
                : ao2_span(ao2_key_thumbprint(key, temp));
    }
    return spans;
}

const char *ao2_issuer_draft_finish(ao2_issuer_draft_t *draft,
                                    const cmd_parms *cmd)
{
    ao2_issuer_t *issuer = &draft->issuer;
    ao2_fail_t fail = {0};
    const char *error;

    issuer->rules.issuer_url = issuer->discovery.issuer_url;
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
    return ao2_section_digest(issuer->digest, &draft->section, cmd,
                              key_material(draft, cmd->temp_pool));
}

const char *ao2_open_issuer(cmd_parms *cmd, void *dir, const char *args)
{
    ao2_server_t *server = ao2_server_of(cmd->server);
    const char *name;
    const char *error = ao2_section_begin(&name, cmd, args,
                                          AO2_SECTION_ISSUER,
                                          server->issuers);
    ao2_issuer_draft_t *draft;
    ao2_verifier_t *verifier;

    (void)dir;
    if (error) {
        return error;
    }
    if (strcmp(name, AO2_API_TOKEN_ISSUER) == 0) {
        return "<ApiIssuer apitoken>: this name stands for the API tokens "
               "of ApiRegistry";
    }
    draft = ao2_issuer_draft_make(name, cmd->pool);
    error = ao2_section_read(&draft->section, cmd);
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
