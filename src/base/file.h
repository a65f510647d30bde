/**
 * @file base/file.h
 * Files that an operator names: keys, secrets, key sets, registries.
 *
 * Layer base. Blocks for the disk, never for a FIFO, socket or device.
 */
#ifndef AO2_BASE_FILE_H
#define AO2_BASE_FILE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/fail.h"
#include "base/span.h"

/** What tells that a file changed: compare all members. */
typedef struct {
    apr_time_t mtime;
    apr_time_t ctime;
    apr_int64_t size;
    apr_int64_t inode;
    apr_int64_t device;
} ao2_file_stamp_t;

/**
 * Read a whole regular file.
 * @param out    the bytes, in @a pool, a NUL behind them that len does not
 *               count
 * @param stamp  what was read; NULL when not wanted
 * @param max    a longer file is refused
 * @return AO2_OK or AO2_E_MISCONFIGURED: absent, unreadable, empty, longer
 *         than @a max, not a regular file
 */
ao2_code_t ao2_file_read(ao2_span_t *out, ao2_file_stamp_t *stamp,
                         const char *path, apr_size_t max, apr_pool_t *pool,
                         ao2_fail_t *fail);

/** The same; an empty file is as good as another. */
ao2_code_t ao2_file_read_any(ao2_span_t *out, ao2_file_stamp_t *stamp,
                             const char *path, apr_size_t max,
                             apr_pool_t *pool, ao2_fail_t *fail);

/** Takes the next bytes of a file. @return AO2_OK, or what ends the reading */
typedef ao2_code_t ao2_file_take_fn(void *context, ao2_span_t bytes,
                                    ao2_fail_t *fail);

/**
 * Read a regular file piece by piece.
 * @param stamp  what was read, whether it was taken or not; all zero when it
 *               could not be opened or read; NULL when not wanted
 * @return AO2_OK; what @a take returned; AO2_E_MISCONFIGURED: absent,
 *         unreadable, not a regular file
 */
ao2_code_t ao2_file_feed(ao2_file_stamp_t *stamp, const char *path,
                         ao2_file_take_fn *take, void *context,
                         ao2_fail_t *fail);

/** The stamp of the file as it is now; all zero when it cannot be had. */
void ao2_file_stamp(ao2_file_stamp_t *stamp, const char *path);

/** Whether two stamps are equal. */
int ao2_file_same(const ao2_file_stamp_t *a, const ao2_file_stamp_t *b);

#endif
