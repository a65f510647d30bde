#include "service/errand.h"

#include <apr_strings.h>

ao2_errand_t ao2_errand_start(const ao2_key_source_t *source,
                              ao2_http_t *http, apr_pool_t *pool)
{
    ao2_errand_t errand = {source, http,
                           apr_time_now() + source->way->total_timeout, pool};

    return errand;
}

ao2_code_t ao2_errand_get(ao2_http_answer_t *answer, const char *url,
                          const ao2_errand_t *errand, ao2_fail_t *fail)
{
    const ao2_http_way_t *way = errand->source->way;
    ao2_http_request_t request = {way, url,
                                  "application/jwk-set+json, "
                                  "application/json",
                                  AO2_MAX_DOCUMENT,
                                  errand->deadline - apr_time_now(),
                                  {NULL, 0}, NULL};
    ao2_code_t code;

    if (request.timeout <= 0) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "no time was left to ask");
    }
    /* It is more where the clock was set back. */
    if (request.timeout > way->total_timeout) {
        request.timeout = way->total_timeout;
    }
    code = errand->http->call(errand->http, answer, &request, errand->pool,
                             fail);
    if (code == AO2_OK && answer->status != 200) {
        code = ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "answered with status %d", answer->status);
    }
    return code;
}

static ao2_code_t ask_place(const char **purl, const char *place,
                            const ao2_errand_t *errand, ao2_fail_t *fail)
{
    ao2_http_answer_t answer;
    ao2_metadata_t metadata = {NULL};
    ao2_code_t code = ao2_errand_get(&answer, place, errand, fail);

    if (code == AO2_OK) {
        code = ao2_metadata_parse(&metadata, answer.body,
                                  errand->source->issuer_url,
                                  errand->source->allow_http, errand->pool,
                                  fail);
    }
    if (code == AO2_OK && !metadata.jwks_uri) {
        code = ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "the metadata has no \"jwks_uri\"");
    }
    *purl = metadata.jwks_uri;
    return code;
}

/* Where metadata may be is not agreed on: the second place counts where the
 * first has nothing of use. */
static ao2_code_t ask_well_known(const char **purl,
                                 const ao2_errand_t *errand,
                                 ao2_fail_t *fail)
{
    const char *places[2];
    ao2_fail_t oauth = {0};
    ao2_fail_t openid = {0};

    ao2_metadata_places(places, errand->source->issuer_url, errand->pool);
    if (ask_place(purl, places[0], errand, &oauth) == AO2_OK ||
        ask_place(purl, places[1], errand, &openid) == AO2_OK) {
        return AO2_OK;
    }
    return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                    "no metadata: oauth-authorization-server: %s; "
                    "openid-configuration: %s",
                    oauth.detail, openid.detail);
}

ao2_code_t ao2_errand_discover(const char **purl, const ao2_errand_t *errand,
                               ao2_fail_t *fail)
{
    const char *place = errand->source->metadata_url;
    ao2_fail_t why = {0};

    if (!place) {
        return ask_well_known(purl, errand, fail);
    }
    if (ask_place(purl, place, errand, &why) != AO2_OK) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "%.*s: %s",
                        (int)strcspn(place, "?"), place, why.detail);
    }
    return AO2_OK;
}
