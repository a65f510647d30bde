#include "core/registry_internal.h"

static void *find(apr_hash_t *table, const char *name)
{
    return apr_hash_get(table, name, APR_HASH_KEY_STRING);
}

static const ao2_api_t *find_api(const ao2_registry_t *registry,
                                 const char *name, const char *version)
{
    apr_hash_t *versions = find(registry->apis, name);

    return versions ? find(versions, version) : NULL;
}

const ao2_plan_t *ao2_registry_plan(const ao2_registry_t *registry,
                                    const char *name)
{
    return find(registry->plans, name);
}

const ao2_api_t *ao2_registry_api(const ao2_registry_t *registry,
                                  const char *name, const char *version)
{
    return strcmp(version, AO2_ALL_VERSIONS) == 0
               ? NULL
               : find_api(registry, name, version);
}

int ao2_registry_has_api(const ao2_registry_t *registry, const char *name)
{
    return find_api(registry, name, AO2_ALL_VERSIONS) != NULL;
}

const ao2_application_t *
ao2_registry_application(const ao2_registry_t *registry, const char *id)
{
    return find(registry->applications, id);
}

const ao2_client_t *ao2_registry_client(const ao2_registry_t *registry,
                                        const char *issuer,
                                        const char *client_id)
{
    const ao2_issuer_clients_t *known = find(registry->issuers, issuer);

    return known ? find(known->clients, client_id) : NULL;
}

const ao2_api_token_t *
ao2_registry_token(const ao2_registry_t *registry,
                   const unsigned char digest[AO2_DIGEST_LEN])
{
    return apr_hash_get(registry->tokens, digest, AO2_DIGEST_LEN);
}

const ao2_subscription_t *
ao2_registry_subscription(const ao2_registry_t *registry,
                          const ao2_application_t *application,
                          const ao2_api_t *api)
{
    const ao2_subscription_t *found = ao2_registry_index_find(
        registry->subscriptions, application, api);

    return found ? found
                 : ao2_registry_index_find(
                       registry->subscriptions, application,
                       find_api(registry, api->name, AO2_ALL_VERSIONS));
}

const ao2_plan_t *ao2_registry_plans(const ao2_registry_t *registry)
{
    return registry->first_plan;
}

const ao2_api_t *ao2_registry_apis(const ao2_registry_t *registry)
{
    return registry->first_api;
}

const ao2_application_t *
ao2_registry_applications(const ao2_registry_t *registry)
{
    return registry->first_application;
}

ao2_registry_counts_t ao2_registry_count(const ao2_registry_t *registry)
{
    return registry->counts;
}
