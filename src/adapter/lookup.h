/**
 * @file adapter/lookup.h
 * From the name of a host to its addresses, with a deadline.
 *
 * Layer adapter; knows the C library alone.
 */
#ifndef AO2_ADAPTER_LOOKUP_H
#define AO2_ADAPTER_LOOKUP_H

#include <netdb.h>

#include <apr_pools.h>
#include <apr_time.h>

typedef struct ao2_lookup ao2_lookup_t;

/** @param host  a name or an address, borrowed for the pool's life
 *  @return lives in @a pool */
ao2_lookup_t *ao2_lookup_make(const char *host, int port, apr_pool_t *pool);

/**
 * Look up the addresses, anew each time. One thread at a time. A look-up
 * that does not end in time is waited for again by the next call. (Where the
 * C library is another than glibc, a look-up takes as long as it takes.)
 * @param deadline  of ao2_monotonic()
 * @return owned: release with freeaddrinfo(); NULL: none, or not in time
 */
struct addrinfo *ao2_lookup_wait(ao2_lookup_t *lookup, apr_time_t deadline);

#endif
