#include "glue/dump.h"

#include <apr_strings.h>

#include "base/text.h"
#include "glue/mask.h"

/* Longest string that is shown. */
#define LONGEST 1024

json_t *ao2_dump_text(const char *text, apr_pool_t *pool)
{
    return text ? json_string(ao2_text_for_log(ao2_span(text), LONGEST, pool))
                : json_null();
}

json_t *ao2_dump_duration(apr_time_t time, apr_pool_t *pool)
{
    apr_time_t ms = apr_time_as_msec(time);

    return json_string(ms % 1000
                           ? apr_psprintf(pool, "%" APR_TIME_T_FMT "ms", ms)
                           : apr_psprintf(pool, "%" APR_TIME_T_FMT "s",
                                          ms / 1000));
}

json_t *ao2_dump_flag(int on)
{
    return json_string(on ? "On" : "Off");
}

json_t *ao2_dump_words(const apr_array_header_t *words, apr_pool_t *pool)
{
    json_t *list;
    int i;

    if (!words) {
        return json_null();
    }
    list = json_array();
    for (i = 0; i < words->nelts; i++) {
        json_array_append_new(list, ao2_dump_text(
                                  APR_ARRAY_IDX(words, i, const char *),
                                  pool));
    }
    return list;
}

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

static json_t *algorithms_of(unsigned bits)
{
    json_t *list = json_array();
    int i;

    for (i = 0; ao2_alg_at(i); i++) {
        if ((ao2_alg_at(i)->bit & bits) != 0) {
            json_array_append_new(list, json_string(ao2_alg_at(i)->name));
        }
    }
    return list;
}

/* Who we are, not how we show it. */
static json_t *auth_of(const ao2_client_auth_t *auth, apr_pool_t *pool)
{
    const char *shown = ao2_auth_method_name(auth->method);

    if (!auth->is_set) {
        return json_null();
    }
    if (auth->client_id) {
        shown = apr_pstrcat(pool, shown, " ", auth->client_id, NULL);
    }
    if (auth->secret.len || auth->key) {
        shown = apr_pstrcat(pool, shown, " ", AO2_MASK, NULL);
    }
    return ao2_dump_text(shown, pool);
}

static void add_way(json_t *object, const ao2_http_way_t *way,
                    apr_pool_t *pool)
{
    json_t *timeout = json_object();
    json_t *tls = json_object();

    set(timeout, "connect", ao2_dump_duration(way->connect_timeout, pool));
    set(timeout, "total", ao2_dump_duration(way->total_timeout, pool));
    set(object, "ApiTimeout", timeout);
    set(tls, "ca", ao2_dump_text(way->ca, pool));
    set(tls, "cert", ao2_dump_text(way->cert, pool));
    set(tls, "key", ao2_dump_text(way->key, pool));
    set(tls, "proxy", ao2_dump_text(way->proxy, pool));
    set(tls, "verify", ao2_dump_flag(way->verify));
    set(object, "ApiTLS", tls);
}

static json_t *claims_of(const ao2_token_rules_t *rules, apr_pool_t *pool)
{
    json_t *claims = json_object();

    set(claims, "subject", ao2_dump_words(rules->subject_claims, pool));
    set(claims, "client", ao2_dump_words(rules->client_claims, pool));
    set(claims, "scope", ao2_dump_words(rules->scope_claims, pool));
    return claims;
}

static void add_keys(json_t *object, const ao2_issuer_t *issuer,
                     apr_pool_t *pool)
{
    const ao2_key_source_t *source = &issuer->source;
    json_t *keys = json_array();
    int i;

    for (i = 0; i < source->static_keys->nelts; i++) {
        const ao2_key_t *key = APR_ARRAY_IDX(source->static_keys, i,
                                             const ao2_key_t *);
        json_t *shown = json_object();

        set(shown, "kid", ao2_dump_text(key->kid, pool));
        set(shown, "alg", json_string(key->alg ? key->alg->name : "any"));
        set(shown, "secret", json_boolean(key->kind == AO2_KEY_SECRET));
        json_array_append_new(keys, shown);
    }
    set(object, "keys", keys);
    set(object, "key files", ao2_dump_words(source->files, pool));
    set(object, "key URLs", ao2_dump_words(source->urls, pool));
    set(object, "keys by metadata", json_boolean(source->use_metadata));
    set(object, "ApiJWKSTTL", ao2_dump_duration(source->ttl, pool));
    set(object, "ApiJWKSStale", ao2_dump_duration(source->stale, pool));
}

