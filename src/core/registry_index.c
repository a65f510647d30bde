#include "core/registry_index.h"

#include <stdlib.h>

#define FIRST_SIZE 64

struct ao2_registry_index {
    const ao2_subscription_t **slots; /* at most two thirds are taken */
    apr_size_t size;                  /* of slots, a power of two */
    apr_size_t count;
};

static apr_status_t release(void *data)
{
    free(((ao2_registry_index_t *)data)->slots);
    return APR_SUCCESS;
}

ao2_registry_index_t *ao2_registry_index_make(apr_pool_t *pool)
{
    ao2_registry_index_t *index = apr_pcalloc(pool, sizeof(*index));

    apr_pool_cleanup_register(pool, index, release, apr_pool_cleanup_null);
    return index;
}

/* Pointers differ in few bits, which lie anywhere: every one of them must
 * count for the lowest bits of the hash. */
static apr_size_t hash_of(const ao2_application_t *application,
                          const ao2_api_t *api)
{
    apr_uint64_t hash = (apr_uint64_t)(apr_uintptr_t)application;

    hash *= APR_UINT64_C(0x9e3779b97f4a7c15);
    hash ^= (apr_uint64_t)(apr_uintptr_t)api ^ hash >> 32;
    hash *= APR_UINT64_C(0x9e3779b97f4a7c15);
    return (apr_size_t)(hash ^ hash >> 32);
}

/* Where the subscription is, or where it would go. */
static apr_size_t slot_of(const ao2_registry_index_t *index,
                          const ao2_application_t *application,
                          const ao2_api_t *api)
{
    apr_size_t at = hash_of(application, api) & (index->size - 1);

    while (index->slots[at] && (index->slots[at]->application != application ||
                                index->slots[at]->api != api)) {
        at = (at + 1) & (index->size - 1);
    }
    return at;
}

static int grow(ao2_registry_index_t *index)
{
    ao2_registry_index_t larger = {
        NULL, index->size ? 2 * index->size : FIRST_SIZE, index->count};
    apr_size_t i;

    larger.slots = calloc(larger.size, sizeof(*larger.slots));
    if (!larger.slots) {
        return 0;
    }
    for (i = 0; i < index->size; i++) {
        const ao2_subscription_t *one = index->slots[i];

        if (one) {
            larger.slots[slot_of(&larger, one->application, one->api)] = one;
        }
    }
    free(index->slots);
    *index = larger;
    return 1;
}

const char *ao2_registry_index_add(ao2_registry_index_t *index,
                                   const ao2_subscription_t *subscription)
{
    apr_size_t at;

    if (3 * (index->count + 1) > 2 * index->size && !grow(index)) {
        return "finds no memory";
    }
    at = slot_of(index, subscription->application, subscription->api);
    if (index->slots[at]) {
        return "is there twice";
    }
    index->slots[at] = subscription;
    index->count++;
    return NULL;
}

const ao2_subscription_t *
ao2_registry_index_find(const ao2_registry_index_t *index,
                        const ao2_application_t *application,
                        const ao2_api_t *api)
{
    return index->size ? index->slots[slot_of(index, application, api)]
                       : NULL;
}
