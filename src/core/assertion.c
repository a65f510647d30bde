#include "core/assertion.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/json.h"
#include "base/text.h"
#include "core/jws.h"

#define LIFETIME 60

static const char *claims(const ao2_assertion_t *assertion, apr_pool_t *pool)
{
    unsigned char bytes[16];
    json_int_t now = apr_time_sec(assertion->now);
    json_t *json;
    char *text;
    const char *copy;

    if (apr_generate_random_bytes(bytes, sizeof(bytes)) != APR_SUCCESS) {
        return NULL;
    }
    json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss",
                     assertion->issuer, "sub", assertion->subject, "aud",
                     assertion->audience, "jti",
                     ao2_text_hex(bytes, sizeof(bytes), pool), "iat", now,
                     "exp", now + LIFETIME);
    text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    copy = apr_pstrdup(pool, text);
    free(text);
    json_decref(json);
    return copy;
}

ao2_code_t ao2_assertion_sign(const char **token,
                              const ao2_assertion_t *assertion,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_signer_t signer = {assertion->key, assertion->alg, "JWT"};
    const char *payload = claims(assertion, pool);

    *token = NULL;
    if (!payload) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "no assertion can be made of the client id");
    }
    return ao2_jws_sign(token, ao2_span(payload), &signer, pool, fail);
}
