#include "service/flight.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "service/flight_board.h"

#define STRIPES 16

/* How long a waiting process sleeps between looks: from ... to. */
#define LOOK_FIRST apr_time_from_msec(1)
#define LOOK_LAST apr_time_from_msec(20)

/* A flight that threads of this process take part in. Guarded by its
 * stripe; freed by the last who leaves. */
typedef struct group {
    struct group *next;
    unsigned char key[AO2_FLIGHT_KEY];
    int threads;
    int ended;
    int again; /* nothing came of it: who waited starts anew */
    ao2_fail_t fail;
    char *value; /* NULL: absent */
    apr_size_t length;
} group_t;

typedef struct {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *ended;
    group_t *groups;
} stripe_t;

/* The columns of AO2_METRIC_FLIGHTS. */
enum { LED, FOLLOWED };

struct ao2_flight {
    ao2_board_t *board;
    ao2_row_t *row;       /* figures; NULL: nothing is shared */
    ao2_census_t *census; /* the same */
    stripe_t stripes[STRIPES];
};

ao2_code_t ao2_flight_make(ao2_flight_t **pflight, ao2_board_t *board,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_flight_t *flight = apr_pcalloc(pool, sizeof(*flight));
    int i;

    *pflight = NULL;
    flight->board = board;
    if (board) {
        flight->row = ao2_counters_row(&board->counters, AO2_METRIC_FLIGHTS,
                                       AO2_LABEL_NONE, AO2_LABEL_NONE);
        flight->census = ao2_counters_census(&board->counters);
    }
    for (i = 0; i < STRIPES; i++) {
        stripe_t *stripe = &flight->stripes[i];

        if (apr_thread_mutex_create(&stripe->mutex, APR_THREAD_MUTEX_DEFAULT,
                                    pool) != APR_SUCCESS ||
            apr_thread_cond_create(&stripe->ended, pool) != APR_SUCCESS) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
        }
    }
    *pflight = flight;
    return AO2_OK;
}

static stripe_t *stripe_of(ao2_flight_t *flight,
                           const ao2_flight_call_t *call)
{
    return &flight->stripes[call->key[17] % STRIPES];
}

/* With the stripe's mutex: the group for a key, joined. */
static group_t *join(stripe_t *stripe, const ao2_flight_call_t *call,
                     int *is_first)
{
    group_t *group;

    for (group = stripe->groups; group; group = group->next) {
        if (memcmp(group->key, call->key, AO2_FLIGHT_KEY) == 0) {
            break;
        }
    }
    *is_first = !group;
    if (!group) {
        group = calloc(1, sizeof(*group));
        if (!group) {
            return NULL;
        }
        memcpy(group->key, call->key, AO2_FLIGHT_KEY);
        group->next = stripe->groups;
        stripe->groups = group;
    }
    group->threads++;
    return group;
}

/* With the stripe's mutex: nobody joins it any more. */
static void unlink_group(stripe_t *stripe, group_t *group)
{
    group_t **at = &stripe->groups;

    while (*at != group) {
        at = &(*at)->next;
    }
    *at = group->next;
}

static void leave(group_t *group)
{
    if (--group->threads == 0) {
        free(group->value);
        free(group);
    }
}

static void keep_value(group_t *group, const ao2_flight_result_t *result,
                       ao2_code_t late)
{
    if (group->threads == 1 || !result->value.ptr) {
        return;
    }
    group->value = malloc(result->value.len + 1);
    if (!group->value) {
        ao2_fail(&group->fail, late, "no memory");
        return;
    }
    memcpy(group->value, result->value.ptr, result->value.len);
    group->length = result->value.len;
}

/* The first thread of a process has the result: let the others have it. */
static void end_group(stripe_t *stripe, group_t *group,
                      const ao2_flight_result_t *result,
                      const ao2_fail_t *fail, const ao2_flight_call_t *call)
{
    apr_thread_mutex_lock(stripe->mutex);
    unlink_group(stripe, group);
    group->ended = 1;
    group->fail = *fail;
    keep_value(group, result, call->late);
    apr_thread_cond_broadcast(stripe->ended);
    leave(group);
    apr_thread_mutex_unlock(stripe->mutex);
}

static void end_without(stripe_t *stripe, group_t *group)
{
    apr_thread_mutex_lock(stripe->mutex);
    unlink_group(stripe, group);
    group->ended = 1;
    group->again = 1;
    apr_thread_cond_broadcast(stripe->ended);
    leave(group);
    apr_thread_mutex_unlock(stripe->mutex);
}

static int goes_on(const ao2_flight_call_t *call)
{
    return !call->goes_on || call->goes_on(call->wait);
}

static void wait_until_ended(stripe_t *stripe, const group_t *group,
                             const ao2_flight_call_t *call)
{
    apr_time_t deadline = apr_time_now() + call->patience;

    while (!group->ended && goes_on(call)) {
        apr_interval_time_t left = deadline - apr_time_now();

        if (left <= 0 || left > call->patience) {
            return;
        }
        if (call->goes_on && left > AO2_FLIGHT_LOOK) {
            left = AO2_FLIGHT_LOOK;
        }
        apr_thread_cond_timedwait(stripe->ended, stripe->mutex, left);
    }
}

/* Another thread of this process is at it. Called with the mutex. */
static ao2_code_t wait_for_group(int *again, stripe_t *stripe, group_t *group,
                                 const ao2_flight_call_t *call,
                                 ao2_flight_result_t *result,
                                 apr_pool_t *pool)
{
    ao2_code_t code;

    wait_until_ended(stripe, group, call);
    *again = group->again;
    code = group->ended ? group->fail.code : call->late;
    if (group->value && code == AO2_OK) {
        result->value.ptr = apr_pstrmemdup(pool, group->value, group->length);
        result->value.len = group->length;
    }
    return code;
}

