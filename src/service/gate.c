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
    apr_time_t reaped;        /* atomic: places of the dead were looked for */
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

static ao2_member_t holder(const ao2_gate_t *gate, int place)
{
    return __atomic_load_n(&gate->party->permits[place], __ATOMIC_ACQUIRE);
}

static void set_began(ao2_gate_t *gate, int place, apr_time_t began)
{
    __atomic_store_n(&gate->party->began[place], began, __ATOMIC_RELAXED);
}

static int take(ao2_gate_t *gate, int place, ao2_member_t from)
{
    return __atomic_compare_exchange_n(&gate->party->permits[place], &from,
                                       gate->shared->me, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Nobody counts as calling from a place that nobody has. */
static void set_free(ao2_gate_t *gate, int place)
{
    set_began(gate, place, 0);
    __atomic_store_n(&gate->party->permits[place], 0, __ATOMIC_RELEASE);
}

int ao2_gate_take(ao2_gate_t *gate)
{
    int place;

    for (place = 0; place < gate->limit; place++) {
        if (holder(gate, place) == 0 && take(gate, place, 0)) {
            return place;
        }
    }
    return -1;
}

static int take_to_call(ao2_gate_t *gate)
{
    int place = ao2_gate_take(gate);

    if (place >= 0) {
        set_began(gate, place, apr_time_now());
    }
    return place;
}

/* Give away the places of the dead, now and then. */
static void reap(ao2_gate_t *gate)
{
    apr_time_t now = apr_time_now();
    apr_time_t since = now - __atomic_load_n(&gate->reaped, __ATOMIC_RELAXED);
    int place;

    if (since >= 0 && since < LOOK_FOR_DEAD) {
        return;
    }
    __atomic_store_n(&gate->reaped, now, __ATOMIC_RELAXED);
    for (place = 0; place < gate->limit; place++) {
        ao2_member_t who = holder(gate, place);

        if (who && !gate->shared->lives(gate->shared, who) &&
            take(gate, place, who)) {
            set_free(gate, place);
        }
    }
}

/* When the oldest call that is under way began; 0: there is none. */
static apr_time_t oldest_call(const ao2_gate_t *gate)
{
    apr_time_t oldest = 0;
    int place;

    for (place = 0; place < gate->limit; place++) {
        apr_time_t began = __atomic_load_n(&gate->party->began[place],
                                           __ATOMIC_RELAXED);

        if (began && holder(gate, place) && (!oldest || began < oldest)) {
            oldest = began;
        }
    }
    return oldest;
}

/* How long it may be silent. */
static apr_time_t longest_silence(const ao2_gate_t *gate, apr_time_t total)
{
    apr_time_t usual = __atomic_load_n(&gate->party->usual, __ATOMIC_RELAXED);

    if (usual == 0) {
        return total / 2;
    }
    return 4 * usual > total / 8 ? 4 * usual : total / 8;
}

static int is_silent(const ao2_gate_t *gate, apr_time_t total)
{
    apr_time_t now = apr_time_now();
    apr_time_t since = oldest_call(gate);
    apr_time_t answered = __atomic_load_n(&gate->party->answered,
                                          __ATOMIC_RELAXED);

    if (since == 0) {
        return 0;
    }
    /* One of the future is of a clock that was set back. */
    if (answered > since && answered <= now) {
        since = answered;
    }
    return now - since > longest_silence(gate, total);
}

int ao2_gate_hangs(ao2_gate_t *gate, apr_time_t total)
{
    if (!is_silent(gate, total)) {
        return 0;
    }
    /* The dead get no answers. */
    reap(gate);
    return is_silent(gate, total);
}

void ao2_gate_answered(ao2_gate_t *gate, apr_time_t took)
{
    ao2_party_t *party = gate->party;
    apr_time_t usual = __atomic_load_n(&party->usual, __ATOMIC_RELAXED);

    __atomic_store_n(&party->answered, apr_time_now(), __ATOMIC_RELAXED);
    /* Up at once, down little by little; that two may write at the same time
     * does it no harm. */
    if (took > 0) {
        __atomic_store_n(&party->usual,
                         took > usual ? took : usual - (usual - took) / 8,
                         __ATOMIC_RELAXED);
    }
}

/* With the mutex held by the one thread that looks; it is free meanwhile. */
static int look(ao2_gate_t *gate)
{
    int place;

    apr_thread_cond_timedwait(gate->moved, gate->mutex, LOOK);
    place = take_to_call(gate);
    if (place < 0) {
        reap(gate);
    }
    return place;
}

int ao2_gate_enter(ao2_gate_t *gate, apr_time_t patience)
{
    apr_time_t deadline = apr_time_now() + patience;
    apr_interval_time_t left;
    int place = take_to_call(gate);

    if (place >= 0) {
        return place;
    }
    apr_thread_mutex_lock(gate->mutex);
    for (;;) {
        left = deadline - apr_time_now();
        if (place >= 0 || left <= 0 || left > patience ||
            ao2_gate_hangs(gate, patience)) {
            break;
        }
        if (gate->looking) {
            apr_thread_cond_timedwait(gate->moved, gate->mutex, left);
            continue;
        }
        gate->looking = 1;
        place = look(gate);
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
    set_free(gate, place);
    apr_thread_cond_signal(gate->moved);
}

int ao2_gate_count(const ao2_gate_t *gate)
{
    int count = 0;
    int place;

    for (place = 0; place < gate->limit; place++) {
        count += holder(gate, place) != 0;
    }
    return count;
}
