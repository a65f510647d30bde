/**
 * @file core/trace.h
 * The trace that a request belongs to (W3C Trace Context, section 3.2).
 *
 * Layer core. Safe from any thread.
 */
#ifndef AO2_CORE_TRACE_H
#define AO2_CORE_TRACE_H

#include "base/span.h"

/** The field's name. */
#define AO2_TRACE_FIELD "traceparent"

/**
 * Whether a value is a traceparent of version 00, to the letter: an id of a
 * trace and one of a parent, lower case, neither all zeros, and flags. Other
 * versions are not passed on: what they hold is not known.
 */
int ao2_trace_is_valid(ao2_span_t value);

#endif
