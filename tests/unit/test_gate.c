#include "unit/world.h"

#include <sys/mman.h>

/* Through the gate and back, @a rounds times. */
static void pass_gate(world_t *world, ao2_party_t *party, int rounds)
{
    ao2_gate_t *gate;
    int i;

    assert_int_equal(ao2_gate_make(&gate, party, world->shared, 3,
                                   world->pool, NULL),
                     AO2_OK);
    for (i = 0; i < rounds; i++) {
        int place = ao2_gate_enter(gate, apr_time_from_sec(20));

        if (place >= 0) {
            told_enter(world->told);
            apr_sleep(apr_time_from_msec(1));
            told_add(&world->told->under_way, -1);
            told_add(&world->told->right, 1);
            ao2_gate_leave(gate, place);
        }
    }
}

static const unsigned char digest[AO2_PARTY_DIGEST] = {1, 2, 3};

static void gate(void **state)
{
    pid_t children[6];
    world_t world;
    int i;

    world_start(&world, *state);
    for (i = 0; i < 6; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            alarm(30);
            world_join(&world);
            pass_gate(&world, ao2_board_party(&world.board, digest), 40);
            _exit(0);
        }
    }
    for (i = 0; i < 6; i++) {
        waitpid(children[i], NULL, 0);
    }
    assert_int_equal(world.told->right, 240);
    assert_in_range(world.told->most, 2, 3);
}

static void gate_of_the_dead(void **state)
{
    ao2_party_t *party;
    world_t world;
    ao2_gate_t *gate;
    apr_time_t deadline;
    pid_t child;
    int i;

    world_start(&world, *state);
    party = ao2_board_party(&world.board, digest);
    ao2_gate_make(&gate, party, world.shared, 3, *state, NULL);
    child = fork();
    if (child == 0) {
        world_join(&world);
        ao2_gate_make(&gate, party, world.shared, 3, *state, NULL);
        for (i = 0; i < 3; i++) {
            ao2_gate_enter(gate, 1000);
        }
        told_add(&world.told->started, 1);
        apr_sleep(apr_time_from_sec(60));
        _exit(0);
    }
    told_wait(&world.told->started);
    assert_int_equal(ao2_gate_count(gate), 3);
    assert_int_equal(ao2_gate_enter(gate, apr_time_from_msec(250)), -1);
    assert_true(ao2_gate_hangs(gate, apr_time_from_msec(250)));
    kill(child, SIGKILL);
    /* Nor is it taken to hang because the dead get no answers. */
    deadline = apr_time_now() + apr_time_from_sec(10);
    while (ao2_gate_hangs(gate, apr_time_from_msec(250)) &&
           apr_time_now() < deadline) {
        apr_sleep(apr_time_from_msec(10));
    }
    assert_int_equal(ao2_gate_count(gate), 0);
    assert_true(ao2_gate_enter(gate, apr_time_from_sec(1)) >= 0);
    waitpid(child, NULL, 0);
}

/* Times are seconds before now; of a call that takes 80 at most. */
static void hanging(void **state)
{
    static const struct {
        int began[2]; /* of two callers; 0: no call */
        int answered; /* 0: never; -1: by a clock that was ahead */
        int usual;
        int hangs;
    } rows[] = {
        {{0, 0}, 0, 0, 0},   {{39, 0}, 0, 0, 0},  {{41, 0}, 0, 0, 1},
        {{5, 41}, 0, 0, 1},  {{5, 39}, 0, 0, 0},  {{41, 41}, 5, 0, 0},
        {{9, 9}, 60, 1, 0},  {{11, 9}, 60, 1, 1}, {{70, 70}, 9, 1, 0},
        {{70, 70}, 11, 1, 1}, {{19, 0}, 60, 5, 0}, {{21, 0}, 60, 5, 1},
        {{70, 0}, 60, 20, 0}, {{11, 0}, -1, 1, 1}, {{9, 0}, -1, 1, 0},
        {{0, 0}, 60, 1, 0},
    };
    apr_time_t total = apr_time_from_sec(80);
    ao2_party_t *party;
    world_t world;
    ao2_gate_t *gate;
    size_t i;
    int k;

    world_start(&world, *state);
    party = ao2_board_party(&world.board, digest);
    ao2_gate_make(&gate, party, world.shared, 2, *state, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_time_t now = apr_time_now();
        int answered = rows[i].answered;

        party->usual = apr_time_from_sec(rows[i].usual);
        party->answered = answered ? now - apr_time_from_sec(answered) : 0;
        for (k = 0; k < 2; k++) {
            assert_int_equal(ao2_gate_take(gate), k);
            if (rows[i].began[k]) {
                party->began[k] = now - apr_time_from_sec(rows[i].began[k]);
            }
        }
        if (answered < 0) {
            party->answered = now + apr_time_from_sec(3600);
        }
        if (ao2_gate_hangs(gate, total) != rows[i].hangs) {
            fail_msg("row %d", (int)i);
        }
        /* Nobody waits for one that hangs. */
        if (rows[i].hangs) {
            assert_int_equal(ao2_gate_enter(gate, total), -1);
            assert_true(apr_time_now() - now < total / 2);
        }
        ao2_gate_leave(gate, 0);
        ao2_gate_leave(gate, 1);
        assert_false(ao2_gate_hangs(gate, total));
    }
}

