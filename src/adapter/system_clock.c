#include "adapter/system_clock.h"

#include <stddef.h>
#include <time.h>

static apr_time_t now(ao2_clock_t *self)
{
    (void)self;
    return apr_time_now();
}

static ao2_clock_t system_clock = {now, NULL};

ao2_clock_t *ao2_system_clock(void)
{
    return &system_clock;
}

apr_time_t ao2_monotonic(void)
{
    struct timespec now_is = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now_is);
    return apr_time_from_sec((apr_time_t)now_is.tv_sec) +
           now_is.tv_nsec / 1000;
}
