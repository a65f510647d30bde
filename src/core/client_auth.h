/**
 * @file core/client_auth.h
 * How we show who we are to an authorization server (RFC 6749 section 2.3,
 * RFC 7523 section 2.2, RFC 8705 section 2).
 *
 * Layer core. Settings are const; safe from any thread.
 */
#ifndef AO2_CORE_CLIENT_AUTH_H
#define AO2_CORE_CLIENT_AUTH_H

#include <apr_tables.h>
#include <apr_time.h>

#include "core/jwk.h"

typedef enum {
    AO2_AUTH_NONE,   /**< a client id at most */
    AO2_AUTH_BASIC,  /**< client_secret_basic */
    AO2_AUTH_POST,   /**< client_secret_post */
    AO2_AUTH_SECRET_JWT,
    AO2_AUTH_PRIVATE_KEY_JWT,
    AO2_AUTH_TLS,    /**< tls_client_auth: the certificate is the way's */
    AO2_AUTH_BEARER  /**< an access token of ours */
} ao2_auth_method_t;

/** Lives in the configuration. */
typedef struct {
    ao2_auth_method_t method;
    int is_set;             /**< else nobody said anything */
    const char *client_id;  /**< NULL: none */
    ao2_span_t secret;      /**< of BASIC, POST and BEARER */
    const ao2_key_t *key;   /**< of the JWT methods: private, or a secret */
    const ao2_alg_t *alg;   /**< of the JWT methods */
} ao2_client_auth_t;

/** Its name. @return static */
const char *ao2_auth_method_name(ao2_auth_method_t method);

/** The method with that name; -1: none. */
int ao2_auth_method_find(const char *name);

/** The algorithm to sign with where none was named: the key's own, else
 *  RS256, ES* by curve, EdDSA, HS256. NULL: none fits. */
const ao2_alg_t *ao2_client_auth_alg(const ao2_key_t *key);

/** When and where an assertion counts. Borrowed by the call. */
typedef struct {
    const char *audience; /**< the authorization server */
    apr_time_t now;
} ao2_auth_context_t;

/**
 * Add to a request what shows who we are. An assertion lives 60 seconds and
 * has a jti of its own.
 * @param form    of const char *, as core/form.h has it
 * @param fields  of const char *: "Name: value"
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_client_auth_apply(const ao2_client_auth_t *auth,
                                 const ao2_auth_context_t *context,
                                 apr_array_header_t *form,
                                 apr_array_header_t *fields,
                                 ao2_fail_t *fail);

#endif
