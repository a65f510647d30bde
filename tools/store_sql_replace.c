/* Writing a whole registry into a database, several rows a statement. */
#include "tools/store_sql.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "base/text.h"
#include "core/registry_words.h"

/* More values a statement than this APR's drivers do not take. */
#define MOST_VALUES 36
#define MOST_COLUMNS 10

/* Rows on their way into one table. */
typedef struct {
    ao2_store_t *store;
    const char *table;   /* "api_plans (name)" */
    const char *kinds;   /* of its columns: t text, n number */
    apr_pool_t *rows;    /* for the values of the rows that wait */
    const char *values[MOST_VALUES];
    int count;           /* values that wait */
    int full;            /* values of a full statement */
    apr_dbd_prepared_t *statement; /* for that many; NULL: not made yet */
} insert_t;

/* "INSERT INTO table VALUES (%s, %lld), (...)": the kinds matter to
 * PostgreSQL, which takes no text for a number. */
static const char *text_of(const insert_t *insert, int rows, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, "INSERT INTO ", insert->table,
                                   " VALUES ", NULL);
    const char *kind;
    int i;

    for (i = 0; i < rows; i++) {
        text = apr_pstrcat(pool, text, i ? ", (" : "(", NULL);
        for (kind = insert->kinds; *kind; kind++) {
            text = apr_pstrcat(pool, text, kind == insert->kinds ? "" : ", ",
                               *kind == 'n' ? "%lld" : "%s", NULL);
        }
        text = apr_pstrcat(pool, text, ")", NULL);
    }
    return text;
}

static void begin_insert(insert_t *insert, ao2_store_t *store,
                         const char *table, const char *kinds)
{
    int columns = (int)strlen(kinds);

    memset(insert, 0, sizeof(*insert));
    insert->store = store;
    insert->table = table;
    insert->kinds = kinds;
    insert->full = MOST_VALUES / columns * columns;
    apr_pool_create(&insert->rows, store->pool);
}

/* The statement for as many values as wait; the one for a full lot is kept
 * and has the table's place in a name of its own. */
static int prepare(apr_dbd_prepared_t **pstatement, insert_t *insert,
                   ao2_fail_t *fail)
{
    ao2_sql_t *sql = ao2_store_sql_of(insert->store);
    int is_full = insert->count == insert->full;
    int columns = (int)strlen(insert->kinds);
    const char *name = apr_psprintf(insert->rows, "htapi_%.*s_%d",
                                    (int)strcspn(insert->table, " "),
                                    insert->table, insert->count);
    int error;

    *pstatement = is_full ? insert->statement : NULL;
    if (*pstatement) {
        return AO2_EXIT_DONE;
    }
    error = apr_dbd_prepare(sql->driver, is_full ? insert->store->pool
                                                 : insert->rows,
                            sql->handle,
                            text_of(insert, insert->count / columns,
                                    insert->rows), name, pstatement);
    if (is_full && !error) {
        insert->statement = *pstatement;
    }
    return error ? ao2_sql_fail(sql, error, fail) : AO2_EXIT_DONE;
}

static int flush(insert_t *insert, ao2_fail_t *fail)
{
    ao2_sql_t *sql = ao2_store_sql_of(insert->store);
    apr_dbd_prepared_t *statement;
    int rows;
    int status = AO2_EXIT_DONE;

    if (insert->count) {
        status = prepare(&statement, insert, fail);
    }
    if (insert->count && status == AO2_EXIT_DONE) {
        int error = apr_dbd_pquery(sql->driver, insert->rows, sql->handle,
                                   &rows, statement, insert->count,
                                   insert->values);

        status = error ? ao2_sql_fail(sql, error, fail) : AO2_EXIT_DONE;
    }
    insert->count = 0;
    apr_pool_clear(insert->rows);
    return status;
}

/* @param values  one for each kind; borrowed until the next flush */
static int add_row(insert_t *insert, const char *const *values,
                   ao2_fail_t *fail)
{
    size_t i;

    for (i = 0; insert->kinds[i]; i++) {
        insert->values[insert->count++] = values[i];
    }
    ao2_progress_add(&insert->store->progress, 1);
    return insert->count == insert->full ? flush(insert, fail)
                                         : AO2_EXIT_DONE;
}

