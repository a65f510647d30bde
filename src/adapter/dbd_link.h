/**
 * @file adapter/dbd_link.h
 * One connection to a database, as mod_dbd's directives name it.
 *
 * Through apr_dbd and not through mod_dbd's own pool of connections: that
 * connects while it holds a lock which all who want a connection need, and
 * the end of the process too, so that one frozen server would stop them all.
 *
 * Layer adapter. One thread at a time; every function may block for ever.
 */
#ifndef AO2_ADAPTER_DBD_LINK_H
#define AO2_ADAPTER_DBD_LINK_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/span.h"
#include "core/registry_find.h"

/** What DBDriver, DBDParams and DBDInitSQL say. Lives in the configuration;
 *  the parameters hold secrets. */
typedef struct {
    const char *driver;
    const char *params;
    const apr_array_header_t *first; /**< statements, of const char *, that
                                          begin each connection; or NULL */
} ao2_dbd_target_t;

typedef struct ao2_dbd_link ao2_dbd_link_t;

/** A link that connects when it is needed. @param target  borrowed */
ao2_dbd_link_t *ao2_dbd_link_make(const ao2_dbd_target_t *target,
                                  apr_pool_t *pool);

/**
 * Ask. Where the connection is lost, once more over a new one.
 * @param columns  as of ao2_database_answer_t, in @a pool
 * @param which    of ao2_find_statements
 * @param values   as many as that takes; bound, never part of the statement
 * @return AO2_OK or AO2_E_REGISTRY_UNAVAILABLE with what the database says
 */
ao2_code_t ao2_dbd_link_ask(ao2_dbd_link_t *link, ao2_span_t *columns,
                            int which, const char *const *values,
                            apr_pool_t *pool, ao2_fail_t *fail);

/** Disconnect; what is asked next connects again. */
void ao2_dbd_link_close(ao2_dbd_link_t *link);

/** What the driver of APR-util says about the parameters of a connection may
 *  repeat them. @return @a text as it may be logged, in @a pool */
const char *ao2_dbd_link_cause(const char *text, const char *params,
                               apr_pool_t *pool);

#endif
