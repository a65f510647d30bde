#include "fuzz/fuzz.h"

#include <apr_strings.h>
#include <curl/curl.h>

#include "base/json.h"
#include "base/text.h"
#include "core/metadata.h"

const char fuzz_name[] = "metadata";

#define ISSUER "https://as.example"

/* A part of a URL as libcurl reads it, since it makes the call. */
static const char *part_of(CURLU *parsed, CURLUPart part, apr_pool_t *pool)
{
    char *text = NULL;
    const char *copy = NULL;

    if (curl_url_get(parsed, part, &text, 0) == CURLUE_OK) {
        copy = apr_pstrdup(pool, text);
    }
    curl_free(text);
    return copy;
}

static int is_loopback(const char *host)
{
    return host && (strcasecmp(host, "localhost") == 0 ||
                    strcmp(host, "[::1]") == 0 ||
                    (strncmp(host, "127.", 4) == 0 &&
                     strspn(host, "0123456789.") == strlen(host)));
}

/* What is accepted leads libcurl nowhere else than it seems to. */
static void check_url(const char *url, int allow_http, apr_pool_t *pool)
{
    CURLU *parsed = curl_url();
    const char *scheme;
    const char *host;

    fuzz_check(fuzz_is_printable(url) && !strpbrk(url, " #\"\\"),
               "a URL has no character that ends it elsewhere");
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK) {
        scheme = part_of(parsed, CURLUPART_SCHEME, pool);
        host = part_of(parsed, CURLUPART_HOST, pool);
        fuzz_check(host && *host, "a URL names a host");
        fuzz_check(strcmp(scheme, "https") == 0 ||
                       (strcmp(scheme, "http") == 0 &&
                        (allow_http || is_loopback(host))),
                   "http is for loopback addresses");
        fuzz_check(!part_of(parsed, CURLUPART_USER, pool) &&
                       !part_of(parsed, CURLUPART_PASSWORD, pool) &&
                       !part_of(parsed, CURLUPART_FRAGMENT, pool),
                   "a URL has neither a user nor a fragment");
    }
    curl_url_cleanup(parsed);
}

/* The place of @a mark in @a text, which holds it once. */
static const char *only(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);

    fuzz_check(at && !strstr(at + 1, mark), "a place is named once");
    return at;
}

/* Both places are at the issuer's own host. */
static void check_places(const char *issuer, apr_pool_t *pool)
{
    const char *places[2];
    size_t origin;
    size_t path;
    const char *at;

    if (strncasecmp(issuer, "https://", 8) != 0 || strstr(issuer, "well-") ||
        ao2_text_check_url(issuer, 0)) {
        return;
    }
    ao2_metadata_places(places, issuer, pool);
    origin = 8 + strcspn(issuer + 8, "/?");
    path = strcspn(issuer + origin, "?");
    path -= path > 0 && issuer[origin + path - 1] == '/';
    at = only(places[0], "/.well-known/oauth-authorization-server");
    fuzz_check((size_t)(at - places[0]) == origin &&
                   strncmp(places[0], issuer, origin) == 0 &&
                   ao2_span_equal(ao2_span(at + 39),
                                  (ao2_span_t){issuer + origin, path}),
               "RFC 8414: between host and path");
    at = only(places[1], "/.well-known/openid-configuration");
    fuzz_check((size_t)(at - places[1]) == origin + path && !at[33] &&
                   strncmp(places[1], issuer, origin + path) == 0,
               "OpenID: behind the path");
    fuzz_check(!ao2_text_check_url(places[0], 0) &&
                   !ao2_text_check_url(places[1], 0),
               "a place may be called");
}

/* A document that @a issuer is taken for the issuer of. */
static void parse(ao2_span_t input, const char *issuer, int allow_http,
                  apr_pool_t *pool)
{
    ao2_metadata_t found;
    ao2_fail_t fail = {0};
    json_t *document;
    ao2_span_t text;
    ao2_code_t code = ao2_metadata_parse(&found, input, issuer, allow_http,
                                         pool, &fail);

    if (code != AO2_OK) {
        fuzz_check(code == AO2_E_ISSUER_UNAVAILABLE && !found.jwks_uri &&
                       !found.introspection_endpoint && !found.token_endpoint,
                   "the issuer is at fault");
        fuzz_check_fail(code, &fail);
        return;
    }
    fuzz_check(ao2_json_parse(&document, input, AO2_MAX_DOCUMENT_DEPTH, code,
                              pool, NULL) == AO2_OK &&
                   ao2_span_is(ao2_json_text(json_object_get(document,
                                                             "issuer")),
                               issuer),
               "metadata is that of the issuer");
    text = ao2_json_text(json_object_get(document, "jwks_uri"));
    fuzz_check(ao2_span_equal(text, ao2_span(found.jwks_uri)),
               "the URL is the document's");
    if (found.jwks_uri) {
        fuzz_accepted++;
        check_url(found.jwks_uri, allow_http, pool);
    }
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    json_t *document;
    ao2_span_t own;
    const char *issuer;

    parse(input, ISSUER, 0, pool);
    if (ao2_json_parse(&document, input, AO2_MAX_DOCUMENT_DEPTH,
                       AO2_E_ISSUER_UNAVAILABLE, pool, NULL) != AO2_OK) {
        return;
    }
    own = ao2_json_text(json_object_get(document, "issuer"));
    if (own.ptr) {
        issuer = fuzz_text(own, pool);
        check_places(issuer, pool);
        parse(input, issuer, 1, pool);
    }
}
