/**
 * @file service/store.h
 * Values in a cache that is not trusted: each is bound to its key, carries
 * its own expiry, and is encrypted where there is a secret. A value longer
 * than the cache takes is kept in pieces.
 *
 * Layer service. Any thread may call. What was forged, copied to another
 * key, truncated, or written by another version is not found.
 */
#ifndef AO2_SERVICE_STORE_H
#define AO2_SERVICE_STORE_H

#include "base/fail.h"
#include "port/cache.h"
#include "port/log.h"
#include "service/counters.h"

/** What a value is; part of its key. */
typedef enum {
    AO2_KIND_INTROSPECTION = 1,
    AO2_KIND_KEYS,
    AO2_KIND_METADATA,
    AO2_KIND_UPSTREAM_TOKEN,
    AO2_KIND_REGISTRY,
    AO2_KIND_REFUSED_JWT,
    AO2_KIND_REFRESH_TOKEN,
    AO2_KIND_DROPPED_TOKEN
} ao2_value_kind_t;

typedef unsigned char ao2_store_key_t[AO2_CACHE_KEY];

typedef struct ao2_store ao2_store_t;

/** Look-ups since the process started. */
typedef struct {
    apr_uint64_t hits;
    apr_uint64_t misses;
    apr_uint64_t refused; /**< found, but not to be believed */
    apr_uint64_t failed;  /**< the cache did not take a value */
} ao2_store_counts_t;

/**
 * Make a store.
 * @param cache   borrowed for the pool's life; NULL: nothing is ever found
 * @param secret  any bytes, the same on all machines that share the cache;
 *                absent: values are not encrypted
 * @param log     borrowed as well; NULL: nothing is told
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_store_make(ao2_store_t **pstore, ao2_cache_t *cache,
                          ao2_span_t secret, ao2_log_t *log,
                          apr_pool_t *pool, ao2_fail_t *fail);

/** Tell the figures of all processes what happens. Before the first use. */
void ao2_store_count_in(ao2_store_t *store, const ao2_counters_t *counters);

/**
 * The key of a value: SHA-256 over kind, the owner object's digest of all
 * its settings, and a name of any bytes (a token, a URL).
 */
void ao2_store_key(ao2_store_key_t key, ao2_value_kind_t kind,
                   const unsigned char owner[AO2_CACHE_KEY], ao2_span_t name);

/**
 * Find a value that is not past its expiry.
 * @param value    in @a pool
 * @param expires  of the value; NULL when not wanted
 * @return 1 when found, else 0
 */
int ao2_store_get(ao2_store_t *store, ao2_span_t *value, apr_time_t *expires,
                  const ao2_store_key_t key, apr_time_t now,
                  apr_pool_t *pool);

/** Put a value in. At most AO2_MAX_STORED bytes; a longer one is dropped, and
 *  told of once a minute.
 *  @return 1 when the cache took it, else 0 */
int ao2_store_put(ao2_store_t *store, const ao2_store_key_t key,
                  ao2_span_t value, apr_time_t expires, apr_pool_t *pool);

/** Take a value out. */
void ao2_store_drop(ao2_store_t *store, const ao2_store_key_t key,
                    apr_pool_t *pool);

/** Whether anything is ever found. */
int ao2_store_is_there(const ao2_store_t *store);

void ao2_store_counts(const ao2_store_t *store, ao2_store_counts_t *counts);

#endif
