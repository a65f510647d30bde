/**
 * @file adapter/redis_cache.h
 * The cache port over Redis, Valkey, or what else speaks their protocol.
 *
 * Layer adapter. The protocol is read and written by hiredis; connections
 * are stream.h's, so that no call takes longer than it may.
 */
#ifndef AO2_ADAPTER_REDIS_CACHE_H
#define AO2_ADAPTER_REDIS_CACHE_H

#include <apr_tables.h>

#include "adapter/stream.h"
#include "base/fail.h"
#include "base/limits.h"
#include "port/cache.h"
#include "port/log.h"

/** A value with what the store adds to it: none is split. */
#define AO2_REDIS_MAX_VALUE (AO2_MAX_STORED + 256)

typedef struct {
    const char *name;
    int port;
} ao2_redis_host_t;

/** Where and how. Lives in the configuration. */
typedef struct {
    const apr_array_header_t *hosts; /**< of ao2_redis_host_t, in the order in
                                          which they are tried; at least one */
    const char *user;    /**< NULL: Redis's default user */
    ao2_span_t password; /**< absent: none is said */
    int db;              /**< 0: not selected */
    const ao2_tls_t *tls; /**< NULL: none */
    apr_time_t timeout;  /**< of one call, connecting included */
} ao2_redis_target_t;

/** Whether this build has hiredis. */
int ao2_redis_is_built(void);

/**
 * Make the port. Connections are opened by the calls that need them, kept,
 * and shared by all threads. A host that fails is left alone for a time
 * (0.5 s, growing to 10 s); then one call tries it again, and meanwhile the
 * next host is asked, or nothing found. Each change is logged once.
 * @param target  borrowed for the pool's life
 * @param log     borrowed for the pool's life
 * @param pcache  lives in @a pool; with it connections end
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_redis_cache_make(ao2_cache_t **pcache,
                                const ao2_redis_target_t *target,
                                ao2_log_t *log, apr_pool_t *pool,
                                ao2_fail_t *fail);

#endif
