/**
 * @file core/assertion.h
 * A JWT by which we speak for ourselves (RFC 7521 section 5, RFC 7523
 * section 3).
 *
 * Layer core. Pure but for random bytes.
 */
#ifndef AO2_CORE_ASSERTION_H
#define AO2_CORE_ASSERTION_H

#include <apr_time.h>

#include "core/jwk.h"

/** Who says what to whom. Borrowed by the call. */
typedef struct {
    const char *issuer;
    const char *subject;
    const char *audience; /**< the authorization server */
    const ao2_key_t *key; /**< private, or a secret; fits alg */
    const ao2_alg_t *alg;
    apr_time_t now;
} ao2_assertion_t;

/**
 * Sign one: it lives 60 seconds and has a jti of its own.
 * @param token  lives in @a pool
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_assertion_sign(const char **token,
                              const ao2_assertion_t *assertion,
                              apr_pool_t *pool, ao2_fail_t *fail);

#endif
