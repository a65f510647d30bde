/**
 * @file tools/store_sql.h
 * What the parts of the SQL store share. One thread; statuses and failures
 * as in tools/store.h.
 */
#ifndef AO2_TOOLS_STORE_SQL_H
#define AO2_TOOLS_STORE_SQL_H

#include "tools/sql.h"
#include "tools/store.h"

/** The schemas of conf/sql. */
extern const char ao2_schema_sqlite3[];
extern const char ao2_schema_pgsql[];

/** The connection of a store that has begun. */
ao2_sql_t *ao2_store_sql_of(ao2_store_t *store);

/** Read the registry; the store has begun. */
int ao2_sql_load(const ao2_registry_t **pregistry, ao2_store_t *store,
                 ao2_fail_t *fail);

/** Delete all rows and insert those of @a registry; the store has begun. */
int ao2_sql_replace(ao2_store_t *store, const ao2_registry_t *registry,
                    ao2_fail_t *fail);

/** Seconds since 1970 as digits in @a pool; NULL where @a time is
 *  @a absent. */
const char *ao2_sql_time(apr_time_t time, apr_time_t absent,
                         apr_pool_t *pool);

/** A number as digits in @a pool. */
const char *ao2_sql_number(apr_int64_t number, apr_pool_t *pool);

#endif
