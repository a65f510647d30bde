/**
 * @file service/pause.h
 * Leaving a failing server alone: after three failures in a row calls stop
 * for 0.5 s, growing to 2 s, +-20 %.
 *
 * Layer service. A plain value; the caller guards it.
 */
#ifndef AO2_SERVICE_PAUSE_H
#define AO2_SERVICE_PAUSE_H

#include <apr_time.h>

typedef struct {
    int failures;     /**< in a row */
    apr_time_t until; /**< no call before */
} ao2_pause_t;

/** Note a failure. @param random any bits, for the jitter */
void ao2_pause_failed(ao2_pause_t *pause, apr_time_t now, unsigned random);

/** Note a success. */
void ao2_pause_succeeded(ao2_pause_t *pause);

/** Whether calls are stopped. */
int ao2_pause_holds(const ao2_pause_t *pause, apr_time_t now);

/** When to try again, for Retry-After: at least 1 second. */
int ao2_pause_left_sec(const ao2_pause_t *pause, apr_time_t now);

#endif
