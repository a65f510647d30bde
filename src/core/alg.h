/**
 * @file core/alg.h
 * The signature algorithms (RFC 7518 section 3, RFC 8037, RFC 9864).
 *
 * Layer core. Static tables; safe from any thread.
 */
#ifndef AO2_CORE_ALG_H
#define AO2_CORE_ALG_H

#include "base/span.h"

typedef enum {
    AO2_FAMILY_HMAC,
    AO2_FAMILY_RSA_PKCS1,
    AO2_FAMILY_RSA_PSS,
    AO2_FAMILY_ECDSA,
    AO2_FAMILY_EDDSA
} ao2_family_t;

/** A curve, or AO2_CURVE_NONE for families that have none. */
typedef enum {
    AO2_CURVE_NONE,
    AO2_CURVE_P256,
    AO2_CURVE_P384,
    AO2_CURVE_P521,
    AO2_CURVE_ED25519,
    AO2_CURVE_ED448
} ao2_curve_t;

/**
 * One algorithm. "alg" is looked up once; from then on algorithms are
 * compared by pointer.
 */
typedef struct {
    const char *name;
    ao2_family_t family;
    ao2_curve_t curve; /**< AO2_CURVE_NONE for EdDSA: either curve fits */
    const char *digest;        /**< OpenSSL's name; NULL for EdDSA */
    apr_size_t digest_len;     /**< bytes; 0 for EdDSA */
    apr_size_t coordinate_len; /**< ECDSA: bytes of r and of s; else 0 */
    unsigned bit;              /**< 1u << its place in the table */
} ao2_alg_t;

/**
 * The algorithm of that exact name: RS*, PS*, ES*, HS* 256/384/512, EdDSA,
 * Ed25519, Ed448. @return static; NULL for any other name, "none" included
 */
const ao2_alg_t *ao2_alg_find(ao2_span_t name);

/** Algorithm @a index of the table; NULL past the end. */
const ao2_alg_t *ao2_alg_at(int index);

/**
 * The bits of what allowing @a alg allows: EdDSA stands for Ed25519 and
 * Ed448 too (RFC 9864 names the curves); any other for itself alone.
 */
unsigned ao2_alg_allows(const ao2_alg_t *alg);

/** The bits of ApiAlgorithms' default: all but HS*. */
unsigned ao2_alg_default(void);

/** The bits of HS256, HS384 and HS512. */
unsigned ao2_alg_hmac(void);

#endif
