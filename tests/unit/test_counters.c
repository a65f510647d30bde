#include "unit/world.h"

#include "service/counters.h"

static const ao2_counters_t *start(world_t *world, apr_pool_t *pool)
{
    world_start(world, pool);
    return &world->board.counters;
}

static void labels(void **state)
{
    char longest[AO2_MAX_LABEL + 2];
    world_t world;
    const ao2_counters_t *counters = start(&world, *state);
    ao2_label_t a = ao2_counters_label(counters, AO2_LABEL_API, "a", 2);
    ao2_label_t b = ao2_counters_label(counters, AO2_LABEL_API, "b", 2);

    assert_string_equal(ao2_counters_text(counters, a), "a");
    assert_string_equal(ao2_counters_text(counters, b), "b");
    assert_int_equal(ao2_counters_label(counters, AO2_LABEL_API, "a", 2), a);
    /* There is no room for a third, but other kinds have their own. */
    assert_int_equal(ao2_counters_label(counters, AO2_LABEL_API, "c", 2),
                     AO2_LABEL_OTHER);
    assert_int_not_equal(
        ao2_counters_label(counters, AO2_LABEL_CLIENT, "a", 2), a);
    assert_int_equal(ao2_counters_label(counters, AO2_LABEL_API, NULL, 2),
                     AO2_LABEL_NONE);
    assert_int_equal(ao2_counters_label(NULL, AO2_LABEL_API, "a", 2),
                     AO2_LABEL_OTHER);
    assert_string_equal(ao2_counters_text(counters, AO2_LABEL_NONE), "-");
    assert_string_equal(ao2_counters_text(counters, AO2_LABEL_OTHER),
                        "other");
    memset(longest, 'x', sizeof(longest));
    longest[AO2_MAX_LABEL + 1] = '\0';
    assert_int_equal(ao2_counters_label(counters, AO2_LABEL_PLAN, longest, 9),
                     AO2_LABEL_OTHER);
    assert_string_equal(
        ao2_counters_text(counters,
                          ao2_counters_label(counters, AO2_LABEL_PLAN,
                                             longest + 1, 9)),
        longest + 1);
}

/* The empty name is a name. */
static void empty_label(void **state)
{
    world_t world;
    const ao2_counters_t *counters = start(&world, *state);
    ao2_label_t label = ao2_counters_label(counters, AO2_LABEL_API, "", 9);

    assert_string_equal(ao2_counters_text(counters, label), "");
}

static int rows_of(const ao2_counters_t *counters, ao2_metric_t metric)
{
    ao2_found_row_t found;
    apr_uint32_t i;
    int count = 0;

    for (i = 0; i < AO2_ROWS; i++) {
        count += ao2_counters_at(counters, i, &found) &&
                 found.metric == metric;
    }
    return count;
}

/* A flood of labels leaves what was there alone, and ends in "other". */
static void rows_are_bounded(void **state)
{
    world_t world;
    const ao2_counters_t *counters = start(&world, *state);
    ao2_row_t *first = ao2_counters_row(counters, AO2_METRIC_CALLS, 7, 0);
    ao2_row_t *other;
    ao2_label_t label;

    for (label = 2; label < AO2_LABELS; label++) {
        assert_non_null(ao2_counters_row(counters, AO2_METRIC_REQUESTS,
                                         label, label));
    }
    other = ao2_counters_row(counters, AO2_METRIC_REQUESTS, AO2_LABEL_OTHER,
                             AO2_LABEL_OTHER);
    assert_ptr_equal(ao2_counters_row(counters, AO2_METRIC_REQUESTS,
                                      AO2_LABELS - 1, AO2_LABELS - 1),
                     other);
    assert_ptr_equal(ao2_counters_row(counters, AO2_METRIC_CALLS, 7, 0),
                     first);
    /* Another metric has its own. */
    assert_ptr_not_equal(ao2_counters_row(counters, AO2_METRIC_PLANS,
                                          AO2_LABEL_OTHER, AO2_LABEL_OTHER),
                         other);
    assert_in_range(rows_of(counters, AO2_METRIC_REQUESTS), 100, AO2_ROWS);
    assert_null(ao2_counters_row(NULL, AO2_METRIC_REQUESTS, 1, 1));
}

#define CHILDREN 4
#define ROUNDS 2000

static void count_in_child(world_t *world)
{
    const ao2_counters_t *counters = &world->board.counters;
    ao2_label_t label;
    int i;

    alarm(30);
    world_join(world);
    for (i = 0; i < ROUNDS; i++) {
        label = ao2_counters_label(counters, AO2_LABEL_PLAN,
                                   i % 2 ? "gold" : "silver", 9);
        ao2_count(ao2_counters_row(counters, AO2_METRIC_PLANS, label,
                                   AO2_LABEL_NONE),
                  1);
    }
    ao2_census_add(&ao2_counters_census(counters)->entries, 5);
    told_add(&world->told->started, 1);
    while (!told_look(&world->told->stored)) {
        apr_sleep(apr_time_from_msec(1));
    }
    _exit(0);
}

static apr_uint64_t plan_sum(const ao2_counters_t *counters,
                             const char *plan)
{
    ao2_label_t label = ao2_counters_label(counters, AO2_LABEL_PLAN, plan, 9);

    return ao2_row_sum(ao2_counters_row(counters, AO2_METRIC_PLANS, label,
                                        AO2_LABEL_NONE),
                       1);
}

