/*
 * Answers of a database that are kept, renewed, waited for and given up.
 */
#include "unit/database_world.h"

#include "base/limits.h"

#define SHORT apr_time_from_msec(50)
#define STALE apr_time_from_sec(AO2_MAX_REGISTRY_STALE_SEC)

/* The first column of the answer; "none" for no row, NULL for a failure. */
static const char *get(world_t *world, const char *first, const char *second)
{
    const char *values[] = {first, second};
    ao2_span_t columns;

    if (ao2_answers_get(world->answers, &columns, AO2_FIND_CLIENT, values,
                        world->pool, NULL) != AO2_OK) {
        return NULL;
    }
    return columns.len ? columns.ptr : "none";
}

/* For tests in which the database hangs. */
static void become_impatient(world_t *world)
{
    world->settings.patience = SHORT;
    assert_int_equal(ao2_answers_make(&world->answers, &world->settings,
                                      world->pool, NULL),
                     AO2_OK);
}

/* What is there when the database has answered, in time or not. */
static const char *settle(world_t *world, const char *first,
                          const char *second)
{
    get(world, first, second);
    wait_for(world, &world->answered, look(world, &world->asked));
    return get(world, first, second);
}

static ao2_answers_counts_t counts_of(world_t *world)
{
    ao2_answers_counts_t counts;

    ao2_answers_counts(world->answers, &counts);
    return counts;
}

static void an_answer_serves_for_its_time(void **state)
{
    static const char *const texts[] = {"app|", ""};
    static const char *const wanted[] = {"app", "none"};
    world_t *world = *state;
    int i;

    for (i = 0; i < 2; i++) {
        const char *name = i ? "no such" : "such";
        int before = look(world, &world->asked);

        set_mood(world, ANSWERS, texts[i]);
        assert_string_equal(get(world, "corp", name), wanted[i]);
        assert_string_equal(get(world, "corp", name), wanted[i]);
        advance(world, TTL * 3 / 4 - 1);
        assert_string_equal(get(world, "corp", name), wanted[i]);
        assert_int_equal(look(world, &world->asked), before + 1);
        advance(world, TTL / 4 + 1);
        set_mood(world, ANSWERS, "other|");
        assert_string_equal(get(world, "corp", name), "other");
        assert_int_equal(look(world, &world->asked), before + 2);
    }
}

/* Past three quarters of its time, who comes gets the old one at once. */
static void an_answer_is_renewed_ahead(void **state)
{
    world_t *world = *state;

    assert_string_equal(get(world, "corp", "c"), "app");
    advance(world, TTL * 3 / 4);
    set_mood(world, HANGS, "new|");
    assert_string_equal(get(world, "corp", "c"), "app");
    assert_string_equal(get(world, "corp", "c"), "app");
    assert_int_equal(look(world, &world->asked), 2);
    set_mood(world, ANSWERS, NULL);
    wait_for(world, &world->answered, 2);
    assert_string_equal(get(world, "corp", "c"), "new");
    assert_int_equal(look(world, &world->asked), 2);
    assert_int_equal(counts_of(world).stale, 0);
}

static void names_do_not_collide(void **state)
{
    static const char *const names[][2] = {
        {"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"a:b", "c"},
        {"a", "b:c"}, {"A", "bc"}, {"a ", "bc"}};
    world_t *world = *state;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        set_mood(world, ANSWERS, apr_psprintf(world->pool, "n%d|", (int)i));
        get(world, names[i][0], names[i][1]);
    }
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_string_equal(get(world, names[i][0], names[i][1]),
                            apr_psprintf(world->pool, "n%d", (int)i));
    }
}

/* One of many callers at once. */
typedef struct {
    world_t *world;
    apr_pool_t *pool;
    int is_right;
} caller_t;

static void *APR_THREAD_FUNC call(apr_thread_t *thread, void *data)
{
    const char *values[] = {"corp", "c"};
    caller_t *caller = data;
    ao2_span_t columns;

    (void)thread;
    caller->is_right =
        ao2_answers_get(caller->world->answers, &columns, AO2_FIND_CLIENT,
                        values, caller->pool, NULL) == AO2_OK &&
        columns.len == 4;
    return NULL;
}

static void one_question_for_all(void **state)
{
    enum { CALLERS = 12 };
    caller_t callers[CALLERS];
    apr_thread_t *threads[CALLERS];
    world_t *world = *state;
    apr_status_t status;
    int i;

    set_mood(world, HANGS, "app|");
    for (i = 0; i < CALLERS; i++) {
        callers[i].world = world;
        apr_pool_create(&callers[i].pool, world->pool);
        assert_int_equal(apr_thread_create(&threads[i], NULL, call,
                                           &callers[i], world->pool),
                         APR_SUCCESS);
    }
    wait_for(world, &world->asked, 1);
    set_mood(world, ANSWERS, NULL);
    for (i = 0; i < CALLERS; i++) {
        apr_thread_join(&status, threads[i]);
        assert_true(callers[i].is_right);
    }
    assert_int_equal(look(world, &world->asked), 1);
}

