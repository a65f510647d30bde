/**
 * @file glue/repeat.h
 * Faults that come with every request are told once a minute, each process
 * for itself.
 *
 * Layer glue. Any thread.
 */
#ifndef AO2_GLUE_REPEAT_H
#define AO2_GLUE_REPEAT_H

#include "base/fail.h"

#include <apr_time.h>

/**
 * Whether a fault is to be told now. Two are the same when code and text
 * are, whatever numbers (times, sizes) the text holds behind the name of an
 * object in front.
 * @param more  how many of the same were not told since the last that was
 * @return 1: tell it; 0: the same was told less than a minute ago
 */
int ao2_repeat_tell(apr_uint32_t *more, ao2_code_t code, const char *text,
                    apr_time_t now);

#endif
