/**
 * @file service/envelope.h
 * One cache entry: with a secret AES-256-GCM over the value, the key bound
 * as associated data; without one the key itself in front of the value.
 *
 * Layer service, for store.c alone.
 */
#ifndef AO2_SERVICE_ENVELOPE_H
#define AO2_SERVICE_ENVELOPE_H

#include "port/cache.h"

/** What an entry is longer than its value, at most. */
#define AO2_ENVELOPE_EXTRA 40

typedef struct {
    unsigned char key[32]; /**< derived from the secret */
    int is_secret;
} ao2_envelope_t;

/** Derive the key (HKDF with SHA-256, RFC 5869). @param secret absent: none
 *  @return 1 when done, else 0 */
int ao2_envelope_prepare(ao2_envelope_t *envelope, ao2_span_t secret);

/** Put a value into an entry. @return 1 when done, else 0 */
int ao2_envelope_seal(const ao2_envelope_t *envelope, ao2_span_t *sealed,
                      ao2_span_t value,
                      const unsigned char key[AO2_CACHE_KEY],
                      apr_pool_t *pool);

/** Take it out again. @return 1 when it is the value of that key, else 0 */
int ao2_envelope_open(const ao2_envelope_t *envelope, ao2_span_t *value,
                      ao2_span_t sealed,
                      const unsigned char key[AO2_CACHE_KEY],
                      apr_pool_t *pool);

#endif
