/**
 * @file service/errand.h
 * Calls to an issuer's servers on one errand: all of them together take at
 * most the way's total timeout.
 *
 * Layer service. Used by one thread.
 */
#ifndef AO2_SERVICE_ERRAND_H
#define AO2_SERVICE_ERRAND_H

#include "core/metadata.h"
#include "service/keyring.h"

typedef struct {
    const ao2_key_source_t *source; /**< borrowed */
    ao2_http_t *http;               /**< borrowed */
    apr_time_t deadline;
    apr_pool_t *pool; /**< of the answers */
} ao2_errand_t;

/** Start now. */
ao2_errand_t ao2_errand_start(const ao2_key_source_t *source,
                              ao2_http_t *http, apr_pool_t *pool);

/**
 * A GET that must bring a 200.
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE; the detail does not name
 *         @a url
 */
ao2_code_t ao2_errand_get(ao2_http_answer_t *answer, const char *url,
                          const ao2_errand_t *errand, ao2_fail_t *fail);

/**
 * Find the key set's URL in the issuer's metadata: at the configured place,
 * or at the first of the two well-known ones that has it.
 * @param purl  in the errand's pool
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE; the detail names the places
 */
ao2_code_t ao2_errand_discover(const char **purl, const ao2_errand_t *errand,
                               ao2_fail_t *fail);

#endif
