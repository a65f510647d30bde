/**
 * @file glue/caches.h
 * The shared caches that servers chose (ApiCache, ApiCacheSecret), from the
 * configuration to one store a server.
 *
 * Layer glue. lifecycle.c calls these in the order in which they stand here.
 */
#ifndef AO2_GLUE_CACHES_H
#define AO2_GLUE_CACHES_H

#include "adapter/redis_cache.h"
#include "glue/config.h"
#include "service/store.h"

typedef enum {
    AO2_CACHE_NONE,
    AO2_CACHE_SOCACHE,
    AO2_CACHE_REDIS
} ao2_cache_kind_t;

/** One ApiCache. */
struct ao2_cache_choice {
    ao2_cache_kind_t kind;
    const char *provider; /**< of a socache, else what stands for it */
    const char *args;     /**< for that provider; NULL: none */
    ao2_redis_target_t redis;
    const char *file;     /**< where it was said; NULL: nowhere */
    int line;
};

/** Hook pre_config. */
int ao2_caches_pre_config(apr_pool_t *conf, apr_pool_t *log,
                          apr_pool_t *temp);

/** As ApiCache does, for shmcb: PATH, PATH(SIZE), (SIZE) or nothing, with
 *  suffixes for the size. @return what the provider wants, in @a pool; NULL
 *  when it is something else */
const char *ao2_caches_shmcb_args(const char *text, apr_pool_t *pool);

/** Part of check_config: providers that are not there, secrets that are
 *  missing. @return 1 when something was wrong, and was logged */
int ao2_caches_check(apr_pool_t *temp, server_rec *main_server);

/** Part of post_config, in the parent: opens what children inherit. What
 *  cannot be opened is logged and left out. */
void ao2_caches_post_config(apr_pool_t *conf, server_rec *main_server);

/** Part of child_init. Afterwards every server has its store. */
void ao2_caches_child_init(apr_pool_t *child, server_rec *main_server);

/** The store of a server: one that finds nothing where there is no cache.
 *  NULL only before ao2_caches_child_init(). */
ao2_store_t *ao2_caches_store_of(const server_rec *server);

/** The provider of that store, for people; NULL: there is no cache. */
const char *ao2_caches_name_of(const server_rec *server);

#endif
