#include "service/pause.h"

#define FAILURES_BEFORE 3
#define SHORTEST apr_time_from_msec(500)
#define LONGEST apr_time_from_sec(2)

void ao2_pause_failed(ao2_pause_t *pause, apr_time_t now, unsigned random)
{
    apr_time_t length = SHORTEST;
    int i;

    pause->failures++;
    if (pause->failures < FAILURES_BEFORE) {
        return;
    }
    for (i = FAILURES_BEFORE; i < pause->failures && length < LONGEST; i++) {
        length *= 2;
    }
    pause->until = now + length * (apr_time_t)(80 + random % 41) / 100;
}

void ao2_pause_succeeded(ao2_pause_t *pause)
{
    pause->failures = 0;
    pause->until = 0;
}

int ao2_pause_holds(const ao2_pause_t *pause, apr_time_t now)
{
    /* A clock that was set back must not stretch the pause. */
    return now < pause->until && pause->until - now <= 2 * LONGEST;
}

int ao2_pause_left_sec(const ao2_pause_t *pause, apr_time_t now)
{
    apr_time_t left = pause->until - now;

    return left > apr_time_from_sec(1) && left <= 2 * LONGEST
               ? (int)apr_time_sec(left + APR_USEC_PER_SEC - 1)
               : 1;
}
