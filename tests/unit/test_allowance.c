#include "unit/world.h"

#include "core/registry_build.h"
#include "service/limits.h"
#include "service/shelf.h"

#define NOW apr_time_from_sec(1700000000)

/* A plan of as many requests an hour, and of twice as many a day. */
static const ao2_plan_t *plan_of(apr_int64_t requests, int limits,
                                 apr_pool_t *pool)
{
    ao2_limit_row_t rows[] = {{requests, "1h", 0}, {2 * requests, "1d", 0}};
    ao2_registry_build_t *build = ao2_registry_build_make(NULL, NULL, pool);
    const ao2_registry_t *registry;

    assert_int_equal(ao2_build_plan(build, "gold", rows, limits, NULL),
                     AO2_OK);
    assert_int_equal(ao2_registry_build_end(&registry, build, NULL), AO2_OK);
    return ao2_registry_plan(registry, "gold");
}

static int use(world_t *world, const ao2_plan_t *plan, const char *who,
               apr_time_t now)
{
    ao2_quota_t quotas[AO2_LIMITS_MOST];

    return ao2_limits_use(&world->board, quotas, plan, ao2_span(who), now);
}

static void counts(void **state)
{
    const ao2_plan_t *plan = plan_of(3, 1, *state);
    ao2_quota_t quotas[1];
    world_t world;
    int i;

    world_start(&world, *state);
    for (i = 0; i < 3; i++) {
        assert_int_equal(use(&world, plan, "a", NOW), -1);
    }
    assert_int_equal(use(&world, plan, "a", NOW), 0);
    assert_int_equal(use(&world, plan, "b", NOW), -1);
    ao2_limits_left(&world.board, quotas, plan, ao2_span("b"), NOW);
    assert_int_equal(quotas[0].remaining, 2);
    ao2_limits_left(&world.board, quotas, plan, ao2_span("c"), NOW);
    assert_int_equal(quotas[0].remaining, 3);
    /* A third of an hour brings one back, an hour all. */
    assert_int_equal(use(&world, plan, "a", NOW + apr_time_from_sec(1200)),
                     -1);
    assert_int_equal(use(&world, plan, "a", NOW + apr_time_from_sec(1200)),
                     0);
    /* The clock is set back an hour: used up, and full again in time. */
    assert_int_equal(use(&world, plan, "a", NOW - apr_time_from_sec(3600)),
                     0);
    assert_int_equal(use(&world, plan, "a", NOW + apr_time_from_sec(9000)),
                     -1);
}

/* What one limit refuses, no other counts. */
static void several(void **state)
{
    const ao2_plan_t *plan = plan_of(2, 2, *state);
    ao2_quota_t quotas[2];
    world_t world;
    int i;

    world_start(&world, *state);
    for (i = 0; i < 2; i++) {
        assert_int_equal(use(&world, plan, "a", NOW), -1);
    }
    for (i = 0; i < 10; i++) {
        assert_int_equal(use(&world, plan, "a", NOW), 0);
    }
    ao2_limits_left(&world.board, quotas, plan, ao2_span("a"), NOW);
    assert_int_equal(quotas[0].remaining, 0);
    assert_int_equal(quotas[1].remaining, 2);
}

enum { PROCESSES = 4, THREADS = 8, EACH = 400, ALLOWED = 5000 };

typedef struct {
    world_t *world;
    const ao2_plan_t *plan;
} job_t;

static void *APR_THREAD_FUNC hammer(apr_thread_t *thread, void *data)
{
    job_t *job = data;
    int i;

    (void)thread;
    for (i = 0; i < EACH; i++) {
        if (use(job->world, job->plan, "a", NOW) < 0) {
            told_add(&job->world->told->right, 1);
        }
    }
    return NULL;
}

static void hammer_together(world_t *world, const ao2_plan_t *plan)
{
    apr_thread_t *threads[THREADS];
    job_t job = {world, plan};
    apr_status_t rv;
    int i;

    for (i = 0; i < THREADS; i++) {
        apr_thread_create(&threads[i], NULL, hammer, &job, world->pool);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
    }
}

/* 12,800 requests from four processes for 5,000: that many, not one more,
 * and, with a single limit, not one fewer. */
