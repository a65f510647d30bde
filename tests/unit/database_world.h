/**
 * @file tests/unit/database_world.h
 * A database that does what the test says, and one who asks it.
 */
#ifndef AO2_TESTS_DATABASE_WORLD_H
#define AO2_TESTS_DATABASE_WORLD_H

#include "unit/support.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "service/answers.h"

#define TTL apr_time_from_sec(4)
#define PATIENCE apr_time_from_sec(20)
#define MOST 4000

typedef enum { ANSWERS, FAILS, HANGS, REFUSES } mood_t;

/* The database: one thread that answers, in the order of the questions. */
typedef struct {
    ao2_database_t port;
    ao2_answers_settings_t settings;
    ao2_clock_t clock;
    ao2_log_t log;
    ao2_answers_t *answers;
    apr_pool_t *pool;
    apr_thread_t *thread;
    apr_thread_mutex_t *mutex; /* guards what follows */
    apr_thread_cond_t *changed;
    ao2_question_t *questions[MOST];
    int asked;
    int answered;
    int ends;
    int all_the_same; /* so many are answered while it hangs */
    mood_t mood;
    const char *says; /* "|" for NUL */
    apr_time_t now;
    char logged[2000];
    int lines;
} world_t;

static inline apr_time_t now(ao2_clock_t *clock)
{
    world_t *world = clock->context;

    return __atomic_load_n(&world->now, __ATOMIC_SEQ_CST);
}

static inline void advance(world_t *world, apr_time_t by)
{
    __atomic_add_fetch(&world->now, by, __ATOMIC_SEQ_CST);
}

static inline void write_log(ao2_log_t *log, ao2_level_t level,
                             ao2_code_t code, const char *text)
{
    world_t *world = log->context;

    (void)code;
    apr_thread_mutex_lock(world->mutex);
    apr_snprintf(world->logged + strlen(world->logged),
                 sizeof(world->logged) - strlen(world->logged), "%d %s\n",
                 (int)level, text);
    world->lines++;
    apr_thread_mutex_unlock(world->mutex);
}

static inline int ask(ao2_database_t *database, ao2_question_t *question)
{
    world_t *world = database->context;
    int taken;

    apr_thread_mutex_lock(world->mutex);
    taken = world->mood != REFUSES && world->asked < MOST;
    if (taken) {
        world->questions[world->asked++] = question;
        apr_thread_cond_broadcast(world->changed);
    }
    apr_thread_mutex_unlock(world->mutex);
    return taken;
}

/* With the mutex, which is let go meanwhile. */
static inline void answer_next(world_t *world)
{
    ao2_question_t *question = world->questions[world->answered];
    ao2_database_answer_t said = {AO2_OK, {NULL, 0}, NULL};
    char columns[400];
    apr_size_t i;

    apr_cpystrn(columns, world->says, sizeof(columns));
    said.columns.ptr = columns;
    said.columns.len = strlen(columns);
    for (i = 0; i < said.columns.len; i++) {
        columns[i] = columns[i] == '|' ? '\0' : columns[i];
    }
    if (world->mood == FAILS) {
        said.code = AO2_E_REGISTRY_UNAVAILABLE;
        said.detail = "it is down";
    }
    apr_thread_mutex_unlock(world->mutex);
    question->answered(question, &said);
    apr_thread_mutex_lock(world->mutex);
    world->answered++;
    apr_thread_cond_broadcast(world->changed);
}

static inline void *APR_THREAD_FUNC serve(apr_thread_t *thread, void *data)
{
    world_t *world = data;

    (void)thread;
    apr_thread_mutex_lock(world->mutex);
    while (!world->ends) {
        if (world->answered == world->asked ||
            (world->mood == HANGS &&
             world->answered >= world->all_the_same)) {
            apr_thread_cond_wait(world->changed, world->mutex);
            continue;
        }
        answer_next(world);
    }
    apr_thread_mutex_unlock(world->mutex);
    return NULL;
}

static inline void set_mood(world_t *world, mood_t mood, const char *says)
{
    apr_thread_mutex_lock(world->mutex);
    world->mood = mood;
    world->says = says ? says : world->says;
    apr_thread_cond_broadcast(world->changed);
    apr_thread_mutex_unlock(world->mutex);
}

static inline int look(world_t *world, const int *number)
{
    int value;

    apr_thread_mutex_lock(world->mutex);
    value = *number;
    apr_thread_mutex_unlock(world->mutex);
    return value;
}

static inline void wait_for(world_t *world, const int *number, int value)
{
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(20);

    while (look(world, number) != value && apr_time_now() < deadline) {
        apr_sleep(apr_time_from_msec(1));
    }
    assert_int_equal(look(world, number), value);
}

static inline int start_world(void **state)
{
    world_t *world;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    world = apr_pcalloc(pool, sizeof(*world));
    world->pool = pool;
    world->now = apr_time_from_sec(1000000);
    world->says = "app|||active|any|corp|c|production|";
    world->port.ask = ask;
    world->port.context = world;
    world->clock.now = now;
    world->clock.context = world;
    world->log.write = write_log;
    world->log.context = world;
    world->settings.database = &world->port;
    world->settings.clock = &world->clock;
    world->settings.log = &world->log;
    world->settings.label = "ApiRegistry dbd";
    world->settings.ttl = TTL;
    world->settings.patience = PATIENCE;
    world->settings.bytes = 16 * 32 * 1024;
    apr_thread_mutex_create(&world->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    apr_thread_cond_create(&world->changed, pool);
    *state = world;
    return apr_thread_create(&world->thread, NULL, serve, world, pool) ||
           ao2_answers_make(&world->answers, &world->settings, pool, NULL);
}

static inline int end_world(void **state)
{
    world_t *world = *state;
    apr_status_t status;

    set_mood(world, ANSWERS, NULL);
    wait_for(world, &world->answered, look(world, &world->asked));
    apr_thread_mutex_lock(world->mutex);
    world->ends = 1;
    apr_thread_cond_broadcast(world->changed);
    apr_thread_mutex_unlock(world->mutex);
    apr_thread_join(&status, world->thread);
    apr_pool_destroy(world->pool);
    apr_terminate();
    return 0;
}

#define WORLD(function) \
    cmocka_unit_test_setup_teardown(function, start_world, end_world)

#endif
