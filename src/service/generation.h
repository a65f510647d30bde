/**
 * @file service/generation.h
 * One generation of an issuer's keys, and how it is built.
 *
 * Layer service. Built by one thread, then only read; counted.
 */
#ifndef AO2_SERVICE_GENERATION_H
#define AO2_SERVICE_GENERATION_H

#include "core/keyset.h"
#include "service/documents.h"

typedef struct {
    apr_pool_t *pool; /**< its own, with its own allocator */
    volatile apr_uint32_t readers;
    ao2_keyset_t *set;
    ao2_keyset_t local; /**< those of set that no server said */
    ao2_span_t files[AO2_MAX_KEY_SOURCES];  /**< documents as they were */
    ao2_documents_t documents;              /**< what servers said */
    ao2_fail_t trouble; /**< with a file, whose keys are those of before;
                             AO2_OK: none */
} ao2_generation_t;

/**
 * Build from static keys, files, and what servers said. A file that is bad
 * is replaced by what it was in @a old, or when the configuration was read.
 * @param old        NULL: none
 * @param documents  NULL: those of @a old
 * @return AO2_OK, AO2_E_MISCONFIGURED (a file that never was good) or
 *         AO2_E_ISSUER_UNAVAILABLE; on failure nothing is left behind
 */
ao2_code_t ao2_generation_build(ao2_generation_t **pgeneration,
                                const ao2_key_source_t *source,
                                const ao2_generation_t *old,
                                const ao2_documents_t *documents,
                                ao2_fail_t *fail);

/** Count a reader. */
void ao2_generation_hold(ao2_generation_t *generation);

/** One reader less; the last one releases it. */
void ao2_generation_release(ao2_generation_t *generation);

#endif
