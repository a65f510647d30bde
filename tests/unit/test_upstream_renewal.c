#include "unit/token_server.h"

/* --- in the background --------------------------------------------------- */

static void tick(ao2_upstream_t *upstream, int seconds)
{
    while (seconds-- > 0) {
        server_pass(SEC(1));
        ao2_upstream_tick(upstream);
    }
}

static void renewed_while_used(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    int before;
    int i;

    assert_string_equal(ask(setup), "token-1");
    tick(setup->upstream, 42); /* 75 % of 60, less 5 % of that */
    assert_int_equal(server->calls, 1);
    ask(setup);
    tick(setup->upstream, 3);
    assert_int_equal(server->calls, 2);
    assert_string_equal(ask(setup), "token-2");
    /* Used after it was fetched, it is renewed once more, then no longer. */
    tick(setup->upstream, 600);
    before = server->calls;
    assert_in_range(before, 3, 4);
    tick(setup->upstream, 600);
    assert_int_equal(server->calls, before);
    for (i = 0; i < 60; i++) {
        ask(setup);
        tick(setup->upstream, 1);
    }
    assert_in_range(server->calls, before + 2, before + 3);
}

/* A request that finds a good token asks nobody while there is background
 * work, and takes over what that brought. */
static void an_hour_of_requests(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    ao2_upstream_t *other = open_upstream(setup);
    ao2_span_t none = {NULL, 0};
    int calls = 0;
    int gets;
    int i;

    ask(setup);
    for (i = 0; i < 3600 * 100; i++) {
        ao2_upstream_t *one = i % 2 ? setup->upstream : other;
        ao2_upstream_token_t token;
        apr_pool_t *pool;

        if (i % 100 == 0) {
            ao2_upstream_tick(setup->upstream);
            ao2_upstream_tick(other);
        }
        calls = server->calls;
        gets = server->gets;
        apr_pool_create(&pool, *state);
        assert_int_equal(ao2_upstream_token(&token, one, none, pool, NULL),
                         AO2_OK);
        apr_pool_destroy(pool);
        assert_int_equal(server->calls, calls);
        assert_true(server->gets == gets || i < 2);
        server_pass(SEC(1) / 100);
    }
    /* One a renewal: after 43 to 46 seconds each. */
    assert_in_range(calls, 3600 / 46, 3600 / 42 + 2);
}

static void another_process_takes_it_over(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    ao2_upstream_t *other = open_upstream(setup);
    int gets;

    ask(setup);
    ask_for(setup, other, NULL);
    server_pass(SEC(46));
    ask(setup);
    tick(setup->upstream, 1);
    assert_int_equal(server->calls, 2);
    assert_string_equal(ask(setup), "token-2");
    /* Without background work the next request looks for it, once. */
    gets = server->gets;
    assert_string_equal(ask_for(setup, other, NULL), "token-1");
    assert_int_equal(server->gets, gets + 1);
    assert_string_equal(ask_for(setup, other, NULL), "token-2");
    assert_int_equal(server->gets, gets + 1);
    assert_int_equal(server->calls, 2);
}

static void without_background(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);

    ask(setup);
    server_pass(SEC(42));
    assert_string_equal(ask(setup), "token-1");
    assert_int_equal(server->calls, 1);
    server_pass(SEC(4));
    assert_string_equal(ask(setup), "token-1");
    assert_int_equal(server->calls, 2);
    assert_string_equal(ask(setup), "token-2");
    assert_int_equal(server->calls, 2);
}

/* It serves until it really ends, and the endpoint is not hammered. */
static void while_the_server_is_down(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    int i;

    server->members = ",\"expires_in\":3600";
    ask(setup);
    server->broken = 1;
    for (i = 0; i < 3599; i++) {
        tick(setup->upstream, 1);
        assert_string_equal(ask(setup), "token-1");
    }
    assert_in_range(server->calls, 25, 90);
    assert_in_range(server->told, 5, 17);
    assert_non_null(strstr(server->last_told, "<ApiUpstream pizza>: no answer;"
                           " the token of before is used until it expires"));
    tick(setup->upstream, 1);
    assert_string_equal(ask(setup), UNAVAILABLE);
    server->broken = 0;
    server_pass(SEC(3));
    assert_int_equal(strncmp(ask(setup), "token-", 6), 0);
}

/* The same without background: no request is the worse for it. */
static void while_the_server_is_down_for_requests(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    int i;

    server->members = ",\"expires_in\":3600";
    ask(setup);
    server->status = 500;
    for (i = 0; i < 3599; i++) {
        server_pass(SEC(1));
        assert_string_equal(ask(setup), "token-1");
    }
    assert_in_range(server->calls, 25, 90);
}

static void refresh_times(void **state)
{
    static const struct {
        int percent;
        int after;
        int lifetime;
        int earliest; /* in seconds, rounded down */
        int latest;   /* rounded up */
    } rows[] = {
        {75, 0, 1000, 712, 750}, {90, 0, 1000, 855, 900},
        {99, 0, 100, 94, 98},    {0, 30, 1000, 28, 30},
        {0, 30, 20, 17, 18},     {1, 0, 1000, 9, 10},
        {75, 0, 4, 2, 2},        {75, 0, 2, 1, 1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);

        setup->settings.refresh_percent = rows[i].percent;
        setup->settings.refresh_after = SEC(rows[i].after);
        server->members = apr_psprintf(*state, ",\"expires_in\":%d",
                                       rows[i].lifetime);
        ask(setup);
        server_pass(SEC(rows[i].earliest) - 1);
        ask(setup);
        if (server->calls != 1) {
            fail_msg("row %d: renewed too early", (int)i);
        }
        server_pass(SEC(rows[i].latest - rows[i].earliest) + 1);
        ask(setup);
        if (server->calls != 2) {
            fail_msg("row %d: not renewed", (int)i);
        }
    }
}

