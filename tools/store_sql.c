/* A registry in a database: every command is one transaction. */
#include "tools/store_sql.h"

#include <errno.h>
#include <unistd.h>

#include <apr_strings.h>

#include "core/registry_sql.h"
#include "core/registry_words.h"

/* The version of the schema. */
#define VERSION "1"

ao2_sql_t *ao2_store_sql_of(ao2_store_t *store)
{
    return store->own;
}

const char *ao2_sql_number(apr_int64_t number, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, number);
}

const char *ao2_sql_time(apr_time_t time, apr_time_t absent, apr_pool_t *pool)
{
    return time == absent ? NULL : ao2_sql_number(apr_time_sec(time), pool);
}

static int is_sqlite(const ao2_store_t *store)
{
    return strcmp(store->driver, "sqlite3") == 0;
}

/* SQLite would make a database of any name. */
static int check_there(const ao2_store_t *store, ao2_fail_t *fail)
{
    if (is_sqlite(store) && access(store->where, R_OK) != 0) {
        return ao2_store_fail(fail, AO2_EXIT_USAGE, "%s cannot be read: %s",
                              store->where, strerror(errno));
    }
    return AO2_EXIT_DONE;
}

static int connect_to(ao2_store_t *store, ao2_fail_t *fail)
{
    ao2_sql_t *sql;
    int status = ao2_sql_open(&sql, store->driver, store->where, store->pool,
                              fail);

    if (status != AO2_EXIT_DONE) {
        return status;
    }
    store->own = sql;
    if (!is_sqlite(store)) {
        return ao2_sql_run(sql, "SET client_min_messages = warning", fail);
    }
    status = ao2_sql_ask(sql, "PRAGMA busy_timeout = 60000", NULL, NULL, NULL,
                         fail);
    if (status == AO2_EXIT_DONE) {
        status = ao2_sql_run(sql, "PRAGMA foreign_keys = ON", fail);
    }
    /* At most 64 MiB: rows come in no order of their indexes. */
    return status == AO2_EXIT_DONE
               ? ao2_sql_run(sql, "PRAGMA cache_size = -65536", fail)
               : status;
}

static int take_version(void *context, const char *const *columns,
                        ao2_fail_t *fail)
{
    (void)fail;
    *(int *)context = columns[0] && strcmp(columns[0], VERSION) == 0;
    return AO2_EXIT_DONE;
}

static int check_version(ao2_store_t *store, ao2_fail_t *fail)
{
    int is_ours = 0;
    int status = ao2_sql_ask(ao2_store_sql_of(store), AO2_SQL_VERSION, NULL,
                             take_version, &is_ours, fail);

    if (status == AO2_EXIT_DONE && !is_ours) {
        return ao2_store_fail(fail, AO2_EXIT_USAGE,
                              "the registry in the database is not of version "
                              VERSION);
    }
    return status;
}

/* The lock of PostgreSQL keeps writers out of each other's way, not readers
 * of the table. */