static void exact(void **state)
{
    const ao2_plan_t *plan = plan_of(ALLOWED, 1, *state);
    pid_t children[PROCESSES];
    world_t world;
    int i;

    world_start(&world, *state);
    for (i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            alarm(60);
            apr_pool_create(&world.pool, NULL);
            world_join(&world);
            hammer_together(&world, plan);
            _exit(0);
        }
    }
    for (i = 0; i < PROCESSES; i++) {
        waitpid(children[i], NULL, 0);
    }
    assert_int_equal(world.told->right, ALLOWED);
}

static void exact_among_threads(void **state)
{
    const ao2_plan_t *plan = plan_of(1000, 1, *state);
    world_t world;

    world_start(&world, *state);
    hammer_together(&world, plan);
    assert_int_equal(world.told->right, 1000);
}

/* Far more callers than there is room for: full limits are forgotten first,
 * and nobody is refused wrongly. */
static void more_than_fit(void **state)
{
    const ao2_plan_t *plan = plan_of(3, 1, *state);
    world_t world;
    int i;

    world_start(&world, *state);
    for (i = 0; i < 2 * AO2_LIMIT_SETS * AO2_LIMIT_WAYS; i++) {
        char who[16];

        apr_snprintf(who, sizeof(who), "%d", i);
        assert_int_equal(use(&world, plan, who, NOW), -1);
    }
}

/* --- a thing that is replaced while others use it ------------------------- */

typedef struct {
    int number;
    int *gone; /* how many are */
} thing_t;

static apr_status_t note_gone(void *data)
{
    thing_t *thing = data;

    thing->number = -1;
    told_add(thing->gone, 1);
    return APR_SUCCESS;
}

static void put(ao2_shelf_t *shelf, int number, int *gone)
{
    apr_pool_t *pool;
    thing_t *thing;

    apr_pool_create(&pool, NULL);
    thing = apr_palloc(pool, sizeof(*thing));
    thing->number = number;
    thing->gone = gone;
    apr_pool_cleanup_register(pool, thing, note_gone, apr_pool_cleanup_null);
    assert_true(ao2_shelf_put(shelf, thing, pool));
}

static void held_until_let_go(void **state)
{
    const thing_t *one;
    ao2_shelf_t *shelf;
    apr_pool_t *shelf_pool;
    apr_pool_t *reader;
    int gone = 0;

    apr_pool_create(&shelf_pool, *state);
    apr_pool_create(&reader, *state);
    ao2_shelf_make(&shelf, shelf_pool, NULL);
    assert_null(ao2_shelf_hold(shelf, reader));
    put(shelf, 1, &gone);
    one = ao2_shelf_hold(shelf, reader);
    put(shelf, 2, &gone);
    assert_int_equal(one->number, 1);
    assert_int_equal(gone, 0);
    apr_pool_destroy(reader);
    assert_int_equal(gone, 1);
    apr_pool_destroy(shelf_pool);
    assert_int_equal(gone, 2);
}

typedef struct {
    ao2_shelf_t *shelf;
    int wrong;
    int ended; /* atomic */
} readers_t;

static void *APR_THREAD_FUNC read_often(apr_thread_t *thread, void *data)
{
    readers_t *readers = data;

    (void)thread;
    while (!told_look(&readers->ended)) {
        const thing_t *thing;
        apr_pool_t *pool;

        apr_pool_create(&pool, NULL);
        thing = ao2_shelf_hold(readers->shelf, pool);
        if (thing->number < 0) {
            told_add(&readers->wrong, 1);
        }
        apr_pool_destroy(pool);
    }
    return NULL;
}

static void replaced_under_readers(void **state)
{
    apr_thread_t *threads[THREADS];
    readers_t readers = {NULL, 0, 0};
    apr_pool_t *pool;
    apr_status_t rv;
    int gone = 0;
    int i;

    apr_pool_create(&pool, *state);
    ao2_shelf_make(&readers.shelf, pool, NULL);
    put(readers.shelf, 0, &gone);
    for (i = 0; i < THREADS; i++) {
        apr_thread_create(&threads[i], NULL, read_often, &readers, *state);
    }
    for (i = 1; i < 500; i++) {
        put(readers.shelf, i, &gone);
    }
    told_add(&readers.ended, 1);
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
    }
    assert_int_equal(readers.wrong, 0);
    assert_int_equal(gone, 499);
    apr_pool_destroy(pool);
    assert_int_equal(gone, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts), TEST(several), TEST(exact), TEST(exact_among_threads),
        TEST(more_than_fit), TEST(held_until_let_go),
        TEST(replaced_under_readers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
