#include "service/gate.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

/* How often the one who waits for other processes looks again. */
#define LOOK apr_time_from_msec(2)
/* How often it looks for places of the dead. */
#define LOOK_FOR_DEAD apr_time_from_msec(100)

struct ao2_gate {
    ao2_party_t *party;
    ao2_shared_t *shared;
    int limit;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *moved; /* somebody left, or the looking is free */
    int looking;              /* one thread looks for all of this process */
};

ao2_code_t ao2_gate_make(ao2_gate_t **pgate, ao2_party_t *party,
                         ao2_shared_t *shared, int limit, apr_pool_t *pool,
                         ao2_fail_t *fail)
{
    ao2_gate_t *gate = apr_pcalloc(pool, sizeof(*gate));

    *pgate = NULL;
    gate->party = party;
    gate->shared = shared;
    gate->limit = limit;
    if (apr_thread_mutex_create(&gate->mutex, APR_THREAD_MUTEX_DEFAULT, pool)
            != APR_SUCCESS ||
        apr_thread_cond_create(&gate->moved, pool) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    *pgate = gate;
    return AO2_OK;
}

static int take(ao2_gate_t *gate, int place, ao2_member_t from)
{
    return __atomic_compare_exchange_n(&gate->party->permits[place], &from,
                                       gate->shared->me, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static int take_free(ao2_gate_t *gate)
{
    int place;

    for (place = 0; place < gate->limit; place++) {
        if (__atomic_load_n(&gate->party->permits[place], __ATOMIC_RELAXED)
                == 0 &&
            take(gate, place, 0)) {
            return place;
        }
    }
    return -1;
}

static int take_from_dead(ao2_gate_t *gate)
{
    int place;

    for (place = 0; place < gate->limit; place++) {
        ao2_member_t who = __atomic_load_n(&gate->party->permits[place],
                                           __ATOMIC_RELAXED);

        if (who && !gate->shared->lives(gate->shared, who) &&
            take(gate, place, who)) {
            return place;
        }
    }
    return -1;
}

/* With the mutex held by the one thread that looks; it is free meanwhile. */
static int look(ao2_gate_t *gate, apr_time_t *dead_at)
{
    apr_time_t now = apr_time_now();
    int place;

    apr_thread_cond_timedwait(gate->moved, gate->mutex, LOOK);
    place = take_free(gate);
    if (place < 0 && now - *dead_at >= LOOK_FOR_DEAD) {
        *dead_at = now;
        place = take_from_dead(gate);
    }
    return place;
}

int ao2_gate_enter(ao2_gate_t *gate, apr_time_t patience)
{
    apr_time_t deadline = apr_time_now() + patience;
    apr_time_t dead_at = 0;
    apr_interval_time_t left;
    int place = take_free(gate);

    if (place >= 0) {
        return place;
    }
    apr_thread_mutex_lock(gate->mutex);
    for (;;) {
        left = deadline - apr_time_now();
        if (place >= 0 || left <= 0 || left > patience) {
            break;
        }
        if (gate->looking) {
            apr_thread_cond_timedwait(gate->moved, gate->mutex, left);
            continue;
        }
        gate->looking = 1;
        place = look(gate, &dead_at);
        gate->looking = 0;
        apr_thread_cond_signal(gate->moved);
    }
    /* Whoever was woken to look, and goes, wakes the next. */
    if (!gate->looking) {
        apr_thread_cond_signal(gate->moved);
    }
    apr_thread_mutex_unlock(gate->mutex);
    return place;
}

void ao2_gate_leave(ao2_gate_t *gate, int place)
{
    __atomic_store_n(&gate->party->permits[place], 0, __ATOMIC_RELEASE);
    apr_thread_cond_signal(gate->moved);
}

int ao2_gate_count(const ao2_gate_t *gate)
{
    int count = 0;
    int place;

    for (place = 0; place < gate->limit; place++) {
        count += __atomic_load_n(&gate->party->permits[place],
                                 __ATOMIC_RELAXED) != 0;
    }
    return count;
}
