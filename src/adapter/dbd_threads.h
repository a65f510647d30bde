/**
 * @file adapter/dbd_threads.h
 * A database behind a few threads, each with a connection of its own: who
 * asks never waits for it himself.
 *
 * Threads start when they are needed, AO2_MAX_REGISTRY_THREADS of them; as
 * many again while some are stuck, which a thread is whose question takes
 * longer than a caller waits. Once all are, nothing more is taken. A
 * connection that nobody needs for a minute is closed.
 *
 * Layer adapter. One a database and process; any thread may call.
 */
#ifndef AO2_ADAPTER_DBD_THREADS_H
#define AO2_ADAPTER_DBD_THREADS_H

#include "adapter/dbd_link.h"
#include "port/database.h"

/**
 * Make it; connects to nobody yet.
 * @param target  copied
 * @param pool    of the process. Threads that are stuck at its end are left
 *                behind with all that is theirs, and touch nothing else
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_dbd_threads_make(ao2_database_t **pdatabase,
                                const ao2_dbd_target_t *target,
                                apr_pool_t *pool, ao2_fail_t *fail);

#endif