static int put_plans(ao2_store_t *store, const ao2_registry_t *registry,
                     ao2_fail_t *fail)
{
    const ao2_plan_t *plan;
    insert_t insert;
    int status = AO2_EXIT_DONE;

    begin_insert(&insert, store, "api_plans (name)", "t");
    for (plan = ao2_registry_plans(registry);
         plan && status == AO2_EXIT_DONE; plan = plan->next) {
        status = add_row(&insert, (ao2_values_t){plan->name}, fail);
    }
    return status == AO2_EXIT_DONE ? flush(&insert, fail) : status;
}

static int put_limits(ao2_store_t *store, const ao2_registry_t *registry,
                      ao2_fail_t *fail)
{
    const ao2_plan_t *plan;
    insert_t insert;
    int status = AO2_EXIT_DONE;
    int i;

    begin_insert(&insert, store, "api_limits (plan, position, requests, per, "
                 "burst)", "tnntn");
    for (plan = ao2_registry_plans(registry); plan; plan = plan->next) {
        for (i = 0; i < plan->count && status == AO2_EXIT_DONE; i++) {
            const ao2_limit_t *limit = &plan->limits[i];

            status = add_row(&insert, (ao2_values_t){
                plan->name, ao2_sql_number(i + 1, insert.rows),
                ao2_sql_number(limit->requests, insert.rows),
                plan->windows[i],
                ao2_sql_number(limit->burst, insert.rows)}, fail);
        }
    }
    return status == AO2_EXIT_DONE ? flush(&insert, fail) : status;
}

/* One row that stands for all versions, once for each name. */
static int put_all_versions(ao2_store_t *store,
                            const ao2_registry_t *registry, ao2_fail_t *fail)
{
    apr_hash_t *seen = apr_hash_make(store->pool);
    const ao2_api_t *api;
    insert_t insert;
    int status = AO2_EXIT_DONE;

    begin_insert(&insert, store, "api_versions (name, version)", "tt");
    for (api = ao2_registry_apis(registry); api && status == AO2_EXIT_DONE;
         api = api->next) {
        if (!apr_hash_get(seen, api->name, APR_HASH_KEY_STRING)) {
            apr_hash_set(seen, api->name, APR_HASH_KEY_STRING, api);
            status = add_row(&insert,
                             (ao2_values_t){api->name, AO2_ALL_VERSIONS},
                             fail);
        }
    }
    return status == AO2_EXIT_DONE ? flush(&insert, fail) : status;
}

static int put_apis(ao2_store_t *store, const ao2_registry_t *registry,
                    ao2_fail_t *fail)
{
    const ao2_api_t *api;
    insert_t insert;
    int status = AO2_EXIT_DONE;

    begin_insert(&insert, store, "api_versions (name, version, status, "
                 "deprecation, sunset)", "tttnn");
    for (api = ao2_registry_apis(registry); api && status == AO2_EXIT_DONE;
         api = api->next) {
        status = add_row(&insert, (ao2_values_t){
            api->name, api->version, ao2_api_statuses[api->status],
            ao2_sql_time(api->deprecation, 0, insert.rows),
            ao2_sql_time(api->sunset, 0, insert.rows)}, fail);
    }
    return status == AO2_EXIT_DONE ? flush(&insert, fail) : status;
}

static int put_applications(ao2_store_t *store,
                            const ao2_registry_t *registry, ao2_fail_t *fail)
{
    const ao2_application_t *row;
    insert_t insert;
    int status = AO2_EXIT_DONE;

    begin_insert(&insert, store, "api_applications (id, name, owner, status, "
                 "token_format)", "ttttt");
    for (row = ao2_registry_applications(registry);
         row && status == AO2_EXIT_DONE; row = row->next) {
        status = add_row(&insert, (ao2_values_t){
            row->id, row->name, row->owner,
            ao2_application_statuses[row->status], ao2_bindings[row->binds]},
            fail);
    }
    return status == AO2_EXIT_DONE ? flush(&insert, fail) : status;
}

/* Inserts the rows of one application. */
typedef int put_rows_fn(insert_t *insert, const ao2_application_t *owner,
                        ao2_fail_t *fail);

static int put_clients(insert_t *insert, const ao2_application_t *owner,
                       ao2_fail_t *fail)
{
    const ao2_client_t *row;
    int status = AO2_EXIT_DONE;

    for (row = owner->clients; row && status == AO2_EXIT_DONE;
         row = row->next) {
        status = add_row(insert, (ao2_values_t){
            row->issuer, row->client_id, owner->id,
            ao2_key_types[row->key_type]}, fail);
    }
    return status;
}