/* Down: what was said stays in force up to the bound, and not longer. */
static void stale_up_to_a_bound(void **state)
{
    world_t *world = *state;

    assert_string_equal(get(world, "corp", "c"), "app");
    set_mood(world, FAILS, NULL);
    assert_null(get(world, "corp", "never asked before"));
    advance(world, STALE - 1);
    assert_string_equal(get(world, "corp", "c"), "app");
    assert_int_equal(counts_of(world).stale, 1);
    advance(world, 1);
    assert_null(get(world, "corp", "c"));
    assert_int_equal(counts_of(world).failed, 2);
    set_mood(world, ANSWERS, "back|");
    advance(world, apr_time_from_sec(3));
    assert_string_equal(get(world, "corp", "c"), "back");
}

/* A clock that was set back makes nothing younger. */
static void clock_set_back(void **state)
{
    world_t *world = *state;

    assert_string_equal(get(world, "corp", "c"), "app");
    advance(world, -apr_time_from_sec(3600));
    set_mood(world, FAILS, NULL);
    assert_null(get(world, "corp", "c"));
    set_mood(world, ANSWERS, "other|");
    assert_string_equal(get(world, "corp", "c"), "other");
    assert_int_equal(look(world, &world->asked), 3);
    assert_string_equal(get(world, "corp", "c"), "other");
    assert_int_equal(look(world, &world->asked), 3);
}

/* Frozen: a caller waits as long as his patience, and after three of them
 * nobody does; then one tries, and when it answers, all are served. */
static void nobody_waits_for_the_frozen(void **state)
{
    world_t *world = *state;
    apr_time_t begin;
    int asked;
    int i;

    become_impatient(world);
    assert_string_equal(settle(world, "corp", "c"), "app");
    advance(world, TTL);
    set_mood(world, HANGS, "new|");
    asked = look(world, &world->asked);
    for (i = 0; i < 3; i++) {
        begin = apr_time_now();
        assert_string_equal(get(world, "corp", "c"), "app");
        assert_true(apr_time_now() - begin >= SHORT);
    }
    assert_int_equal(look(world, &world->asked), asked + 3);
    asked += 3;
    for (i = 0; i < 200; i++) {
        assert_string_equal(get(world, "corp", "c"), "app");
        assert_null(get(world, "corp", "unknown"));
    }
    assert_int_equal(look(world, &world->asked), asked);
    assert_true(ao2_answers_retry_after_sec(world->answers) >= 1);
    /* one trial, then again nobody */
    advance(world, apr_time_from_msec(601));
    for (i = 0; i < 100; i++) {
        assert_string_equal(get(world, "corp", "c"), "app");
    }
    assert_int_equal(look(world, &world->asked), asked + 1);
    set_mood(world, ANSWERS, NULL);
    wait_for(world, &world->answered, asked + 1);
    assert_string_equal(get(world, "corp", "c"), "new");
    assert_string_equal(settle(world, "corp", "unknown"), "new");
}

/* What comes after everybody has gone is kept, and by its own age. */
static void a_late_answer_is_kept(void **state)
{
    world_t *world = *state;

    become_impatient(world);
    set_mood(world, HANGS, "late|");
    assert_null(get(world, "corp", "c"));
    set_mood(world, ANSWERS, NULL);
    wait_for(world, &world->answered, 1);
    assert_string_equal(get(world, "corp", "c"), "late");
    assert_int_equal(look(world, &world->asked), 1);

    set_mood(world, HANGS, "too late|");
    assert_null(get(world, "corp", "d"));
    advance(world, TTL);
    set_mood(world, ANSWERS, NULL);
    wait_for(world, &world->answered, 2);
    set_mood(world, ANSWERS, "in time|");
    assert_string_equal(settle(world, "corp", "d"), "in time");
    assert_int_equal(look(world, &world->asked), 3);
}

