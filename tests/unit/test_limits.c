#include "unit/world.h"

#include "service/limits.h"

#define NOW apr_time_from_sec(1700000000)
#define HOUR apr_time_from_sec(3600)

/* The lock that was taken last, and the real one. */
static int last_lock;
static void (*real_lock)(ao2_shared_t *self, int index);

static void note_lock(ao2_shared_t *self, int index)
{
    last_lock = index;
    real_lock(self, index);
}

/* Two requests a minute. */
static int use(world_t *world, const char *who, apr_time_t now)
{
    static const char *const labels[] = {"gold-1mi"};
    ao2_limit_t limit;
    ao2_plan_t plan = {0};
    ao2_quota_t quota;

    assert_null(ao2_limit_make(&limit, 2, apr_time_from_sec(60), 0));
    plan.count = 1;
    plan.limits = &limit;
    plan.labels = labels;
    return ao2_limits_use(&world->board, &quota, &plan, ao2_span(who), now)
           < 0;
}

/* The set of the one entry that @a known does not show yet. */
static int new_set(const ao2_board_t *board, char *known)
{
    int i;

    for (i = 0; i < AO2_LIMIT_SETS * AO2_LIMIT_WAYS; i++) {
        if (board->limits[i].due_ns && !known[i]) {
            known[i] = 1;
            return i / AO2_LIMIT_WAYS;
        }
    }
    fail_msg("nothing was counted");
    return 0;
}

/* Whoever makes an entry in a set keeps all others out of that set. */
static void one_lock_a_set(void **state)
{
    char *known = apr_pcalloc(*state, AO2_LIMIT_SETS * AO2_LIMIT_WAYS);
    int *lock_of = apr_pcalloc(*state, AO2_LIMIT_SETS * sizeof(int));
    int meetings = 0;
    world_t world;
    int i;

    world_start(&world, *state);
    real_lock = world.shared->lock;
    world.shared->lock = note_lock;
    for (i = 0; i < 5000 && meetings < 4; i++) {
        int set;

        assert_true(use(&world, apr_psprintf(*state, "app%d", i), NOW));
        set = new_set(&world.board, known);
        if (lock_of[set]) {
            assert_int_equal(last_lock + 1, lock_of[set]);
            meetings++;
        }
        lock_of[set] = last_lock + 1;
    }
    assert_int_equal(meetings, 4);
}

/* A clock that goes back brings no second allowance, and takes away no more
 * than one. */
static void clock_jumps(void **state)
{
    world_t world;

    world_start(&world, *state);
    assert_true(use(&world, "app", NOW));
    assert_true(use(&world, "app", NOW));
    assert_false(use(&world, "app", NOW));
    assert_false(use(&world, "app", NOW - HOUR));
    assert_true(use(&world, "app", NOW - HOUR + apr_time_from_sec(30)));
    assert_false(use(&world, "app", NOW - HOUR + apr_time_from_sec(30)));
    assert_true(use(&world, "app", NOW));
    assert_true(use(&world, "app", NOW));
    assert_false(use(&world, "app", NOW));
    assert_true(use(&world, "app", NOW + HOUR));
    assert_true(use(&world, "app", NOW + HOUR));
    assert_false(use(&world, "app", NOW + HOUR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(one_lock_a_set),
                                       TEST(clock_jumps)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
