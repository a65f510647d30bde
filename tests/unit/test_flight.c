#include "unit/world.h"

#define KEY 'k'

/* Work goes on until everybody who is expected is there, and has had time
 * to take a seat. */
static void take_time(world_t *world)
{
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(20);

    while (told_look(&world->told->asking) <
               told_look(&world->told->expected) &&
           apr_time_now() < deadline) {
        apr_sleep(apr_time_from_msec(1));
    }
    apr_sleep(apr_time_from_msec(150));
}

static ao2_code_t work_well(void *context, ao2_flight_result_t *result,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    world_t *world = context;

    (void)fail;
    told_enter(world->told);
    told_add(&world->told->calls, 1);
    take_time(world);
    told_add(&world->told->under_way, -1);
    result->value = ao2_span(apr_pstrdup(pool, "the answer"));
    return AO2_OK;
}

static ao2_code_t work_badly(void *context, ao2_flight_result_t *result,
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    world_t *world = context;

    (void)result;
    (void)pool;
    told_add(&world->told->calls, 1);
    take_time(world);
    return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "broken");
}

/* Too long for memory: whoever comes second finds it in the cache. */
static ao2_code_t work_long(void *context, ao2_flight_result_t *result,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    world_t *world = context;

    (void)fail;
    if (!told_look(&world->told->stored)) {
        told_add(&world->told->calls, 1);
        take_time(world);
        told_add(&world->told->stored, 1);
    }
    result->value.len = 100000;
    result->value.ptr = apr_pcalloc(pool, result->value.len);
    return AO2_OK;
}

static ao2_code_t work_for_ever(void *context, ao2_flight_result_t *result,
                                apr_pool_t *pool, ao2_fail_t *fail)
{
    world_t *world = context;

    (void)result;
    (void)pool;
    (void)fail;
    told_add(&world->told->calls, 1);
    told_add(&world->told->started, 1);
    apr_sleep(apr_time_from_sec(60));
    return AO2_OK;
}

static ao2_flight_call_t call_of(world_t *world, ao2_flight_fn *work,
                                 int key)
{
    ao2_flight_call_t call = {{0}, work, world, apr_time_from_sec(20),
                              AO2_E_ISSUER_UNAVAILABLE, NULL, NULL};

    memset(call.key, key, sizeof(call.key));
    return call;
}

typedef struct {
    world_t *world;
    ao2_flight_fn *work;
    int key;
} job_t;

static void ask(const job_t *job)
{
    ao2_flight_call_t call = call_of(job->world, job->work, job->key);
    ao2_flight_result_t result;
    ao2_fail_t fail = {0};
    apr_pool_t *pool;
    ao2_code_t code;
    int right;

    apr_pool_create(&pool, NULL);
    told_add(&job->world->told->asking, 1);
    code = ao2_flight_run(job->world->flight, &result, &call, pool, &fail);
    if (job->work == work_badly) {
        right = code == AO2_E_ISSUER_UNAVAILABLE &&
                strcmp(fail.detail, "broken") == 0;
    }
    else if (job->work == work_long) {
        right = code == AO2_OK && result.value.len == 100000;
    }
    else {
        right = code == AO2_OK && ao2_span_is(result.value, "the answer");
    }
    told_add(&job->world->told->right, right);
    apr_pool_destroy(pool);
}

static void *APR_THREAD_FUNC run_job(apr_thread_t *thread, void *job)
{
    (void)thread;
    ask(job);
    return NULL;
}

/* @a count threads at the same job; or each with a key of its own. */
static void ask_often(world_t *world, ao2_flight_fn *work, int count,
                      int own_keys)
{
    apr_thread_t *threads[32];
    job_t jobs[32];
    apr_status_t rv;
    int i;

    for (i = 0; i < count; i++) {
        job_t job = {world, work, KEY + (own_keys ? i : 0)};

        jobs[i] = job;
        assert_int_equal(apr_thread_create(&threads[i], NULL, run_job,
                                           &jobs[i], world->pool),
                         APR_SUCCESS);
    }
    for (i = 0; i < count; i++) {
        apr_thread_join(&rv, threads[i]);
    }
}

static pid_t fork_asking(world_t *world, ao2_flight_fn *work, int threads)
{
    pid_t child = fork();

    if (child == 0) {
        alarm(30);
        apr_pool_create(&world->pool, NULL);
        world_join(world);
        ask_often(world, work, threads, 0);
        _exit(0);
    }
    return child;
}

static void many(void **state)
{
    static const struct {
        ao2_flight_fn *work;
        int processes;
        int threads;
    } rows[] = {
        {work_well, 0, 20}, {work_well, 4, 8},  {work_badly, 0, 20},
        {work_badly, 4, 8}, {work_long, 0, 20}, {work_long, 4, 8},
    };
    size_t i;
    int k;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int processes = rows[i].processes;
        int callers = (processes ? processes : 1) * rows[i].threads;
        pid_t children[4];
        world_t world;

        world_start(&world, *state);
        world.told->expected = callers;
        for (k = 0; k < processes; k++) {
            children[k] = fork_asking(&world, rows[i].work, rows[i].threads);
        }
        if (processes == 0) {
            ask_often(&world, rows[i].work, rows[i].threads, 0);
        }
        for (k = 0; k < processes; k++) {
            waitpid(children[k], NULL, 0);
        }
        if (world.told->calls != 1 || world.told->right != callers) {
            fail_msg("row %d: %d calls, %d right", (int)i, world.told->calls,
                     world.told->right);
        }
    }
}

