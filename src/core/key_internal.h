/**
 * @file core/key_internal.h
 * What the files that make keys share.
 *
 * Layer core, for src/core/key_*.c and jwk_*.c alone.
 */
#ifndef AO2_CORE_KEY_INTERNAL_H
#define AO2_CORE_KEY_INTERNAL_H

#include "core/jwk.h"

/** A curve as JWK and OpenSSL name it. */
typedef struct {
    ao2_curve_t curve;
    ao2_kind_t kind;
    const char *crv;        /**< RFC 7518 section 6.2.1.1, RFC 8037 */
    const char *openssl;    /**< group or key type */
    apr_size_t coordinate_len; /**< bytes of x (and y, d) */
} ao2_curve_row_t;

/** A number of an RSA key as JWK (RFC 7518 section 6.3) and OpenSSL name
 *  it: first the public ones. */
typedef struct {
    const char *member;
    const char *openssl;
} ao2_rsa_number_t;

#define AO2_RSA_PUBLIC 2
#define AO2_RSA_NUMBERS 8
extern const ao2_rsa_number_t ao2_rsa_numbers[AO2_RSA_NUMBERS];

/** The row with that "crv"; NULL: none. */
const ao2_curve_row_t *ao2_curve_by_crv(ao2_span_t crv);

/** The row of a curve; NULL for AO2_CURVE_NONE. */
const ao2_curve_row_t *ao2_curve_row(ao2_curve_t curve);

/**
 * Make a key of @a pkey, which is taken over in every case: find kind and
 * curve and check what every key must stand (sizes, exponent, point).
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_key_adopt(ao2_key_t **pkey, EVP_PKEY *pkey_owned,
                         int is_private, apr_pool_t *pool, ao2_fail_t *fail);

/** Pin @a key to @a alg (NULL: none). @return AO2_OK, or
 *  AO2_E_MISCONFIGURED where it does not fit */
ao2_code_t ao2_key_pin(ao2_key_t *key, const ao2_alg_t *alg,
                       ao2_fail_t *fail);

#endif
