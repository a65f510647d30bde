/**
 * @file service/status_parts.h
 * The parts of the model of service/status.h.
 *
 * Layer service, for status*.c alone. Each result belongs to the caller, who
 * puts it into the model.
 */
#ifndef AO2_SERVICE_STATUS_PARTS_H
#define AO2_SERVICE_STATUS_PARTS_H

#include "service/status.h"

/** Put a member into an object. */
static inline void ao2_status_set(json_t *object, const char *member,
                                  json_t *value)
{
    json_object_set_new(object, member, value);
}

/** What was decided since the counters began. @param counters  NULL: none */
json_t *ao2_status_counters(const ao2_counters_t *counters, apr_pool_t *pool);

/** How long it took to know whose token it is. */
json_t *ao2_status_paths(const ao2_counters_t *counters, apr_pool_t *pool);

/** The last refusals. @param board  NULL: none */
json_t *ao2_status_refusals(const ao2_board_t *board, apr_pool_t *pool);

/** How an upstream and its token are: times alone, never the token. */
json_t *ao2_upstream_status(const ao2_upstream_t *upstream, apr_time_t now,
                            apr_pool_t *pool);

/** Add "registry", "plans" and "busiest" to the model. */
void ao2_status_add_registry(json_t *model,
                             const ao2_status_sources_t *sources,
                             apr_pool_t *pool);

#endif
