/*
 * Connections to a database, and the threads that have them, on SQLite.
 */
#include "unit/support.h"

#include <stdio.h>
#include <unistd.h>

#include <apr_dbd.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "adapter/dbd_threads.h"
#include "base/file.h"
#include "tools/sql.h"

typedef struct {
    ao2_dbd_target_t target;
    char path[40];
    ao2_sql_t *sql; /* of the test itself */
    apr_pool_t *pool;
} world_t;

static void run(world_t *world, const char *statement)
{
    ao2_fail_t fail = {0};

    if (ao2_sql_run(world->sql, statement, &fail) != AO2_EXIT_DONE) {
        fail_msg("%s: %s", statement, fail.detail);
    }
}

static void load_schema(world_t *world)
{
    const char *source = getenv("AO2_SOURCE");
    const char *path = apr_pstrcat(world->pool, source ? source : ".",
                                   "/conf/sql/sqlite3.sql", NULL);
    ao2_span_t script;

    assert_int_equal(ao2_file_read(&script, NULL, path, 100000, world->pool,
                                   NULL),
                     AO2_OK);
    assert_int_equal(ao2_sql_run_script(world->sql, script.ptr, NULL),
                     AO2_EXIT_DONE);
}

static int start_world(void **state)
{
    apr_pool_t *pool;
    world_t *world;
    int file;

    apr_pool_create(&pool, NULL);
    world = apr_pcalloc(pool, sizeof(*world));
    world->pool = pool;
    apr_cpystrn(world->path, "/tmp/test_dbdXXXXXX", sizeof(world->path));
    file = mkstemp(world->path);
    close(file);
    world->target.driver = "sqlite3";
    world->target.params = world->path;
    *state = world;
    if (ao2_sql_open(&world->sql, "sqlite3", world->path, pool, NULL)
        != AO2_EXIT_DONE) {
        return 1;
    }
    load_schema(world);
    return 0;
}

static int end_world(void **state)
{
    world_t *world = *state;

    unlink(world->path);
    apr_pool_destroy(world->pool);
    return 0;
}

/* The first column; "none" for no row, else what was wrong. */
static const char *ask_link(ao2_dbd_link_t *link, const char *client_id,
                            apr_pool_t *pool)
{
    const char *values[] = {"corp", client_id};
    ao2_fail_t fail = {0};
    ao2_span_t columns;

    if (ao2_dbd_link_ask(link, &columns, AO2_FIND_CLIENT, values, pool, &fail)
        != AO2_OK) {
        assert_int_equal(fail.code, AO2_E_REGISTRY_UNAVAILABLE);
        return apr_pstrdup(pool, fail.detail);
    }
    return columns.len ? columns.ptr : "none";
}

static void values_are_bound(void **state)
{
    world_t *world = *state;
    ao2_dbd_link_t *link = ao2_dbd_link_make(&world->target, world->pool);

    run(world, "INSERT INTO api_applications (id) VALUES ('app')");
    run(world, "INSERT INTO api_clients (issuer, client_id, application) "
               "VALUES ('corp', 'it''s %s \"c\"', 'app')");
    assert_string_equal(ask_link(link, "it's %s \"c\"", world->pool), "app");
    assert_string_equal(ask_link(link, "x' OR '1'='1", world->pool), "none");
    assert_string_equal(ask_link(link, "", world->pool), "none");
    ao2_dbd_link_close(link);
}

/* What was prepared goes with the connection; a question that fails is asked
 * once more over a new one. */
static void opened_again(void **state)
{
    world_t *world = *state;
    ao2_dbd_link_t *link = ao2_dbd_link_make(&world->target, world->pool);
    int i;

    assert_string_equal(ask_link(link, "c", world->pool), "none");
    run(world, "ALTER TABLE api_clients RENAME TO elsewhere");
    for (i = 0; i < 3; i++) {
        assert_string_equal(ask_link(link, "c", world->pool),
                            "the database: no such table: api_clients");
    }
    run(world, "ALTER TABLE elsewhere RENAME TO api_clients");
    run(world, "INSERT INTO api_applications (id) VALUES ('app')");
    run(world, "INSERT INTO api_clients (issuer, client_id, application) "
               "VALUES ('corp', 'c', 'app')");
    assert_string_equal(ask_link(link, "c", world->pool), "app");
    ao2_dbd_link_close(link);
    assert_string_equal(ask_link(link, "c", world->pool), "app");
    ao2_dbd_link_close(link);
}

