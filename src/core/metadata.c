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

ao2_code_t ao2_metadata_parse(ao2_metadata_t *metadata, ao2_span_t text,
                              const char *issuer, int allow_http,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    json_t *document;
    ao2_span_t uri;
    const char *url;
    const char *wrong;
    ao2_code_t code = ao2_json_parse(&document, text, AO2_MAX_DOCUMENT_DEPTH,
                                     AO2_E_ISSUER_UNAVAILABLE, pool, fail);

    memset(metadata, 0, sizeof(*metadata));
    if (code != AO2_OK) {
        return code;
    }
    if (!ao2_span_is(ao2_json_text(json_object_get(document, "issuer")),
                     issuer)) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "the metadata's \"issuer\" is not ApiIssuerURL");
    }
    uri = ao2_json_text(json_object_get(document, "jwks_uri"));
    if (!uri.ptr) {
        return AO2_OK;
    }
    url = apr_pstrmemdup(pool, uri.ptr, uri.len);
    wrong = ao2_text_check_url(url, allow_http);
    if (wrong) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "the metadata's \"jwks_uri\" %s", wrong);
    }
    metadata->jwks_uri = url;
    return AO2_OK;
}
