/**
 * @file core/token_answer.h
 * What a token endpoint says (RFC 6749 sections 5.1 and 5.2, RFC 8693
 * section 2.2).
 *
 * Layer core. Pure functions; results live in the pool given.
 */
#ifndef AO2_CORE_TOKEN_ANSWER_H
#define AO2_CORE_TOKEN_ANSWER_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/fail.h"
#include "base/span.h"

/** No answer makes a token live longer. */
#define AO2_TOKEN_LONGEST apr_time_from_sec(10 * 365 * 24 * 3600L)

typedef struct {
    ao2_span_t access_token;  /**< printable ASCII without a space, a NUL
                                   behind it */
    ao2_span_t refresh_token; /**< as well; absent: none */
    int has_lifetime;
    apr_time_t lifetime;      /**< microseconds; 0: to be used once */
} ao2_token_answer_t;

/**
 * Read a success: JSON with an access_token of at most
 * AO2_MAX_UPSTREAM_TOKEN printable characters, of token_type Bearer in any
 * case. expires_in may be a number or one in a string; below zero is zero,
 * beyond AO2_TOKEN_LONGEST is that. What else stands there is not looked at.
 * @param media_type  as in ao2_http_answer_t
 * @return AO2_OK or AO2_E_UPSTREAM_TOKEN_UNAVAILABLE
 */
ao2_code_t ao2_token_answer_read(ao2_token_answer_t *answer, ao2_span_t text,
                                 const char *media_type, apr_pool_t *pool,
                                 ao2_fail_t *fail);

/**
 * The "error" of an answer when it is one of those that are known, static;
 * else NULL. So nothing that a server chose reaches a log.
 */
const char *ao2_token_answer_error(ao2_span_t text, apr_pool_t *pool);

#endif
