#include "unit/world.h"

#include "service/remote.h"

#define NOW apr_time_from_sec(1700000000)

static apr_time_t time_now;

static apr_time_t fake_now(ao2_clock_t *self)
{
    (void)self;
    return time_now;
}

/* A party that four may call at once. */
static ao2_remote_t *set_up(world_t *world, apr_pool_t *pool)
{
    static ao2_clock_t clock_port = {fake_now, NULL};
    static const unsigned char digest[AO2_PARTY_DIGEST] = {1};
    static ao2_http_way_t way;
    ao2_remote_settings_t settings = {"<ApiIssuer corp>", digest, &way, 4};
    ao2_ports_t ports = {0};
    ao2_remote_t *remote;

    time_now = NOW;
    way.total_timeout = apr_time_from_msec(20);
    world_start(world, pool);
    ports.clock = &clock_port;
    ports.board = &world->board;
    assert_int_equal(ao2_remote_make(&remote, &settings, &ports, pool, NULL),
                     AO2_OK);
    return remote;
}

static ao2_code_t begin(const ao2_remote_t *remote, ao2_errand_t *errand,
                        ao2_target_t target)
{
    return ao2_errand_begin(errand, remote, target, NULL, NULL);
}

/* Whoever makes one of both fail keeps nobody from the other. */
static void two_targets(void **state)
{
    world_t world;
    ao2_remote_t *remote = set_up(&world, *state);
    ao2_target_t target;
    ao2_errand_t errand;
    int i;

    for (target = 0; target < AO2_TARGETS; target++) {
        ao2_target_t other = AO2_TARGET_ANSWERS - target;

        for (i = 0; i < 3; i++) {
            assert_int_equal(begin(remote, &errand, target), AO2_OK);
            ao2_errand_end(&errand, AO2_ERRAND_FAILED);
        }
        assert_int_equal(begin(remote, &errand, target),
                         AO2_E_ISSUER_UNAVAILABLE);
        assert_int_equal(begin(remote, &errand, other), AO2_OK);
        ao2_errand_end(&errand, AO2_ERRAND_DONE);
        assert_int_equal(begin(remote, &errand, target),
                         AO2_E_ISSUER_UNAVAILABLE);
        time_now += apr_time_from_sec(3);
        assert_int_equal(begin(remote, &errand, target), AO2_OK);
        ao2_errand_end(&errand, AO2_ERRAND_DONE);
    }
    assert_int_equal(begin(remote, &errand, AO2_TARGET_ANSWERS), AO2_OK);
    ao2_errand_end(&errand, AO2_ERRAND_REFUSED);
    assert_int_equal(begin(remote, &errand, AO2_TARGET_ANSWERS),
                     AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(begin(remote, &errand, AO2_TARGET_KEYS), AO2_OK);
    ao2_errand_end(&errand, AO2_ERRAND_DONE);
}

/* Who finds no place among the callers takes no trial with him. */
static void trial_is_not_lost(void **state)
{
    world_t world;
    ao2_remote_t *remote = set_up(&world, *state);
    ao2_errand_t errands[5];
    int i;

    for (i = 0; i < 4; i++) {
        assert_int_equal(begin(remote, &errands[i], AO2_TARGET_ANSWERS),
                         AO2_OK);
    }
    remote->party->pauses[AO2_TARGET_ANSWERS].until = NOW - 1;
    assert_int_equal(begin(remote, &errands[4], AO2_TARGET_ANSWERS),
                     AO2_E_ISSUER_UNAVAILABLE);
    ao2_gate_leave(remote->gate, errands[0].place);
    assert_int_equal(begin(remote, &errands[0], AO2_TARGET_ANSWERS), AO2_OK);
    /* It is the trial, and there is but one; the place is free again. */
    ao2_gate_leave(remote->gate, errands[1].place);
    assert_int_equal(begin(remote, &errands[1], AO2_TARGET_ANSWERS),
                     AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(ao2_gate_count(remote->gate), 3);
    ao2_errand_end(&errands[0], AO2_ERRAND_DONE);
    assert_int_equal(begin(remote, &errands[1], AO2_TARGET_ANSWERS), AO2_OK);
}

/* For an issuer that hangs, or fails, as many wait as may call it, with those
 * who do. */
static void waiting(void **state)
{
    static const struct {
        int hangs;
        int failures;
        int may_wait;
    } rows[] = {{0, 0, 6}, {0, 2, 6}, {1, 0, 3}, {0, 3, 3}, {1, 3, 3}};
    size_t i;
    int k;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_t world;
        ao2_remote_t *remote = set_up(&world, *state);
        ao2_errand_t errand;
        ao2_wait_t waits[6];
        int waiting = 0;

        assert_int_equal(begin(remote, &errand, AO2_TARGET_ANSWERS), AO2_OK);
        remote->party->usual = apr_time_from_sec(rows[i].hangs ? 0 : 60);
        remote->party->began[errand.place] -= apr_time_from_sec(1);
        remote->party->pauses[AO2_TARGET_ANSWERS].failures =
            (apr_uint32_t)rows[i].failures;
        for (k = 0; k < 6; k++) {
            ao2_wait_begin(&waits[k], remote, AO2_TARGET_ANSWERS);
            waiting += ao2_wait_goes_on(&waits[k]);
        }
        if (waiting != rows[i].may_wait) {
            fail_msg("row %d: %d wait", (int)i, waiting);
        }
        /* Who waits goes on. */
        assert_true(ao2_wait_goes_on(&waits[0]));
        for (k = 0; k < 6; k++) {
            ao2_wait_end(&waits[k]);
        }
        assert_int_equal(ao2_gate_count(remote->gate), 1);
        ao2_errand_end(&errand, AO2_ERRAND_DONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(two_targets),
                                       TEST(trial_is_not_lost),
                                       TEST(waiting)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
