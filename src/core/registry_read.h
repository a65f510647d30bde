/**
 * @file core/registry_read.h
 * A registry out of its JSON document, in whatever pieces the text comes.
 *
 * Strict: unknown and repeated members, wrong types and dangling names are
 * refused, with the line and the path of the fault, as in
 * `line 12: applications[3].subscriptions[0].plan: no plan "gold"`.
 *
 * Layer core. One thread at a time.
 */
#ifndef AO2_CORE_REGISTRY_READ_H
#define AO2_CORE_REGISTRY_READ_H

#include "core/registry_build.h"

/** The version of the document that is read and written. */
#define AO2_REGISTRY_VERSION 1

typedef struct ao2_registry_reader ao2_registry_reader_t;

/** Begin. @param pool  as of ao2_registry_build_make() */
ao2_registry_reader_t *ao2_registry_reader_make(apr_pool_t *pool);

/**
 * The next bytes of the document.
 * @param reader  an ao2_registry_reader_t; untyped so that ao2_file_feed()
 *                takes this function as it is
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_registry_reader_feed(void *reader, ao2_span_t bytes,
                                    ao2_fail_t *fail);

/** The document ends here. @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_registry_reader_end(const ao2_registry_t **pregistry,
                                   ao2_registry_reader_t *reader,
                                   ao2_fail_t *fail);

/** What the reader builds: for adding rows once it has ended. */
ao2_registry_build_t *
ao2_registry_reader_build(ao2_registry_reader_t *reader);

#endif
