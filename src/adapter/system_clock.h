/**
 * @file adapter/system_clock.h
 * The clock port over the system's clock.
 *
 * Layer adapter.
 */
#ifndef AO2_ADAPTER_SYSTEM_CLOCK_H
#define AO2_ADAPTER_SYSTEM_CLOCK_H

#include "port/clock.h"

/** @return static */
ao2_clock_t *ao2_system_clock(void);

#endif
