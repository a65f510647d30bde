/**
 * @file core/registry_build.h
 * Building a registry, row by row.
 *
 * Rows that a row belongs to come first (an application before its
 * clients); a subscription may name a plan or an API that comes later.
 * Strings of rows are borrowed for the call and copied. All functions
 * return AO2_OK or AO2_E_MISCONFIGURED with a detail that names the row but
 * not where it stands; after a failure the registry is not to be used.
 *
 * Layer core. One thread at a time.
 */
#ifndef AO2_CORE_REGISTRY_BUILD_H
#define AO2_CORE_REGISTRY_BUILD_H

#include "core/registry.h"

typedef struct ao2_registry_build ao2_registry_build_t;

/** A limit as it is written down. */
typedef struct {
    apr_int64_t requests;
    const char *window; /**< a duration */
    apr_int64_t burst;  /**< 0: as many as requests */
} ao2_limit_row_t;

/** An API token as it is written down. */
typedef struct {
    const char *id;
    const char *sha256; /**< 64 hex digits */
    const char *prefix; /**< "" for none */
    const char *const *scopes;
    int scope_count;
    const char *const *networks; /**< addresses, or ADDRESS/BITS */
    int network_count;
    ao2_key_type_t key_type;
    ao2_api_token_status_t status;
    apr_time_t not_before; /**< 0: always */
    apr_time_t expires;    /**< AO2_TIME_FOREVER: never */
} ao2_api_token_row_t;

/** A subscription as it is written down. */
typedef struct {
    const char *api;
    const char *version; /**< AO2_ALL_VERSIONS: all */
    const char *plan;    /**< NULL: none */
    ao2_subscription_status_t status;
    apr_time_t starts;  /**< 0: always */
    apr_time_t expires; /**< AO2_TIME_FOREVER: never */
} ao2_subscription_row_t;

/**
 * Says where the row that is being added stands, for a fault that shows
 * only at the end. @param member  "api" or "plan"
 * @return a string in @a pool
 */
typedef const char *ao2_place_fn(void *context, const char *member,
                                 apr_pool_t *pool);

/**
 * Begin an empty registry.
 * @param pool  the registry will live there: one with its own allocator,
 *              to give the memory back as a whole
 */
ao2_registry_build_t *ao2_registry_build_make(ao2_place_fn *place,
                                              void *context,
                                              apr_pool_t *pool);

/** Refused: a plan of that name; too many, illegal or equal windows. */
ao2_code_t ao2_build_plan(ao2_registry_build_t *build, const char *name,
                          const ao2_limit_row_t *limits, int count,
                          ao2_fail_t *fail);

/**
 * Fill in the limits of a plan, of no registry, whose name is set.
 * @param pool  for what the plan points to
 * Refused: too many limits; illegal or equal windows
 */
ao2_code_t ao2_plan_fill(ao2_plan_t *plan, const ao2_limit_row_t *limits,
                         int count, apr_pool_t *pool, ao2_fail_t *fail);

/** @param row  its next is not looked at. Refused: that version of that API
 *              is there; the version AO2_ALL_VERSIONS */
ao2_code_t ao2_build_api(ao2_registry_build_t *build, const ao2_api_t *row,
                         ao2_fail_t *fail);

/**
 * @param papplication  to add rows to; NULL when not wanted
 * @param row           its pointers to rows are not looked at
 * Refused: an application with that id
 */
ao2_code_t ao2_build_application(ao2_application_t **papplication,
                                 ao2_registry_build_t *build,
                                 const ao2_application_t *row,
                                 ao2_fail_t *fail);

/** Refused: another client with that id of that issuer. */
ao2_code_t ao2_build_client(ao2_registry_build_t *build,
                            ao2_application_t *application,
                            const ao2_client_t *row, ao2_fail_t *fail);

/** A token's row on its own, of no application, in @a pool. Refused: wrong
 *  digests, scopes, networks. */
ao2_code_t ao2_api_token_make_row(ao2_api_token_t **ptoken,
                                  const ao2_api_token_row_t *row,
                                  apr_pool_t *pool, ao2_fail_t *fail);

/** Refused: the same digest anywhere, the same id in the application; what
 *  ao2_api_token_make_row() refuses. */
ao2_code_t ao2_build_token(ao2_registry_build_t *build,
                           ao2_application_t *application,
                           const ao2_api_token_row_t *row, ao2_fail_t *fail);

/** Refused: another subscription of the application to that version. */
ao2_code_t ao2_build_subscription(ao2_registry_build_t *build,
                                  ao2_application_t *application,
                                  const ao2_subscription_row_t *row,
                                  ao2_fail_t *fail);

/**
 * Every plan and API that was named is there: the registry may be used.
 * More rows may be added later, while nobody else uses it, and this be
 * called again.
 */
ao2_code_t ao2_registry_build_end(const ao2_registry_t **pregistry,
                                  ao2_registry_build_t *build,
                                  ao2_fail_t *fail);

#endif
