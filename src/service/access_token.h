/**
 * @file service/access_token.h
 * An access token of ours as it is kept, and as processes hand it on.
 *
 * Layer service. Pure functions.
 */
#ifndef AO2_SERVICE_ACCESS_TOKEN_H
#define AO2_SERVICE_ACCESS_TOKEN_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/span.h"
#include "service/store.h"

/** A plain value. */
typedef struct {
    ao2_span_t value;   /**< printable ASCII without a space */
    apr_time_t fetched; /**< when it was asked for */
    apr_time_t expires; /**< as fetched: to be used once, by who waits */
    int was_fetched;    /**< for who waits: the endpoint was called */
} ao2_access_token_t;

/** As one text, in @a pool. */
ao2_span_t ao2_access_token_pack(const ao2_access_token_t *token,
                                 apr_pool_t *pool);

/**
 * Read it back. The text may come from a cache: it is not trusted.
 * @param token  its value lives in @a pool, a NUL behind it
 * @return 1 when it is one, else 0
 */
int ao2_access_token_unpack(ao2_access_token_t *token, ao2_span_t text,
                            apr_pool_t *pool);

/**
 * The name under which it is noted that a backend refused this token. The
 * same value fetched once more is another token.
 */
void ao2_access_token_mark(ao2_store_key_t mark,
                           const ao2_access_token_t *token,
                           const unsigned char owner[AO2_CACHE_KEY],
                           apr_pool_t *pool);

#endif
