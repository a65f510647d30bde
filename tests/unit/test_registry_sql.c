/*
 * The schemas and the statements on real databases, and the rows that come
 * of them: SQLite always, PostgreSQL and MariaDB where AO2_TEST_PGSQL and
 * AO2_TEST_MYSQL say how an empty one is reached.
 */
#include "unit/support.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "core/registry_sql.h"
#include "tools/sql.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const rows[] = {
    "INSERT INTO api_plans (name) VALUES ('gold')",
    "INSERT INTO api_plans (name) VALUES ('none')",
    "INSERT INTO api_limits (plan, position, requests, per, burst) "
    "VALUES ('gold', 2, 1000000, '30d', NULL)",
    "INSERT INTO api_limits (plan, position, requests, per, burst) "
    "VALUES ('gold', 1, 5000, '1mi', 500)",
    "INSERT INTO api_versions (name, version, status, deprecation) "
    "VALUES ('pizza', '1.0', 'deprecated', 1767225600)",
    "INSERT INTO api_versions (name, version) VALUES ('pizza', '2.0')",
    "INSERT INTO api_versions (name, version) VALUES ('pizza', '*')",
    "INSERT INTO api_versions (name, version) VALUES ('soup', '')",
    "INSERT INTO api_applications (id, name, owner, token_format) "
    "VALUES ('app', 'Default', '\xc3\xa9ve', 'jwt')",
    "INSERT INTO api_applications (id, status) VALUES ('App', 'blocked')",
    "INSERT INTO api_applications (id) VALUES ('app ')",
    "INSERT INTO api_clients (issuer, client_id, application, key_type) "
    "VALUES ('corp', 'c', 'app', 'sandbox')",
    "INSERT INTO api_clients (issuer, client_id, application) "
    "VALUES ('corp', 'C', 'App')",
    "INSERT INTO api_clients (issuer, client_id, application) "
    "VALUES ('corp', 'c ', 'app ')",
    "INSERT INTO api_tokens (sha256, application, id, prefix, scopes, "
    "key_type, expires, ip) VALUES ('" A64 "1', 'app', 't1', 'api_1234', "
    "'a b:c', 'sandbox', 1798761600, '192.0.2.0/24 ::1')",
    "INSERT INTO api_tokens (sha256, application, id, scopes, not_before, "
    "status, ip) VALUES ('" A64 "2', 'app', 't2', '', 1, 'revoked', '')",
    "INSERT INTO api_subscriptions (application, api, version, plan, status, "
    "starts, expires) VALUES ('app', 'pizza', '1.0', 'gold', "
    "'production_blocked', 1, 2)",
    "INSERT INTO api_subscriptions (application, api, version) "
    "VALUES ('app', 'pizza', '*')",
    "INSERT INTO api_subscriptions (application, api, version) "
    "VALUES ('App', 'pizza', '*')",
};

/* Each breaks one rule of the schema. */
static const char *const refused[] = {
    "INSERT INTO api_plans (name) VALUES ('gold')",
    "INSERT INTO api_plans (name) VALUES ('')",
    "INSERT INTO api_limits (plan, position, requests, per) "
    "VALUES ('silver', 1, 1, '1s')",
    "INSERT INTO api_limits (plan, position, requests, per) "
    "VALUES ('none', 1, 0, '1s')",
    "INSERT INTO api_versions (name, version, status) "
    "VALUES ('pizza', '3.0', 'Published')",
    "INSERT INTO api_versions (name, version) VALUES ('pizza', '2.0')",
    "INSERT INTO api_applications (id, status) VALUES ('x', 'gone')",
    "INSERT INTO api_applications (id, token_format) VALUES ('x', 'saml')",
    "INSERT INTO api_clients (issuer, client_id, application) "
    "VALUES ('corp', 'c', 'App')",
    "INSERT INTO api_clients (issuer, client_id, application) "
    "VALUES ('corp', 'd', 'nobody')",
    "INSERT INTO api_tokens (sha256, application, id, scopes, ip) "
    "VALUES ('" A64 "1', 'App', 't', '', '')",
    "INSERT INTO api_tokens (sha256, application, id, scopes, ip) "
    "VALUES ('" A64 "A', 'App', 't', '', '')",
    "INSERT INTO api_tokens (sha256, application, id, scopes, ip) "
    "VALUES ('" A64 "', 'App', 't', '', '')",
    "INSERT INTO api_tokens (sha256, application, id, scopes, ip) "
    "VALUES ('" A64 "3', 'app', 't1', '', '')",
    "INSERT INTO api_subscriptions (application, api, version) "
    "VALUES ('app', 'pizza', '3.0')",
    "INSERT INTO api_subscriptions (application, api, version) "
    "VALUES ('app', 'pizza', '*')",
    "INSERT INTO api_subscriptions (application, api, version, plan) "
    "VALUES ('app', 'pizza', '2.0', 'silver')",
    "DELETE FROM api_plans WHERE name = 'gold'",
    "DELETE FROM api_versions WHERE name = 'pizza' AND version = '*'",
};

