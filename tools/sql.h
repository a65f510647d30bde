/**
 * @file tools/sql.h
 * A connection to a database, through apr_dbd.
 *
 * One thread. Functions return AO2_EXIT_DONE, or AO2_EXIT_USAGE and what
 * the database says in @a fail. In statements %s stands for a value.
 */
#ifndef AO2_TOOLS_SQL_H
#define AO2_TOOLS_SQL_H

#include <apr_dbd.h>

#include "tools/htapi.h"

typedef struct {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_pool_t *pool; /**< closes the connection; what was not committed is
                           undone */
} ao2_sql_t;

/** Values, one for each %s of a statement: (ao2_values_t){a, b}. */
typedef const char *const ao2_values_t[];

/** Takes a row; the columns are borrowed for the call, NULL or "" for
 *  NULL.
 *  @return AO2_EXIT_DONE, or what ends the reading */
typedef int ao2_sql_row_fn(void *context, const char *const *columns,
                           ao2_fail_t *fail);

/** Connect. @param driver  of apr_dbd: "sqlite3" or "pgsql" */
int ao2_sql_open(ao2_sql_t **psql, const char *driver, const char *params,
                 apr_pool_t *pool, ao2_fail_t *fail);

/** Run a statement without values and without answer. */
int ao2_sql_run(ao2_sql_t *sql, const char *statement, ao2_fail_t *fail);

/** Run what a file of conf/sql holds. */
int ao2_sql_run_script(ao2_sql_t *sql, const char *script, ao2_fail_t *fail);

/** Run a statement with values; @param values  one for each %s */
int ao2_sql_change(ao2_sql_t *sql, const char *statement,
                   const char *const *values, ao2_fail_t *fail);

/** Ask. @param take  called for each row; NULL: the rows are not wanted */
int ao2_sql_ask(ao2_sql_t *sql, const char *statement,
                const char *const *values, ao2_sql_row_fn *take,
                void *context, ao2_fail_t *fail);

/** Whether there is a row. @param pfound  1 or 0 */
int ao2_sql_has(int *pfound, ao2_sql_t *sql, const char *statement,
                const char *const *values, ao2_fail_t *fail);

/** How many %s a statement has. */
int ao2_sql_values(const char *statement);

/** Fail with what the database says. @return AO2_EXIT_USAGE */
int ao2_sql_fail(ao2_sql_t *sql, int error, ao2_fail_t *fail);

#endif
