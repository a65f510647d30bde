/* The schemas of conf/sql, put into strings by the build. */
#include "tools/store_sql.h"

const char ao2_schema_sqlite3[] =
#include "tools/schema_sqlite3.inc"
    ;

const char ao2_schema_pgsql[] =
#include "tools/schema_pgsql.inc"
    ;