static void usual_time(void **state)
{
    ao2_party_t *party;
    world_t world;
    ao2_gate_t *gate;
    int i;

    world_start(&world, *state);
    party = ao2_board_party(&world.board, digest);
    ao2_gate_make(&gate, party, world.shared, 2, *state, NULL);
    ao2_gate_answered(gate, 800);
    assert_int_equal(party->usual, 800);
    ao2_gate_answered(gate, 1600);
    assert_int_equal(party->usual, 1600);
    ao2_gate_answered(gate, 800);
    assert_int_equal(party->usual, 1500);
    ao2_gate_answered(gate, -5); /* the clock was set back */
    ao2_gate_answered(gate, 0);
    assert_int_equal(party->usual, 1500);
    for (i = 0; i < 100; i++) {
        ao2_gate_answered(gate, 1);
    }
    assert_in_range(party->usual, 1, 8);
    assert_in_range(party->answered, 1, apr_time_now());
}

static void parties(void **state)
{
    unsigned char other[AO2_PARTY_DIGEST] = {0};
    ao2_party_t *first;
    world_t world;
    int i;

    world_start(&world, *state);
    first = ao2_board_party(&world.board, digest);
    assert_non_null(first);
    for (i = 1; i < PARTIES; i++) {
        other[0] = (unsigned char)(100 + i);
        assert_non_null(ao2_board_party(&world.board, other));
    }
    assert_ptr_equal(ao2_board_party(&world.board, digest), first);
    other[0] = 200;
    assert_null(ao2_board_party(&world.board, other));
}

static void pauses(void **state)
{
    ao2_pause_t pause = {0, 0};
    apr_time_t now = apr_time_from_sec(1000);
    apr_time_t longest = 0;
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        ao2_pause_failed(&pause, now, 0);
        assert_false(ao2_pause_holds(&pause, now));
    }
    for (i = 0; i < 200; i++) {
        ao2_pause_failed(&pause, now, (unsigned)i);
        assert_true(ao2_pause_holds(&pause, now));
        assert_false(ao2_pause_may_call(&pause, now, 1000000));
        longest = pause.until - now > longest ? pause.until - now : longest;
    }
    assert_int_equal(longest, apr_time_from_sec(2));
    assert_in_range(ao2_pause_left_sec(&pause, now), 1, 2);
    now = pause.until;
    assert_true(ao2_pause_may_call(&pause, now, apr_time_from_sec(5)));
    assert_false(ao2_pause_may_call(&pause, now, apr_time_from_sec(5)));
    assert_true(ao2_pause_may_call(&pause, now + apr_time_from_sec(5),
                                   apr_time_from_sec(5)));
    /* The clock was set back an hour. */
    assert_false(ao2_pause_holds(&pause, now - apr_time_from_sec(3600)));
    ao2_pause_succeeded(&pause);
    assert_true(ao2_pause_may_call(&pause, now, 1000000));
    assert_true(ao2_pause_may_call(&pause, now, 1000000));
}

/* Kept memory is there after the code that its pool knew is not. */
static void kept_memory(void **state)
{
    ao2_shared_memory_t *memory;
    apr_pool_t *pool;
    char *start;

    apr_pool_create(&pool, *state);
    assert_int_equal(ao2_shared_memory_make(&memory, 4096, pool, NULL),
                     AO2_OK);
    start = ao2_shared_memory_start(memory);
    ao2_shared_memory_keep(memory, pool);
    apr_pool_destroy(pool);
    start[4095] = 1;
    assert_int_equal(start[0], 0);
    assert_int_equal(munmap(start, 4096), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pauses),      TEST(parties),          TEST(gate),
        TEST(kept_memory), TEST(gate_of_the_dead), TEST(hanging),
        TEST(usual_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