static int sql_begin(ao2_store_t *store, int to_change, ao2_fail_t *fail)
{
    static const char *const sqlite[2][2] = {
        {"BEGIN", NULL}, {"BEGIN IMMEDIATE", NULL}};
    static const char *const pgsql[2][2] = {
        {"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL},
        {"BEGIN", "SET LOCAL lock_timeout = '60s'; "
                  "LOCK TABLE api_registry IN SHARE ROW EXCLUSIVE MODE"}};
    const char *const *begin = is_sqlite(store) ? sqlite[to_change]
                                                : pgsql[to_change];
    int status = check_there(store, fail);

    if (status == AO2_EXIT_DONE) {
        status = connect_to(store, fail);
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_sql_run(store->own, begin[0], fail);
    }
    if (status == AO2_EXIT_DONE && begin[1]) {
        status = ao2_sql_run(store->own, begin[1], fail);
    }
    return status == AO2_EXIT_DONE ? check_version(store, fail) : status;
}

static int sql_commit(ao2_store_t *store, ao2_fail_t *fail)
{
    return ao2_sql_run(ao2_store_sql_of(store), "COMMIT", fail);
}

static int sql_load(const ao2_registry_t **pregistry, ao2_store_t *store,
                    ao2_fail_t *fail)
{
    int status = sql_begin(store, 0, fail);

    return status == AO2_EXIT_DONE ? ao2_sql_load(pregistry, store, fail)
                                   : status;
}

static int sql_replace(ao2_store_t *store, const ao2_registry_t *registry,
                       ao2_fail_t *fail)
{
    int status = sql_begin(store, 1, fail);

    if (status == AO2_EXIT_DONE) {
        status = ao2_sql_replace(store, registry, fail);
    }
    return status == AO2_EXIT_DONE ? sql_commit(store, fail) : status;
}

static int sql_init(ao2_store_t *store, ao2_fail_t *fail)
{
    const char *schema = is_sqlite(store) ? ao2_schema_sqlite3
                                          : ao2_schema_pgsql;
    const char *tables = is_sqlite(store)
                             ? "SELECT 1 FROM sqlite_master "
                               "WHERE name = 'api_registry'"
                             : "SELECT 1 WHERE to_regclass('api_registry') "
                               "IS NOT NULL";
    int found = 0;
    int status = connect_to(store, fail);

    if (status == AO2_EXIT_DONE) {
        status = ao2_sql_run(store->own, is_sqlite(store) ? "BEGIN IMMEDIATE"
                                                          : "BEGIN", fail);
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_sql_has(&found, store->own, tables, NULL, fail);
    }
    if (found) {
        return ao2_store_fail(fail, AO2_EXIT_REFUSED,
                              "the database has a registry already");
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_sql_run_script(store->own, schema, fail);
    }
    return status == AO2_EXIT_DONE ? sql_commit(store, fail) : status;
}

static int sql_find_plan(int *pfound, ao2_store_t *store, const char *name,
                         ao2_fail_t *fail)
{
    return ao2_sql_has(pfound, store->own,
                       "SELECT name FROM api_plans WHERE name = %s",
                       (ao2_values_t){name}, fail);
}

/* Where a row is put that is asked for. */
typedef struct {
    ao2_api_t *api;
    int found;
} find_api_t;

static int take_api(void *context, const char *const *columns,
                    ao2_fail_t *fail)
{
    find_api_t *find = context;
    ao2_api_t row;

    find->found = 1;
    if (ao2_sql_api(&row, columns, fail) != AO2_OK) {
        return AO2_EXIT_USAGE;
    }
    find->api->status = row.status;
    find->api->deprecation = row.deprecation;
    find->api->sunset = row.sunset;
    return AO2_EXIT_DONE;
}

static int sql_find_api(int *pfound, ao2_store_t *store, ao2_api_t *api,
                        ao2_fail_t *fail)
{
    find_api_t find = {api, 0};
    int status = ao2_sql_ask(store->own, AO2_SQL_FIND_API,
                             (ao2_values_t){api->name, api->version},
                             take_api, &find, fail);

    *pfound = find.found;
    return status;
}

static int sql_find_application(int *pfound, ao2_store_t *store,
                                const char *id, ao2_fail_t *fail)
{
    return ao2_sql_has(pfound, store->own,
                       "SELECT id FROM api_applications WHERE id = %s",
                       (ao2_values_t){id}, fail);
}

static int sql_find_client(int *pfound, ao2_store_t *store,
                           const ao2_client_t *client, ao2_fail_t *fail)
{
    return ao2_sql_has(pfound, store->own, AO2_SQL_FIND_CLIENT,
                       (ao2_values_t){client->issuer, client->client_id}, fail);
}

static int sql_find_subscription(int *pfound, ao2_store_t *store,
                                 const char *application,
                                 const ao2_subscription_row_t *row,
                                 ao2_fail_t *fail)
{
    return ao2_sql_has(pfound, store->own,
                       "SELECT api FROM api_subscriptions WHERE "
                       "application = %s AND api = %s AND version = %s",
                       (ao2_values_t){application, row->api, row->version},
                       fail);
}

typedef struct {
    apr_array_header_t *tokens;
    apr_pool_t *pool;
} token_list_t;

static int take_token(void *context, const char *const *columns,
                      ao2_fail_t *fail)
{
    token_list_t *list = context;
    ao2_api_token_row_t row;
    ao2_api_token_t *token;

    if (ao2_sql_token(&row, columns, list->pool, fail) != AO2_OK ||
        ao2_api_token_make_row(&token, &row, list->pool, fail) != AO2_OK) {
        return AO2_EXIT_USAGE;
    }
    APR_ARRAY_PUSH(list->tokens, const ao2_api_token_t *) = token;
    return AO2_EXIT_DONE;
}

static int sql_list_tokens(apr_array_header_t **ptokens, ao2_store_t *store,
                           const char *application, ao2_fail_t *fail)
{
    token_list_t list = {apr_array_make(store->pool, 4, sizeof(void *)),
                         store->pool};

    *ptokens = list.tokens;
    return ao2_sql_ask(store->own,
                       "SELECT " AO2_SQL_TOKEN " FROM api_tokens t"
                       " WHERE t.application = %s ORDER BY t.id",
                       (ao2_values_t){application}, take_token, &list, fail);
}

static int sql_add_plan(ao2_store_t *store, const char *name,
                        const ao2_limit_row_t *limits, int count,
                        ao2_fail_t *fail)
{
    int status = ao2_sql_change(store->own,
                                "INSERT INTO api_plans (name) VALUES (%s)",
                                (ao2_values_t){name}, fail);
    int i;

    for (i = 0; i < count && status == AO2_EXIT_DONE; i++) {
        const char *burst = limits[i].burst
                                ? ao2_sql_number(limits[i].burst, store->pool)
                                : NULL;

        status = ao2_sql_change(
            store->own, "INSERT INTO api_limits (plan, position, requests, "
            "per, burst) VALUES (%s, %s, %s, %s, %s)",
            (ao2_values_t){name, ao2_sql_number(i + 1, store->pool),
                           ao2_sql_number(limits[i].requests, store->pool),
                           limits[i].window, burst}, fail);
    }
    return status;
}

static int insert_api(ao2_store_t *store, const ao2_api_t *api,
                      ao2_fail_t *fail)
{
    return ao2_sql_change(
        store->own, "INSERT INTO api_versions (name, version, status, "
        "deprecation, sunset) VALUES (%s, %s, %s, %s, %s)",
        (ao2_values_t){api->name, api->version, ao2_api_statuses[api->status],
                       ao2_sql_time(api->deprecation, 0, store->pool),
                       ao2_sql_time(api->sunset, 0, store->pool)}, fail);
}

static int sql_add_api(ao2_store_t *store, const ao2_api_t *api,
                       ao2_fail_t *fail)
{
    ao2_api_t all = {.name = api->name, .version = AO2_ALL_VERSIONS};
    int found;
    int status = sql_find_api(&found, store, &all, fail);

    if (status == AO2_EXIT_DONE && !found) {
        status = insert_api(store, &all, fail);
    }
    return status == AO2_EXIT_DONE ? insert_api(store, api, fail) : status;
}

static int sql_add_application(ao2_store_t *store,
                               const ao2_application_t *row, ao2_fail_t *fail)
{
    return ao2_sql_change(
        store->own, "INSERT INTO api_applications (id, name, owner, status, "
        "token_format) VALUES (%s, %s, %s, %s, %s)",
        (ao2_values_t){row->id, row->name, row->owner,
                       ao2_application_statuses[row->status],
                       ao2_bindings[row->binds]}, fail);
}

static int sql_add_client(ao2_store_t *store, const char *application,
                          const ao2_client_t *row, ao2_fail_t *fail)
{
    return ao2_sql_change(
        store->own, "INSERT INTO api_clients (issuer, client_id, "
        "application, key_type) VALUES (%s, %s, %s, %s)",
        (ao2_values_t){row->issuer, row->client_id, application,
                       ao2_key_types[row->key_type]}, fail);
}

static const char *joined(const char *const *words, int count,
                          apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < count; i++) {
        text = apr_pstrcat(pool, text, i ? " " : "", words[i], NULL);
    }
    return text;
}

