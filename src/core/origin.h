/**
 * @file core/origin.h
 * The origin of a URL (RFC 6454 section 4): where a token may be sent to.
 *
 * Layer core. Pure functions.
 */
#ifndef AO2_CORE_ORIGIN_H
#define AO2_CORE_ORIGIN_H

#include <apr_pools.h>

/** A plain value; its strings live in the pool it was made in. */
typedef struct {
    const char *scheme; /**< static: "http", "https" or "balancer" */
    const char *host;   /**< lower case, without the brackets of IPv6 */
    int port;           /**< 0 for a balancer */
} ao2_origin_t;

/**
 * Read the origin of a URL. Other protocols of the same servers are http
 * (ws, h2c) or https (wss, h2). Refused: other schemes, a user part, an
 * empty host or one with other characters than host names, addresses and
 * balancers have, a port that is not 1 to 65535 (or any, for a balancer).
 * @param url   what follows the authority is not looked at
 * @param rest  points behind the authority; NULL when not wanted
 * @return 1 when it has one, else 0
 */
int ao2_origin_read(ao2_origin_t *origin, const char *url, const char **rest,
                    apr_pool_t *pool);

/** Whether both are the same place. */
int ao2_origin_same(const ao2_origin_t *a, const ao2_origin_t *b);

#endif