/* All processes count together; what one has going on ends with it. */
static void processes(void **state)
{
    pid_t children[CHILDREN];
    ao2_present_t present;
    world_t world;
    const ao2_counters_t *counters = start(&world, *state);
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(20);
    int i;

    for (i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            count_in_child(&world);
        }
    }
    while (told_look(&world.told->started) < CHILDREN &&
           apr_time_now() < deadline) {
        apr_sleep(apr_time_from_msec(1));
    }
    ao2_counters_present(counters, &present);
    assert_int_equal(present.processes, CHILDREN + 1);
    assert_int_equal(present.entries, CHILDREN * 5);
    kill(children[0], SIGKILL);
    waitpid(children[0], NULL, 0);
    ao2_counters_present(counters, &present);
    assert_int_equal(present.processes, CHILDREN);
    assert_int_equal(present.entries, (CHILDREN - 1) * 5);
    told_add(&world.told->stored, 1);
    for (i = 1; i < CHILDREN; i++) {
        waitpid(children[i], NULL, 0);
    }
    assert_int_equal(plan_sum(counters, "gold"), CHILDREN * ROUNDS / 2);
    assert_int_equal(plan_sum(counters, "silver"), CHILDREN * ROUNDS / 2);
}

static void buckets(void **state)
{
    static const struct {
        apr_uint64_t ns;
        int bucket;
    } rows[] = {{0, 0},       {1000, 0},  {1001, 1},
                {5000000, 11}, {5000001, 12}, {10000000000, 19},
                {10000000001, 20}};
    world_t world;
    const ao2_counters_t *counters = start(&world, *state);
    apr_uint64_t sum = 0;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_row_t *row = ao2_counters_row(counters,
                                          AO2_METRIC_CALL_SECONDS,
                                          (ao2_label_t)i + 2, 0);

        ao2_observe(row, rows[i].ns);
        if (ao2_row_sum(row, rows[i].bucket) != 1) {
            fail_msg("row %d", (int)i);
        }
        sum += ao2_row_sum(row, AO2_COLUMN_SUM);
    }
    assert_int_equal(sum, 1000 + 1001 + 5000000 + 5000001 + 10000000000 +
                              10000000001);
    for (i = 1; i < AO2_BUCKETS; i++) {
        assert_true(ao2_bucket_bound((int)i) > ao2_bucket_bound((int)i - 1));
    }
    ao2_observe(NULL, 1);
    ao2_count(NULL, 1);
}

#define WORDS 64
#define READS 200

/* A writer fills all words with one number: a reader never sees two. */
static void write_notices(world_t *world, ao2_notice_t *notice,
                          apr_uint64_t *place)
{
    apr_uint64_t words[WORDS];
    apr_uint64_t number;
    int i;

    alarm(30);
    world_join(world);
    for (number = 1; !told_look(&world->told->stored); number++) {
        for (i = 0; i < WORDS; i++) {
            words[i] = number;
        }
        ao2_notice_write(notice, place, words, sizeof(words), world->shared);
        apr_sleep(10);
    }
    _exit(0);
}

static void notices_are_whole(void **state)
{
    apr_uint64_t words[WORDS];
    apr_uint64_t last = 0;
    pid_t children[2];
    world_t world;
    ao2_notice_t *notice;
    apr_uint64_t *place;
    int seen = 0;
    int i;

    alarm(60);
    world_start(&world, *state);
    notice = (void *)world.board.counters.memory->rows;
    place = (void *)&world.board.counters.memory->rows[1];
    assert_int_equal(ao2_notice_read(notice, words, place, sizeof(words)), 0);
    for (i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            write_notices(&world, notice, place);
        }
    }
    while (seen < READS) {
        if (ao2_notice_read(notice, words, place, sizeof(words)) &&
            words[0] != last) {
            seen++;
            last = words[0];
            for (i = 1; i < WORDS; i++) {
                assert_int_equal(words[i], words[0]);
            }
        }
    }
    told_add(&world.told->stored, 1);
    for (i = 0; i < 2; i++) {
        waitpid(children[i], NULL, 0);
    }
    alarm(0);
    assert_int_equal(ao2_notice_read(notice, words, place, sizeof(words)), 1);
}

/* One that was killed at it is replaced; one that lives is not. */
static void writer_is_replaced(void **state)
{
    apr_uint64_t word = 1;
    apr_uint64_t read;
    world_t world;
    ao2_notice_t *notice;
    apr_uint64_t *place;
    pid_t child;

    world_start(&world, *state);
    notice = (void *)world.board.counters.memory->rows;
    place = (void *)&world.board.counters.memory->rows[1];
    assert_int_equal(ao2_notice_write(notice, place, &word, 8, world.shared),
                     1);
    child = fork();
    if (child == 0) {
        world_join(&world);
        notice->writer = world.shared->me;
        notice->sequence |= 1;
        told_add(&world.told->started, 1);
        apr_sleep(apr_time_from_sec(60));
        _exit(0);
    }
    told_wait(&world.told->started);
    word = 2;
    assert_int_equal(ao2_notice_write(notice, place, &word, 8, world.shared),
                     0);
    assert_int_equal(ao2_notice_read(notice, &read, place, 8), 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(ao2_notice_write(notice, place, &word, 8, world.shared),
                     1);
    assert_int_equal(ao2_notice_read(notice, &read, place, 8), 1);
    assert_int_equal(read, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(labels),       TEST(empty_label),
        TEST(buckets),      TEST(rows_are_bounded),
        TEST(processes),    TEST(notices_are_whole),
        TEST(writer_is_replaced)};

    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
