/**
 * @file tools/progress.h
 * How far something long has come, shown where somebody looks on.
 *
 * One thread. Writes to standard error, and only when that is a terminal.
 */
#ifndef AO2_TOOLS_PROGRESS_H
#define AO2_TOOLS_PROGRESS_H

#include <apr.h>

typedef struct {
    const char *what; /**< "reading", borrowed */
    apr_int64_t total;
    apr_int64_t done;
    int shown; /**< percent; -1: nothing yet, -2: nobody looks on */
} ao2_progress_t;

/** Begin. @param total  0 when it is not known: then nothing is shown */
void ao2_progress_begin(ao2_progress_t *progress, const char *what,
                        apr_int64_t total);

/** @a more has been done. */
void ao2_progress_add(ao2_progress_t *progress, apr_int64_t more);

/** Take the bar away. */
void ao2_progress_end(ao2_progress_t *progress);

#endif
