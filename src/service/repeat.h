/**
 * @file service/repeat.h
 * Faults that come with every request are told once a minute.
 *
 * Layer service. Any thread.
 */
#ifndef AO2_SERVICE_REPEAT_H
#define AO2_SERVICE_REPEAT_H

#include <apr_time.h>

#include "base/fail.h"

#define AO2_REPEAT_SLOTS 64

/** What was told, of one process: all zero at first. */
typedef struct {
    struct {
        apr_uint32_t what;  /**< hash of the fault; 0: none yet */
        apr_uint32_t since; /**< when it was told, seconds */
        apr_uint32_t more;  /**< not told since */
    } slots[AO2_REPEAT_SLOTS];
} ao2_repeat_t;

/**
 * Whether a fault is to be told now. Two are the same when code and text
 * are, whatever numbers (times, sizes) the text holds behind the name of an
 * object in front.
 * @param more  how many of the same were not told since the last that was
 * @return 1: tell it; 0: the same was told less than a minute ago
 */
int ao2_repeat_tell(ao2_repeat_t *repeat, apr_uint32_t *more, ao2_code_t code,
                    const char *text, apr_time_t now);

#endif
