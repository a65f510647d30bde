/**
 * @file port/cache.h
 * A cache that processes, or machines, share, as the service layer sees it.
 *
 * Layer port: an interface alone. Any thread may call. A cache may forget
 * anything at any time, and may give back what nobody put in: it is not
 * trusted. A cache that does not answer is one that has nothing.
 */
#ifndef AO2_PORT_CACHE_H
#define AO2_PORT_CACHE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/span.h"

/** Bytes of a key. */
#define AO2_CACHE_KEY 32

typedef struct ao2_cache {
    const char *name;      /**< for people: "shmcb", "redis" */
    apr_size_t max_value;  /**< a longer value is not to be put in */

    /** Find. @param value in @a pool @return 1 when found, else 0 */
    int (*get)(struct ao2_cache *self, ao2_span_t *value,
               const unsigned char key[AO2_CACHE_KEY], apr_pool_t *pool);

    /** Put in, over what is there. @param expires it may be forgotten then;
     *  never counted on. @return 1 when it was taken, else 0 */
    int (*put)(struct ao2_cache *self, const unsigned char key[AO2_CACHE_KEY],
               ao2_span_t value, apr_time_t expires, apr_pool_t *pool);

    /** Take out. */
    void (*drop)(struct ao2_cache *self,
                 const unsigned char key[AO2_CACHE_KEY], apr_pool_t *pool);
    void *context;
} ao2_cache_t;

#endif
