/**
 * @file core/registry_index.h
 * Subscriptions, found by application and API: there are so many of them
 * that their table is made for them. It holds a pointer for each, in the
 * first free place behind the one that their hash gives.
 *
 * Layer core; for core/registry*.c alone. Looked up by any thread once it
 * does not grow any more.
 */
#ifndef AO2_CORE_REGISTRY_INDEX_H
#define AO2_CORE_REGISTRY_INDEX_H

#include "core/registry.h"

typedef struct ao2_registry_index ao2_registry_index_t;

/** An empty index, released with @a pool. */
ao2_registry_index_t *ao2_registry_index_make(apr_pool_t *pool);

/**
 * Add a subscription.
 * @return NULL, or what is wrong, as a static part of a sentence: one of
 *         this application to this API is there, or there is no memory
 */
const char *ao2_registry_index_add(ao2_registry_index_t *index,
                                   const ao2_subscription_t *subscription);

/** The subscription of @a application to exactly @a api; NULL: none. */
const ao2_subscription_t *
ao2_registry_index_find(const ao2_registry_index_t *index,
                        const ao2_application_t *application,
                        const ao2_api_t *api);

#endif
