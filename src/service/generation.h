/**
 * @file service/generation.h
 * One generation of an issuer's keys, and how it is built.
 *
 * Layer service. Built by one thread, then only read; counted.
 */
#ifndef AO2_SERVICE_GENERATION_H
#define AO2_SERVICE_GENERATION_H

#include "service/keyring.h"

/** Most files, and most URLs, of one issuer. */
#define AO2_MAX_KEY_SOURCES 16

typedef struct {
    apr_pool_t *pool; /**< its own, with its own allocator */
    volatile apr_uint32_t readers;
    ao2_keyset_t *set;
    ao2_span_t files[AO2_MAX_KEY_SOURCES];  /**< documents as they were */
    ao2_span_t remote[AO2_MAX_KEY_SOURCES]; /**< documents as they came */
    apr_time_t max_age;                     /**< the least said; -1: none */
    ao2_fail_t trouble; /**< with a file, whose keys are those of before;
                             AO2_OK: none */
} ao2_generation_t;

/**
 * Build from static keys, files, and what servers say: all calls together
 * take at most the way's total timeout. A file that is bad is replaced by
 * what it was in @a old, or when the configuration was read.
 * @param old   NULL: none
 * @param http  NULL: nobody is called, what servers said is taken from
 *              @a old
 * @return AO2_OK, AO2_E_MISCONFIGURED (a file that never was good) or
 *         AO2_E_ISSUER_UNAVAILABLE; on failure nothing is left behind
 */
ao2_code_t ao2_generation_build(ao2_generation_t **pgeneration,
                                const ao2_key_source_t *source,
                                const ao2_generation_t *old, ao2_http_t *http,
                                ao2_fail_t *fail);

/** Count a reader. */
void ao2_generation_hold(ao2_generation_t *generation);

/** One reader less; the last one releases it. */
void ao2_generation_release(ao2_generation_t *generation);

/** Whether @a source has anybody to call. */
int ao2_key_source_is_remote(const ao2_key_source_t *source);

#endif
