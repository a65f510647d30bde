/**
 * @file core/principal.h
 * Who a token speaks for: the claims that passed their rules (RFC 7519
 * section 4.1), in the form that every later check needs.
 *
 * Layer core. Time is an argument. A principal never changes once made;
 * holders are counted, so that it may outlive the request that made it. Any
 * thread may read, hold and release.
 */
#ifndef AO2_CORE_PRINCIPAL_H
#define AO2_CORE_PRINCIPAL_H

#include <apr_time.h>
#include <jansson.h>

#include "base/fail.h"
#include "base/json.h"
#include "base/span.h"
#include "core/claims.h"

/** SHA-256. */
#define AO2_DIGEST_LEN 32

typedef struct ao2_principal {
    const char *issuer_name; /**< of the rules */
    const char *issuer_url;  /**< of the rules; NULL: none */
    const char *subject;     /**< NULL: none */
    const char *client;      /**< NULL: none */
    const char *user;        /**< the subject, else the client */
    const char *scope;       /**< separated by one space; "" for none */
    const ao2_span_t *scopes; /**< the words of scope */
    int scope_count;
    const char *jti;         /**< NULL: none */
    json_t *claims;          /**< read only, borrowed members alone */
    apr_time_t expires;      /**< microseconds; AO2_TIME_FOREVER: never */
    apr_time_t not_before;   /**< microseconds; 0: always */
    apr_time_t issued;       /**< "iat", microseconds; 0: not said */
    int is_api_token;        /**< of the registry, not of an issuer */
    apr_size_t bytes;        /**< about what it takes in memory */
    unsigned char digest[AO2_DIGEST_LEN]; /**< SHA-256 of the token */
    char token_id[9];        /**< first 8 hex digits of that */
    char expires_text[21];   /**< seconds since 1970; "": never */
} ao2_principal_t;

/** What the claims are checked against. Borrowed by the call. */
typedef struct {
    const ao2_token_rules_t *rules;
    ao2_span_t token; /**< the wire form, for the digest alone */
    apr_time_t now;
    const unsigned char *digest; /**< of the token; NULL: not made yet */
} ao2_token_context_t;

/**
 * Check exp, nbf, iat, iss and jti, and make the principal. Refused: a
 * claim that is there with the wrong type, also among those that give
 * subject and client; NUL in any of these; an empty or missing subject and
 * client both; a user that holds a control character or is not UTF-8; too
 * many or too long scopes. Not checked: the signature, "aud", "typ".
 * Scopes: a string separated by spaces, or an array of strings.
 * @param pprincipal held once, by @a pool: ao2_principal_hold() for longer.
 *                   issuer_name and issuer_url stay borrowed from the rules
 * @param claims  belongs to @a pool, and to the principal from then on
 * @return AO2_OK, AO2_E_TOKEN_INVALID, AO2_E_TOKEN_EXPIRED,
 *         AO2_E_TOKEN_NOT_YET_VALID
 */
ao2_code_t ao2_principal_make(ao2_principal_t **pprincipal, json_t *claims,
                              const ao2_token_context_t *context,
                              apr_pool_t *pool, ao2_fail_t *fail);

/** Hold it once more. */
void ao2_principal_hold(ao2_principal_t *principal);

/** Let go; the last holder frees it. NULL is let be. */
void ao2_principal_release(ao2_principal_t *principal);

/** Let go together with @a pool. */
void ao2_principal_release_with(ao2_principal_t *principal, apr_pool_t *pool);

/**
 * The time rules alone, for a principal that was made before: expired when
 * now >= exp + skew, not yet valid when now + skew < nbf.
 * @return AO2_OK, AO2_E_TOKEN_EXPIRED, AO2_E_TOKEN_NOT_YET_VALID
 */
ao2_code_t ao2_principal_check_time(const ao2_principal_t *principal,
                                    apr_time_t skew, apr_time_t now,
                                    ao2_fail_t *fail);

/** SHA-256 of a token. */
void ao2_token_digest(unsigned char digest[AO2_DIGEST_LEN], ao2_span_t token);

/** The 8 hex digits that logs name a token by. */
void ao2_token_id(char id[9], ao2_span_t token);

#endif