static void answers_are_bounded(void **state)
{
    static const char hex[] =
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const char *values[] = {hex};
    world_t *world = *state;
    ao2_dbd_link_t *link = ao2_dbd_link_make(&world->target, world->pool);
    ao2_fail_t fail = {0};
    ao2_span_t columns;

    run(world, "INSERT INTO api_applications (id) VALUES ('app')");
    run(world, apr_pstrcat(world->pool,
                           "INSERT INTO api_tokens (sha256, application, id, "
                           "scopes) VALUES ('", hex,
                           "', 'app', 't', printf('%60000d', 1))", NULL));
    assert_int_equal(ao2_dbd_link_ask(link, &columns, AO2_FIND_TOKEN, values,
                                      world->pool, &fail),
                     AO2_OK);
    assert_true(columns.len > 60000);
    run(world, "UPDATE api_tokens SET scopes = printf('%70000d', 1)");
    assert_int_equal(ao2_dbd_link_ask(link, &columns, AO2_FIND_TOKEN, values,
                                      world->pool, &fail),
                     AO2_E_REGISTRY_UNAVAILABLE);
    assert_string_equal(fail.detail, "the database: an answer is longer than "
                                     "65536 bytes");
    ao2_dbd_link_close(link);
}

static void begins_as_told(void **state)
{
    world_t *world = *state;
    apr_array_header_t *first = apr_array_make(world->pool, 2,
                                               sizeof(char *));
    ao2_dbd_link_t *link;

    APR_ARRAY_PUSH(first, const char *) = "CREATE TABLE made (a)";
    world->target.first = first;
    link = ao2_dbd_link_make(&world->target, world->pool);
    assert_string_equal(ask_link(link, "c", world->pool), "none");
    run(world, "SELECT a FROM made");
    ao2_dbd_link_close(link);
    assert_string_equal(ask_link(link, "c", world->pool),
                        "the database: table made already exists");
}

static void without_driver(void **state)
{
    world_t *world = *state;
    ao2_dbd_link_t *link;

    world->target.driver = "none";
    link = ao2_dbd_link_make(&world->target, world->pool);
    assert_string_equal(ask_link(link, "c", world->pool),
                        "the driver apr_dbd_none of APR-util cannot be used");
    world->target.driver = "sqlite3";
    world->target.params = "/nowhere/at/all";
    assert_string_equal(ask_link(link, "c", world->pool),
                        "no connection to the database: unable to open "
                        "database file");
}

static void causes(void **state)
{
    static const char hidden[] =
        "the reason given has a word of DBDParams in it that is not for a "
        "log";
    static const char odd[] = "DBDParams is not understood";
    static const struct {
        const char *text;
        const char *params;
        const char *wanted; /* NULL: the text */
    } cases[] = {
        {NULL, "", "no reason given"},
        {"", "", "no reason given"},
        {"refused", "host=db password=secret", NULL},
        {"FATAL:  no role \"registry\"\n\tand more", "user=registry",
         "FATAL:  no role \\x22registry\\x22"},
        {"what is secret?", "host=db password=secret dbname=r", hidden},
        {"what is secret?", "host=db password = 'secret' dbname=r", hidden},
        {"what is secret?", "user=a,pass=secret,dbname=r", hidden},
        {"what is secret?", "sslpassword=x password=secret", hidden},
        {"what is secret?", "PASSWORD=secret", hidden},
        {"what is open?", "host=open password=secret", NULL},
        {"missing \"=\" after \"a\" in connection info string", "a", odd},
        {"invalid connection option \"a\"", "a=b", odd},
        {"invalid port number in URI: postgresql://a:b@c:d", "x", odd},
        {"what is this?", "password=", NULL},
        {"what is this?", "password", NULL},
    };
    world_t *world = *state;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *wanted = cases[i].wanted ? cases[i].wanted
                                             : cases[i].text;

        assert_string_equal(ao2_dbd_link_cause(cases[i].text, cases[i].params,
                                               world->pool),
                            wanted);
    }
}

/* --- threads ------------------------------------------------------------ */

enum { QUESTIONS = 200 };

typedef struct {
    apr_thread_mutex_t *mutex; /* guards what follows */
    apr_thread_cond_t *changed;
    int answered;
    int right;
    ao2_question_t questions[2 * AO2_MAX_REGISTRY_QUEUE];
} asked_t;

static void take_answer(ao2_question_t *question,
                        const ao2_database_answer_t *said)
{
    asked_t *asked = question->context;

    apr_thread_mutex_lock(asked->mutex);
    asked->answered++;
    asked->right += said->code == AO2_OK && said->columns.len > 4 &&
                    strcmp(said->columns.ptr, "app") == 0;
    apr_thread_cond_signal(asked->changed);
    apr_thread_mutex_unlock(asked->mutex);
}

