/**
 * @file port/shared.h
 * Memory that all processes of the server see, and which of them live, as
 * the service layer sees it.
 *
 * Layer port: an interface alone. Any thread of any process may call.
 */
#ifndef AO2_PORT_SHARED_H
#define AO2_PORT_SHARED_H

#include <apr.h>

/** One process, never the same number twice; 0: nobody. */
typedef apr_uint64_t ao2_member_t;

/** Processes that are members at once; a further one shares nothing. */
#define AO2_MAX_MEMBERS 4096
/** How many locks there are. */
#define AO2_SHARED_LOCKS 16

typedef struct ao2_shared {
    void *memory;    /**< all zero when it was new; outlives graceful
                          restarts of the same size */
    apr_size_t size; /**< bytes */
    ao2_member_t me; /**< this process */
    int place;       /**< of this process, below AO2_MAX_MEMBERS; the lowest
                          that no other living one has */

    /** Whether a process is there. Costs a system call. */
    int (*lives)(struct ao2_shared *self, ao2_member_t who);

    /**
     * Take lock @a index (below AO2_SHARED_LOCKS): for a few instructions,
     * without calls that may wait. A process that was killed while it held
     * the lock has lost it: what the lock guards must be valid, or be seen
     * to be half done, after every single store.
     */
    void (*lock)(struct ao2_shared *self, int index);
    void (*unlock)(struct ao2_shared *self, int index);
    void *context;
} ao2_shared_t;

#endif
