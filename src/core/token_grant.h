/**
 * @file core/token_grant.h
 * What is asked of a token endpoint (RFC 6749 sections 4.3, 4.4 and 6, RFC
 * 7523 section 2.1, RFC 8693 section 2.1, RFC 8707).
 *
 * Layer core. Settings are const; safe from any thread.
 */
#ifndef AO2_CORE_TOKEN_GRANT_H
#define AO2_CORE_TOKEN_GRANT_H

#include "core/client_auth.h"

typedef enum {
    AO2_GRANT_CLIENT_CREDENTIALS,
    AO2_GRANT_PASSWORD,
    AO2_GRANT_REFRESH_TOKEN,
    AO2_GRANT_JWT_BEARER,
    AO2_GRANT_TOKEN_EXCHANGE
} ao2_grant_type_t;

/** Lives in the configuration. Arrays are of const char * and never NULL. */
typedef struct {
    ao2_grant_type_t type;
    const char *user;             /**< of PASSWORD */
    ao2_span_t secret;            /**< the password, or the refresh token */
    const ao2_key_t *key;         /**< of JWT_BEARER: private */
    const ao2_alg_t *alg;         /**< of JWT_BEARER */
    const char *issuer;           /**< of JWT_BEARER: "iss" */
    const char *subject;          /**< of JWT_BEARER: "sub" */
    const char *subject_type;     /**< of TOKEN_EXCHANGE: a URI */
    const char *requested_type;   /**< of TOKEN_EXCHANGE; NULL: not said */
    const apr_array_header_t *scopes;
    const apr_array_header_t *audiences;
    const apr_array_header_t *resources;
    const apr_array_header_t *params; /**< name, value, name ... */
} ao2_token_grant_t;

/** Of one request. Borrowed by the call. */
typedef struct {
    ao2_span_t subject_token; /**< of TOKEN_EXCHANGE; else absent */
    ao2_span_t refresh_token; /**< to be used instead of the grant; absent:
                                   none is */
    const char *audience;     /**< "aud" of assertions: the server */
    apr_time_t now;
} ao2_token_grant_context_t;

/**
 * Add the parameters of a token request. An assertion lives 60 seconds and
 * has a jti of its own.
 * @param form  of const char *, as core/form.h has it
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_token_grant_apply(const ao2_token_grant_t *grant,
                                 const ao2_token_grant_context_t *context,
                                 apr_array_header_t *form, ao2_fail_t *fail);

#endif