/* What is asked, and the rows as they come, a "|" between columns. */
static const struct {
    const char *statement;
    const char *values[3];
    const char *answer;
} questions[] = {
    {AO2_SQL_VERSION, {NULL}, "1\n"},
    {AO2_SQL_FIND_CLIENT, {"corp", "c"},
     "app|Default|\xc3\xa9ve|active|jwt|corp|c|sandbox\n"},
    {AO2_SQL_FIND_CLIENT, {"corp", "C"},
     "App|||blocked|any|corp|C|production\n"},
    {AO2_SQL_FIND_CLIENT, {"corp", "c "},
     "app |||active|any|corp|c |production\n"},
    {AO2_SQL_FIND_CLIENT, {"corp", "c  "}, ""},
    {AO2_SQL_FIND_CLIENT, {"Corp", "c"}, ""},
    {AO2_SQL_FIND_CLIENT, {"corp", "' OR '1'='1"}, ""},
    {AO2_SQL_FIND_TOKEN, {A64 "1"},
     "app|Default|\xc3\xa9ve|active|jwt|t1|" A64 "1|api_1234|a b:c|sandbox||"
     "1798761600|active|192.0.2.0/24 ::1\n"},
    {AO2_SQL_FIND_TOKEN, {A64 "2"},
     "app|Default|\xc3\xa9ve|active|jwt|t2|" A64 "2|||production|1||revoked|"
     "\n"},
    {AO2_SQL_FIND_TOKEN, {A64 "3"}, ""},
    {AO2_SQL_FIND_API, {"pizza", "1.0"},
     "pizza|1.0|deprecated|1767225600|\n"},
    {AO2_SQL_FIND_API, {"soup", ""}, "soup||published||\n"},
    {AO2_SQL_FIND_API, {"soup", "1.0"}, ""},
    {AO2_SQL_FIND_CALL, {"app", "pizza", "1.0"},
     "pizza|1.0|deprecated|1767225600||pizza|1.0|gold|production_blocked|1|2|"
     "5000|1mi|500\n"
     "pizza|1.0|deprecated|1767225600||pizza|1.0|gold|production_blocked|1|2|"
     "1000000|30d|\n"
     "pizza|1.0|deprecated|1767225600||pizza|*||active|||||\n"},
    {AO2_SQL_FIND_CALL, {"app", "pizza", "2.0"},
     "pizza|2.0|published|||pizza|*||active|||||\n"},
    {AO2_SQL_FIND_CALL, {"app ", "pizza", "1.0"},
     "pizza|1.0|deprecated|1767225600||||||||||\n"},
    {AO2_SQL_FIND_CALL, {"", "soup", ""}, "soup||published|||||||||||\n"},
    {AO2_SQL_FIND_CALL, {"app", "pizza", "3.0"}, ""},
    {AO2_SQL_FIND_PLAN, {"gold"}, "gold|5000|1mi|500\ngold|1000000|30d|\n"},
    {AO2_SQL_FIND_PLAN, {"none"}, "none|||\n"},
    {AO2_SQL_FIND_PLAN, {"gold "}, ""},
    {AO2_SQL_ALL_PLANS, {NULL},
     "gold|5000|1mi|500\ngold|1000000|30d|\nnone|||\n"},
    {AO2_SQL_ALL_APIS, {NULL},
     "pizza|1.0|deprecated|1767225600|\npizza|2.0|published||\n"
     "soup||published||\n"},
    {AO2_SQL_NEXT_APPLICATIONS, {"App"},
     "app|Default|\xc3\xa9ve|active|jwt\napp |||active|any\n"},
    {AO2_SQL_NEXT_CLIENTS, {"", "App"}, "App|corp|C|production\n"},
    {AO2_SQL_NEXT_CLIENTS, {"App", "app "},
     "app|corp|c|sandbox\napp |corp|c |production\n"},
    {AO2_SQL_NEXT_TOKENS, {"", "app"},
     "app|t1|" A64 "1|api_1234|a b:c|sandbox||1798761600|active|"
     "192.0.2.0/24 ::1\napp|t2|" A64 "2|||production|1||revoked|\n"},
    {AO2_SQL_NEXT_SUBSCRIPTIONS, {"", "App"}, "App|pizza|*||active||\n"},
};