static void other_keys_do_not_wait(void **state)
{
    world_t world;

    world_start(&world, *state);
    world.told->expected = 8;
    ask_often(&world, work_well, 8, 1);
    assert_int_equal(world.told->calls, 8);
    assert_int_equal(world.told->right, 8);
    assert_in_range(world.told->most, 2, 8);
}

static void one_after_the_other(void **state)
{
    world_t world;
    job_t job = {&world, work_well, KEY};

    world_start(&world, *state);
    ask(&job);
    ask(&job);
    assert_int_equal(world.told->calls, 2);
    assert_int_equal(world.told->right, 2);
}

/* The zombie is still there when the next owner takes over. */
static void killed_owner(void **state)
{
    job_t job = {NULL, work_well, KEY};
    world_t world;
    apr_time_t before;
    pid_t child;

    world_start(&world, *state);
    job.world = &world;
    child = fork_asking(&world, work_for_ever, 1);
    told_wait(&world.told->started);
    before = apr_time_now();
    kill(child, SIGKILL);
    ask(&job);
    assert_int_equal(world.told->right, 1);
    assert_in_range(apr_time_now() - before, 0, apr_time_from_sec(1));
    waitpid(child, NULL, 0);
}

/* The twin: a living owner is waited for. */
static void living_owner(void **state)
{
    ao2_flight_result_t result;
    ao2_fail_t fail = {0};
    ao2_flight_call_t call;
    world_t world;
    pid_t child;

    world_start(&world, *state);
    child = fork_asking(&world, work_for_ever, 1);
    told_wait(&world.told->started);
    call = call_of(&world, work_well, KEY);
    call.patience = apr_time_from_msec(300);
    assert_int_equal(ao2_flight_run(world.flight, &result, &call, *state,
                                    &fail),
                     AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(world.told->calls, 1);
    assert_int_equal(ao2_flight_try(world.flight, &result, &call, *state,
                                    &fail),
                     AO2_OK);
    assert_null(result.value.ptr);
    assert_int_equal(world.told->calls, 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(ao2_flight_try(world.flight, &result, &call, *state,
                                    NULL),
                     AO2_OK);
    /* Its deadline is still ahead, but it is gone: one look later it would
     * be taken over; a try does not look. */
    call.patience = apr_time_from_sec(20);
    assert_int_equal(ao2_flight_run(world.flight, &result, &call, *state,
                                    NULL),
                     AO2_OK);
    assert_true(ao2_span_is(result.value, "the answer"));
}

static int go_on(void *wait)
{
    return (*(int *)wait)-- > 0;
}

/* Who waits, for a thread or for a process, gives up when it is told to. */
static void given_up(void **state)
{
    static const int threads[] = {0, 1};
    ao2_flight_result_t result;
    ao2_flight_call_t call;
    world_t world;
    size_t i;

    for (i = 0; i < 2; i++) {
        job_t job = {&world, work_well, KEY};
        apr_thread_t *owner;
        apr_status_t rv;
        pid_t child = 0;
        int looks = 3;

        world_start(&world, *state);
        world.told->expected = 2; /* the second comes later */
        if (threads[i]) {
            apr_thread_create(&owner, NULL, run_job, &job, *state);
        }
        else {
            child = fork_asking(&world, work_well, 1);
        }
        told_wait(&world.told->calls);
        call = call_of(&world, work_well, KEY);
        call.goes_on = go_on;
        call.wait = &looks;
        assert_int_equal(ao2_flight_run(world.flight, &result, &call, *state,
                                        NULL),
                         AO2_E_ISSUER_UNAVAILABLE);
        assert_int_equal(looks, -1);
        looks = 1000;
        told_add(&world.told->asking, 1);
        assert_int_equal(ao2_flight_run(world.flight, &result, &call, *state,
                                        NULL),
                         AO2_OK);
        if (threads[i]) {
            apr_thread_join(&rv, owner);
        }
        else {
            waitpid(child, NULL, 0);
        }
        assert_int_equal(world.told->calls, 1);
        assert_int_equal(world.told->right, 1);
    }
}

/* Without shared memory the threads of a process still share. */
static void without_a_board(void **state)
{
    world_t world;

    world_start(&world, *state);
    assert_int_equal(ao2_flight_make(&world.flight, NULL, *state, NULL),
                     AO2_OK);
    world.told->expected = 8;
    ask_often(&world, work_well, 8, 0);
    assert_int_equal(world.told->calls, 1);
    assert_int_equal(world.told->right, 8);
}

/* More flights than a bucket has places. */
static void full_bucket(void **state)
{
    ao2_flight_result_t result;
    ao2_flight_call_t call;
    world_t world;
    int i;

    world_start(&world, *state);
    for (i = 0; i < 3 * AO2_FLIGHT_PLACES; i++) {
        call = call_of(&world, work_long, 1);
        call.key[0] = (unsigned char)i;
        world.told->stored = 1;
        assert_int_equal(ao2_flight_run(world.flight, &result, &call, *state,
                                        NULL),
                         AO2_OK);
        assert_int_equal(result.value.len, 100000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many), TEST(one_after_the_other),
        TEST(other_keys_do_not_wait), TEST(killed_owner),
        TEST(living_owner), TEST(given_up), TEST(without_a_board),
        TEST(full_bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
