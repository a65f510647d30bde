/**
 * @file service/generation.h
 * One generation of an issuer's keys, and how it is built.
 *
 * Layer service. Built by one thread, then only read; counted.
 */
#ifndef AO2_SERVICE_GENERATION_H
#define AO2_SERVICE_GENERATION_H

#include "service/keyring.h"

/** Most files, and most URLs, of one issuer. */
#define AO2_MAX_KEY_SOURCES 16
/** Longest URL in metadata. */
#define AO2_MAX_JWKS_URL 2047

typedef struct {
    apr_pool_t *pool; /**< its own, with its own allocator */
    volatile apr_uint32_t readers;
    ao2_keyset_t *set;
    ao2_span_t remote[AO2_MAX_KEY_SOURCES]; /**< documents as they came */
    apr_time_t max_age;                     /**< the least said; -1: none */
    char found_url[AO2_MAX_JWKS_URL + 1];   /**< by metadata; "": none */
} ao2_generation_t;

/**
 * Build from files, static keys, and what servers say.
 * @param old   NULL, or a generation whose remote documents are taken
 *              instead of calling anybody
 * @param hint  where metadata led to last time; "" for nowhere
 * @return AO2_OK, AO2_E_MISCONFIGURED (a file) or
 *         AO2_E_ISSUER_UNAVAILABLE; on failure nothing is left behind
 */
ao2_code_t ao2_generation_build(ao2_generation_t **pgeneration,
                                const ao2_key_source_t *source,
                                const ao2_generation_t *old, const char *hint,
                                ao2_http_t *http, ao2_fail_t *fail);

/** Count a reader. */
void ao2_generation_hold(ao2_generation_t *generation);

/** One reader less; the last one releases it. */
void ao2_generation_release(ao2_generation_t *generation);

/** Whether @a source has anybody to call. */
int ao2_key_source_is_remote(const ao2_key_source_t *source);

#endif