typedef struct {
    char text[2048];
    int columns;
} answer_t;

static int take(void *context, const char *const *columns, ao2_fail_t *fail)
{
    answer_t *answer = context;
    int i;

    (void)fail;
    for (i = 0; i < answer->columns; i++) {
        size_t length = strlen(answer->text);

        snprintf(answer->text + length, sizeof(answer->text) - length,
                 "%s%s", columns[i] ? columns[i] : "",
                 i + 1 < answer->columns ? "|" : "\n");
    }
    return AO2_EXIT_DONE;
}

/* How many columns a SELECT has: its first commas. */
static int columns_of(const char *statement)
{
    const char *end = strstr(statement, " FROM ");
    int count = 1;

    for (; statement < end; statement++) {
        count += *statement == ',';
    }
    return count;
}

static void run(ao2_sql_t *sql, const char *statement)
{
    ao2_fail_t fail = {0};

    if (ao2_sql_run(sql, statement, &fail) != AO2_EXIT_DONE) {
        fail_msg("%s: %s", statement, fail.detail);
    }
}

static void ask_all(ao2_sql_t *sql)
{
    size_t i;

    for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        answer_t answer = {"", columns_of(questions[i].statement)};
        ao2_fail_t fail = {0};

        if (ao2_sql_ask(sql, questions[i].statement, questions[i].values,
                        take, &answer, &fail) != AO2_EXIT_DONE ||
            strcmp(answer.text, questions[i].answer) != 0) {
            fail_msg("%s: %s\n%s", questions[i].statement, fail.detail,
                     answer.text);
        }
    }
}

static void fill(ao2_sql_t *sql, const char *schema, apr_pool_t *pool)
{
    const char *source = getenv("AO2_SOURCE");
    const char *path = apr_pstrcat(pool, source ? source : ".", "/conf/sql/",
                                   schema, NULL);
    ao2_fail_t fail = {0};
    ao2_span_t script;
    size_t i;

    if (ao2_file_read(&script, NULL, path, 100000, pool, &fail) != AO2_OK ||
        ao2_sql_run_script(sql, script.ptr, &fail) != AO2_EXIT_DONE) {
        fail_msg("%s: %s", path, fail.detail);
    }
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run(sql, rows[i]);
    }
}

static void database(const char *driver, const char *params,
                     const char *schema, apr_pool_t *pool)
{
    ao2_fail_t fail = {0};
    ao2_sql_t *sql;
    size_t i;

    if (ao2_sql_open(&sql, driver, params, pool, &fail) != AO2_EXIT_DONE) {
        fail_msg("%s: %s", params, fail.detail);
    }
    if (strcmp(driver, "sqlite3") == 0) {
        run(sql, "PRAGMA foreign_keys = ON");
    }
    fill(sql, schema, pool);
    ask_all(sql);
    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (ao2_sql_run(sql, refused[i], NULL) == AO2_EXIT_DONE) {
            fail_msg("not refused: %s", refused[i]);
        }
    }
    ask_all(sql);
    /* What belongs to an application goes with it. */
    run(sql, "DELETE FROM api_applications");
    run(sql, "DELETE FROM api_plans");
    run(sql, "DELETE FROM api_versions");
}

static void sqlite(void **state)
{
    char path[] = "/tmp/test_registry_sqlXXXXXX";
    int file = mkstemp(path);

    assert_true(file >= 0);
    close(file);
    database("sqlite3", path, "sqlite3.sql", *state);
    unlink(path);
}

static void pgsql(void **state)
{
    if (!getenv("AO2_TEST_PGSQL")) {
        skip();
    }
    database("pgsql", getenv("AO2_TEST_PGSQL"), "pgsql.sql", *state);
}

static void mysql(void **state)
{
    if (!getenv("AO2_TEST_MYSQL")) {
        skip();
    }
    database("mysql", getenv("AO2_TEST_MYSQL"), "mysql.sql", *state);
}

/* One row of each kind, and what is made of it. */
static const char *app[] = {"id", "name", "owner", "blocked", "opaque"};
static const char *client[] = {"i", "c", "sandbox"};
static const char *token[] = {"t", "s", "p", "a b", "sandbox", "1", "2",
                              "revoked", "::1"};
