/**
 * @file port/clock.h
 * The time of day, as the service layer sees it.
 *
 * Layer port: an interface alone. Any thread may call.
 */
#ifndef AO2_PORT_CLOCK_H
#define AO2_PORT_CLOCK_H

#include <apr_time.h>

typedef struct ao2_clock {
    apr_time_t (*now)(struct ao2_clock *self);
    void *context;
} ao2_clock_t;

#endif