static ao2_code_t work(ao2_flight_t *flight, const ao2_seat_t *seat,
                       ao2_flight_result_t *result,
                       const ao2_flight_call_t *call, apr_pool_t *pool,
                       ao2_fail_t *fail)
{
    apr_int64_t *flights = flight->census ? &flight->census->flights : NULL;
    ao2_code_t code;

    ao2_count(flight->row, LED);
    ao2_census_add(flights, 1);
    code = call->work(call->context, result, pool, fail);
    ao2_census_add(flights, -1);
    if (seat->state == AO2_SEAT_OWNER) {
        ao2_seat_end(seat, flight->board, code, result, fail);
    }
    return code;
}

static void note_waiting(const ao2_flight_t *flight, int change)
{
    if (change > 0) {
        ao2_count(flight->row, FOLLOWED);
    }
    ao2_census_add(flight->census ? &flight->census->waiting : NULL, change);
}

/* Until the seat is the owner's, or ended; else that it was not in time. */
static ao2_code_t wait_for_seat(ao2_seat_t *seat, ao2_flight_t *flight,
                                ao2_flight_result_t *result,
                                const ao2_flight_call_t *call,
                                apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_time_t deadline = apr_time_now() + call->patience;
    apr_time_t pause = LOOK_FIRST;

    while (seat->state == AO2_SEAT_WAITING || seat->state == AO2_SEAT_LOST) {
        apr_time_t now = apr_time_now();

        if (now >= deadline || deadline - now > call->patience ||
            !goes_on(call)) {
            return ao2_fail(fail, call->late, "no answer came in time");
        }
        if (seat->state == AO2_SEAT_LOST) {
            ao2_seat_take(seat, flight->board, call);
            continue;
        }
        apr_sleep(pause);
        pause = pause * 3 / 2 < LOOK_LAST ? pause * 3 / 2 : LOOK_LAST;
        ao2_seat_look(seat, flight->board, call, result, pool, fail);
    }
    return AO2_OK;
}

/* Other processes may be at it: wait for them, or take the flight over. */
static ao2_code_t fly(ao2_flight_t *flight, ao2_flight_result_t *result,
                      const ao2_flight_call_t *call, apr_pool_t *pool,
                      ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    ao2_seat_t seat;

    ao2_seat_take(&seat, flight->board, call);
    if (seat.state == AO2_SEAT_WAITING || seat.state == AO2_SEAT_LOST) {
        note_waiting(flight, 1);
        code = wait_for_seat(&seat, flight, result, call, pool, fail);
        note_waiting(flight, -1);
    }
    if (code != AO2_OK || seat.state == AO2_SEAT_ENDED) {
        return fail->code;
    }
    return work(flight, &seat, result, call, pool, fail);
}

/* One round; *again when it has to be repeated. */
static ao2_code_t take_part(int *again, ao2_flight_t *flight,
                            ao2_flight_result_t *result,
                            const ao2_flight_call_t *call, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    stripe_t *stripe = stripe_of(flight, call);
    group_t *group;
    ao2_code_t code;
    int is_first;

    *again = 0;
    memset(result, 0, sizeof(*result));
    apr_thread_mutex_lock(stripe->mutex);
    group = join(stripe, call, &is_first);
    if (group && !is_first) {
        note_waiting(flight, 1);
        code = wait_for_group(again, stripe, group, call, result, pool);
        note_waiting(flight, -1);
        if (code != AO2_OK) {
            ao2_fail(fail, code, "%s", group->ended
                                           ? group->fail.detail
                                           : "no answer came in time");
        }
        leave(group);
        apr_thread_mutex_unlock(stripe->mutex);
        return code;
    }
    apr_thread_mutex_unlock(stripe->mutex);
    if (!group) {
        return ao2_fail(fail, call->late, "no memory");
    }
    code = flight->board ? fly(flight, result, call, pool, fail)
                         : call->work(call->context, result, pool, fail);
    fail->code = code;
    end_group(stripe, group, result, fail, call);
    return code;
}

ao2_code_t ao2_flight_run(ao2_flight_t *flight, ao2_flight_result_t *result,
                          const ao2_flight_call_t *call, apr_pool_t *pool,
                          ao2_fail_t *fail)
{
    ao2_fail_t own;
    ao2_code_t code;
    int again;

    do {
        memset(&own, 0, sizeof(own));
        code = take_part(&again, flight, result, call, pool, &own);
    } while (again);
    return code == AO2_OK ? code : ao2_fail(fail, code, "%s", own.detail);
}

ao2_code_t ao2_flight_try(ao2_flight_t *flight, ao2_flight_result_t *result,
                          const ao2_flight_call_t *call, apr_pool_t *pool,
                          ao2_fail_t *fail)
{
    stripe_t *stripe = stripe_of(flight, call);
    ao2_seat_t seat = {AO2_SEAT_ALONE, NULL, 0, 0};
    ao2_fail_t own = {0};
    group_t *group;
    int is_first;

    memset(result, 0, sizeof(*result));
    apr_thread_mutex_lock(stripe->mutex);
    group = join(stripe, call, &is_first);
    if (group && !is_first) {
        leave(group);
    }
    apr_thread_mutex_unlock(stripe->mutex);
    if (!group || !is_first) {
        return AO2_OK;
    }
    if (flight->board) {
        ao2_seat_take(&seat, flight->board, call);
    }
    if (seat.state == AO2_SEAT_WAITING) {
        end_without(stripe, group);
        return AO2_OK;
    }
    own.code = work(flight, &seat, result, call, pool, &own);
    end_group(stripe, group, result, &own, call);
    return own.code == AO2_OK ? AO2_OK
                              : ao2_fail(fail, own.code, "%s", own.detail);
}
