/**
 * @file service/status.h
 * How everything is: the one model that all pages are made of, as JSON.
 * docs/reference.md says what its members are.
 *
 * Layer service. Looks at shared memory and at this process: waits for
 * nobody, calls nobody. Strings of others are written visibly (base/page.h).
 */
#ifndef AO2_SERVICE_STATUS_H
#define AO2_SERVICE_STATUS_H

#include <jansson.h>

#include "service/store.h"
#include "service/upstream.h"
#include "service/verifier.h"

/** What there is. Borrowed. */
typedef struct {
    const char *version;  /**< of the module */
    apr_time_t now;
    ao2_board_t *board;   /**< NULL: nothing is shared */
    const apr_array_header_t *verifiers; /**< of ao2_verifier_t *: all */
    const apr_array_header_t *upstreams; /**< of ao2_upstream_t *: all */
    ao2_registry_source_t *registry; /**< NULL: there is none */
    const char *shared_cache; /**< its name; NULL: there is none */
    apr_size_t token_cache;   /**< what ApiTokenCache allows; 0: off */
} ao2_status_sources_t;

/** Make the model; it lives in @a pool. */
json_t *ao2_status_make(const ao2_status_sources_t *sources,
                        apr_pool_t *pool);

/**
 * Add what is known of a remote party to @a object: "target", "reachable",
 * "circuit" and so on.
 */
void ao2_status_add_remote(json_t *object, const ao2_remote_t *remote,
                           apr_time_t now, apr_pool_t *pool);

/** A time of the model: seconds since the epoch; null for 0. */
json_t *ao2_status_time(apr_time_t time);

/** A string of the model; null for NULL. */
json_t *ao2_status_text(const char *text, apr_pool_t *pool);

#endif
