#include "fuzz/fuzz.h"

#include <apr_strings.h>

#include "base/json.h"
#include "core/token_answer.h"
#include "service/access_token.h"

const char fuzz_name[] = "token_answer";

/* What may stand in a header field as a token. */
static void check_token(ao2_span_t token)
{
    fuzz_check(token.len > 0 && token.len <= AO2_MAX_UPSTREAM_TOKEN &&
                   token.ptr[token.len] == '\0' &&
                   strlen(token.ptr) == token.len &&
                   fuzz_is_printable(token.ptr) && !strchr(token.ptr, ' '),
               "a token is printable and not too long");
}

static void check_answer(const ao2_token_answer_t *answer, ao2_span_t input,
                         apr_pool_t *pool)
{
    json_t *json;

    fuzz_check(ao2_json_parse(&json, input, AO2_MAX_DOCUMENT_DEPTH,
                              AO2_E_UPSTREAM_TOKEN_UNAVAILABLE, pool, NULL)
                   == AO2_OK,
               "an answer is JSON");
    check_token(answer->access_token);
    fuzz_check(ao2_span_equal(answer->access_token,
                              ao2_json_text(json_object_get(
                                  json, "access_token"))),
               "the token is the answer's");
    fuzz_check(answer->lifetime >= 0 &&
                   answer->lifetime <= AO2_TOKEN_LONGEST &&
                   (answer->has_lifetime || answer->lifetime == 0),
               "no token lives for ever");
    fuzz_check(answer->has_lifetime == (json_object_get(json, "expires_in")
                                        != NULL),
               "a lifetime is one that was said");
    if (answer->refresh_token.ptr) {
        check_token(answer->refresh_token);
    }
}

/* As a cache may hand it out, and back again. */
static void check_packed(ao2_span_t input, apr_pool_t *pool)
{
    ao2_access_token_t token;
    ao2_access_token_t again;

    if (!ao2_access_token_unpack(&token, input, pool)) {
        return;
    }
    fuzz_accepted++;
    check_token(token.value);
    fuzz_check(token.fetched >= 0 && token.expires >= 0, "times are times");
    fuzz_check(ao2_access_token_unpack(&again,
                                       ao2_access_token_pack(&token, pool),
                                       pool) &&
                   ao2_span_equal(again.value, token.value) &&
                   again.fetched == token.fetched &&
                   again.expires == token.expires &&
                   again.was_fetched == token.was_fetched,
               "what is packed is unpacked");
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    ao2_token_answer_t answer;
    ao2_fail_t fail = {0};
    const char *error = ao2_token_answer_error(input, pool);
    ao2_code_t code = ao2_token_answer_read(&answer, input,
                                            "application/json", pool, &fail);

    fuzz_check(!error || fuzz_is_printable(error), "an error is a known one");
    if (code == AO2_OK) {
        fuzz_accepted++;
        check_answer(&answer, input, pool);
    }
    else {
        fuzz_check(code == AO2_E_UPSTREAM_TOKEN_UNAVAILABLE &&
                       !answer.access_token.ptr,
                   "nothing comes of a bad answer");
        fuzz_check_fail(code, &fail);
    }
    check_packed(input, pool);
}
