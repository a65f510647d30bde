#include "tools/sql.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/text.h"

int ao2_sql_fail(ao2_sql_t *sql, int error, ao2_fail_t *fail)
{
    const char *text = apr_dbd_error(sql->driver, sql->handle, error);
    ao2_span_t line = {text ? text : "no reason given", 0};

    line.len = strcspn(line.ptr, "\r\n");
    ao2_fail(fail, AO2_E_MISCONFIGURED, "the database: %s",
             ao2_text_for_log(line, AO2_MAX_DETAIL, sql->pool));
    return AO2_EXIT_USAGE;
}

static apr_status_t hang_up(void *data)
{
    ao2_sql_t *sql = data;

    return apr_dbd_close(sql->driver, sql->handle);
}

int ao2_sql_open(ao2_sql_t **psql, const char *driver, const char *params,
                 apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_sql_t *sql = apr_pcalloc(pool, sizeof(*sql));
    const char *error = NULL;

    *psql = NULL;
    sql->pool = pool;
    apr_dbd_init(pool);
    if (apr_dbd_get_driver(pool, driver, &sql->driver) != APR_SUCCESS) {
        ao2_fail(fail, AO2_E_MISCONFIGURED,
                 "the driver apr_dbd_%s of APR-util is not installed",
                 driver);
        return AO2_EXIT_USAGE;
    }
    if (apr_dbd_open_ex(sql->driver, pool, params, &sql->handle, &error)
        != APR_SUCCESS) {
        ao2_fail(fail, AO2_E_MISCONFIGURED, "no connection to the database: "
                 "%.*s", error ? (int)strcspn(error, "\r\n") : 0,
                 error ? error : "");
        return AO2_EXIT_USAGE;
    }
    apr_pool_cleanup_register(pool, sql, hang_up, apr_pool_cleanup_null);
    *psql = sql;
    return AO2_EXIT_DONE;
}

int ao2_sql_run(ao2_sql_t *sql, const char *statement, ao2_fail_t *fail)
{
    int rows;
    int error = apr_dbd_query(sql->driver, sql->handle, &rows, statement);

    return error ? ao2_sql_fail(sql, error, fail) : AO2_EXIT_DONE;
}

/* A script is statements that end with ";" at the end of a line, and lines
 * that begin with "--". */
int ao2_sql_run_script(ao2_sql_t *sql, const char *script, ao2_fail_t *fail)
{
    const char *statement = "";
    int status = AO2_EXIT_DONE;

    while (*script && status == AO2_EXIT_DONE) {
        size_t length = strcspn(script, "\n");
        const char *line = apr_pstrmemdup(sql->pool, script, length);

        script += length + (script[length] == '\n');
        if (strncmp(line, "--", 2) == 0) {
            continue;
        }
        /* Nothing behind the last ";": for SQLite's driver that would be
         * one more statement, and a wrong one. */
        statement = apr_pstrcat(sql->pool, statement, *statement ? "\n" : "",
                                line, NULL);
        if (length && line[length - 1] == ';') {
            status = ao2_sql_run(sql, statement, fail);
            statement = "";
        }
    }
    return status;
}

int ao2_sql_values(const char *statement)
{
    int count = 0;

    for (statement = strstr(statement, "%s"); statement;
         statement = strstr(statement + 2, "%s")) {
        count++;
    }
    return count;
}

/* A statement without a name is no lasting one on the server. */
static int prepare(apr_dbd_prepared_t **pstatement, ao2_sql_t *sql,
                   const char *text, apr_pool_t *pool, ao2_fail_t *fail)
{
    int error;

    *pstatement = NULL;
    error = apr_dbd_prepare(sql->driver, pool, sql->handle, text, NULL,
                            pstatement);
    return error ? ao2_sql_fail(sql, error, fail) : AO2_EXIT_DONE;
}

int ao2_sql_change(ao2_sql_t *sql, const char *text,
                   const char *const *values, ao2_fail_t *fail)
{
    apr_dbd_prepared_t *statement;
    apr_pool_t *pool;
    int rows;
    int status;

    apr_pool_create(&pool, sql->pool);
    status = prepare(&statement, sql, text, pool, fail);
    if (status == AO2_EXIT_DONE) {
        int error = apr_dbd_pquery(sql->driver, pool, sql->handle, &rows,
                                   statement, ao2_sql_values(text),
                                   (const char **)values);

        status = error ? ao2_sql_fail(sql, error, fail) : AO2_EXIT_DONE;
    }
    apr_pool_destroy(pool);
    return status;
}

static int take_rows(ao2_sql_t *sql, apr_dbd_results_t *results,
                     ao2_sql_row_fn *take, void *context, apr_pool_t *pool,
                     ao2_fail_t *fail)
{
    int count = apr_dbd_num_cols(sql->driver, results);
    const char **columns = apr_pcalloc(pool, ((apr_size_t)count + 1) *
                                                 sizeof(*columns));
    /* To a numbered row, SQLite's driver walks from the first one; of a
     * prepared statement, MySQL's knows no next one. */
    int is_sqlite = strcmp(apr_dbd_name(sql->driver), "sqlite3") == 0;
    apr_dbd_row_t *row = NULL; /* the same variable for every row */
    int number = 1;
    int status = AO2_EXIT_DONE;

    while (apr_dbd_get_row(sql->driver, pool, results, &row,
                           is_sqlite ? -1 : number++) == 0) {
        int i;

        for (i = 0; i < count; i++) {
            columns[i] = apr_dbd_get_entry(sql->driver, row, i);
        }
        if (take && status == AO2_EXIT_DONE) {
            status = take(context, columns, fail);
        }
    }
    return status;
}

int ao2_sql_ask(ao2_sql_t *sql, const char *text, const char *const *values,
                ao2_sql_row_fn *take, void *context, ao2_fail_t *fail)
{
    apr_dbd_prepared_t *statement;
    apr_dbd_results_t *results = NULL;
    apr_pool_t *pool;
    int status;

    apr_pool_create(&pool, sql->pool);
    status = prepare(&statement, sql, text, pool, fail);
    if (status == AO2_EXIT_DONE) {
        /* All rows at once: read one by one, a lost connection looks as the
         * end of the rows. */
        int error = apr_dbd_pselect(sql->driver, pool, sql->handle, &results,
                                    statement, 1, ao2_sql_values(text),
                                    (const char **)values);

        status = error ? ao2_sql_fail(sql, error, fail)
                       : take_rows(sql, results, take, context, pool, fail);
    }
    apr_pool_destroy(pool);
    return status;
}

static int note_row(void *context, const char *const *columns,
                    ao2_fail_t *fail)
{
    (void)columns;
    (void)fail;
    *(int *)context = 1;
    return AO2_EXIT_DONE;
}

int ao2_sql_has(int *pfound, ao2_sql_t *sql, const char *statement,
                const char *const *values, ao2_fail_t *fail)
{
    *pfound = 0;
    return ao2_sql_ask(sql, statement, values, note_row, pfound, fail);
}
