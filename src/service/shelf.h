/**
 * @file service/shelf.h
 * A thing that is replaced as a whole while others use it: each user holds
 * the version that he found, the last one frees a version that was replaced.
 *
 * Layer service. Holding and letting go takes one of several locks, so that
 * users hardly meet. Any thread may call.
 */
#ifndef AO2_SERVICE_SHELF_H
#define AO2_SERVICE_SHELF_H

#include <apr_pools.h>

#include "base/fail.h"

typedef struct ao2_shelf ao2_shelf_t;

/** One version. */
typedef struct ao2_shelved ao2_shelved_t;

/** Make an empty shelf. @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_shelf_make(ao2_shelf_t **pshelf, apr_pool_t *pool,
                          ao2_fail_t *fail);

/**
 * Put a thing on it instead of what was there. One thread at a time.
 * @param thing_pool  destroyed when the thing is not held any more; NULL:
 *                    it lives longer than the shelf
 * @return 1, or 0 when there is no memory: then nothing has changed
 */
int ao2_shelf_put(ao2_shelf_t *shelf, const void *thing,
                  apr_pool_t *thing_pool);

/**
 * Hold what is there until the end of @a pool.
 * @return NULL: nothing is there
 */
const void *ao2_shelf_hold(ao2_shelf_t *shelf, apr_pool_t *pool);

/** How often something was put. */
apr_uint32_t ao2_shelf_puts(const ao2_shelf_t *shelf);

#endif
