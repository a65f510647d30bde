#include "core/token_answer.h"

#include <stdlib.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/json.h"

/* Longest number in a string that is read. */
#define LONGEST_NUMBER 20

static ao2_code_t useless(ao2_fail_t *fail, const char *text)
{
    return ao2_fail(fail, AO2_E_UPSTREAM_TOKEN_UNAVAILABLE, "%s", text);
}

/* A value that goes into a header field as it is. */
static const char *read_token(ao2_span_t *token, const json_t *value,
                              apr_pool_t *pool)
{
    ao2_span_t text = ao2_json_text(value);
    apr_size_t i;

    if (!text.ptr) {
        return "is no string";
    }
    if (text.len == 0) {
        return "is empty";
    }
    if (text.len > AO2_MAX_UPSTREAM_TOKEN) {
        return "is too long";
    }
    for (i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~') {
            return "has characters that no token has";
        }
    }
    token->ptr = apr_pstrmemdup(pool, text.ptr, text.len);
    token->len = text.len;
    return NULL;
}

/* "3600", "-1", "59.5": what JSON would take, without an exponent. */
static int read_number(double *number, ao2_span_t text)
{
    char copy[LONGEST_NUMBER + 1];
    char *end;
    apr_size_t i;

    if (!text.ptr || text.len == 0 || text.len > LONGEST_NUMBER) {
        return 0;
    }
    for (i = 0; i < text.len; i++) {
        if (!apr_isdigit(text.ptr[i]) && text.ptr[i] != '.' &&
            (text.ptr[i] != '-' || i > 0)) {
            return 0;
        }
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *number = strtod(copy, &end);
    return !*end && apr_isdigit(copy[text.len - 1]) &&
           apr_isdigit(copy[copy[0] == '-']);
}

static int read_lifetime(ao2_token_answer_t *answer, const json_t *value)
{
    double seconds = 0;

    if (json_is_number(value)) {
        seconds = json_number_value(value);
    }
    else if (!read_number(&seconds, ao2_json_text(value))) {
        return 0;
    }
    answer->has_lifetime = 1;
    if (seconds <= 0) {
        answer->lifetime = 0;
    }
    else if (seconds >= (double)apr_time_sec(AO2_TOKEN_LONGEST)) {
        answer->lifetime = AO2_TOKEN_LONGEST;
    }
    else {
        answer->lifetime = (apr_time_t)(seconds * APR_USEC_PER_SEC);
    }
    return 1;
}

static int is_bearer(ao2_span_t type)
{
    return type.len == 6 && strncasecmp(type.ptr, "bearer", 6) == 0;
}

static ao2_code_t read_members(ao2_token_answer_t *answer, json_t *json,
                               apr_pool_t *pool, ao2_fail_t *fail)
{
    json_t *refresh = json_object_get(json, "refresh_token");
    json_t *lifetime = json_object_get(json, "expires_in");
    const char *wrong = read_token(&answer->access_token,
                                   json_object_get(json, "access_token"),
                                   pool);

    if (wrong) {
        return ao2_fail(fail, AO2_E_UPSTREAM_TOKEN_UNAVAILABLE,
                        "\"access_token\" %s", wrong);
    }
    if (!is_bearer(ao2_json_text(json_object_get(json, "token_type")))) {
        return useless(fail, "\"token_type\" is not Bearer");
    }
    if (lifetime && !read_lifetime(answer, lifetime)) {
        return useless(fail, "\"expires_in\" is no number");
    }
    wrong = refresh ? read_token(&answer->refresh_token, refresh, pool)
                    : NULL;
    return wrong ? ao2_fail(fail, AO2_E_UPSTREAM_TOKEN_UNAVAILABLE,
                            "\"refresh_token\" %s", wrong)
                 : AO2_OK;
}

ao2_code_t ao2_token_answer_read(ao2_token_answer_t *answer, ao2_span_t text,
                                 const char *media_type, apr_pool_t *pool,
                                 ao2_fail_t *fail)
{
    ao2_token_answer_t found = {{0}, {0}, 0, 0};
    json_t *json;
    ao2_code_t code;

    memset(answer, 0, sizeof(*answer));
    if (strcmp(media_type, "application/json") != 0) {
        return useless(fail, "the answer is no application/json");
    }
    code = ao2_json_parse(&json, text, AO2_MAX_DOCUMENT_DEPTH,
                          AO2_E_UPSTREAM_TOKEN_UNAVAILABLE, pool, fail);
    if (code == AO2_OK) {
        code = read_members(&found, json, pool, fail);
    }
    if (code == AO2_OK) {
        *answer = found;
    }
    return code;
}

/* RFC 6749 section 5.2, RFC 8707 section 2, and what servers are known to
 * say besides. */
const char *ao2_token_answer_error(ao2_span_t text, apr_pool_t *pool)
{
    static const char *const known[] = {
        "invalid_request", "invalid_client", "invalid_grant",
        "unauthorized_client", "unsupported_grant_type", "invalid_scope",
        "invalid_target", "invalid_token", "access_denied",
        "unsupported_token_type", "insufficient_scope", "slow_down",
        "server_error", "temporarily_unavailable", "expired_token",
        "interaction_required", "consent_required", "login_required",
        "use_dpop_nonce", "invalid_dpop_proof", "invalid_resource",
    };
    ao2_span_t error;
    json_t *json;
    size_t i;

    if (ao2_json_parse(&json, text, AO2_MAX_DOCUMENT_DEPTH,
                       AO2_E_UPSTREAM_TOKEN_UNAVAILABLE, pool, NULL)
        != AO2_OK) {
        return NULL;
    }
    error = ao2_json_text(json_object_get(json, "error"));
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (error.ptr && ao2_span_is(error, known[i])) {
            return known[i];
        }
    }
    return NULL;
}
