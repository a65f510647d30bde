/**
 * @file tools/safe_file.h
 * A file that changes as a whole, by one process at a time: readers see the
 * old one or the new one, whatever happens in between.
 *
 * The lock is flock() on the file itself. Since a change puts another file
 * in its place, whoever gets the lock looks whether it still is the file of
 * that name, and starts again when it is not. A process that dies holds no
 * lock.
 *
 * One thread. Functions return AO2_EXIT_DONE, or another exit status and
 * why in @a fail.
 */
#ifndef AO2_TOOLS_SAFE_FILE_H
#define AO2_TOOLS_SAFE_FILE_H

#include <stdio.h>

#include "base/fail.h"
#include "tools/htapi.h"

typedef struct ao2_safe_file ao2_safe_file_t;

/** Writes all that the file is to hold. */
typedef int ao2_safe_write_fn(void *context, FILE *stream, ao2_fail_t *fail);

/**
 * Lock the file, for at most a minute of waiting. A symbolic link is
 * followed once and for all.
 * @param pfile  locked until it is replaced or @a pool goes
 */
int ao2_safe_lock(ao2_safe_file_t **pfile, const char *path, apr_pool_t *pool,
                  ao2_fail_t *fail);

/** Where the locked file is; lives as long as @a file. */
const char *ao2_safe_path(const ao2_safe_file_t *file);

/**
 * Put what @a write writes in the place of the locked file: on the disk
 * before it gets the name, with the mode and owner of the old one. Then
 * unlock. On failure the old file stays as it is.
 */
int ao2_safe_replace(ao2_safe_file_t *file, ao2_safe_write_fn *write,
                     void *context, ao2_fail_t *fail);

/** Make a file that is not there: AO2_EXIT_REFUSED when it is. */
int ao2_safe_create(const char *path, ao2_safe_write_fn *write, void *context,
                    apr_pool_t *pool, ao2_fail_t *fail);

#endif
