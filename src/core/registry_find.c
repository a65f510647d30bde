#include "core/registry_find.h"

#include <apr_strings.h>

/* An answer, as a table. */
typedef struct {
    const char **columns; /* row by row */
    int width;
    int rows;
} table_t;

/* Where the parts of a row begin. */
enum {
    APPLICATION = 0,
    CLIENT = AO2_SQL_APPLICATION_COLUMNS,
    TOKEN = AO2_SQL_APPLICATION_COLUMNS,
    API = 0,
    SUBSCRIPTION = AO2_SQL_API_COLUMNS,
    LIMIT = SUBSCRIPTION + AO2_SQL_SUBSCRIPTION_COLUMNS,
    PLAN = 0,
    PLAN_LIMIT = 1
};

const ao2_sql_statement_t ao2_find_statements[AO2_FIND_COUNT] = {
    [AO2_FIND_CLIENT] = {AO2_SQL_FIND_CLIENT, 2,
                         CLIENT + AO2_SQL_CLIENT_COLUMNS},
    [AO2_FIND_TOKEN] = {AO2_SQL_FIND_TOKEN, 1, TOKEN + AO2_SQL_TOKEN_COLUMNS},
    [AO2_FIND_CALL] = {AO2_SQL_FIND_CALL, 3, LIMIT + AO2_SQL_LIMIT_COLUMNS},
    [AO2_FIND_PLAN] = {AO2_SQL_FIND_PLAN, 1,
                       PLAN_LIMIT + AO2_SQL_LIMIT_COLUMNS},
};

static ao2_code_t read_table(table_t *table, ao2_span_t answer, int which,
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_array_header_t *columns = apr_array_make(pool, 16, sizeof(char *));
    const char *at = answer.ptr;
    const char *end = answer.ptr + answer.len;

    table->width = ao2_find_statements[which].columns;
    while (at < end) {
        APR_ARRAY_PUSH(columns, const char *) = at;
        at += strnlen(at, (size_t)(end - at)) + 1;
    }
    table->columns = (const char **)columns->elts;
    table->rows = columns->nelts / table->width;
    return at == end && columns->nelts % table->width == 0
               ? AO2_OK
               : ao2_fail(fail, AO2_E_MISCONFIGURED,
                          "the database answers with other columns");
}

static ao2_code_t read_application(ao2_application_t **papplication,
                                   const table_t *table, apr_pool_t *pool,
                                   ao2_fail_t *fail)
{
    *papplication = apr_palloc(pool, sizeof(**papplication));
    return ao2_sql_application(*papplication, table->columns + APPLICATION,
                               fail);
}

ao2_code_t ao2_find_client(const ao2_client_t **pclient, ao2_span_t answer,
                           const char *issuer, const char *client_id,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_client_t *client = apr_palloc(pool, sizeof(*client));
    ao2_application_t *application;
    table_t table;
    ao2_code_t code = read_table(&table, answer, AO2_FIND_CLIENT, pool, fail);

    *pclient = NULL;
    if (code != AO2_OK || table.rows == 0) {
        return code;
    }
    code = ao2_sql_client(client, table.columns + CLIENT, fail);
    if (code == AO2_OK) {
        code = read_application(&application, &table, pool, fail);
    }
    if (code == AO2_OK && strcmp(client->issuer, issuer) == 0 &&
        strcmp(client->client_id, client_id) == 0) {
        client->application = application;
        application->clients = client;
        *pclient = client;
    }
    return code;
}

ao2_code_t ao2_find_token(const ao2_api_token_t **ptoken, ao2_span_t answer,
                          const unsigned char digest[AO2_DIGEST_LEN],
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_application_t *application;
    ao2_api_token_t *token = NULL;
    ao2_api_token_row_t row;
    table_t table;
    ao2_code_t code = read_table(&table, answer, AO2_FIND_TOKEN, pool, fail);

    *ptoken = NULL;
    if (code != AO2_OK || table.rows == 0) {
        return code;
    }
    code = ao2_sql_token(&row, table.columns + TOKEN, pool, fail);
    if (code == AO2_OK) {
        code = ao2_api_token_make_row(&token, &row, pool, fail);
    }
    if (code == AO2_OK) {
        code = read_application(&application, &table, pool, fail);
    }
    if (code == AO2_OK &&
        memcmp(token->digest, digest, AO2_DIGEST_LEN) == 0) {
        token->application = application;
        application->tokens = token;
        *ptoken = token;
    }
    return code;
}

