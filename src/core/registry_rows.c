/* What belongs to an application. */
#include "core/registry_internal.h"

#include <apr_strings.h>

/* An application, with the ends of its lists. */
typedef struct {
    ao2_application_t row; /* first: the one is the other */
    ao2_client_t *last_client;
    ao2_api_token_t *last_token;
    ao2_subscription_t *last_subscription;
} application_t;

ao2_code_t ao2_build_application(ao2_application_t **papplication,
                                 ao2_registry_build_t *build,
                                 const ao2_application_t *row,
                                 ao2_fail_t *fail)
{
    ao2_registry_t *registry = &build->registry;
    ao2_application_t *application;

    if (ao2_build_check_name(row->id, 0, "an application's id", fail)
            != AO2_OK ||
        ao2_build_check_name(row->name, 1, "an application's name", fail)
            != AO2_OK ||
        ao2_build_check_name(row->owner, 1, "an application's owner", fail)
            != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    if (ao2_registry_application(registry, row->id)) {
        return ao2_build_twice(build, "application", row->id, fail);
    }
    application = apr_pcalloc(registry->pool, sizeof(application_t));
    application->id = ao2_build_copy(build, row->id);
    application->name = ao2_build_copy(build, row->name);
    application->owner = ao2_build_copy(build, row->owner);
    application->status = row->status;
    application->binds = row->binds;
    apr_hash_set(registry->applications, application->id,
                 APR_HASH_KEY_STRING, application);
    if (registry->last_application) {
        registry->last_application->next = application;
    }
    else {
        registry->first_application = application;
    }
    registry->last_application = application;
    registry->counts.applications++;
    if (papplication) {
        *papplication = application;
    }
    return AO2_OK;
}

static ao2_issuer_clients_t *issuer_of(ao2_registry_build_t *build,
                                       const char *name)
{
    ao2_registry_t *registry = &build->registry;
    ao2_issuer_clients_t *issuer = apr_hash_get(registry->issuers, name,
                                                APR_HASH_KEY_STRING);

    if (!issuer) {
        issuer = apr_palloc(registry->pool, sizeof(*issuer));
        issuer->name = ao2_build_copy(build, name);
        issuer->clients = apr_hash_make(registry->pool);
        apr_hash_set(registry->issuers, issuer->name, APR_HASH_KEY_STRING,
                     issuer);
    }
    return issuer;
}

ao2_code_t ao2_build_client(ao2_registry_build_t *build,
                            ao2_application_t *application,
                            const ao2_client_t *row, ao2_fail_t *fail)
{
    application_t *owner = (application_t *)application;
    ao2_issuer_clients_t *issuer;
    ao2_client_t *client;

    if (ao2_build_check_name(row->issuer, 0, "an issuer's name", fail)
            != AO2_OK ||
        ao2_build_check_name(row->client_id, 0, "a client id", fail)
            != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    issuer = issuer_of(build, row->issuer);
    if (apr_hash_get(issuer->clients, row->client_id, APR_HASH_KEY_STRING)) {
        return ao2_build_twice(build, "client", row->client_id, fail);
    }
    client = apr_pcalloc(build->registry.pool, sizeof(*client));
    client->issuer = issuer->name;
    client->client_id = ao2_build_copy(build, row->client_id);
    client->application = application;
    client->key_type = row->key_type;
    apr_hash_set(issuer->clients, client->client_id, APR_HASH_KEY_STRING,
                 client);
    if (owner->last_client) {
        owner->last_client->next = client;
    }
    else {
        application->clients = client;
    }
    owner->last_client = client;
    build->registry.counts.clients++;
    return AO2_OK;
}

static ao2_code_t add_token(ao2_registry_build_t *build, application_t *owner,
                            ao2_api_token_t *token, ao2_fail_t *fail)
{
    ao2_registry_t *registry = &build->registry;
    const ao2_api_token_t *other;

    if (ao2_registry_token(registry, token->digest)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the sha256 of token %s is that of another",
                        ao2_build_shown(build, token->id));
    }
    for (other = owner->row.tokens; other; other = other->next) {
        if (strcmp(other->id, token->id) == 0) {
            return ao2_build_twice(build, "token", token->id, fail);
        }
    }
    token->application = &owner->row;
    apr_hash_set(registry->tokens, token->digest, AO2_DIGEST_LEN, token);
    if (owner->last_token) {
        owner->last_token->next = token;
    }
    else {
        owner->row.tokens = token;
    }
    owner->last_token = token;
    registry->counts.tokens++;
    return AO2_OK;
}

ao2_code_t ao2_build_token(ao2_registry_build_t *build,
                           ao2_application_t *application,
                           const ao2_api_token_row_t *row, ao2_fail_t *fail)
{
    ao2_api_token_t *token;
    ao2_code_t code = ao2_api_token_make_row(&token, row,
                                             build->registry.pool, fail);

    return code == AO2_OK
               ? add_token(build, (application_t *)application, token, fail)
               : code;
}

ao2_code_t ao2_build_subscription(ao2_registry_build_t *build,
                                  ao2_application_t *application,
                                  const ao2_subscription_row_t *row,
                                  ao2_fail_t *fail)
{
    ao2_registry_t *registry = &build->registry;
    application_t *owner = (application_t *)application;
    ao2_subscription_t *subscription = apr_pcalloc(registry->pool,
                                                   sizeof(*subscription));
    const char *wrong;

    subscription->application = application;
    subscription->api = ao2_build_find_api(build, row->api, row->version);
    subscription->plan = row->plan ? ao2_build_find_plan(build, row->plan)
                                   : NULL;
    subscription->status = row->status;
    subscription->starts = row->starts;
    subscription->expires = row->expires;
    wrong = ao2_registry_index_add(registry->subscriptions, subscription);
    if (wrong) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the subscription to version %s of %s %s",
                        ao2_build_shown(build, row->version),
                        ao2_build_shown(build, row->api), wrong);
    }
    if (owner->last_subscription) {
        owner->last_subscription->next = subscription;
    }
    else {
        application->subscriptions = subscription;
    }
    owner->last_subscription = subscription;
    registry->counts.subscriptions++;
    return AO2_OK;
}
