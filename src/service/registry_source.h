/**
 * @file service/registry_source.h
 * Where rows of the registry come from, a file or a database, for who asks
 * about one caller at a time.
 *
 * Layer service. One an ApiRegistry and process; any thread may call. Rows
 * that were found live as long as the pool that was given.
 */
#ifndef AO2_SERVICE_REGISTRY_SOURCE_H
#define AO2_SERVICE_REGISTRY_SOURCE_H

#include "core/subscription.h"

/** What pages tell of a registry. */
typedef struct {
    const char *kind;      /**< "file" or "dbd" */
    const char *path;      /**< of the file; NULL: none */
    apr_time_t read;       /**< when what is in force was; 0: not said */
    apr_int64_t version;   /**< how often it was, in this process; 0: never,
                                or not said */
    const char *fault;     /**< why a newer one is not in force; NULL: none */
    apr_time_t fault_at;   /**< when that was told last */
    const ao2_registry_t *whole; /**< NULL: rows are asked for one by one */
} ao2_registry_told_t;

typedef struct ao2_registry_source {
    /**
     * The client with that id of that issuer object.
     * @param pclient  NULL with AO2_OK: no such
     * @return AO2_OK or AO2_E_REGISTRY_UNAVAILABLE
     */
    ao2_code_t (*find_client)(struct ao2_registry_source *self,
                              const ao2_client_t **pclient,
                              const char *issuer, const char *client_id,
                              apr_pool_t *pool, ao2_fail_t *fail);

    /** The API token with that digest; as find_client. */
    ao2_code_t (*find_token)(struct ao2_registry_source *self,
                             const ao2_api_token_t **ptoken,
                             const unsigned char digest[AO2_DIGEST_LEN],
                             apr_pool_t *pool, ao2_fail_t *fail);

    /**
     * Fill in api and subscription of a call whose application, api_name
     * and api_version are set, and plan where plan_name is.
     * @return AO2_OK or AO2_E_REGISTRY_UNAVAILABLE
     */
    ao2_code_t (*find_call)(struct ao2_registry_source *self,
                            ao2_call_t *call, apr_pool_t *pool,
                            ao2_fail_t *fail);

    /** Another number when rows may have changed. */
    apr_uint32_t (*epoch)(struct ao2_registry_source *self);
    /** How long, while that number stays, who was identified by an API token
     *  is known without looking the token up again; 0: not at all. */
    apr_time_t reuse;

    /** When to ask again after AO2_E_REGISTRY_UNAVAILABLE: 1 or more. */
    int (*retry_after_sec)(struct ao2_registry_source *self);

    /** Tell pages. Waits for nobody. @param told  what it points to lives in
     *  @a pool, or longer */
    void (*tell)(struct ao2_registry_source *self, ao2_registry_told_t *told,
                 apr_pool_t *pool);

    /** Background work, about once a second from one thread. */
    void (*tick)(struct ao2_registry_source *self);
    void *context;
} ao2_registry_source_t;

#endif
