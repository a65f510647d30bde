/**
 * @file adapter/system_clock.h
 * The clock port over the system's clock, and a clock for deadlines.
 *
 * Layer adapter.
 */
#ifndef AO2_ADAPTER_SYSTEM_CLOCK_H
#define AO2_ADAPTER_SYSTEM_CLOCK_H

#include "port/clock.h"

/** @return static */
ao2_clock_t *ao2_system_clock(void);

/** Microseconds since some moment: never goes back, never jumps, and says
 *  nothing of the time of day. */
apr_time_t ao2_monotonic(void);

#endif
