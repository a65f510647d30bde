#include "core/metadata.h"

#include <apr_strings.h>

#include "base/json.h"
#include "base/text.h"

#define OAUTH "/.well-known/oauth-authorization-server"
#define OPENID "/.well-known/openid-configuration"

void ao2_metadata_places(const char *places[2], const char *issuer,
                         apr_pool_t *pool)
{
    const char *host = strstr(issuer, "://");
    const char *path = host ? host + 3 + strcspn(host + 3, "/?") : issuer;
    const char *origin = apr_pstrmemdup(pool, issuer,
                                        (apr_size_t)(path - issuer));
    char *rest = apr_pstrmemdup(pool, path, strcspn(path, "?"));
    apr_size_t length = strlen(rest);

    /* RFC 8414 section 3.1: a terminating slash goes. */
    if (length && rest[length - 1] == '/') {
        rest[length - 1] = '\0';
    }
    places[0] = apr_pstrcat(pool, origin, OAUTH, rest, NULL);
    places[1] = apr_pstrcat(pool, origin, rest, OPENID, NULL);
}

/* A URL of the document, or NULL where it has none. */
static ao2_code_t read_url(const char **url, const json_t *document,
                           const char *member, int allow_http,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t text = ao2_json_text(json_object_get(document, member));
    const char *wrong;

    *url = NULL;
    if (!text.ptr) {
        return AO2_OK;
    }
    *url = apr_pstrmemdup(pool, text.ptr, text.len);
    wrong = ao2_text_check_url(*url, allow_http);
    return wrong ? ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                            "the metadata's \"%s\" %s", member, wrong)
                 : AO2_OK;
}

ao2_code_t ao2_metadata_parse(ao2_metadata_t *metadata, ao2_span_t text,
                              const char *issuer, int allow_http,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    const struct {
        const char **url;
        const char *member;
    } rows[] = {
        {&metadata->jwks_uri, "jwks_uri"},
        {&metadata->introspection_endpoint, "introspection_endpoint"},
        {&metadata->token_endpoint, "token_endpoint"},
    };
    json_t *document;
    ao2_code_t code = ao2_json_parse(&document, text, AO2_MAX_DOCUMENT_DEPTH,
                                     AO2_E_ISSUER_UNAVAILABLE, pool, fail);
    size_t i;

    memset(metadata, 0, sizeof(*metadata));
    if (code != AO2_OK) {
        return code;
    }
    if (!ao2_span_is(ao2_json_text(json_object_get(document, "issuer")),
                     issuer)) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "the metadata's \"issuer\" is not ApiIssuerURL");
    }
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && code == AO2_OK; i++) {
        code = read_url(rows[i].url, document, rows[i].member, allow_http,
                        pool, fail);
    }
    if (code != AO2_OK) {
        memset(metadata, 0, sizeof(*metadata));
    }
    return code;
}

ao2_metadata_t ao2_metadata_copy(const ao2_metadata_t *metadata,
                                 apr_pool_t *pool)
{
    ao2_metadata_t copy;

    copy.jwks_uri = apr_pstrdup(pool, metadata->jwks_uri);
    copy.introspection_endpoint = apr_pstrdup(
        pool, metadata->introspection_endpoint);
    copy.token_endpoint = apr_pstrdup(pool, metadata->token_endpoint);
    return copy;
}
