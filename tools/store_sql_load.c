/* Reading a registry out of a database, some applications at a time. */
#include "tools/store_sql.h"

#include <apr_strings.h>

#include "core/registry_sql.h"

/* How far the reading has come. */
typedef struct {
    ao2_sql_t *sql;
    ao2_registry_build_t *build;
    const ao2_registry_t *registry; /* what is there so far */
    apr_pool_t *page;  /* for one lot of applications */
    int count;         /* applications of this lot */
    const char *last;  /* the last of them */
    const char *plan;  /* whose limits come; NULL: none yet */
    apr_array_header_t *limits;
} load_t;

static const char *place(void *context, const char *member, apr_pool_t *pool)
{
    (void)context;
    (void)pool;
    return member[0] == 'p' ? "a subscription's plan" : "a subscription's API";
}

static int status_of(ao2_code_t code)
{
    return code == AO2_OK ? AO2_EXIT_DONE : AO2_EXIT_USAGE;
}

/* The plan whose limits have come is complete. */
static int end_plan(load_t *load, ao2_fail_t *fail)
{
    const char *name = load->plan;

    load->plan = NULL;
    return name ? status_of(ao2_build_plan(
                      load->build, name,
                      (const ao2_limit_row_t *)load->limits->elts,
                      load->limits->nelts, fail))
                : AO2_EXIT_DONE;
}

static int take_plan(void *context, const char *const *columns,
                     ao2_fail_t *fail)
{
    load_t *load = context;
    int status = AO2_EXIT_DONE;

    if (!load->plan || strcmp(load->plan, columns[0]) != 0) {
        status = end_plan(load, fail);
        load->plan = apr_pstrdup(load->page, columns[0]);
        load->limits = apr_array_make(load->page, 4, sizeof(ao2_limit_row_t));
    }
    if (columns[1] && *columns[1] && status == AO2_EXIT_DONE) {
        ao2_limit_row_t *limit = apr_array_push(load->limits);

        status = status_of(ao2_sql_limit(limit, columns + 1, fail));
        limit->window = apr_pstrdup(load->page, limit->window);
    }
    return status;
}

static int take_api(void *context, const char *const *columns,
                    ao2_fail_t *fail)
{
    load_t *load = context;
    ao2_api_t row;

    return ao2_sql_api(&row, columns, fail) == AO2_OK
               ? status_of(ao2_build_api(load->build, &row, fail))
               : AO2_EXIT_USAGE;
}

static int take_application(void *context, const char *const *columns,
                            ao2_fail_t *fail)
{
    load_t *load = context;
    ao2_application_t row;

    if (ao2_sql_application(&row, columns, fail) != AO2_OK) {
        return AO2_EXIT_USAGE;
    }
    load->count++;
    load->last = apr_pstrdup(load->page, row.id);
    return status_of(ao2_build_application(NULL, load->build, &row, fail));
}

/* The application that a row belongs to; this process alone has it. */
static ao2_application_t *owner_of(const load_t *load, const char *id)
{
    return (ao2_application_t *)ao2_registry_application(load->registry, id);
}

static int take_client(void *context, const char *const *columns,
                       ao2_fail_t *fail)
{
    load_t *load = context;
    ao2_client_t row;

    return ao2_sql_client(&row, columns + 1, fail) == AO2_OK
               ? status_of(ao2_build_client(
                     load->build, owner_of(load, columns[0]), &row, fail))
               : AO2_EXIT_USAGE;
}

static int take_token(void *context, const char *const *columns,
                      ao2_fail_t *fail)
{
    load_t *load = context;
    ao2_api_token_row_t row;

    return ao2_sql_token(&row, columns + 1, load->page, fail) == AO2_OK
               ? status_of(ao2_build_token(
                     load->build, owner_of(load, columns[0]), &row, fail))
               : AO2_EXIT_USAGE;
}

static int take_subscription(void *context, const char *const *columns,
                             ao2_fail_t *fail)
{
    load_t *load = context;
    ao2_subscription_row_t row;

    return ao2_sql_subscription(&row, columns + 1, fail) == AO2_OK
               ? status_of(ao2_build_subscription(
                     load->build, owner_of(load, columns[0]), &row, fail))
               : AO2_EXIT_USAGE;
}

/* The applications behind @a *plast and all that is theirs. */
static int load_page(load_t *load, const char **plast, apr_pool_t *pool,
                     ao2_fail_t *fail)
{
    static const struct {
        const char *statement;
        ao2_sql_row_fn *take;
    } rows[] = {
        {AO2_SQL_NEXT_CLIENTS, take_client},
        {AO2_SQL_NEXT_TOKENS, take_token},
        {AO2_SQL_NEXT_SUBSCRIPTIONS, take_subscription},
    };
    const char *range[2] = {*plast, *plast};
    size_t i;
    int status;

    load->count = 0;
    status = ao2_sql_ask(load->sql, AO2_SQL_NEXT_APPLICATIONS, range,
                         take_application, load, fail);
    range[1] = load->last;
    for (i = 0; load->count && status == AO2_EXIT_DONE &&
                i < sizeof(rows) / sizeof(rows[0]); i++) {
        status = ao2_sql_ask(load->sql, rows[i].statement, range,
                             rows[i].take, load, fail);
    }
    if (load->count) {
        *plast = apr_pstrdup(pool, load->last);
    }
    apr_pool_clear(load->page);
    return status;
}

static int load_pages(load_t *load, ao2_store_t *store, ao2_fail_t *fail)
{
    const char *last = ""; /* no id is empty */
    int status;

    do {
        status = load_page(load, &last, store->pool, fail);
        ao2_progress_add(&store->progress, load->count);
    } while (load->count == AO2_SQL_PAGE && status == AO2_EXIT_DONE);
    return status;
}

static int take_count(void *context, const char *const *columns,
                      ao2_fail_t *fail)
{
    (void)fail;
    *(apr_int64_t *)context = columns[0] ? apr_atoi64(columns[0]) : 0;
    return AO2_EXIT_DONE;
}

int ao2_sql_load(const ao2_registry_t **pregistry, ao2_store_t *store,
                 ao2_fail_t *fail)
{
    load_t load = {.sql = ao2_store_sql_of(store)};
    apr_int64_t count = 0;
    int status;

    apr_pool_create(&load.page, store->pool);
    load.build = ao2_registry_build_make(place, NULL, store->pool);
    ao2_registry_build_end(&load.registry, load.build, fail);
    status = ao2_sql_ask(load.sql, "SELECT count(*) FROM api_applications",
                         NULL, take_count, &count, fail);
    if (status == AO2_EXIT_DONE) {
        status = ao2_sql_ask(load.sql, AO2_SQL_ALL_PLANS, NULL, take_plan,
                             &load, fail);
    }
    if (status == AO2_EXIT_DONE) {
        status = end_plan(&load, fail);
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_sql_ask(load.sql, AO2_SQL_ALL_APIS, NULL, take_api,
                             &load, fail);
    }
    if (status == AO2_EXIT_DONE) {
        ao2_progress_begin(&store->progress, "reading", count);
        status = load_pages(&load, store, fail);
        ao2_progress_end(&store->progress);
    }
    return status == AO2_EXIT_DONE
               ? status_of(ao2_registry_build_end(pregistry, load.build,
                                                  fail))
               : status;
}
