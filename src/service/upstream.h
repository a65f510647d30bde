/**
 * @file service/upstream.h
 * The access token for a backend: fetched, kept, renewed (RFC 6749, RFC
 * 7523, RFC 8693).
 *
 * Layer service. Made once a process; any thread may call. One token an
 * object for all processes (with AO2_GRANT_TOKEN_EXCHANGE: one for each
 * caller's token): in the shared cache, and as a copy in each process that
 * uses it. While a copy is good, nobody is asked and no lock of other
 * processes is taken.
 */
#ifndef AO2_SERVICE_UPSTREAM_H
#define AO2_SERVICE_UPSTREAM_H

#include "core/token_grant.h"
#include "service/discovery.h"

/** What the configuration says. Const; borrowed for the object's life. */
typedef struct {
    const char *label; /**< "<ApiUpstream NAME>" */
    unsigned char digest[AO2_PARTY_DIGEST]; /**< of all settings */
    ao2_token_grant_t grant;
    ao2_client_auth_t auth;
    const apr_array_header_t *fields; /**< of const char *: "Name: value" of
                                           the token request */
    const char *endpoint;             /**< NULL: by metadata */
    ao2_discovery_settings_t discovery;
    ao2_http_way_t way;
    int refresh_percent;              /**< of a token's life; 0: see below */
    apr_time_t refresh_after;         /**< microseconds of its life */
    apr_time_t default_lifetime;      /**< where the answer says none */
} ao2_upstream_settings_t;

typedef struct ao2_upstream ao2_upstream_t;

/**
 * Make one. @param settings  borrowed for the pool's life
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_upstream_make(ao2_upstream_t **pupstream,
                             const ao2_upstream_settings_t *settings,
                             const ao2_ports_t *ports, apr_pool_t *pool,
                             ao2_fail_t *fail);

/** An access token. */
typedef struct {
    ao2_span_t value;    /**< lives in the pool given, a NUL behind it:
                              printable ASCII without a space */
    apr_time_t expires;
    int was_fetched;     /**< the token endpoint was called for it, by this
                              request or by another that it waited for */
    int retry_after_sec; /**< with AO2_E_UPSTREAM_TOKEN_UNAVAILABLE */
} ao2_upstream_token_t;

/**
 * Get the token. Waits only where there is none that is good.
 * @param subject  the caller's token, for AO2_GRANT_TOKEN_EXCHANGE alone;
 *                 else it is not looked at
 * @return AO2_OK,
 *         AO2_E_UPSTREAM_TOKEN_UNAVAILABLE (no answer of use: 503),
 *         AO2_E_UPSTREAM_TOKEN_REFUSED (we are refused: 502) or
 *         AO2_E_MISCONFIGURED (no subject where one is needed). The detail
 *         names the object; never a token
 */
ao2_code_t ao2_upstream_token(ao2_upstream_token_t *token,
                              ao2_upstream_t *upstream, ao2_span_t subject,
                              apr_pool_t *pool, ao2_fail_t *fail);

/**
 * The backend answered 401 to @a value: no process gives it out again.
 * Another token that is there by now stays: a late answer drops nothing.
 * @param subject  as it was for ao2_upstream_token()
 * @return 1: ask for another and try once more; 0: tokens were dropped so
 *         often just now that another one would not help. Then @a value
 *         stays in use
 */
int ao2_upstream_drop(ao2_upstream_t *upstream, ao2_span_t value,
                      ao2_span_t subject, apr_pool_t *pool);

/** Background work, about once a second from one thread of one process:
 *  renews the token ahead of its end while it is in use. */
void ao2_upstream_tick(ao2_upstream_t *upstream);

#endif
