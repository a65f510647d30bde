/**
 * @file base/siphash.h
 * SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012): a keyed hash
 * for tables whose keys come from outside.
 *
 * Layer base. Pure functions; safe from any thread.
 */
#ifndef AO2_BASE_SIPHASH_H
#define AO2_BASE_SIPHASH_H

#include "base/span.h"

/** The hash of @a text under a secret of 128 bits. */
void ao2_siphash(apr_uint64_t hash[2], const apr_uint64_t secret[2],
                 ao2_span_t text);

#endif
