#include "unit/key_server.h"

static void loads_once(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    int i;

    assert_int_equal(fake.calls, 0);
    for (i = 0; i < 100; i++) {
        assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    }
    assert_int_equal(fake.calls, 1);
}

/* Nothing is fetched for a token that is refused before its key matters. */
static void no_call_for_strangers(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);

    assert_int_equal(
        call(setup, setup->key, "{'iss':'https://other'}", NULL, *state),
        AO2_E_TOKEN_INVALID);
    setup->issuer.algorithms = ao2_alg_find(ao2_span("RS256"))->bit;
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 0);
    setup->issuer.algorithms = ao2_alg_default();
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

static void renewed_ahead(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    int i;

    ask(setup, setup->key, *state);
    /* Before 75 % nobody renews; after the ttl a tick has. */
    fake.now += apr_time_from_sec(2699);
    ao2_keyring_tick(setup->verifier.ring);
    assert_int_equal(fake.calls, 1);
    fake.now += apr_time_from_sec(902);
    ao2_keyring_tick(setup->verifier.ring);
    assert_int_equal(fake.calls, 2);
    for (i = 0; i < 10; i++) {
        ao2_keyring_tick(setup->verifier.ring);
        ask(setup, setup->key, *state);
    }
    assert_int_equal(fake.calls, 2);
    /* With the background lost, a request renews. */
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(fake.calls, 3);
}

/* A clock that goes back an hour puts no renewal off by an hour. */
static void clock_goes_back(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);

    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    ao2_keyring_tick(setup->verifier.ring);
    assert_int_equal(fake.calls, 1);
    fake.now -= apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    ao2_keyring_tick(setup->verifier.ring);
    assert_int_equal(fake.calls, 2);
    ao2_keyring_tick(setup->verifier.ring);
    assert_int_equal(fake.calls, 2);
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    ao2_keyring_tick(setup->verifier.ring);
    assert_int_equal(fake.calls, 3);
}

static void max_age_shortens(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);

    fake.max_age = apr_time_from_sec(60);
    ask(setup, setup->key, *state);
    fake.now += apr_time_from_sec(61);
    ask(setup, setup->key, *state);
    assert_int_equal(fake.calls, 2);
    fake.max_age = 0;
    fake.now += apr_time_from_sec(61);
    ask(setup, setup->key, *state);
    fake.now += apr_time_from_sec(5);
    ask(setup, setup->key, *state);
    assert_int_equal(fake.calls, 3);
}

/* Whatever a server answers, good keys stay until they are stale. */
static void bad_answers(void **state)
{
    static const char *const bodies[] = {"<html>", "{\"keys\":[]}", "{}", "",
                                         "{\"keys\":[{\"kty\":\"oct\"}]}"};
    setup_t *setup = set_up("https://i/k", NULL, *state);
    size_t i;

    ask(setup, setup->key, *state);
    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        fake.body = bodies[i];
        fake.now += apr_time_from_sec(3700);
        assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    }
    fake.body = setup->jwks;
    fake.status = 500;
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    fake.broken = 1;
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_true(fake.told > 0);
    fake.now += apr_time_from_sec(86400 + 3600);
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_ISSUER_UNAVAILABLE);
    fake.broken = 0;
    fake.status = 200;
    fake.now += apr_time_from_sec(3);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

static void failing_is_left_alone(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    int retry = 0;
    int i;

    fake.broken = 1;
    for (i = 0; i < 50; i++) {
        assert_int_equal(call(setup, setup->key, GOOD, &retry, *state),
                         AO2_E_ISSUER_UNAVAILABLE);
        assert_true(retry >= 1);
    }
    assert_int_equal(fake.calls, 3);
    fake.now += apr_time_from_msec(700);
    ask(setup, setup->key, *state);
    assert_int_equal(fake.calls, 4);
    fake.broken = 0;
    fake.now += apr_time_from_sec(3);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

/* A process that did not see the failures itself. */
static void another_saw_it_fail(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_verifier_t *verifier = &setup->verifier;
    ao2_key_supply_t *supply;
    ao2_keyring_t *other;
    ao2_key_hold_t hold;
    ao2_fail_t fail = {0};
    int i;

    fake.broken = 1;
    for (i = 0; i < 3; i++) {
        ask(setup, setup->key, *state);
    }
    assert_int_equal(ao2_key_supply_make(&supply, &setup->issuer.source, NULL,
                                         verifier->remote, *state, NULL),
                     AO2_OK);
    assert_int_equal(ao2_keyring_make(&other, &setup->issuer.source, supply,
                                      verifier->remote, *state, NULL),
                     AO2_OK);
    assert_int_equal(ao2_keyring_hold(&hold, other, NULL, &fail),
                     AO2_E_ISSUER_UNAVAILABLE);
    assert_non_null(strstr(fail.detail, "calls failed again and again"));
    assert_int_equal(fake.calls, 3);
    fake.broken = 0;
    fake.now += apr_time_from_sec(3);
    assert_int_equal(ao2_keyring_hold(&hold, other, NULL, NULL), AO2_OK);
    ao2_keyring_release(&hold, other);
}

static void unknown_kids(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_key_t *other;
    int i;

    ask(setup, setup->key, *state);
    for (i = 0; i < 1000; i++) {
        setup->key->kid = apr_psprintf(*state, "x%d", i);
        assert_int_equal(ask(setup, setup->key, *state), AO2_E_TOKEN_INVALID);
    }
    assert_int_equal(fake.calls, 2);
    /* A rotated key works at once when the pause is over. */
    other = new_key("k2", *state);
    fake.body = jwks_of(other, *state);
    assert_int_equal(ask(setup, other, *state), AO2_E_TOKEN_INVALID);
    fake.now += AO2_KEYS_UNKNOWN_PAUSE;
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    setup->key->kid = "k1";
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 3);
    fake.broken = 1;
    fake.now += AO2_KEYS_UNKNOWN_PAUSE;
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_ISSUER_UNAVAILABLE);
}