static const char *subscription[] = {"a", "v", "p", "closed", "1", "2"};
static const char *api[] = {"a", "v", "retired", "1", "2"};
static const char *limit[] = {"5", "w", "7"};

static const struct {
    const char **columns;
    int count;
    int optional; /* the column that may be NULL; -1: none */
} kinds[] = {
    {app, AO2_SQL_APPLICATION_COLUMNS, -1},
    {client, AO2_SQL_CLIENT_COLUMNS, -1},
    {token, AO2_SQL_TOKEN_COLUMNS, -1},
    {subscription, AO2_SQL_SUBSCRIPTION_COLUMNS, 2},
    {api, AO2_SQL_API_COLUMNS, -1},
    {limit, AO2_SQL_LIMIT_COLUMNS, -1},
};

typedef struct {
    ao2_application_t app;
    ao2_client_t client;
    ao2_api_token_row_t token;
    ao2_subscription_row_t subscription;
    ao2_api_t api;
    ao2_limit_row_t limit;
} made_t;

static ao2_code_t make(made_t *made, int kind, apr_pool_t *pool)
{
    switch (kind) {
    case 0:
        return ao2_sql_application(&made->app, app, NULL);
    case 1:
        return ao2_sql_client(&made->client, client, NULL);
    case 2:
        return ao2_sql_token(&made->token, token, pool, NULL);
    case 3:
        return ao2_sql_subscription(&made->subscription, subscription, NULL);
    case 4:
        return ao2_sql_api(&made->api, api, NULL);
    default:
        return ao2_sql_limit(&made->limit, limit, NULL);
    }
}

/* One column after the other replaced by what no schema lets in. */
static void wrong_columns(void **state)
{
    made_t made;
    int kind;
    int i;

    for (kind = 0; kind < 6; kind++) {
        assert_int_equal(make(&made, kind, *state), AO2_OK);
        for (i = 0; i < kinds[kind].count; i++) {
            const char *kept = kinds[kind].columns[i];
            int is_number = *kept >= '0' && *kept <= '9';
            ao2_code_t code;

            kinds[kind].columns[i] = is_number ? "1x" : NULL;
            code = make(&made, kind, *state);
            kinds[kind].columns[i] = kept;
            if ((code == AO2_OK) != (i == kinds[kind].optional)) {
                fail_msg("kind %d column %d: %d", kind, i, (int)code);
            }
        }
    }
}

static void rows_of_columns(void **state)
{
    made_t made;
    int kind;

    for (kind = 0; kind < 6; kind++) {
        assert_int_equal(make(&made, kind, *state), AO2_OK);
    }
    assert_int_equal(made.app.status, AO2_APPLICATION_BLOCKED);
    assert_int_equal(made.app.binds, AO2_BINDS_OPAQUE);
    assert_int_equal(made.client.key_type, AO2_KEY_SANDBOX);
    assert_int_equal(made.token.scope_count, 2);
    assert_string_equal(made.token.scopes[1], "b");
    assert_string_equal(made.token.networks[0], "::1");
    assert_int_equal(made.token.expires, apr_time_from_sec(2));
    assert_int_equal(made.subscription.status, AO2_SUBSCRIPTION_CLOSED);
    assert_int_equal(made.subscription.starts, apr_time_from_sec(1));
    assert_int_equal(made.api.sunset, apr_time_from_sec(2));
    assert_int_equal(made.limit.burst, 7);
}

static void absent_columns(void **state)
{
    const char *columns[] = {"a", "v", "", "closed", "", NULL};
    ao2_subscription_row_t row;

    (void)state;
    assert_int_equal(ao2_sql_subscription(&row, columns, NULL), AO2_OK);
    assert_null(row.plan);
    assert_int_equal(row.starts, 0);
    assert_int_equal(row.expires, AO2_TIME_FOREVER);
    columns[4] = "99999999999999999999999";
    assert_int_equal(ao2_sql_subscription(&row, columns, NULL),
                     AO2_E_MISCONFIGURED);
    columns[4] = "-1";
    assert_int_equal(ao2_sql_subscription(&row, columns, NULL),
                     AO2_E_MISCONFIGURED);
    columns[4] = "9223372036854775807";
    assert_int_equal(ao2_sql_subscription(&row, columns, NULL), AO2_OK);
    assert_int_equal(row.starts, AO2_TIME_FOREVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_of_columns), TEST(wrong_columns), TEST(absent_columns),
        TEST(sqlite),          TEST(pgsql),         TEST(mysql),
    };

    int failed;

    /* apr_dbd does not stand APR going and coming back between tests. */
    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