/* While one waits for his own answer, one of before the bound arrives. */
static void an_answer_may_come_too_late(void **state)
{
    world_t *world = *state;
    apr_thread_t *thread;
    caller_t caller = {.world = world};
    apr_status_t status;

    become_impatient(world);
    set_mood(world, HANGS, "app|");
    assert_null(get(world, "corp", "c"));
    advance(world, STALE);
    apr_pool_create(&caller.pool, world->pool);
    assert_int_equal(apr_thread_create(&thread, NULL, call, &caller,
                                       world->pool),
                     APR_SUCCESS);
    wait_for(world, &world->asked, 2);
    apr_thread_mutex_lock(world->mutex);
    world->all_the_same = 1;
    apr_thread_cond_broadcast(world->changed);
    apr_thread_mutex_unlock(world->mutex);
    apr_thread_join(&status, thread);
    assert_false(caller.is_right);
    wait_for(world, &world->answered, 1);
    assert_int_equal(counts_of(world).stale, 0);
}

/* Two questions about one thing are out; the second is answered first. */
static void an_old_answer_replaces_no_newer(void **state)
{
    world_t *world = *state;
    ao2_question_t *first;

    become_impatient(world);
    set_mood(world, HANGS, "new|");
    assert_null(get(world, "corp", "c"));
    advance(world, 1);
    assert_null(get(world, "corp", "c"));
    apr_thread_mutex_lock(world->mutex);
    assert_int_equal(world->asked, 2);
    first = world->questions[0];
    world->questions[0] = world->questions[1];
    world->questions[1] = first;
    apr_thread_mutex_unlock(world->mutex);
    set_mood(world, ANSWERS, NULL);
    wait_for(world, &world->answered, 1 + 1);
    assert_string_equal(get(world, "corp", "c"), "new");
    advance(world, TTL - 1);
    set_mood(world, ANSWERS, "newest|");
    /* of the second question's time: still fresh, renewed ahead */
    assert_string_equal(get(world, "corp", "c"), "new");
}

static void full_is_told_at_once(void **state)
{
    world_t *world = *state;

    assert_string_equal(get(world, "corp", "c"), "app");
    advance(world, TTL);
    set_mood(world, REFUSES, NULL);
    assert_string_equal(get(world, "corp", "c"), "app");
    assert_null(get(world, "corp", "d"));
    assert_int_equal(world->lines, 0);
    set_mood(world, ANSWERS, "new|");
    assert_string_equal(get(world, "corp", "c"), "new");
    assert_string_equal(get(world, "corp", "d"), "new");
}

/* A flood of what is not there takes no more than its bytes, and pushes out
 * nothing that is in use. */
static void bounded_in_memory(void **state)
{
    enum { FLOOD = 3500, HOT = 20 };
    world_t *world = *state;
    int i;

    world->settings.bytes = 256 * 1024;
    assert_int_equal(ao2_answers_make(&world->answers, &world->settings,
                                      world->pool, NULL),
                     AO2_OK);
    for (i = 0; i < HOT; i++) {
        get(world, "hot", apr_itoa(world->pool, i));
    }
    set_mood(world, ANSWERS, "");
    for (i = 0; i < FLOOD; i++) {
        get(world, "corp", apr_itoa(world->pool, i));
        get(world, "hot", apr_itoa(world->pool, i % HOT));
    }
    assert_true(counts_of(world).bytes <= 256 * 1024);
    assert_true(counts_of(world).entries < FLOOD);
    assert_true(counts_of(world).entries > 256 * 1024 / 512);
    assert_int_equal(look(world, &world->asked), FLOOD + HOT);
}

static void said_once_and_when_it_is_over(void **state)
{
    world_t *world = *state;
    int i;

    get(world, "corp", "c");
    set_mood(world, FAILS, NULL);
    for (i = 0; i < 20; i++) {
        advance(world, apr_time_from_sec(2));
        assert_null(get(world, "corp", "d"));
    }
    assert_string_equal(world->logged,
                        "3 ApiRegistry dbd: it is down; what it said up to "
                        "300 s ago stays in force\n");
    advance(world, apr_time_from_sec(30));
    assert_null(get(world, "corp", "d"));
    assert_int_equal(world->lines, 2);
    set_mood(world, ANSWERS, NULL);
    advance(world, apr_time_from_sec(3));
    assert_string_equal(get(world, "corp", "d"), "app");
    assert_int_equal(world->lines, 3);
    assert_non_null(strstr(world->logged,
                           "1 ApiRegistry dbd: the database answers again"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(an_answer_serves_for_its_time),
        WORLD(an_answer_is_renewed_ahead),
        WORLD(names_do_not_collide),
        WORLD(one_question_for_all),
        WORLD(stale_up_to_a_bound),
        WORLD(clock_set_back),
        WORLD(nobody_waits_for_the_frozen),
        WORLD(a_late_answer_is_kept),
        WORLD(an_answer_may_come_too_late),
        WORLD(an_old_answer_replaces_no_newer),
        WORLD(full_is_told_at_once),
        WORLD(bounded_in_memory),
        WORLD(said_once_and_when_it_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