/* Many callers at once, and how many of them got @a wanted. */
typedef struct {
    const setup_t *setup;
    const ao2_key_t *key;
    ao2_code_t wanted;
    volatile apr_uint32_t got;
} crowd_t;

#define CROWD 100

static void *APR_THREAD_FUNC one_caller(apr_thread_t *thread, void *data)
{
    crowd_t *crowd = data;
    apr_pool_t *pool;

    (void)thread;
    apr_pool_create(&pool, NULL);
    if (ask(crowd->setup, crowd->key, pool) == crowd->wanted) {
        apr_atomic_inc32(&crowd->got);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void send_crowd(const setup_t *setup, const ao2_key_t *key,
                       ao2_code_t wanted, apr_pool_t *pool)
{
    crowd_t crowd = {setup, key, wanted, 0};
    apr_thread_t *threads[CROWD];
    apr_status_t rv;
    int i;

    for (i = 0; i < CROWD; i++) {
        assert_int_equal(
            apr_thread_create(&threads[i], NULL, one_caller, &crowd, pool),
            APR_SUCCESS);
    }
    for (i = 0; i < CROWD; i++) {
        apr_thread_join(&rv, threads[i]);
    }
    assert_int_equal(crowd.got, CROWD);
}

static void many_threads(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);

    fake.slow_ms = 100;
    send_crowd(setup, setup->key, AO2_OK, *state);
    assert_int_equal(fake.calls, 1);
    assert_int_equal(fake.told, 0);
}

/* Those who wait for somebody else's fetch hear what came of it. */
static void many_threads_unknown(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_key_t *other = new_key("k2", *state);

    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    fake.slow_ms = 100;
    fake.broken = 1;
    send_crowd(setup, other, AO2_E_ISSUER_UNAVAILABLE, *state);
    assert_in_range(fake.calls, 2, 4);
    fake.broken = 0;
    /* On a slow machine there were failures enough for a pause, at whose end
     * few may wait for the call that tries. */
    fake.now += apr_time_from_sec(3);
    assert_int_equal(ask(setup, other, *state), AO2_E_TOKEN_INVALID);
    fake.now += AO2_KEYS_UNKNOWN_PAUSE;
    fake.calls = 0;
    send_crowd(setup, other, AO2_E_TOKEN_INVALID, *state);
    assert_int_equal(fake.calls, 1);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

/* Nobody waits longer for somebody else's fetch than for an own one. */
static void waiting_is_bounded(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    crowd_t crowd = {setup, setup->key, AO2_E_ISSUER_UNAVAILABLE, 0};
    apr_thread_t *first;
    apr_time_t start;
    apr_status_t rv;

    setup->issuer.way.total_timeout = apr_time_from_msec(100);
    fake.slow_ms = 1000;
    assert_int_equal(
        apr_thread_create(&first, NULL, one_caller, &crowd, *state),
        APR_SUCCESS);
    while (apr_atomic_read32(&fake.calls) == 0) {
        usleep(1000);
    }
    start = apr_time_now();
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_ISSUER_UNAVAILABLE);
    assert_true(apr_time_now() - start < apr_time_from_msec(700));
    apr_thread_join(&rv, first);
    assert_int_equal(crowd.got, 0);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loads_once),           TEST(no_call_for_strangers),
        TEST(renewed_ahead),        TEST(max_age_shortens),
        TEST(bad_answers),          TEST(failing_is_left_alone),
        TEST(another_saw_it_fail),  TEST(unknown_kids),
        TEST(many_threads),
        TEST(many_threads_unknown), TEST(waiting_is_bounded),
        TEST(clock_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
