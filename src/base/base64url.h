/**
 * @file base/base64url.h
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2).
 *
 * Layer base. Pure functions; safe from any thread.
 */
#ifndef AO2_BASE_BASE64URL_H
#define AO2_BASE_BASE64URL_H

#include <apr_pools.h>

#include "base/span.h"

/**
 * Decode strictly: only the 64 characters, no padding, no white space, no
 * length of 4n+1, and the unused bits of the last character zero, so that a
 * byte string has one spelling.
 * @param out  receives the bytes, in @a pool, with a NUL behind them that
 *             len does not count; absent on failure
 * @return 1 when decoded, else 0
 */
int ao2_base64url_decode(ao2_span_t *out, ao2_span_t text, apr_pool_t *pool);

/** Encode; @return a terminated string that lives in @a pool. */
const char *ao2_base64url_encode(ao2_span_t bytes, apr_pool_t *pool);

#endif
