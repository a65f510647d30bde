/**
 * @file service/introspection.h
 * Asking an issuer about a token (RFC 7662, RFC 9701): one call for all who
 * ask, the answer shared between processes.
 *
 * Layer service. One an issuer and process; any thread may call.
 */
#ifndef AO2_SERVICE_INTROSPECTION_H
#define AO2_SERVICE_INTROSPECTION_H

#include "core/client_auth.h"
#include "core/principal.h"
#include "service/discovery.h"
#include "service/keyring.h"

/** What the configuration says. Borrowed. */
typedef struct {
    const char *url;      /**< NULL: found by metadata */
    const apr_array_header_t *params; /**< of const char *: name, value, ... */
    ao2_client_auth_t auth;
    apr_time_t ttl;          /**< of positive answers, microseconds */
    apr_time_t negative_ttl; /**< of "inactive", microseconds */
    unsigned algorithms;     /**< allowed for signed answers */
    const ao2_token_rules_t *rules;
} ao2_introspection_settings_t;

/** Where signed answers' keys and the endpoint come from. Borrowed. */
typedef struct {
    const ao2_remote_t *remote;
    ao2_discovery_t *discovery; /**< NULL where settings.url is given */
    ao2_keyring_t *ring;        /**< NULL: signed answers are refused */
} ao2_introspection_ways_t;

typedef struct ao2_introspection ao2_introspection_t;

/** Make one. @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_introspection_make(ao2_introspection_t **pintrospection,
                                  const ao2_introspection_settings_t *settings,
                                  const ao2_introspection_ways_t *ways,
                                  apr_pool_t *pool, ao2_fail_t *fail);

/** What came of it. */
typedef struct {
    ao2_principal_t *principal; /**< held by the pool given */
    apr_time_t until;           /**< ask again from then on */
    int retry_after_sec;        /**< with AO2_E_ISSUER_UNAVAILABLE */
    int was_shared;             /**< found in the shared cache */
} ao2_introspection_answer_t;

/**
 * Ask. "active" has to be the boolean true; exp, nbf, iss and the names of
 * client and user are checked as a JWT's are, but exp and iss may be absent.
 * Not checked: "aud" (a condition of the location).
 * @return AO2_OK, AO2_E_TOKEN_* or AO2_E_ISSUER_UNAVAILABLE: no answer, or
 *         one that is not as it must be; never the token's fault
 */
ao2_code_t ao2_introspect(ao2_introspection_answer_t *answer,
                          ao2_introspection_t *introspection,
                          ao2_span_t token, const char *trace,
                          apr_pool_t *pool, ao2_fail_t *fail);

#endif