static int sql_add_token(ao2_store_t *store, const char *application,
                         const ao2_api_token_row_t *row, ao2_fail_t *fail)
{
    apr_pool_t *pool = store->pool;

    return ao2_sql_change(
        store->own, "INSERT INTO api_tokens (sha256, application, id, "
        "prefix, scopes, key_type, not_before, expires, status, ip) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (ao2_values_t){row->sha256, application, row->id, row->prefix,
                       joined(row->scopes, row->scope_count, pool),
                       ao2_key_types[row->key_type],
                       ao2_sql_time(row->not_before, 0, pool),
                       ao2_sql_time(row->expires, AO2_TIME_FOREVER, pool),
                       ao2_api_token_statuses[row->status],
                       joined(row->networks, row->network_count, pool)}, fail);
}

static int sql_add_subscription(ao2_store_t *store, const char *application,
                                const ao2_subscription_row_t *row,
                                ao2_fail_t *fail)
{
    return ao2_sql_change(
        store->own, "INSERT INTO api_subscriptions (application, api, "
        "version, plan, status, starts, expires) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (ao2_values_t){application, row->api, row->version, row->plan,
                       ao2_subscription_statuses[row->status],
                       ao2_sql_time(row->starts, 0, store->pool),
                       ao2_sql_time(row->expires, AO2_TIME_FOREVER,
                                    store->pool)}, fail);
}