static int put_tokens(insert_t *insert, const ao2_application_t *owner,
                      ao2_fail_t *fail)
{
    const ao2_api_token_t *row;
    int status = AO2_EXIT_DONE;

    for (row = owner->tokens; row && status == AO2_EXIT_DONE;
         row = row->next) {
        apr_pool_t *pool = insert->rows;

        status = add_row(insert, (ao2_values_t){
            ao2_text_hex(row->digest, AO2_DIGEST_LEN, pool), owner->id,
            row->id, row->prefix, row->scope, ao2_key_types[row->key_type],
            ao2_sql_time(row->not_before, 0, pool),
            ao2_sql_time(row->expires, AO2_TIME_FOREVER, pool),
            ao2_api_token_statuses[row->status], row->ip}, fail);
    }
    return status;
}

static int put_subscriptions(insert_t *insert, const ao2_application_t *owner,
                             ao2_fail_t *fail)
{
    const ao2_subscription_t *row;
    int status = AO2_EXIT_DONE;

    for (row = owner->subscriptions; row && status == AO2_EXIT_DONE;
         row = row->next) {
        status = add_row(insert, (ao2_values_t){
            owner->id, row->api->name, row->api->version,
            row->plan ? row->plan->name : NULL,
            ao2_subscription_statuses[row->status],
            ao2_sql_time(row->starts, 0, insert->rows),
            ao2_sql_time(row->expires, AO2_TIME_FOREVER, insert->rows)},
            fail);
    }
    return status;
}

static int put_owned(ao2_store_t *store, const ao2_registry_t *registry,
                     ao2_fail_t *fail)
{
    static const struct {
        const char *table;
        const char *kinds;
        put_rows_fn *put;
    } tables[] = {
        {"api_clients (issuer, client_id, application, key_type)", "tttt",
         put_clients},
        {"api_tokens (sha256, application, id, prefix, scopes, key_type, "
         "not_before, expires, status, ip)", "ttttttnntt", put_tokens},
        {"api_subscriptions (application, api, version, plan, status, "
         "starts, expires)", "tttttnn", put_subscriptions},
    };
    const ao2_application_t *owner;
    int status = AO2_EXIT_DONE;
    size_t i;

    for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        insert_t insert;

        begin_insert(&insert, store, tables[i].table, tables[i].kinds);
        for (owner = ao2_registry_applications(registry);
             owner && status == AO2_EXIT_DONE; owner = owner->next) {
            status = tables[i].put(&insert, owner, fail);
        }
        if (status == AO2_EXIT_DONE) {
            status = flush(&insert, fail);
        }
    }
    return status;
}

static int delete_all(ao2_store_t *store, ao2_fail_t *fail)
{
    static const char *const tables[] = {
        "api_subscriptions", "api_tokens", "api_clients", "api_applications",
        "api_versions", "api_limits", "api_plans"};
    int status = AO2_EXIT_DONE;
    size_t i;

    for (i = 0; i < sizeof(tables) / sizeof(tables[0]) &&
                status == AO2_EXIT_DONE; i++) {
        status = ao2_sql_run(ao2_store_sql_of(store),
                             apr_pstrcat(store->pool, "DELETE FROM ",
                                         tables[i], NULL), fail);
    }
    return status;
}

int ao2_sql_replace(ao2_store_t *store, const ao2_registry_t *registry,
                    ao2_fail_t *fail)
{
    static int (*const steps[])(ao2_store_t *, const ao2_registry_t *,
                                ao2_fail_t *) = {
        put_plans, put_limits, put_all_versions, put_apis, put_applications,
        put_owned};
    ao2_registry_counts_t counts = ao2_registry_count(registry);
    int status = delete_all(store, fail);
    size_t i;

    ao2_progress_begin(&store->progress, "writing",
                       (apr_int64_t)counts.plans + counts.apis +
                           counts.applications + counts.clients +
                           counts.tokens + counts.subscriptions);
    for (i = 0; i < sizeof(steps) / sizeof(steps[0]) &&
                status == AO2_EXIT_DONE; i++) {
        status = steps[i](store, registry, fail);
    }
    ao2_progress_end(&store->progress);
    return status;
}
