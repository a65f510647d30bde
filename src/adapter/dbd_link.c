#include "adapter/dbd_link.h"

#include <apr_dbd.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "base/text.h"

struct ao2_dbd_link {
    const ao2_dbd_target_t *target;
    apr_pool_t *parent;
    apr_pool_t *pool; /* of the connection; NULL: there is none */
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_dbd_prepared_t *statements[AO2_FIND_COUNT]; /* NULL: not yet */
};

/* The bytes of an answer while it is collected. */
typedef struct {
    char *bytes;
    apr_size_t length;
    apr_size_t size;
} text_t;

/* --- what may be logged ------------------------------------------------- */

/* The value behind the next word with "pass" in it; absent: there is none. */
static ao2_span_t next_password(const char **params)
{
    ao2_span_t value = {NULL, 0};
    const char *at = *params;

    while (*at && strncasecmp(at, "pass", 4) != 0) {
        at++;
    }
    at += strcspn(at, "=");
    at += strspn(at, "= \t'\"");
    if (*at) {
        value.ptr = at;
        value.len = strcspn(at, " \t'\",;");
        at += value.len;
    }
    *params = at;
    return value;
}

static int shows_password(const char *text, const char *params,
                          apr_pool_t *pool)
{
    ao2_span_t value = next_password(&params);

    while (value.ptr) {
        if (value.len && strstr(text, apr_pstrmemdup(pool, value.ptr,
                                                     value.len))) {
            return 1;
        }
        value = next_password(&params);
    }
    return 0;
}

/* What PostgreSQL's library says of parameters that it does not understand
 * repeats parts of them, whatever they are. */
static int shows_params(const char *text)
{
    return strstr(text, "connection info") ||
           strstr(text, "connection option") || strstr(text, "URI");
}

const char *ao2_dbd_link_cause(const char *text, const char *params,
                               apr_pool_t *pool)
{
    ao2_span_t line = {text ? text : "", 0};

    if (!*line.ptr) {
        return "no reason given";
    }
    if (shows_params(text)) {
        return "DBDParams is not understood";
    }
    if (shows_password(text, params, pool)) {
        return "the reason given has a word of DBDParams in it that is not "
               "for a log";
    }
    line.len = strcspn(line.ptr, "\r\n");
    return ao2_text_for_log(line, AO2_MAX_DETAIL, pool);
}

static ao2_code_t unavailable(const ao2_dbd_link_t *link, const char *what,
                              const char *text, apr_pool_t *pool,
                              ao2_fail_t *fail)
{
    return ao2_fail(fail, AO2_E_REGISTRY_UNAVAILABLE, "%s: %s", what,
                    ao2_dbd_link_cause(text, link->target->params, pool));
}

static ao2_code_t refused(const ao2_dbd_link_t *link, int error,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    return unavailable(link, "the database",
                       apr_dbd_error(link->driver, link->handle, error), pool,
                       fail);
}

/* --- the connection ----------------------------------------------------- */

ao2_dbd_link_t *ao2_dbd_link_make(const ao2_dbd_target_t *target,
                                  apr_pool_t *pool)
{
    ao2_dbd_link_t *link = apr_pcalloc(pool, sizeof(*link));

    link->target = target;
    link->parent = pool;
    return link;
}

void ao2_dbd_link_close(ao2_dbd_link_t *link)
{
    if (link->handle) {
        apr_dbd_close(link->driver, link->handle);
    }
    if (link->pool) {
        apr_pool_destroy(link->pool);
    }
    link->handle = NULL;
    link->pool = NULL;
    memset(link->statements, 0, sizeof(link->statements));
}

static ao2_code_t run_first(ao2_dbd_link_t *link, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    const apr_array_header_t *first = link->target->first;
    int i;

    for (i = 0; first && i < first->nelts; i++) {
        int rows;
        int error = apr_dbd_query(link->driver, link->handle, &rows,
                                  APR_ARRAY_IDX(first, i, const char *));

        if (error) {
            return refused(link, error, pool, fail);
        }
    }
    return AO2_OK;
}

static ao2_code_t open_link(ao2_dbd_link_t *link, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    const char *error = NULL;

    if (apr_pool_create(&link->pool, link->parent) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_REGISTRY_UNAVAILABLE, "no memory");
    }
    if (apr_dbd_get_driver(link->pool, link->target->driver, &link->driver)
        != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_REGISTRY_UNAVAILABLE,
                        "the driver apr_dbd_%.40s of APR-util cannot be used",
                        link->target->driver);
    }
    if (apr_dbd_open_ex(link->driver, link->pool, link->target->params,
                        &link->handle, &error) != APR_SUCCESS) {
        link->handle = NULL;
        return unavailable(link, "no connection to the database", error, pool,
                           fail);
    }
    return run_first(link, pool, fail);
}

