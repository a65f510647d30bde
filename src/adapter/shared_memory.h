/**
 * @file adapter/shared_memory.h
 * Anonymous shared memory, inherited by child processes, with locks that a
 * killed process cannot keep.
 *
 * Layer adapter; knows POSIX alone. Created by the parent before it forks;
 * each child joins.
 */
#ifndef AO2_ADAPTER_SHARED_MEMORY_H
#define AO2_ADAPTER_SHARED_MEMORY_H

#include <apr_pools.h>

#include "base/fail.h"
#include "port/shared.h"

typedef struct ao2_shared_memory ao2_shared_memory_t;

/**
 * Make the memory, zeroed. Nothing of it is touched before it is used.
 * @param pool  its end unmaps it here; other processes keep theirs
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_shared_memory_make(ao2_shared_memory_t **pmemory,
                                  apr_size_t size, apr_pool_t *pool,
                                  ao2_fail_t *fail);

/**
 * Let the memory outlive the code that made it: the end of @a pool, the one
 * it was made with, does nothing any more. For pools that stay when httpd
 * loads the module anew, perhaps somewhere else.
 */
void ao2_shared_memory_keep(ao2_shared_memory_t *memory, apr_pool_t *pool);

/** Unmap what was kept, before its pool ends. */
void ao2_shared_memory_close(ao2_shared_memory_t *memory);

/** Where it starts, for the parent, which joins nobody. */
void *ao2_shared_memory_start(const ao2_shared_memory_t *memory);

/**
 * Join as this process, once. Until it ends, @a pshared->lives() says so;
 * from its end on, however it comes, not any more.
 * @param pshared  lives in @a pool
 * @return AO2_OK, or AO2_E_MISCONFIGURED when there is no place left
 */
ao2_code_t ao2_shared_memory_join(ao2_shared_t **pshared,
                                  ao2_shared_memory_t *memory,
                                  apr_pool_t *pool, ao2_fail_t *fail);

#endif
