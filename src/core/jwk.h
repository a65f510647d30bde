/**
 * @file core/jwk.h
 * Keys: JSON Web Keys (RFC 7517), PEM and raw secrets.
 *
 * Layer core. A key never changes after it was made and may be used by
 * several threads at once.
 */
#ifndef AO2_CORE_JWK_H
#define AO2_CORE_JWK_H

#include <apr_pools.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "base/fail.h"
#include "base/span.h"
#include "core/alg.h"

typedef enum {
    AO2_KEY_RSA,
    AO2_KEY_EC,
    AO2_KEY_OKP,
    AO2_KEY_SECRET
} ao2_kind_t;

/** Signature algorithms that one key may fit: six for RSA. */
#define AO2_KEY_USES 6

/** A key. Members belong to its pool. */
typedef struct {
    ao2_kind_t kind;
    ao2_curve_t curve;
    int is_private;
    EVP_PKEY *pkey;      /**< NULL for AO2_KEY_SECRET */
    EVP_MD_CTX **ready;  /**< signature.c's own: AO2_KEY_USES contexts to
                              begin a verification with, each NULL or made
                              by the first that needed it; atomic */
    ao2_span_t secret;   /**< absent but for AO2_KEY_SECRET; wiped with it */
    const char *kid;     /**< NULL: none */
    const ao2_alg_t *alg; /**< the only one it may be used with; NULL: any
                               that fits */
} ao2_key_t;

/** What a JWK is read for. */
typedef enum {
    AO2_FOR_VERIFY, /**< "use" must be sig, "key_ops" hold verify, if there */
    AO2_FOR_SIGN    /**< private; "key_ops" hold sign, if there */
} ao2_purpose_t;

/**
 * Read one JWK. Checked: members' types and base64url, RSA size and
 * exponent (base/limits.h), points on their curve, coordinate lengths
 * exact, private part fitting the public, "use", "key_ops", "alg" known
 * and fitting. Where "n", "e", "x" or "y" are absent but "x5c" is there,
 * the key of its first certificate is taken; nothing else of it counts.
 * An "oct" key is read only when @a secrets is set.
 * @param pkey     *pkey is NULL on failure, and (with AO2_OK) for a key
 *                 that is well-formed but not for us: unknown kty or crv,
 *                 another use, another key_ops, an algorithm not of ours,
 *                 oct where @a secrets is not set
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_jwk_read(ao2_key_t **pkey, json_t *jwk, ao2_purpose_t purpose,
                        int secrets, apr_pool_t *pool, ao2_fail_t *fail);

/**
 * Read a PEM public key, X.509 certificate or private key (unencrypted),
 * the first in @a pem, with the same checks.
 * @param kid  borrowed from the caller for the pool's life; NULL: none
 * @param alg  NULL: any that fits; one that does not fit is refused
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_key_read_pem(ao2_key_t **pkey, ao2_span_t pem, const char *kid,
                            const ao2_alg_t *alg, apr_pool_t *pool,
                            ao2_fail_t *fail);

/** A secret of raw bytes, copied. It must not be empty. */
ao2_code_t ao2_key_from_secret(ao2_key_t **pkey, ao2_span_t bytes,
                               const char *kid, apr_pool_t *pool,
                               ao2_fail_t *fail);

/**
 * Whether @a key may be used with @a alg: kind and curve fit, its own alg
 * (if any) is that one, a secret is at least as long as the hash (RFC 7518
 * section 3.2).
 */
int ao2_key_fits(const ao2_key_t *key, const ao2_alg_t *alg);

/**
 * Make a key pair (or a secret of the hash's length) for @a alg.
 * @param rsa_bits  for RSA; 0: 2048
 */
ao2_code_t ao2_key_generate(ao2_key_t **pkey, const ao2_alg_t *alg,
                            int rsa_bits, const char *kid, apr_pool_t *pool,
                            ao2_fail_t *fail);

/**
 * The key as a JWK with kty, its parameters, and kid and alg where it has
 * them. @param with_private  also the private part; a secret has no other
 * @param pjson  released with @a pool; NULL for a secret without
 *               @a with_private
 */
ao2_code_t ao2_key_write(json_t **pjson, const ao2_key_t *key,
                         int with_private, apr_pool_t *pool,
                         ao2_fail_t *fail);

/** The SHA-256 thumbprint (RFC 7638), base64url, in @a pool. */
const char *ao2_key_thumbprint(const ao2_key_t *key, apr_pool_t *pool);

#endif