static asked_t *make_asked(world_t *world)
{
    asked_t *asked = apr_pcalloc(world->pool, sizeof(*asked));
    int i;

    apr_thread_mutex_create(&asked->mutex, APR_THREAD_MUTEX_DEFAULT,
                            world->pool);
    apr_thread_cond_create(&asked->changed, world->pool);
    for (i = 0; i < 2 * AO2_MAX_REGISTRY_QUEUE; i++) {
        asked->questions[i].which = AO2_FIND_CLIENT;
        asked->questions[i].values[0] = "corp";
        asked->questions[i].values[1] = "c";
        asked->questions[i].answered = take_answer;
        asked->questions[i].context = asked;
    }
    return asked;
}

static void wait_for(asked_t *asked, int count)
{
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(60);

    apr_thread_mutex_lock(asked->mutex);
    while (asked->answered < count && apr_time_now() < deadline) {
        apr_thread_cond_timedwait(asked->changed, asked->mutex,
                                  apr_time_from_sec(1));
    }
    assert_int_equal(asked->answered, count);
    apr_thread_mutex_unlock(asked->mutex);
}

static void add_client(world_t *world)
{
    run(world, "INSERT INTO api_applications (id) VALUES ('app')");
    run(world, "INSERT INTO api_clients (issuer, client_id, application) "
               "VALUES ('corp', 'c', 'app')");
}

static void all_are_answered(void **state)
{
    world_t *world = *state;
    asked_t *asked = make_asked(world);
    ao2_database_t *database;
    int i;

    add_client(world);
    assert_int_equal(ao2_dbd_threads_make(&database, &world->target,
                                          world->pool, NULL),
                     AO2_OK);
    for (i = 0; i < QUESTIONS; i++) {
        assert_true(database->ask(database, &asked->questions[i]));
    }
    wait_for(asked, QUESTIONS);
    assert_int_equal(asked->right, QUESTIONS);
}

/* The process ends with questions in the queue: nobody is called any more. */
static void the_end(void **state)
{
    world_t *world = *state;
    asked_t *asked = make_asked(world);
    ao2_database_t *database;
    apr_pool_t *process;
    int answered;
    int i;

    add_client(world);
    apr_pool_create(&process, world->pool);
    assert_int_equal(ao2_dbd_threads_make(&database, &world->target, process,
                                          NULL),
                     AO2_OK);
    for (i = 0; i < QUESTIONS; i++) {
        database->ask(database, &asked->questions[i]);
    }
    apr_pool_destroy(process);
    answered = asked->answered;
    assert_int_equal(asked->right, answered);
    apr_sleep(apr_time_from_msec(20));
    assert_int_equal(asked->answered, answered);
}

/* As long as another has locked the database, its driver waits a second and
 * a half for each question: the queue is full, and no more is taken. */
static void full_while_locked(void **state)
{
    world_t *world = *state;
    asked_t *asked = make_asked(world);
    ao2_database_t *database;
    int taken = 0;
    int answered;

    add_client(world);
    assert_int_equal(ao2_dbd_threads_make(&database, &world->target,
                                          world->pool, NULL),
                     AO2_OK);
    run(world, "BEGIN EXCLUSIVE");
    while (taken < 2 * AO2_MAX_REGISTRY_QUEUE &&
           database->ask(database, &asked->questions[taken])) {
        taken++;
    }
    assert_in_range(taken, 1, 2 * AO2_MAX_REGISTRY_QUEUE - 1);
    /* A slow machine may have seen drivers give up meanwhile. */
    apr_thread_mutex_lock(asked->mutex);
    answered = asked->answered;
    apr_thread_mutex_unlock(asked->mutex);
    assert_true(taken - answered <=
                AO2_MAX_REGISTRY_QUEUE + 2 * AO2_MAX_REGISTRY_THREADS);
    run(world, "ROLLBACK");
    wait_for(asked, taken);
    assert_true(database->ask(database, &asked->questions[0]));
    wait_for(asked, taken + 1);
    assert_true(asked->right > 0);
}

#define WORLD(function) \
    cmocka_unit_test_setup_teardown(function, start_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(values_are_bound), WORLD(opened_again),
        WORLD(answers_are_bounded), WORLD(begins_as_told),
        WORLD(without_driver),   WORLD(causes),
        WORLD(all_are_answered), WORLD(the_end),
        WORLD(full_while_locked),
    };
    apr_pool_t *pool;
    int failed;

    /* apr_dbd does not stand APR going and coming back between tests. */
    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_dbd_init(pool);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
