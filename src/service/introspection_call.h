/**
 * @file service/introspection_call.h
 * The call itself, and reading its answer.
 *
 * Layer service, for introspection.c alone.
 */
#ifndef AO2_SERVICE_INTROSPECTION_CALL_H
#define AO2_SERVICE_INTROSPECTION_CALL_H

#include "service/introspection.h"

struct ao2_introspection {
    const ao2_introspection_settings_t *settings;
    ao2_introspection_ways_t ways;
};

/** What is asked. Borrowed. */
typedef struct {
    ao2_span_t token;
    const char *trace; /**< that the call is a part of (core/trace.h); NULL:
                            none */
} ao2_inquiry_t;

/**
 * Call the endpoint about a token.
 * @param claims  the answer's claims as JSON text, in @a pool; absent when
 *                the token is not active
 * @param is_strange  set with a failure: the server did answer, but not in a
 *                    way that is of use
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_introspection_call(ao2_span_t *claims, int *is_strange,
                                  const ao2_introspection_t *introspection,
                                  const ao2_inquiry_t *inquiry,
                                  apr_pool_t *pool, ao2_fail_t *fail);

#endif