static int sql_set_api(ao2_store_t *store, const ao2_api_t *api,
                       ao2_fail_t *fail)
{
    return ao2_sql_change(
        store->own, "UPDATE api_versions SET status = %s, deprecation = %s, "
        "sunset = %s WHERE name = %s AND version = %s",
        (ao2_values_t){ao2_api_statuses[api->status],
                       ao2_sql_time(api->deprecation, 0, store->pool),
                       ao2_sql_time(api->sunset, 0, store->pool), api->name,
                       api->version}, fail);
}

static int sql_set_application(ao2_store_t *store, const char *id,
                               ao2_application_status_t status,
                               ao2_fail_t *fail)
{
    return ao2_sql_change(
        store->own, "UPDATE api_applications SET status = %s WHERE id = %s",
        (ao2_values_t){ao2_application_statuses[status], id}, fail);
}

static int sql_set_subscription(ao2_store_t *store, const char *application,
                                const ao2_subscription_row_t *row,
                                ao2_fail_t *fail)
{
    return ao2_sql_change(
        store->own, "UPDATE api_subscriptions SET status = %s "
        "WHERE application = %s AND api = %s AND version = %s",
        (ao2_values_t){ao2_subscription_statuses[row->status], application,
                       row->api, row->version}, fail);
}

static int sql_set_token(ao2_store_t *store, const char *application,
                         const ao2_api_token_row_t *row, ao2_fail_t *fail)
{
    return ao2_sql_change(
        store->own, "UPDATE api_tokens SET status = %s, expires = %s "
        "WHERE application = %s AND id = %s",
        (ao2_values_t){ao2_api_token_statuses[row->status],
                       ao2_sql_time(row->expires, AO2_TIME_FOREVER,
                                    store->pool),
                       application, row->id}, fail);
}

const ao2_store_kind_t ao2_store_sql = {
    .init = sql_init,
    .load = sql_load,
    .replace = sql_replace,
    .begin = sql_begin,
    .commit = sql_commit,
    .find_plan = sql_find_plan,
    .find_api = sql_find_api,
    .find_application = sql_find_application,
    .find_client = sql_find_client,
    .find_subscription = sql_find_subscription,
    .list_tokens = sql_list_tokens,
    .add_plan = sql_add_plan,
    .add_api = sql_add_api,
    .add_application = sql_add_application,
    .add_client = sql_add_client,
    .add_token = sql_add_token,
    .add_subscription = sql_add_subscription,
    .set_api = sql_set_api,
    .set_application = sql_set_application,
    .set_subscription = sql_set_subscription,
    .set_token = sql_set_token,
};
