#include "service/pause.h"

#define FAILURES_BEFORE 3
#define SHORTEST apr_time_from_msec(500)
#define LONGEST apr_time_from_sec(2)
/* No "until" is ever further ahead: what is comes from a clock that was set
 * back, and must not stretch the pause. */
#define FURTHEST apr_time_from_sec(60)

static apr_time_t until_of(const ao2_pause_t *pause)
{
    return __atomic_load_n(&pause->until, __ATOMIC_RELAXED);
}

void ao2_pause_failed(ao2_pause_t *pause, apr_time_t now, unsigned random)
{
    apr_time_t length = SHORTEST;
    apr_uint32_t failures = __atomic_add_fetch(&pause->failures, 1,
                                               __ATOMIC_RELAXED);
    apr_uint32_t i;

    if (failures < FAILURES_BEFORE) {
        return;
    }
    for (i = FAILURES_BEFORE; i < failures && length < LONGEST; i++) {
        length *= 2;
    }
    length = length * (apr_time_t)(80 + random % 41) / 100;
    __atomic_store_n(&pause->until,
                     now + (length < LONGEST ? length : LONGEST),
                     __ATOMIC_RELAXED);
}

void ao2_pause_succeeded(ao2_pause_t *pause)
{
    /* A failure noted at the same time may have left either alone. */
    if (__atomic_load_n(&pause->failures, __ATOMIC_RELAXED) != 0 ||
        until_of(pause) != 0) {
        __atomic_store_n(&pause->failures, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&pause->until, 0, __ATOMIC_RELAXED);
    }
}

int ao2_pause_is_due(const ao2_pause_t *pause)
{
    return __atomic_load_n(&pause->failures, __ATOMIC_RELAXED) >=
           FAILURES_BEFORE;
}

int ao2_pause_holds(const ao2_pause_t *pause, apr_time_t now)
{
    apr_time_t until = until_of(pause);

    return now < until && until - now <= FURTHEST;
}

ao2_pause_state_t ao2_pause_state(const ao2_pause_t *pause, apr_time_t now)
{
    if (ao2_pause_holds(pause, now)) {
        return AO2_PAUSE_OPEN;
    }
    return until_of(pause) ? AO2_PAUSE_TRIAL : AO2_PAUSE_CLOSED;
}

int ao2_pause_may_call(ao2_pause_t *pause, apr_time_t now,
                       apr_time_t patience)
{
    apr_time_t until = until_of(pause);

    if (until == 0) {
        return 1;
    }
    if (now < until && until - now <= FURTHEST) {
        return 0;
    }
    return __atomic_compare_exchange_n(
        &pause->until, &until,
        now + (patience < FURTHEST ? patience : FURTHEST), 0,
        __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

int ao2_pause_left_sec(const ao2_pause_t *pause, apr_time_t now)
{
    apr_time_t left = until_of(pause) - now;

    return left > apr_time_from_sec(1) && left <= FURTHEST
               ? (int)apr_time_sec(left + APR_USEC_PER_SEC - 1)
               : 1;
}
