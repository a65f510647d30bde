#include "core/registry_sql.h"

#include <errno.h>
#include <stdlib.h>

#include <apr_strings.h>

#include "base/text.h"
#include "core/registry_words.h"

/* The first thing that is wrong with a row; the others are not looked at. */
typedef struct {
    const char *const *columns;
    ao2_fail_t *fail;
    ao2_code_t code;
} row_t;

static const char *text(row_t *row, int column, const char *name)
{
    if (row->columns[column]) {
        return row->columns[column];
    }
    row->code = ao2_fail(row->fail, AO2_E_MISCONFIGURED,
                         "the database has no %s", name);
    return "";
}

static int word(row_t *row, int column, const char *const *words,
                const char *name)
{
    int found = ao2_word_find(words, ao2_span(row->columns[column]));

    if (found < 0) {
        row->code = ao2_fail(row->fail, AO2_E_MISCONFIGURED,
                             "the database has an unknown %s", name);
    }
    return found < 0 ? 0 : found;
}

/* NULL is @a absent; so is nothing, which is what the driver for PostgreSQL
 * makes of NULL. */
static apr_int64_t number(row_t *row, int column, apr_int64_t absent,
                          const char *name)
{
    const char *digits = row->columns[column];
    apr_int64_t value;
    char *end;

    if (!digits || !*digits) {
        return absent;
    }
    errno = 0;
    value = apr_strtoi64(digits, &end, 10);
    if (errno || end == digits || *end || value < 0) {
        row->code = ao2_fail(row->fail, AO2_E_MISCONFIGURED,
                             "the database has a wrong number for %s", name);
    }
    return value;
}

static apr_time_t moment(row_t *row, int column, apr_time_t absent,
                         const char *name)
{
    apr_int64_t seconds = number(row, column, -1, name);

    if (seconds < 0) {
        return absent;
    }
    return seconds > apr_time_sec(AO2_TIME_FOREVER)
               ? AO2_TIME_FOREVER
               : apr_time_from_sec(seconds);
}

ao2_code_t ao2_sql_application(ao2_application_t *application,
                               const char *const *columns, ao2_fail_t *fail)
{
    row_t row = {columns, fail, AO2_OK};

    memset(application, 0, sizeof(*application));
    application->id = text(&row, 0, "application id");
    application->name = text(&row, 1, "application name");
    application->owner = text(&row, 2, "application owner");
    application->status = (ao2_application_status_t)word(
        &row, 3, ao2_application_statuses, "application status");
    application->binds = (ao2_binding_t)word(&row, 4, ao2_bindings,
                                             "token_format");
    return row.code;
}

ao2_code_t ao2_sql_client(ao2_client_t *client, const char *const *columns,
                          ao2_fail_t *fail)
{
    row_t row = {columns, fail, AO2_OK};

    memset(client, 0, sizeof(*client));
    client->issuer = text(&row, 0, "issuer");
    client->client_id = text(&row, 1, "client id");
    client->key_type = (ao2_key_type_t)word(&row, 2, ao2_key_types,
                                            "key type");
    return row.code;
}

/* The words of a list that spaces separate. */
static int split(const char *const **pwords, const char *list,
                 apr_pool_t *pool)
{
    apr_array_header_t *words = ao2_text_split(list, pool);

    *pwords = (const char *const *)words->elts;
    return words->nelts;
}

ao2_code_t ao2_sql_token(ao2_api_token_row_t *token,
                         const char *const *columns, apr_pool_t *pool,
                         ao2_fail_t *fail)
{
    row_t row = {columns, fail, AO2_OK};

    memset(token, 0, sizeof(*token));
    token->id = text(&row, 0, "token id");
    token->sha256 = text(&row, 1, "token sha256");
    token->prefix = text(&row, 2, "token prefix");
    token->scope_count = split(&token->scopes, text(&row, 3, "token scopes"),
                               pool);
    token->key_type = (ao2_key_type_t)word(&row, 4, ao2_key_types,
                                           "key type");
    token->not_before = moment(&row, 5, 0, "not_before");
    token->expires = moment(&row, 6, AO2_TIME_FOREVER, "expires");
    token->status = (ao2_api_token_status_t)word(
        &row, 7, ao2_api_token_statuses, "token status");
    token->network_count = split(&token->networks, text(&row, 8, "token ip"),
                                 pool);
    return row.code;
}

ao2_code_t ao2_sql_subscription(ao2_subscription_row_t *subscription,
                                const char *const *columns, ao2_fail_t *fail)
{
    row_t row = {columns, fail, AO2_OK};

    memset(subscription, 0, sizeof(*subscription));
    subscription->api = text(&row, 0, "API name");
    subscription->version = text(&row, 1, "API version");
    subscription->plan = columns[2] && *columns[2] ? columns[2] : NULL;
    subscription->status = (ao2_subscription_status_t)word(
        &row, 3, ao2_subscription_statuses, "subscription status");
    subscription->starts = moment(&row, 4, 0, "starts");
    subscription->expires = moment(&row, 5, AO2_TIME_FOREVER, "expires");
    return row.code;
}

ao2_code_t ao2_sql_api(ao2_api_t *api, const char *const *columns,
                       ao2_fail_t *fail)
{
    row_t row = {columns, fail, AO2_OK};

    memset(api, 0, sizeof(*api));
    api->name = text(&row, 0, "API name");
    api->version = text(&row, 1, "API version");
    api->status = (ao2_api_status_t)word(&row, 2, ao2_api_statuses,
                                         "API status");
    api->deprecation = moment(&row, 3, 0, "deprecation");
    api->sunset = moment(&row, 4, 0, "sunset");
    return row.code;
}

ao2_code_t ao2_sql_limit(ao2_limit_row_t *limit, const char *const *columns,
                         ao2_fail_t *fail)
{
    row_t row = {columns, fail, AO2_OK};

    memset(limit, 0, sizeof(*limit));
    limit->requests = number(&row, 0, 0, "requests");
    limit->window = text(&row, 1, "window of a limit");
    limit->burst = number(&row, 2, 0, "burst");
    return row.code;
}