static void add_introspection(json_t *object, const ao2_issuer_t *issuer,
                              apr_pool_t *pool)
{
    const ao2_introspection_settings_t *settings = &issuer->introspection;

    set(object, "introspects", json_boolean(issuer->introspects));
    set(object, "ApiIntrospection", ao2_dump_text(settings->url, pool));
    set(object, "ApiIntrospectJWT", ao2_dump_flag(issuer->introspect_jwt));
    set(object, "ApiClientAuth", auth_of(&settings->auth, pool));
    set(object, "ApiCacheTTL", ao2_dump_duration(settings->ttl, pool));
    set(object, "ApiNegativeCacheTTL",
        ao2_dump_duration(settings->negative_ttl, pool));
    set(object, "ApiConcurrency", json_integer(issuer->concurrency));
}

json_t *ao2_dump_issuer(const ao2_issuer_t *issuer, apr_pool_t *pool)
{
    static const char *const formats[] = {"any", "jwt", "opaque"};
    json_t *object = json_object();

    set(object, "name", ao2_dump_text(issuer->name, pool));
    set(object, "ApiIssuerURL", ao2_dump_text(issuer->rules.issuer_url,
                                              pool));
    set(object, "ApiMetadata", ao2_dump_text(issuer->discovery.metadata_url,
                                             pool));
    set(object, "ApiTokenFormat", json_string(formats[issuer->format]));
    set(object, "ApiAlgorithms", algorithms_of(issuer->algorithms));
    set(object, "ApiRequireType", ao2_dump_words(issuer->rules.types, pool));
    set(object, "ApiClaims", claims_of(&issuer->rules, pool));
    set(object, "ApiClockSkew", ao2_dump_duration(issuer->rules.skew, pool));
    set(object, "ApiAllowNoExpiry",
        ao2_dump_flag(issuer->rules.allow_no_expiry));
    add_keys(object, issuer, pool);
    add_introspection(object, issuer, pool);
    add_way(object, &issuer->way, pool);
    set(object, "ApiAllowInsecureHTTP",
        ao2_dump_flag(issuer->discovery.allow_http));
    return object;
}

static json_t *origins_of(const apr_array_header_t *origins, apr_pool_t *pool)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < origins->nelts; i++) {
        const ao2_origin_t *origin = &APR_ARRAY_IDX(origins, i, ao2_origin_t);
        const char *port = origin->port ? apr_psprintf(pool, ":%d",
                                                       origin->port)
                                        : "";

        json_array_append_new(list, ao2_dump_text(
                                  apr_pstrcat(pool, origin->scheme, "://",
                                              origin->host, port, NULL),
                                  pool));
    }
    return list;
}

json_t *ao2_dump_upstream(const ao2_upstream_object_t *upstream,
                          apr_pool_t *pool)
{
    static const char *const grants[] = {"client_credentials", "password",
                                         "refresh_token", "jwt_bearer",
                                         "token_exchange"};
    const ao2_upstream_settings_t *settings = &upstream->settings;
    json_t *object = json_object();

    set(object, "name", ao2_dump_text(upstream->name, pool));
    set(object, "ApiUpstreamOrigin", origins_of(upstream->origins, pool));
    set(object, "ApiTokenEndpoint", ao2_dump_text(settings->endpoint, pool));
    set(object, "ApiIssuerURL",
        ao2_dump_text(settings->discovery.issuer_url, pool));
    set(object, "ApiClientAuth", auth_of(&settings->auth, pool));
    set(object, "ApiGrant", json_string(grants[settings->grant.type]));
    set(object, "ApiTokenScope", ao2_dump_words(settings->grant.scopes,
                                                pool));
    set(object, "ApiTokenAudience",
        ao2_dump_words(settings->grant.audiences, pool));
    set(object, "ApiTokenResource",
        ao2_dump_words(settings->grant.resources, pool));
    set(object, "ApiUpstreamHeader", ao2_dump_text(upstream->header, pool));
    set(object, "ApiDefaultLifetime",
        ao2_dump_duration(settings->default_lifetime, pool));
    set(object, "ApiRetryOn401", ao2_dump_flag(upstream->retry));
    add_way(object, &settings->way, pool);
    return object;
}
