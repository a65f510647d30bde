/**
 * @file service/notice.h
 * A piece of shared memory that one writes and others read as a whole, and
 * nobody ever waits for: a writer who finds another one at it gives up, a
 * reader never sees half of it.
 *
 * Layer service. Any thread of any process may call; a writer that was
 * killed at it is replaced by the next.
 */
#ifndef AO2_SERVICE_NOTICE_H
#define AO2_SERVICE_NOTICE_H

#include "port/shared.h"

/** What goes with the bytes. All zero: never written. */
typedef struct {
    ao2_member_t writer;   /**< 0: nobody is at it */
    apr_uint64_t sequence; /**< odd while somebody is */
} ao2_notice_t;

/**
 * Write.
 * @param place  in shared memory, where @a notice is, too
 * @param size   a multiple of 8
 * @return 1, or 0 when somebody else is at it
 */
int ao2_notice_write(ao2_notice_t *notice, void *place, const void *bytes,
                     apr_size_t size, ao2_shared_t *shared);

/**
 * Read.
 * @return 1, or 0 when it was never written, or is being written all the
 *         time; then @a bytes are anything
 */
int ao2_notice_read(const ao2_notice_t *notice, void *bytes,
                    const void *place, apr_size_t size);

#endif
