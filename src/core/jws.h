/**
 * @file core/jws.h
 * JSON Web Signature, compact serialisation (RFC 7515 section 7.1).
 *
 * Layer core. Safe from any thread.
 */
#ifndef AO2_CORE_JWS_H
#define AO2_CORE_JWS_H

#include <jansson.h>

#include "core/keyset.h"

/** A parsed token, its signature not checked. Spans live in its pool or
 *  are borrowed from the token's bytes. */
typedef struct {
    ao2_span_t signing_input;
    ao2_span_t payload;   /**< decoded */
    ao2_span_t signature; /**< decoded */
    json_t *header;
    const ao2_alg_t *alg;
    ao2_span_t kid; /**< absent: none */
    ao2_span_t typ; /**< absent: none */
} ao2_jws_t;

/**
 * Whether @a token has the outward form of a compact JWS: three segments of
 * base64url characters, none but the payload's empty, the first starting
 * like a JSON object ("ey", "ew"). Looks at the characters alone.
 */
int ao2_jws_looks_like(ao2_span_t token);

/**
 * Parse. Refused: more or fewer than three segments, empty header or
 * signature, lax base64url, a header over AO2_MAX_JWT_HEADER or that is not
 * strict JSON, "alg" absent or not of core/alg.h, "crit", "b64" and "zip"
 * present, "enc" present, "kid" or "typ" not a string, "kid" empty or over
 * AO2_MAX_KID. "jku", "x5u", "jwk" and "x5c" are not looked at.
 * @return AO2_OK or AO2_E_TOKEN_INVALID
 */
ao2_code_t ao2_jws_parse(ao2_jws_t **pjws, ao2_span_t token, apr_pool_t *pool,
                         ao2_fail_t *fail);

/**
 * Check the signature with one key. The caller has chosen the algorithm
 * (an allow-list) and the key; that they fit is checked again here.
 * @return AO2_OK or AO2_E_TOKEN_INVALID
 */
ao2_code_t ao2_jws_verify(const ao2_jws_t *jws, const ao2_key_t *key,
                          ao2_fail_t *fail);

/** As ao2_jws_verify() with the first of @a keys that succeeds. */
ao2_code_t ao2_jws_verify_any(const ao2_jws_t *jws,
                              const ao2_key_t *const *keys, int count,
                              ao2_fail_t *fail);

/** What a token is signed with. Borrowed by the call. */
typedef struct {
    const ao2_key_t *key;
    const ao2_alg_t *alg;
    const char *typ; /**< NULL: none */
} ao2_signer_t;

/**
 * Sign. The header is {"alg", "typ", "kid"}.
 * @param ptoken  a terminated string in @a pool
 * @return AO2_OK or AO2_E_MISCONFIGURED: the key is not private or does not
 *         fit the algorithm; "typ" or "kid" is not UTF-8
 */
ao2_code_t ao2_jws_sign(const char **ptoken, ao2_span_t payload,
                        const ao2_signer_t *signer, apr_pool_t *pool,
                        ao2_fail_t *fail);

#endif
