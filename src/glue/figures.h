/**
 * @file glue/figures.h
 * What a request adds to the figures of all processes.
 *
 * Layer glue. Any thread may call. Nothing here waits or takes a lock.
 */
#ifndef AO2_GLUE_FIGURES_H
#define AO2_GLUE_FIGURES_H

#include "glue/state.h"

/** Rows that requests of this process count in; all NULL: nothing is shared
 *  with other processes, and nothing counted. */
typedef struct {
    const ao2_counters_t *counters;
    ao2_row_t *paths[AO2_PATHS];
    ao2_row_t *lookups; /**< in the cache of identities */
} ao2_figures_t;

/** Open them. @param counters  NULL: there are none */
void ao2_figures_open(ao2_figures_t *figures, const ao2_counters_t *counters);

/**
 * A look-up in the cache of identities begins. It takes about as long as
 * reading a clock twice: one in 64 is measured.
 * @return for ao2_figures_found(): when, or 0
 */
apr_uint64_t ao2_figures_seek(const request_rec *r);

/** It was found. */
void ao2_figures_found(const request_rec *r, apr_uint64_t begun);

/** It was not found, or not looked for. @return when the check begins */
apr_uint64_t ao2_figures_missed(const request_rec *r, int looked);

/** The check ended. */
void ao2_figures_checked(const request_rec *r, const ao2_verdict_t *verdict,
                         apr_uint64_t begun);

/** Hook log_transaction: counts how the request ended, once for a chain of
 *  internal redirects. */
int ao2_figures_log(request_rec *r);

#endif
