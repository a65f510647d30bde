/**
 * @file core/keyset.h
 * Sets of keys (RFC 7517 section 5) and the choice of keys for a token.
 *
 * Layer core. A set is filled by one thread and then only read.
 */
#ifndef AO2_CORE_KEYSET_H
#define AO2_CORE_KEYSET_H

#include "core/jwk.h"

typedef struct {
    int count;
    int skipped; /**< keys that were there but not for us */
    const ao2_key_t *keys[AO2_MAX_KEYS];
} ao2_keyset_t;

/** An empty set that lives in @a pool. */
ao2_keyset_t *ao2_keyset_make(apr_pool_t *pool);

/**
 * Add a key. @return AO2_OK, or AO2_E_MISCONFIGURED when the set is full.
 */
ao2_code_t ao2_keyset_add(ao2_keyset_t *set, const ao2_key_t *key,
                          ao2_fail_t *fail);

/**
 * Add the keys of a JWK Set document (or of one JWK). Keys that are not for
 * us, and keys that are broken, are skipped and counted (RFC 7517 section
 * 5); a set without any usable key, or with more than AO2_MAX_KEYS in all,
 * is refused, and then nothing was added.
 * @param text     at most AO2_MAX_DOCUMENT bytes
 * @param secrets  whether "oct" keys are read; if not they are skipped
 * @param pool     of the keys
 * @return AO2_OK or AO2_E_MISCONFIGURED; the caller decides whose fault
 */
ao2_code_t ao2_keyset_parse(ao2_keyset_t *set, ao2_span_t text,
                            ao2_purpose_t purpose, int secrets,
                            apr_pool_t *pool, ao2_fail_t *fail);

/**
 * The keys a token may have been signed with: those with its "kid" that fit
 * @a alg; for a token without one, all that fit, at most
 * AO2_MAX_CANDIDATES.
 * @param found  receives borrowed pointers
 * @param kid    absent: the token has none
 * @return how many
 */
int ao2_keyset_select(const ao2_key_t *found[AO2_MAX_CANDIDATES],
                      const ao2_keyset_t *set, const ao2_alg_t *alg,
                      ao2_span_t kid);

#endif
