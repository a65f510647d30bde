/**
 * @file core/signature.h
 * Signatures over bytes (RFC 7518 section 3, RFC 8037 section 3.1).
 *
 * Layer core. Safe from any thread.
 */
#ifndef AO2_CORE_SIGNATURE_H
#define AO2_CORE_SIGNATURE_H

#include "core/jwk.h"

/**
 * Whether @a signature, in the form that a JWS carries, is that of
 * @a input. @a key must fit @a alg. Leaves no OpenSSL error behind.
 */
int ao2_signature_verify(const ao2_alg_t *alg, const ao2_key_t *key,
                         ao2_span_t input, ao2_span_t signature);

/**
 * Sign. @param out  in @a pool; absent on failure
 * @return 1 when signed, else 0
 */
int ao2_signature_make(ao2_span_t *out, const ao2_alg_t *alg,
                       const ao2_key_t *key, ao2_span_t input,
                       apr_pool_t *pool);

#endif
