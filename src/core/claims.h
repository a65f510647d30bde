/**
 * @file core/claims.h
 * The rules for a JWT's claims (RFC 7519 section 4.1, RFC 9068 section 4)
 * and the principal made of them.
 *
 * Layer core. Time is an argument. Safe from any thread.
 */
#ifndef AO2_CORE_CLAIMS_H
#define AO2_CORE_CLAIMS_H

#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "base/fail.h"
#include "base/json.h"
#include "base/span.h"

/** What an issuer's settings ask of the claims. Borrowed by the calls. */
typedef struct {
    const char *issuer_name;  /**< NAME of the issuer object */
    const char *issuer_url;   /**< the exact "iss"; NULL: not compared */
    const apr_array_header_t *subject_claims; /**< of const char *, dotted */
    const apr_array_header_t *client_claims;
    const apr_array_header_t *scope_claims;
    apr_time_t skew; /**< microseconds */
    int allow_no_expiry;
    const apr_array_header_t *types; /**< of const char *; NULL: any "typ" */
} ao2_token_rules_t;

/** Who a token speaks for. Never changes once made. */
typedef struct {
    const char *issuer_name;
    const char *issuer_url;  /**< "iss"; NULL: none */
    const char *subject;     /**< NULL: none */
    const char *client;      /**< NULL: none */
    const char *user;        /**< the subject, else the client */
    const char *scope;       /**< separated by one space; "" for none */
    const apr_array_header_t *scopes; /**< of ao2_span_t, into scope */
    json_t *claims;
    apr_time_t expires;      /**< microseconds; AO2_TIME_FOREVER: never */
    apr_time_t not_before;   /**< microseconds; 0: always */
    char token_id[9];        /**< first 8 hex digits of the token's SHA-256 */
} ao2_principal_t;

/**
 * The "typ" rule: compared without case and without "application/" (RFC
 * 7515 section 4.1.9). @return AO2_OK or AO2_E_TOKEN_INVALID
 */
ao2_code_t ao2_token_check_type(ao2_span_t typ, const ao2_token_rules_t *rules,
                                ao2_fail_t *fail);

/**
 * Check exp, nbf, iat, iss and jti, and make the principal. Refused: a
 * claim that is there with the wrong type, also among those that give
 * subject and client; NUL in any of these; an empty or missing subject and
 * client both; a user that holds a control character or is not UTF-8; too
 * many or too long scopes. Not checked: the signature, "aud", "typ".
 * Scopes: a string separated by spaces, or an array of strings.
 * @param token   the wire form, for token_id alone
 * @param claims  belongs to @a pool
 * @return AO2_OK, AO2_E_TOKEN_INVALID, AO2_E_TOKEN_EXPIRED,
 *         AO2_E_TOKEN_NOT_YET_VALID
 */
ao2_code_t ao2_principal_make(ao2_principal_t **pprincipal, json_t *claims,
                              ao2_span_t token,
                              const ao2_token_rules_t *rules, apr_time_t now,
                              apr_pool_t *pool, ao2_fail_t *fail);

/**
 * The time rules alone, for a principal that was made before: expired when
 * now >= exp + skew, not yet valid when now + skew < nbf.
 * @return AO2_OK, AO2_E_TOKEN_EXPIRED, AO2_E_TOKEN_NOT_YET_VALID
 */
ao2_code_t ao2_principal_check_time(const ao2_principal_t *principal,
                                    apr_time_t skew, apr_time_t now,
                                    ao2_fail_t *fail);

/**
 * "aud" (a string or an array; elements that are not strings never match)
 * holds one of @a audiences, byte for byte.
 * @param audiences  of const char *
 * @return AO2_OK or AO2_E_TOKEN_AUDIENCE
 */
ao2_code_t ao2_token_check_audience(const json_t *claims,
                                    const apr_array_header_t *audiences,
                                    ao2_fail_t *fail);

/** The 8 hex digits that logs name a token by. */
void ao2_token_id(char id[9], ao2_span_t token);

#endif
