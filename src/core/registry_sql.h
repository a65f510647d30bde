/**
 * @file core/registry_sql.h
 * A registry in SQL (conf/sql): the questions, and the rows that their
 * answers are.
 *
 * The statements are as apr_dbd takes them for preparing: %s stands for a
 * value, which is always text. They mean the same to SQLite, PostgreSQL,
 * MySQL and MariaDB. Nothing here talks to a database.
 *
 * Layer core. Pure functions; safe from any thread.
 */
#ifndef AO2_CORE_REGISTRY_SQL_H
#define AO2_CORE_REGISTRY_SQL_H

#include "core/registry_build.h"

/* Columns, and how many; the functions below take them in this order. */
#define AO2_SQL_APPLICATION "a.id, a.name, a.owner, a.status, a.token_format"
#define AO2_SQL_CLIENT "c.issuer, c.client_id, c.key_type"
#define AO2_SQL_TOKEN                                                       \
    "t.id, t.sha256, t.prefix, t.scopes, t.key_type, t.not_before, "        \
    "t.expires, t.status, t.ip"
#define AO2_SQL_SUBSCRIPTION \
    "s.api, s.version, s.plan, s.status, s.starts, s.expires"
#define AO2_SQL_API "v.name, v.version, v.status, v.deprecation, v.sunset"
#define AO2_SQL_LIMIT "l.requests, l.per, l.burst"
enum {
    AO2_SQL_APPLICATION_COLUMNS = 5,
    AO2_SQL_CLIENT_COLUMNS = 3,
    AO2_SQL_TOKEN_COLUMNS = 9,
    AO2_SQL_SUBSCRIPTION_COLUMNS = 6,
    AO2_SQL_API_COLUMNS = 5,
    AO2_SQL_LIMIT_COLUMNS = 3
};

/* What is asked about one row; see also core/registry_find.h. */

/** issuer, client id -> an application and its client; one row or none */
#define AO2_SQL_FIND_CLIENT                                                 \
    "SELECT " AO2_SQL_APPLICATION ", " AO2_SQL_CLIENT                       \
    " FROM api_clients c"                                                   \
    " JOIN api_applications a ON a.id = c.application"                      \
    " WHERE c.issuer = %s AND c.client_id = %s"
/** digest in lower case hex -> an application and its token; one or none */
#define AO2_SQL_FIND_TOKEN                                                  \
    "SELECT " AO2_SQL_APPLICATION ", " AO2_SQL_TOKEN                        \
    " FROM api_tokens t"                                                    \
    " JOIN api_applications a ON a.id = t.application"                      \
    " WHERE t.sha256 = %s"
/** name, version -> an API; one or none. The caller refuses "*" first */
#define AO2_SQL_FIND_API                                                    \
    "SELECT " AO2_SQL_API " FROM api_versions v"                            \
    " WHERE v.name = %s AND v.version = %s"
/** application, API, version -> the API, with each subscription of the
 *  application to it, the one that counts first, with each limit of its
 *  plan in order; NULLs where there is none. The caller refuses "*" first */
#define AO2_SQL_FIND_CALL                                                   \
    "SELECT " AO2_SQL_API ", " AO2_SQL_SUBSCRIPTION ", " AO2_SQL_LIMIT      \
    " FROM api_versions v"                                                  \
    " LEFT JOIN api_subscriptions s ON s.application = %s"                  \
    " AND s.api = v.name AND (s.version = v.version OR s.version = '*')"    \
    " LEFT JOIN api_limits l ON l.plan = s.plan"                            \
    " WHERE v.name = %s AND v.version = %s"                                 \
    " ORDER BY CASE WHEN s.version = '*' THEN 1 ELSE 0 END, l.position"
/** name -> a plan with each of its limits in order, or NULLs */
#define AO2_SQL_FIND_PLAN                                                   \
    "SELECT p.name, " AO2_SQL_LIMIT " FROM api_plans p"                     \
    " LEFT JOIN api_limits l ON l.plan = p.name"                            \
    " WHERE p.name = %s ORDER BY l.position"

/* What reads all of it. */

#define AO2_SQL_VERSION "SELECT version FROM api_registry"
/** plan, then a limit or NULLs */
#define AO2_SQL_ALL_PLANS                                                   \
    "SELECT p.name, " AO2_SQL_LIMIT " FROM api_plans p"                     \
    " LEFT JOIN api_limits l ON l.plan = p.name"                            \
    " ORDER BY p.name, l.position"
#define AO2_SQL_ALL_APIS                                                    \
    "SELECT " AO2_SQL_API " FROM api_versions v WHERE v.version <> '*'"     \
    " ORDER BY v.name, v.version"
/** How many applications are read at a time. */
#define AO2_SQL_PAGE 500
/** id -> the next AO2_SQL_PAGE applications behind it */
#define AO2_SQL_NEXT_APPLICATIONS                                           \
    "SELECT " AO2_SQL_APPLICATION " FROM api_applications a"                \
    " WHERE a.id > %s ORDER BY a.id"                                        \
    " LIMIT " APR_STRINGIFY(AO2_SQL_PAGE)
/* The rows of the applications behind one id up to another, each with its
 * application first. */
#define AO2_SQL_NEXT_CLIENTS                                                \
    "SELECT c.application, " AO2_SQL_CLIENT " FROM api_clients c"           \
    " WHERE c.application > %s AND c.application <= %s"                     \
    " ORDER BY c.application, c.issuer, c.client_id"
#define AO2_SQL_NEXT_TOKENS                                                 \
    "SELECT t.application, " AO2_SQL_TOKEN " FROM api_tokens t"             \
    " WHERE t.application > %s AND t.application <= %s"                     \
    " ORDER BY t.application, t.id"
#define AO2_SQL_NEXT_SUBSCRIPTIONS                                          \
    "SELECT s.application, " AO2_SQL_SUBSCRIPTION                           \
    " FROM api_subscriptions s"                                             \
    " WHERE s.application > %s AND s.application <= %s"                     \
    " ORDER BY s.application, s.api, s.version"

/*
 * Rows out of columns, NULL or "" for NULL. What a row points to is borrowed
 * from the columns. AO2_OK or AO2_E_MISCONFIGURED with a detail: a word, a
 * number or a NULL that the schema does not allow.
 */
ao2_code_t ao2_sql_application(ao2_application_t *row,
                               const char *const *columns, ao2_fail_t *fail);
ao2_code_t ao2_sql_client(ao2_client_t *row, const char *const *columns,
                          ao2_fail_t *fail);
/** @param pool  for the lists of the row */
ao2_code_t ao2_sql_token(ao2_api_token_row_t *row, const char *const *columns,
                         apr_pool_t *pool, ao2_fail_t *fail);
ao2_code_t ao2_sql_subscription(ao2_subscription_row_t *row,
                                const char *const *columns,
                                ao2_fail_t *fail);
ao2_code_t ao2_sql_api(ao2_api_t *row, const char *const *columns,
                       ao2_fail_t *fail);
ao2_code_t ao2_sql_limit(ao2_limit_row_t *row, const char *const *columns,
                         ao2_fail_t *fail);

#endif
