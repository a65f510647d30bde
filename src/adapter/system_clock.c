#include "adapter/system_clock.h"

#include <stddef.h>

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
