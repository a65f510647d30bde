/**
 * @file core/api_token.h
 * The form of an API token: "api_", 43 characters that are 32 random bytes
 * in base64url, and 6 that are a checksum, so that a typing error or a
 * guess costs no look-up and a secret scanner can tell one when it sees it.
 *
 * Layer core. Pure functions; safe from any thread.
 */
#ifndef AO2_CORE_API_TOKEN_H
#define AO2_CORE_API_TOKEN_H

#include <apr_pools.h>

#include "base/fail.h"
#include "base/span.h"

/** Characters before the random ones: "api_". */
#define AO2_API_TOKEN_MARK 4
/** Characters in all. */
#define AO2_API_TOKEN_LENGTH 53
/** Bytes of randomness. */
#define AO2_API_TOKEN_RANDOM 32
/** Characters that may be kept and shown: "api_" and four more. */
#define AO2_API_TOKEN_PREFIX 8

/**
 * Make a token.
 * @param random  AO2_API_TOKEN_RANDOM bytes from a cryptographic generator
 * @return a terminated string that lives in @a pool
 */
const char *ao2_api_token_make(const unsigned char *random, apr_pool_t *pool);

/** Whether @a text has the mark, the length and the alphabet of an API
 *  token. Says nothing about the checksum. */
int ao2_api_token_looks(ao2_span_t text);

/**
 * Check form and checksum; whether any registry knows the token is not
 * looked at. @return AO2_OK or AO2_E_TOKEN_INVALID
 */
ao2_code_t ao2_api_token_check(ao2_span_t text, ao2_fail_t *fail);

#endif
