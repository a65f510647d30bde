/**
 * @file core/claims.h
 * The rules for a token's claims (RFC 7519 section 4.1, RFC 9068 section 4)
 * and those of them that are asked at each location.
 *
 * Layer core. Safe from any thread.
 */
#ifndef AO2_CORE_CLAIMS_H
#define AO2_CORE_CLAIMS_H

#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "base/fail.h"
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
    int allow_no_issuer; /**< "iss" may be absent; one that is there counts */
    int makes_api_tokens; /**< the registry, not an issuer */
} ao2_token_rules_t;

/** Whether a "typ" is @a wanted, compared without case and without
 *  "application/" (RFC 7515 section 4.1.9). An absent one is none. */
int ao2_type_is(ao2_span_t typ, const char *wanted);

/**
 * The "typ" rule: compared without case and without "application/" (RFC
 * 7515 section 4.1.9). @return AO2_OK or AO2_E_TOKEN_INVALID
 */
ao2_code_t ao2_token_check_type(ao2_span_t typ, const ao2_token_rules_t *rules,
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

#endif
