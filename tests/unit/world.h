/**
 * @file tests/unit/world.h
 * A board in real shared memory, for tests that fork.
 */
#ifndef AO2_TESTS_WORLD_H
#define AO2_TESTS_WORLD_H

#include "unit/support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_thread_proc.h>

#include "adapter/shared_memory.h"
#include "service/flight.h"
#include "service/gate.h"

#define PARTIES 4

/* What the processes of a test tell each other. */
typedef struct {
    int calls;     /* work that was done */
    int under_way; /* now */
    int most;      /* at once */
    int right;     /* callers that got what they should */
    int started;   /* the owner is at work */
    int asking;    /* callers that were about to ask */
    int expected;  /* work goes on until so many were */
    int stored;    /* a value too long for memory is in the "cache" */
} told_t;

typedef struct {
    ao2_shared_memory_t *memory;
    told_t *told;
    ao2_shared_t *shared;
    ao2_board_t board;
    ao2_flight_t *flight;
    apr_pool_t *pool;
} world_t;

static inline apr_size_t board_size(void)
{
    return ao2_board_size(PARTIES);
}

static inline void world_join(world_t *world)
{
    assert_int_equal(ao2_shared_memory_join(&world->shared, world->memory,
                                            world->pool, NULL),
                     AO2_OK);
    ao2_board_open(&world->board, world->shared, PARTIES);
    world->told = (void *)((char *)world->shared->memory + board_size());
    assert_int_equal(ao2_flight_make(&world->flight, &world->board,
                                     world->pool, NULL),
                     AO2_OK);
}

static inline void world_start(world_t *world, apr_pool_t *pool)
{
    world->pool = pool;
    assert_int_equal(ao2_shared_memory_make(&world->memory,
                                            board_size() + sizeof(told_t),
                                            pool, NULL),
                     AO2_OK);
    world_join(world);
}

static inline int told_add(int *number, int change)
{
    return __atomic_add_fetch(number, change, __ATOMIC_SEQ_CST);
}

static inline int told_look(const int *number)
{
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static inline void told_enter(told_t *told)
{
    int now = told_add(&told->under_way, 1);
    int most = told_look(&told->most);

    while (now > most &&
           !__atomic_compare_exchange_n(&told->most, &most, now, 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
}

static inline void told_wait(const int *number)
{
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(20);

    while (!told_look(number) && apr_time_now() < deadline) {
        apr_sleep(apr_time_from_msec(1));
    }
    assert_true(told_look(number));
}

#endif
