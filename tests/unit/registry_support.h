/**
 * @file tests/unit/registry_support.h
 * What the tests of registries share.
 */
#ifndef AO2_TESTS_REGISTRY_SUPPORT_H
#define AO2_TESTS_REGISTRY_SUPPORT_H

#include "unit/support.h"

#include "core/registry_read.h"

/** The digits of a digest but the last. */
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef"

/** Read a document as it is. */
static inline ao2_code_t read_text(const ao2_registry_t **pregistry,
                                   const char *text, apr_pool_t *pool,
                                   ao2_fail_t *fail)
{
    ao2_registry_reader_t *reader = ao2_registry_reader_make(pool);
    ao2_code_t code;

    *pregistry = NULL;
    memset(fail, 0, sizeof(*fail));
    code = ao2_registry_reader_feed(reader, ao2_span(text), fail);
    return code == AO2_OK ? ao2_registry_reader_end(pregistry, reader, fail)
                          : code;
}

#endif