/* The limits of the rows that say the same as the first one in column
 * @a same. */
static ao2_code_t read_limits(ao2_limit_row_t *limits, int *pcount,
                              const table_t *table, int same, int at,
                              ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    int count = 0;
    int i;

    for (i = 0; i < table->rows && count <= AO2_MAX_PLAN_LIMITS &&
                code == AO2_OK; i++) {
        const char *const *row = table->columns + i * table->width;

        if (strcmp(row[same], table->columns[same]) == 0 && *row[at]) {
            code = ao2_sql_limit(&limits[count++], row + at, fail);
        }
    }
    *pcount = count;
    return code;
}

/* @param which  of the statements: CALL, where one subscription may follow
 *               another, or PLAN */
static ao2_code_t read_plan(const ao2_plan_t **pplan, const char *name,
                            const table_t *table, int which,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_limit_row_t limits[AO2_MAX_PLAN_LIMITS + 1];
    ao2_plan_t *plan = apr_pcalloc(pool, sizeof(*plan));
    int is_call = which == AO2_FIND_CALL;
    int count;
    ao2_code_t code = read_limits(limits, &count, table,
                                  is_call ? SUBSCRIPTION + 1 : PLAN,
                                  is_call ? LIMIT : PLAN_LIMIT, fail);

    plan->name = name;
    if (code == AO2_OK) {
        code = ao2_plan_fill(plan, limits, count, pool, fail);
    }
    *pplan = code == AO2_OK ? plan : NULL;
    return code;
}

ao2_code_t ao2_find_plan(const ao2_plan_t **pplan, ao2_span_t answer,
                         const char *name, apr_pool_t *pool,
                         ao2_fail_t *fail)
{
    table_t table;
    ao2_code_t code = read_table(&table, answer, AO2_FIND_PLAN, pool, fail);

    *pplan = NULL;
    return code == AO2_OK && table.rows > 0 &&
                   strcmp(table.columns[PLAN], name) == 0
               ? read_plan(pplan, table.columns[PLAN], &table, AO2_FIND_PLAN,
                           pool, fail)
               : code;
}

/* A subscription to all versions is to an API of that version, whose state
 * says nothing. */
static const ao2_api_t *api_of(const ao2_call_t *call,
                               const ao2_subscription_row_t *row,
                               apr_pool_t *pool)
{
    ao2_api_t *all;

    if (strcmp(row->version, AO2_ALL_VERSIONS) != 0) {
        return call->api;
    }
    all = apr_pcalloc(pool, sizeof(*all));
    all->name = call->api_name;
    all->version = AO2_ALL_VERSIONS;
    return all;
}

static ao2_code_t read_subscription(ao2_call_t *call, const table_t *table,
                                    apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_subscription_t *made = apr_pcalloc(pool, sizeof(*made));
    ao2_subscription_row_t row;
    ao2_code_t code = ao2_sql_subscription(
        &row, table->columns + SUBSCRIPTION, fail);

    if (code != AO2_OK || strcmp(row.api, call->api_name) != 0 ||
        (strcmp(row.version, call->api_version) != 0 &&
         strcmp(row.version, AO2_ALL_VERSIONS) != 0)) {
        return code;
    }
    made->application = call->application;
    made->api = api_of(call, &row, pool);
    made->status = row.status;
    made->starts = row.starts;
    made->expires = row.expires;
    if (row.plan) {
        code = read_plan(&made->plan, row.plan, table, AO2_FIND_CALL, pool,
                         fail);
    }
    call->subscription = code == AO2_OK ? made : NULL;
    return code;
}

ao2_code_t ao2_find_call(ao2_call_t *call, ao2_span_t answer,
                         apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_api_t *api = apr_palloc(pool, sizeof(*api));
    table_t table;
    ao2_code_t code = read_table(&table, answer, AO2_FIND_CALL, pool, fail);

    call->api = NULL;
    call->subscription = NULL;
    if (code == AO2_OK && table.rows > 0) {
        code = ao2_sql_api(api, table.columns + API, fail);
    }
    if (code != AO2_OK || table.rows == 0 ||
        strcmp(api->name, call->api_name) != 0 ||
        strcmp(api->version, call->api_version) != 0) {
        return code;
    }
    call->api = api;
    return call->application && *table.columns[SUBSCRIPTION]
               ? read_subscription(call, &table, pool, fail)
               : AO2_OK;
}
