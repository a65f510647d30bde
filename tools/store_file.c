/* A registry in a file: read whole, changed in memory, written anew. */
#include "tools/store.h"

#include <stdio.h>

#include "core/registry_write.h"
#include "tools/safe_file.h"

typedef struct {
    ao2_safe_file_t *file; /* locked; NULL: for reading alone */
    ao2_registry_build_t *build;
    const ao2_registry_t *registry;
} own_t;

static own_t *own_of(ao2_store_t *store)
{
    if (!store->own) {
        store->own = apr_pcalloc(store->pool, sizeof(own_t));
    }
    return store->own;
}

static int put_bytes(void *context, const char *bytes, apr_size_t length)
{
    return fwrite(bytes, 1, length, context) != length;
}

static int write_registry(void *context, FILE *stream, ao2_fail_t *fail)
{
    const ao2_registry_t *const *pregistry = context;

    return ao2_registry_write(*pregistry, AO2_ROW_A_LINE, put_bytes, stream,
                              fail) == AO2_OK
               ? AO2_EXIT_DONE
               : AO2_EXIT_USAGE;
}

static int file_init(ao2_store_t *store, ao2_fail_t *fail)
{
    ao2_registry_build_t *build = ao2_registry_build_make(NULL, NULL,
                                                          store->pool);
    const ao2_registry_t *empty;

    ao2_registry_build_end(&empty, build, fail);
    return ao2_safe_create(store->where, write_registry, &empty, store->pool,
                           fail);
}

static int file_begin(ao2_store_t *store, int to_change, ao2_fail_t *fail)
{
    own_t *own = own_of(store);
    int status = to_change ? ao2_safe_lock(&own->file, store->where,
                                           store->pool, fail)
                           : AO2_EXIT_DONE;

    if (status == AO2_EXIT_DONE) {
        status = ao2_document_read(&own->build, store->where,
                                   &store->progress, store->pool, fail);
    }
    if (status == AO2_EXIT_DONE) {
        ao2_registry_build_end(&own->registry, own->build, fail);
    }
    return status == AO2_EXIT_DONE ? status : AO2_EXIT_USAGE;
}

static int file_commit(ao2_store_t *store, ao2_fail_t *fail)
{
    own_t *own = own_of(store);

    return ao2_registry_build_end(&own->registry, own->build, fail) == AO2_OK
               ? ao2_safe_replace(own->file, write_registry,
                                  &own->registry, fail)
               : AO2_EXIT_REFUSED;
}

static int file_load(const ao2_registry_t **pregistry, ao2_store_t *store,
                     ao2_fail_t *fail)
{
    int status = file_begin(store, 0, fail);

    *pregistry = own_of(store)->registry;
    return status;
}

static int file_replace(ao2_store_t *store, const ao2_registry_t *registry,
                        ao2_fail_t *fail)
{
    own_t *own = own_of(store);
    int status = ao2_safe_lock(&own->file, store->where, store->pool, fail);

    return status == AO2_EXIT_DONE
               ? ao2_safe_replace(own->file, write_registry,
                                  &registry, fail)
               : status;
}

/*
 * The registry between begin and commit is this process's own: its rows may
 * change until it is written.
 */
static ao2_application_t *application_of(ao2_store_t *store, const char *id)
{
    return (ao2_application_t *)ao2_registry_application(
        own_of(store)->registry, id);
}

static ao2_subscription_t *subscription_of(ao2_store_t *store,
                                           const char *application,
                                           const ao2_subscription_row_t *row)
{
    const ao2_subscription_t *at =
        application_of(store, application)->subscriptions;

    while (at && (strcmp(at->api->name, row->api) != 0 ||
                  strcmp(at->api->version, row->version) != 0)) {
        at = at->next;
    }
    return (ao2_subscription_t *)at;
}

static ao2_api_token_t *token_of(ao2_store_t *store, const char *application,
                                 const char *id)
{
    const ao2_api_token_t *at = application_of(store, application)->tokens;

    while (at && strcmp(at->id, id) != 0) {
        at = at->next;
    }
    return (ao2_api_token_t *)at;
}

static int file_find_plan(int *pfound, ao2_store_t *store, const char *name,
                          ao2_fail_t *fail)
{
    (void)fail;
    *pfound = ao2_registry_plan(own_of(store)->registry, name) != NULL;
    return AO2_EXIT_DONE;
}

static int file_find_api(int *pfound, ao2_store_t *store, ao2_api_t *api,
                         ao2_fail_t *fail)
{
    const ao2_registry_t *registry = own_of(store)->registry;
    const ao2_api_t *found = ao2_registry_api(registry, api->name,
                                              api->version);

    (void)fail;
    if (found) {
        *api = *found;
    }
    *pfound = found || (strcmp(api->version, AO2_ALL_VERSIONS) == 0 &&
                        ao2_registry_has_api(registry, api->name));
    return AO2_EXIT_DONE;
}

