/**
 * @file service/pause.h
 * Leaving a failing server alone: after three failures in a row calls stop
 * for 0.5 s, growing to 2 s, +-20 %; then one call tries.
 *
 * Layer service. Lies in shared memory; any thread of any process may call
 * at once.
 */
#ifndef AO2_SERVICE_PAUSE_H
#define AO2_SERVICE_PAUSE_H

#include <apr_time.h>

typedef struct {
    apr_uint32_t failures; /**< in a row */
    apr_time_t until;      /**< no call before; 0: none is stopped */
} ao2_pause_t;

/** Note a failure. @param random any bits, for the jitter */
void ao2_pause_failed(ao2_pause_t *pause, apr_time_t now, unsigned random);

/** Note a success. */
void ao2_pause_succeeded(ao2_pause_t *pause);

/** Whether so many calls failed in a row that they stop, or are tried one
 *  by one. */
int ao2_pause_is_due(const ao2_pause_t *pause);

/** Whether calls are stopped. */
int ao2_pause_holds(const ao2_pause_t *pause, apr_time_t now);

/**
 * Whether a call may be made now. After a pause one caller gets the trial;
 * the others go on waiting for @a patience, or until it is noted how the
 * trial ended.
 */
int ao2_pause_may_call(ao2_pause_t *pause, apr_time_t now,
                       apr_time_t patience);

/** How a pause is, for people. */
typedef enum {
    AO2_PAUSE_CLOSED, /**< calls are made */
    AO2_PAUSE_TRIAL,  /**< the next call, or one under way, is a trial */
    AO2_PAUSE_OPEN    /**< no calls */
} ao2_pause_state_t;

ao2_pause_state_t ao2_pause_state(const ao2_pause_t *pause, apr_time_t now);

/** When to try again, for Retry-After: at least 1 second. */
int ao2_pause_left_sec(const ao2_pause_t *pause, apr_time_t now);

#endif
