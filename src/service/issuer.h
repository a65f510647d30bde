/**
 * @file service/issuer.h
 * An issuer object: its settings, and checking a token against them.
 *
 * Layer service. Settings are const after the configuration was read; the
 * keyring is set once per process. Any thread may call.
 */
#ifndef AO2_SERVICE_ISSUER_H
#define AO2_SERVICE_ISSUER_H

#include "core/principal.h"
#include "core/jws.h"
#include "service/keyring.h"

typedef enum {
    AO2_FORMAT_ANY,
    AO2_FORMAT_JWT
} ao2_format_t;

typedef struct {
    const char *name;
    ao2_token_rules_t rules;
    ao2_format_t format;
    unsigned algorithms; /**< bits of core/alg.h */
    ao2_key_source_t source;
    ao2_http_way_t way;
} ao2_issuer_t;

/** An issuer with its keys, in one process. */
typedef struct {
    const ao2_issuer_t *issuer;
    ao2_keyring_t *ring;
} ao2_verifier_t;

/** By whom and when a token is checked. Borrowed by the call. */
typedef struct {
    const ao2_verifier_t *const *verifiers;
    int count;
    apr_time_t now;
} ao2_check_t;

/**
 * Check a token: its form, which of the verifiers its "iss" names (the first
 * that fits, before any key is touched), algorithm, "typ", signature,
 * claims. Not checked: "aud" (a condition of the location).
 * @param retry_after_sec  with AO2_E_ISSUER_UNAVAILABLE; NULL when not wanted
 * @return AO2_OK, AO2_E_TOKEN_*, AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_token_verify(ao2_principal_t **pprincipal,
                            int *retry_after_sec, ao2_span_t token,
                            const ao2_check_t *check, apr_pool_t *pool,
                            ao2_fail_t *fail);

#endif
