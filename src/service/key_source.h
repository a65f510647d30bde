/**
 * @file service/key_source.h
 * Where the keys of an issuer come from.
 *
 * Layer service. Lives in the configuration, const at run time.
 */
#ifndef AO2_SERVICE_KEY_SOURCE_H
#define AO2_SERVICE_KEY_SOURCE_H

#include <apr_tables.h>
#include <apr_time.h>

#include "base/fail.h"
#include "base/span.h"

/** Most files, and most URLs, of one issuer. */
#define AO2_MAX_KEY_SOURCES 16

typedef struct {
    const char *issuer_name;          /**< for the log */
    const apr_array_header_t *static_keys; /**< of const ao2_key_t *: PEM
                                           keys and secrets; never change */
    const apr_array_header_t *files;  /**< of const char *: JWK Set files */
    const ao2_span_t *file_texts;     /**< what they held at first; NULL:
                                           not known */
    const apr_array_header_t *urls;   /**< of const char *: JWK Set URLs */
    int use_metadata;                 /**< find a URL by metadata */
    apr_time_t ttl;                   /**< microseconds */
    apr_time_t stale;                 /**< microseconds past the ttl */
} ao2_key_source_t;

/** Whether there is anybody to call. */
int ao2_key_source_is_remote(const ao2_key_source_t *source);

/**
 * Read the files of @a source, as configtest does, and keep what they hold:
 * one that turns bad later is replaced by it.
 * @param pool  of the configuration
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_key_source_check(ao2_key_source_t *source, apr_pool_t *pool,
                                apr_pool_t *temp, ao2_fail_t *fail);

#endif