/* --- questions ---------------------------------------------------------- */

/* Without a name, it lives and dies with the connection. */
static ao2_code_t prepare(ao2_dbd_link_t *link, int which, apr_pool_t *pool,
                          ao2_fail_t *fail)
{
    int error = 0;

    if (!link->statements[which]) {
        error = apr_dbd_prepare(link->driver, link->pool, link->handle,
                                ao2_find_statements[which].text, NULL,
                                &link->statements[which]);
    }
    return error ? refused(link, error, pool, fail) : AO2_OK;
}

/* @return 0 when there is no room */
static int add(text_t *text, const char *column, apr_pool_t *pool)
{
    apr_size_t length = strlen(column) + 1;

    if (length > AO2_MAX_REGISTRY_ANSWER - text->length) {
        return 0;
    }
    if (length > text->size - text->length) {
        apr_size_t size = 2 * (text->length + length);
        char *larger = apr_palloc(pool, size);

        if (text->length) {
            memcpy(larger, text->bytes, text->length);
        }
        text->bytes = larger;
        text->size = size;
    }
    memcpy(text->bytes + text->length, column, length);
    text->length += length;
    return 1;
}

static int add_row(text_t *text, const ao2_dbd_link_t *link,
                   apr_dbd_row_t *row, int count, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < count; i++) {
        const char *column = apr_dbd_get_entry(link->driver, row, i);

        if (!add(text, column ? column : "", pool)) {
            return 0;
        }
    }
    return 1;
}

/* To a numbered row, SQLite's driver walks from the first one; of a prepared
 * statement, MySQL's knows no next one. */
static int number_of(const ao2_dbd_link_t *link, int number)
{
    return strcmp(link->target->driver, "sqlite3") == 0 ? -1 : number;
}

static ao2_code_t take_rows(const ao2_dbd_link_t *link, ao2_span_t *columns,
                            apr_dbd_results_t *results, int which,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    int count = ao2_find_statements[which].columns;
    apr_dbd_row_t *row = NULL; /* the same variable for every row */
    text_t text = {NULL, 0, 0};
    int has_room = 1;
    int number = 1;

    /* To the end in any case: the driver frees the rows there. */
    while (apr_dbd_get_row(link->driver, pool, results, &row,
                           number_of(link, number++)) == 0) {
        has_room = has_room && add_row(&text, link, row, count, pool);
    }
    columns->ptr = text.bytes;
    columns->len = text.length;
    return has_room ? AO2_OK
                    : ao2_fail(fail, AO2_E_REGISTRY_UNAVAILABLE,
                               "the database: an answer is longer than %d "
                               "bytes", AO2_MAX_REGISTRY_ANSWER);
}

static ao2_code_t select_rows(ao2_dbd_link_t *link, ao2_span_t *columns,
                              int which, const char *const *values,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_dbd_results_t *results = NULL;
    /* All rows at once: read one by one, a lost connection looks as the end
     * of the rows. */
    int error = apr_dbd_pselect(link->driver, pool, link->handle, &results,
                                link->statements[which], 1,
                                ao2_find_statements[which].values,
                                (const char **)values);

    return error ? refused(link, error, pool, fail)
                 : take_rows(link, columns, results, which, pool, fail);
}

static ao2_code_t ask_once(ao2_dbd_link_t *link, ao2_span_t *columns,
                           int which, const char *const *values,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_code_t code = link->handle ? AO2_OK : open_link(link, pool, fail);

    if (code == AO2_OK) {
        code = prepare(link, which, pool, fail);
    }
    if (code == AO2_OK) {
        code = select_rows(link, columns, which, values, pool, fail);
    }
    if (code != AO2_OK) {
        ao2_dbd_link_close(link);
    }
    return code;
}

ao2_code_t ao2_dbd_link_ask(ao2_dbd_link_t *link, ao2_span_t *columns,
                            int which, const char *const *values,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    int was_open = link->handle != NULL;
    ao2_fail_t first = {0};

    if (ask_once(link, columns, which, values, pool, &first) == AO2_OK) {
        return AO2_OK;
    }
    return was_open ? ask_once(link, columns, which, values, pool, fail)
                    : ao2_fail(fail, first.code, "%s", first.detail);
}
