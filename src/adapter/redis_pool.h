/**
 * @file adapter/redis_pool.h
 * The connections of one process to the hosts of one Redis cache, and which
 * of these hosts can be asked.
 *
 * Layer adapter, for redis_cache.c alone; there where hiredis is. Any thread
 * may call. Deadlines are times of ao2_monotonic().
 */
#ifndef AO2_ADAPTER_REDIS_POOL_H
#define AO2_ADAPTER_REDIS_POOL_H

#include "adapter/redis_link.h"

typedef struct ao2_redis_pool ao2_redis_pool_t;

/** A connection while it is used. */
typedef struct {
    struct ao2_redis_peer *host;
    ao2_redis_link_t *link;
    unsigned epoch;
    int is_new; /**< made for this use */
} ao2_redis_use_t;

/** As ao2_redis_cache_make(). */
ao2_code_t ao2_redis_pool_make(ao2_redis_pool_t **ppool,
                               const ao2_redis_target_t *target,
                               ao2_log_t *log, apr_pool_t *pool,
                               ao2_fail_t *fail);

/**
 * Take a connection to the first host that can be asked; wait for one while
 * all are in use.
 * @return 1, and the use must end by give or discard; 0: none
 */
int ao2_redis_pool_take(ao2_redis_pool_t *self, ao2_redis_use_t *use,
                        apr_time_t deadline);

/** The connection is as good as it was. */
void ao2_redis_pool_give(ao2_redis_pool_t *self, const ao2_redis_use_t *use);

/** The connection is of no use any more. @param why  what ails its host,
 *  which is left alone for a time; NULL: nothing */
void ao2_redis_pool_discard(ao2_redis_pool_t *self,
                            const ao2_redis_use_t *use, const char *why);

/** Log that a command was refused, once in a while. @param error  static */
void ao2_redis_pool_tell(ao2_redis_pool_t *self, const ao2_redis_use_t *use,
                         const char *command, const char *error);

#endif
