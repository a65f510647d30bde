/**
 * @file base/rfc3339.h
 * Points in time as RFC 3339 writes them: 2027-01-01T00:00:00Z.
 *
 * Layer base. Pure functions; safe from any thread.
 */
#ifndef AO2_BASE_RFC3339_H
#define AO2_BASE_RFC3339_H

#include <apr_time.h>

#include "base/span.h"

/**
 * Read a date-time (RFC 3339 section 5.6) of the years 1970 to 9999, with
 * "Z" or an offset. A fraction of a second is read and dropped; a leap
 * second (":60") is the second after it.
 * @param ptime  microseconds since the epoch
 * @return 1 when it is one, else 0
 */
int ao2_rfc3339_read(apr_time_t *ptime, ao2_span_t text);

/** Characters of what is written, its NUL included. */
#define AO2_RFC3339_SIZE sizeof("2027-01-01T00:00:00Z")

/** Write whole seconds in UTC; a time past the year 9999 is its end. */
void ao2_rfc3339_write(char text[AO2_RFC3339_SIZE], apr_time_t time);

#endif
