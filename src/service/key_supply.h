/**
 * @file service/key_supply.h
 * The key documents of an issuer for all processes: fetched by one, kept in
 * the store, their times in shared memory. Without a store each process
 * fetches its own.
 *
 * Layer service. One an issuer and process; any thread may call.
 */
#ifndef AO2_SERVICE_KEY_SUPPLY_H
#define AO2_SERVICE_KEY_SUPPLY_H

#include "service/documents.h"

/** An unknown "kid" or a signature that no key fits fetches this seldom. */
#define AO2_KEYS_UNKNOWN_PAUSE apr_time_from_sec(30)

typedef struct ao2_key_supply ao2_key_supply_t;

/** Make one. Everything is borrowed for the pool's life. @param discovery
 *  may be NULL where @a source does not use it
 *  @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_key_supply_make(ao2_key_supply_t **psupply,
                               const ao2_key_source_t *source,
                               ao2_discovery_t *discovery,
                               const ao2_remote_t *remote, apr_pool_t *pool,
                               ao2_fail_t *fail);

/** The version that processes should have; 0: nobody fetched any yet. */
apr_uint64_t ao2_key_supply_version(const ao2_key_supply_t *supply);

/** Whether documents that were had may still be used. */
int ao2_key_supply_serves(const ao2_key_supply_t *supply, apr_time_t now);

/** Whether it is time to renew them, and the servers are not left alone. */
int ao2_key_supply_is_due(const ao2_key_supply_t *supply, apr_time_t now);

/** Whether the servers are left alone after failures. */
int ao2_key_supply_pauses(const ao2_key_supply_t *supply, apr_time_t now);

/** Whether an unknown "kid" is a reason to fetch now. */
int ao2_key_supply_may_seek(const ao2_key_supply_t *supply, apr_time_t now);

/** An unknown "kid" made us fetch, and there was an answer. */
void ao2_key_supply_sought(ao2_key_supply_t *supply, apr_time_t now);

/** When they were fetched last; 0: never. */
apr_time_t ao2_key_supply_fetched(const ao2_key_supply_t *supply);

/** All times, for pages. */
void ao2_key_supply_times(const ao2_key_supply_t *supply,
                          ao2_key_times_t *times);

/** Which documents are wanted. */
typedef enum {
    AO2_SUPPLY_KNOWN, /**< what another process fetched, else fetch */
    AO2_SUPPLY_NEWER, /**< fetched after "since" */
    AO2_SUPPLY_RENEW  /**< the same; nothing when somebody is at it */
} ao2_supply_t;

/**
 * Get documents: one fetch for all who want them.
 * @param documents  in @a pool; count is 0 with AO2_OK when AO2_SUPPLY_RENEW
 *                   found somebody at it
 * @param since      ao2_key_supply_fetched() when the caller decided
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_key_supply_get(ao2_documents_t *documents,
                              ao2_key_supply_t *supply, ao2_supply_t which,
                              apr_time_t since, apr_pool_t *pool,
                              ao2_fail_t *fail);

#endif
