/**
 * @file service/registry_file.h
 * The registry out of a file: read again when it changes, replaced as a
 * whole; a version that is broken leaves the one before in force.
 *
 * Layer service. One a file and process; any thread may call.
 */
#ifndef AO2_SERVICE_REGISTRY_FILE_H
#define AO2_SERVICE_REGISTRY_FILE_H

#include "base/file.h"
#include "port/clock.h"
#include "port/log.h"
#include "service/registry_source.h"

/** What it works with. Borrowed for the life of the source. */
typedef struct {
    const char *path;
    apr_time_t ttl; /**< how often the file is looked at */
    ao2_clock_t *clock;
    ao2_log_t *log;
    const ao2_registry_t *first; /**< as the parent process read it; NULL:
                                      it did not. Lives longer than the
                                      source */
    ao2_file_stamp_t first_stamp;
} ao2_registry_file_t;

/**
 * Read the file once, as configtest does.
 * @param pregistry  in @a pool, which should have an allocator of its own;
 *                   NULL when not wanted
 * @param stamp      of what was read; NULL when not wanted
 * @return AO2_OK or AO2_E_MISCONFIGURED; the detail names file, line and
 *         path of the fault
 */
ao2_code_t ao2_registry_file_read(const ao2_registry_t **pregistry,
                                  ao2_file_stamp_t *stamp, const char *path,
                                  apr_pool_t *pool, ao2_fail_t *fail);

/**
 * Open the source: with what the parent process read, which costs no memory
 * of its own, as long as the file is the same; else the file is read. Until
 * one can be, answers are AO2_E_REGISTRY_UNAVAILABLE: what the parent read
 * may let in whom a later version does not.
 * @param file  copied
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_registry_file_open(ao2_registry_source_t **psource,
                                  const ao2_registry_file_t *file,
                                  apr_pool_t *pool, ao2_fail_t *fail);

#endif