static void clock_set_back(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);

    ask(setup);
    server_pass(-SEC(30));
    assert_string_equal(ask(setup), "token-1");
    server_pass(-SEC(3600));
    assert_string_equal(ask(setup), "token-2");
    assert_string_equal(ask(setup), "token-2");
    tick(setup->upstream, 46);
    assert_string_equal(ask(setup), "token-3");
}

/* --- dropped ------------------------------------------------------------- */

static void dropped_by_value(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    ao2_upstream_t *other = open_upstream(setup);

    ask(setup);
    ask_for(setup, other, NULL);
    assert_int_equal(drop(setup, setup->upstream, "token-0"), 1);
    assert_string_equal(ask(setup), "token-1");
    assert_int_equal(drop(setup, setup->upstream, "token-1"), 1);
    assert_string_equal(ask(setup), "token-2");
    assert_string_equal(ask_for(setup, other, NULL), "token-2");
    /* Late answers to requests with the old one. */
    assert_int_equal(drop(setup, setup->upstream, "token-1"), 1);
    assert_int_equal(drop(setup, other, "token-1"), 1);
    assert_string_equal(ask(setup), "token-2");
    assert_string_equal(ask_for(setup, open_upstream(setup), NULL),
                        "token-2");
    assert_int_equal(server->calls, 2);
}

/* A process that has the old one still hears of it. */
static void dropped_by_another_process(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    ao2_upstream_t *other = open_upstream(setup);

    ask(setup);
    ask_for(setup, other, NULL);
    assert_int_equal(drop(setup, other, "token-1"), 1);
    assert_string_equal(ask(setup), "token-2");
    assert_int_equal(server->calls, 2);
}

/* A server that hands out the same token once more is believed. */
static void dropped_and_given_again(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);

    server->body = "{\"access_token\":\"same\",\"token_type\":\"Bearer\"}";
    ask(setup);
    server_pass(1);
    drop(setup, setup->upstream, "same");
    assert_string_equal(ask(setup), "same");
    assert_string_equal(ask(setup), "same");
    assert_int_equal(server->calls, 2);
}

/* A backend that refuses every token does not make each request a call. */
static void dropped_again_and_again(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    int granted = 0;
    int i;

    for (i = 0; i < 1000; i++) {
        granted += drop(setup, setup->upstream, ask(setup));
        server_pass(SEC(1) / 100);
    }
    assert_in_range(granted, 29, 31);
    assert_in_range(server->calls, 29, 32);
    server_pass(SEC(30));
    assert_int_equal(drop(setup, setup->upstream, ask(setup)), 1);
}

static void dropped_without_a_cache(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 0, *state);

    setup->ports.board = NULL;
    ao2_flight_make(&setup->ports.flight, NULL, *state, NULL);
    setup->upstream = open_upstream(setup);
    ask(setup);
    assert_int_equal(drop(setup, setup->upstream, "token-0"), 1);
    assert_string_equal(ask(setup), "token-1");
    assert_int_equal(drop(setup, setup->upstream, "token-1"), 1);
    assert_string_equal(ask(setup), "token-2");
}

/* --- many at once -------------------------------------------------------- */

typedef struct {
    setup_t *setup;
    const char *refused; /* a token that the backend refused; NULL: none */
    int right;           /* atomic */
} many_t;

static void *APR_THREAD_FUNC one_of_many(apr_thread_t *thread, void *data)
{
    many_t *many = data;
    setup_t own = *many->setup;

    (void)thread;
    apr_pool_create_unmanaged_ex(&own.pool, NULL, NULL);
    if (many->refused) {
        drop(&own, own.upstream, many->refused);
    }
    told_add(&many->right,
             strcmp(ask(&own), many->refused ? "token-2" : "token-1") == 0);
    apr_pool_destroy(own.pool);
    return NULL;
}

#define THREADS 200

/* @return how many got what they should */
static int all_at_once(setup_t *setup, int count, const char *refused)
{
    many_t many = {setup, refused, 0};
    apr_thread_t *threads[THREADS];
    apr_status_t ended;
    int i;

    for (i = 0; i < count; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, one_of_many,
                                           &many, setup->pool), APR_SUCCESS);
    }
    for (i = 0; i < count; i++) {
        apr_thread_join(&ended, threads[i]);
    }
    return many.right;
}

static void first_requests_of_threads(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);

    server->slow_ms = 100;
    assert_int_equal(all_at_once(setup, THREADS, NULL), THREADS);
    assert_int_equal(server->calls, 1);
    assert_int_equal(all_at_once(setup, 50, "token-1"), 50);
    assert_int_equal(server->calls, 2);
}

static void first_requests_of_processes(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    pid_t children[4];
    int i;

    server->slow_ms = 300;
    for (i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            world_t *world = &setup->world;

            world_join(world);
            setup->ports.flight = world->flight;
            setup->upstream = open_upstream(setup);
            _exit(all_at_once(setup, 50, NULL) == 50 ? 0 : 1);
        }
    }
    for (i = 0; i < 4; i++) {
        int status = 1;

        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(server->calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(renewed_while_used), TEST(an_hour_of_requests),
        TEST(another_process_takes_it_over), TEST(without_background),
        TEST(while_the_server_is_down),
        TEST(while_the_server_is_down_for_requests), TEST(refresh_times),
        TEST(clock_set_back), TEST(dropped_by_value),
        TEST(dropped_by_another_process), TEST(dropped_and_given_again),
        TEST(dropped_again_and_again), TEST(dropped_without_a_cache),
        TEST(first_requests_of_threads), TEST(first_requests_of_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