static int file_find_application(int *pfound, ao2_store_t *store,
                                 const char *id, ao2_fail_t *fail)
{
    (void)fail;
    *pfound = application_of(store, id) != NULL;
    return AO2_EXIT_DONE;
}

static int file_find_client(int *pfound, ao2_store_t *store,
                            const ao2_client_t *client, ao2_fail_t *fail)
{
    (void)fail;
    *pfound = ao2_registry_client(own_of(store)->registry, client->issuer,
                                  client->client_id) != NULL;
    return AO2_EXIT_DONE;
}

static int file_find_subscription(int *pfound, ao2_store_t *store,
                                  const char *application,
                                  const ao2_subscription_row_t *row,
                                  ao2_fail_t *fail)
{
    (void)fail;
    *pfound = subscription_of(store, application, row) != NULL;
    return AO2_EXIT_DONE;
}

static int file_list_tokens(apr_array_header_t **ptokens, ao2_store_t *store,
                            const char *application, ao2_fail_t *fail)
{
    const ao2_api_token_t *token;

    (void)fail;
    *ptokens = apr_array_make(store->pool, 4, sizeof(token));
    for (token = application_of(store, application)->tokens; token;
         token = token->next) {
        APR_ARRAY_PUSH(*ptokens, const ao2_api_token_t *) = token;
    }
    return AO2_EXIT_DONE;
}

static int status_of(ao2_code_t code)
{
    return code == AO2_OK ? AO2_EXIT_DONE : AO2_EXIT_REFUSED;
}

static int file_add_plan(ao2_store_t *store, const char *name,
                         const ao2_limit_row_t *limits, int count,
                         ao2_fail_t *fail)
{
    return status_of(ao2_build_plan(own_of(store)->build, name, limits, count,
                                    fail));
}

static int file_add_api(ao2_store_t *store, const ao2_api_t *api,
                        ao2_fail_t *fail)
{
    return status_of(ao2_build_api(own_of(store)->build, api, fail));
}

static int file_add_application(ao2_store_t *store,
                                const ao2_application_t *row,
                                ao2_fail_t *fail)
{
    return status_of(ao2_build_application(NULL, own_of(store)->build, row,
                                           fail));
}

static int file_add_client(ao2_store_t *store, const char *application,
                           const ao2_client_t *row, ao2_fail_t *fail)
{
    return status_of(ao2_build_client(own_of(store)->build,
                                      application_of(store, application), row,
                                      fail));
}

static int file_add_token(ao2_store_t *store, const char *application,
                          const ao2_api_token_row_t *row, ao2_fail_t *fail)
{
    return status_of(ao2_build_token(own_of(store)->build,
                                     application_of(store, application), row,
                                     fail));
}

static int file_add_subscription(ao2_store_t *store, const char *application,
                                 const ao2_subscription_row_t *row,
                                 ao2_fail_t *fail)
{
    return status_of(ao2_build_subscription(
        own_of(store)->build, application_of(store, application), row, fail));
}

static int file_set_api(ao2_store_t *store, const ao2_api_t *api,
                        ao2_fail_t *fail)
{
    ao2_api_t *row = (ao2_api_t *)ao2_registry_api(
        own_of(store)->registry, api->name, api->version);

    (void)fail;
    row->status = api->status;
    row->deprecation = api->deprecation;
    row->sunset = api->sunset;
    return AO2_EXIT_DONE;
}

static int file_set_application(ao2_store_t *store, const char *id,
                                ao2_application_status_t status,
                                ao2_fail_t *fail)
{
    (void)fail;
    application_of(store, id)->status = status;
    return AO2_EXIT_DONE;
}

static int file_set_subscription(ao2_store_t *store, const char *application,
                                 const ao2_subscription_row_t *row,
                                 ao2_fail_t *fail)
{
    (void)fail;
    subscription_of(store, application, row)->status = row->status;
    return AO2_EXIT_DONE;
}

static int file_set_token(ao2_store_t *store, const char *application,
                          const ao2_api_token_row_t *row, ao2_fail_t *fail)
{
    ao2_api_token_t *token = token_of(store, application, row->id);

    (void)fail;
    token->status = row->status;
    token->expires = row->expires;
    return AO2_EXIT_DONE;
}

const ao2_store_kind_t ao2_store_file = {
    .init = file_init,
    .load = file_load,
    .replace = file_replace,
    .begin = file_begin,
    .commit = file_commit,
    .find_plan = file_find_plan,
    .find_api = file_find_api,
    .find_application = file_find_application,
    .find_client = file_find_client,
    .find_subscription = file_find_subscription,
    .list_tokens = file_list_tokens,
    .add_plan = file_add_plan,
    .add_api = file_add_api,
    .add_application = file_add_application,
    .add_client = file_add_client,
    .add_token = file_add_token,
    .add_subscription = file_add_subscription,
    .set_api = file_set_api,
    .set_application = file_set_application,
    .set_subscription = file_set_subscription,
    .set_token = file_set_token,
};
