/**
 * @file service/token.h
 * Checking a token with the issuers that may have made it.
 *
 * Layer service. Any thread may call.
 */
#ifndef AO2_SERVICE_TOKEN_H
#define AO2_SERVICE_TOKEN_H

#include "service/verifier.h"

/** By whom and when a token is checked. Borrowed by the call. */
typedef struct {
    const ao2_verifier_t *const *verifiers; /**< in the order of preference */
    int count;
    apr_time_t now;
    const char *trace; /**< that the request belongs to (core/trace.h), for
                            calls on its behalf; NULL: none */
} ao2_check_t;

/** The ways in which it may be known whose token it is. */
typedef enum {
    AO2_PATH_PROCESS, /**< this process knew */
    AO2_PATH_SHARED,  /**< the shared cache did */
    AO2_PATH_JWT,
    AO2_PATH_INTROSPECTION,
    AO2_PATH_API_TOKEN
} ao2_path_t;
#define AO2_PATHS 5

/** What came of it. */
typedef struct {
    ao2_principal_t *principal;     /**< held by the pool given */
    const ao2_verifier_t *verifier; /**< that made it, or of JWTs and API
                                         tokens refused it; NULL: unknown */
    ao2_path_t path;     /**< never AO2_PATH_PROCESS, after a check */
    apr_time_t until;    /**< check again from then on; never past exp */
    apr_uint32_t epoch;  /**< of the verifier, before the check */
    int was_shared;      /**< an answer from the shared cache */
    int jwt_as_opaque;   /**< it has the form of a JWT; nobody looked into it */
    int retry_after_sec; /**< with AO2_E_ISSUER_UNAVAILABLE; 0: not said */
} ao2_verdict_t;

/**
 * Where a verifier stands among those of a check, if the check may lead to
 * it again for a token that it let in: not behind another object for the same
 * issuer, which would be asked in its place; and what it took as it is goes by
 * its "iss" where anybody looks into it.
 * @param jwt_as_opaque  of its verdict
 * @return below check->count; else that number
 */
int ao2_check_place(const ao2_check_t *check, const ao2_verifier_t *verifier,
                    int jwt_as_opaque);

/**
 * Check a token. What has the form of an API token goes to the registry,
 * where API tokens are accepted; elsewhere it is refused, and shown to nobody.
 * A JWT goes to the first verifier whose
 * issuer its "iss" names, before any key is touched: algorithm, "typ",
 * signature, claims; where the issuer says so, it is asked as well. Any
 * other token goes to those that can be asked, in their order: the first
 * yes counts; a no does not stop the next, and one that is unreachable
 * makes a no uncertain.
 * Tokens that were refused a moment ago are refused without a check. Not
 * checked: "aud" (a condition of the location).
 * @return AO2_OK, AO2_E_TOKEN_*, AO2_E_ISSUER_UNAVAILABLE,
 *         AO2_E_REGISTRY_UNAVAILABLE, AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_token_verify(ao2_verdict_t *verdict, ao2_span_t token,
                            const ao2_check_t *check, apr_pool_t *pool,
                            ao2_fail_t *fail);

#endif
