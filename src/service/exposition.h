/**
 * @file service/exposition.h
 * The metrics as Prometheus reads them: its text format 0.0.4, or
 * OpenMetrics 1.0.
 *
 * Layer service. Looks at shared memory as it is: takes no lock, and nobody
 * waits for it.
 */
#ifndef AO2_SERVICE_EXPOSITION_H
#define AO2_SERVICE_EXPOSITION_H

#include <jansson.h>

#include "base/page.h"
#include "service/counters.h"

/** What metrics are called in front. */
#define AO2_METRICS_PREFIX "api_oauth2_"

#define AO2_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define AO2_OPENMETRICS_TYPE \
    "application/openmetrics-text; version=1.0.0; charset=utf-8"

/**
 * Write all metrics of service/metrics.def.
 * @param counters  NULL: none are counted
 * @param model     of service/status.h, from which the gauges are taken
 */
void ao2_exposition_write(ao2_page_t *page, const ao2_counters_t *counters,
                          const json_t *model, int is_openmetrics);

/** The words of the last label of a metric: column @a column of it. @return
 *  NULL behind the last */
const char *ao2_metric_word(ao2_metric_t metric, int column,
                            apr_pool_t *pool);

#endif
