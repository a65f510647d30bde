/**
 * @file service/documents.h
 * What an issuer's servers said of its keys, as text: this is what
 * processes share.
 *
 * Layer service. A plain value; its texts live in the pool given.
 */
#ifndef AO2_SERVICE_DOCUMENTS_H
#define AO2_SERVICE_DOCUMENTS_H

#include "service/discovery.h"
#include "service/key_source.h"

typedef struct {
    int count;
    ao2_span_t texts[AO2_MAX_KEY_SOURCES]; /**< JWK Sets */
    apr_time_t fetched;
    apr_time_t max_age;   /**< the least that was said; -1: none */
    apr_uint64_t version; /**< the same for the same texts, else another;
                               never 0 */
} ao2_documents_t;

/**
 * Fetch them, and see that each has a key that can be used.
 * @param discovery  leads to the key set where @a source asks for that
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_documents_fetch(ao2_documents_t *documents,
                               const ao2_key_source_t *source,
                               ao2_discovery_t *discovery,
                               const ao2_errand_t *errand, ao2_fail_t *fail);

/** As one text, for a cache; in @a pool. */
ao2_span_t ao2_documents_pack(const ao2_documents_t *documents,
                              apr_pool_t *pool);

/** Back from that. @return 1 when it is such a text, else 0 */
int ao2_documents_unpack(ao2_documents_t *documents, ao2_span_t text,
                         apr_pool_t *pool);

/** A copy whose texts live in @a pool. */
ao2_documents_t ao2_documents_copy(const ao2_documents_t *documents,
                                   apr_pool_t *pool);

#endif
