/**
 * @file service/revocation_list.h
 * What one version of a revocations file says.
 *
 * Layer service, for revocations.c alone. Never changes once read.
 */
#ifndef AO2_SERVICE_REVOCATION_LIST_H
#define AO2_SERVICE_REVOCATION_LIST_H

#include <apr_hash.h>

#include "core/principal.h"

typedef struct {
    apr_hash_t *ids;      /**< jti -> itself */
    apr_hash_t *digests;  /**< SHA-256 -> itself */
    apr_hash_t *clients;  /**< client -> apr_time_t: before */
    apr_hash_t *subjects; /**< subject -> apr_time_t: before */
} ao2_revocation_list_t;

/**
 * Read lines. @param text  terminated
 * @return AO2_OK or AO2_E_MISCONFIGURED; the detail names the line
 */
ao2_code_t ao2_revocation_list_read(ao2_revocation_list_t *list,
                                    ao2_span_t text, apr_pool_t *pool,
                                    ao2_fail_t *fail);

/** Whether it speaks of a token. */
int ao2_revocation_list_holds(const ao2_revocation_list_t *list,
                              const ao2_principal_t *principal);

#endif
