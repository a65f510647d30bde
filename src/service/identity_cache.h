/**
 * @file service/identity_cache.h
 * Who tokens speak for, as verified a moment ago: the cache of one process.
 *
 * Layer service. Bounded in memory; in stripes, each with a lock of its own;
 * any thread may call. A token is known by a keyed hash of 128 bits and by
 * the issuer object that verified it: never by itself, and never by what
 * another issuer object said of it. Times, audience and everything else
 * that a location asks are looked at on every use, by others.
 */
#ifndef AO2_SERVICE_IDENTITY_CACHE_H
#define AO2_SERVICE_IDENTITY_CACHE_H

#include "service/token.h"

typedef struct ao2_identity_cache ao2_identity_cache_t;

/** The hash of a token in one cache. */
typedef struct {
    apr_uint64_t half[2];
} ao2_identity_key_t;

/** Figures since the process started. */
typedef struct {
    apr_uint64_t hits;
    apr_uint64_t misses;
    apr_uint64_t evictions;
    apr_uint64_t entries; /**< now */
    apr_uint64_t bytes;   /**< now */
} ao2_identity_counts_t;

/**
 * Make a cache. @param bytes  what all entries may take; 0: nothing is kept
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_identity_cache_make(ao2_identity_cache_t **pcache,
                                   apr_size_t bytes, apr_pool_t *pool,
                                   ao2_fail_t *fail);

/** Tell the figures of all processes what is in it. Before the first use. */
void ao2_identity_count_in(ao2_identity_cache_t *cache,
                           const ao2_counters_t *counters);

void ao2_identity_key(ao2_identity_key_t *key,
                      const ao2_identity_cache_t *cache, ao2_span_t token);

/**
 * Find what the first of the verifiers that would be asked said of a token.
 * Not found: what is past its time, or was verified with other keys.
 * @param verdict  its principal is held: ao2_principal_release() when done
 * @return 1 when found, else 0
 */
int ao2_identity_find(ao2_identity_cache_t *cache, ao2_verdict_t *verdict,
                      const ao2_identity_key_t *key,
                      const ao2_check_t *check);

/** Keep a verdict; holds its principal by itself. */
void ao2_identity_keep(ao2_identity_cache_t *cache,
                       const ao2_identity_key_t *key,
                       const ao2_verdict_t *verdict, apr_time_t now);

void ao2_identity_counts(ao2_identity_cache_t *cache,
                         ao2_identity_counts_t *counts);

#endif
