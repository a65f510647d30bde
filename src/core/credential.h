/**
 * @file core/credential.h
 * Where a bearer credential stands in a request (RFC 6750 section 2).
 *
 * Layer core. Pure functions on text; safe from any thread.
 */
#ifndef AO2_CORE_CREDENTIAL_H
#define AO2_CORE_CREDENTIAL_H

#include <apr_pools.h>

#include "base/fail.h"
#include "base/span.h"

/** What has been found so far. Start with {0}. */
typedef struct {
    int count;        /**< credentials seen */
    ao2_span_t token; /**< the first one */
} ao2_credential_t;

/**
 * Look at a field value. With @a needs_scheme (Authorization): "Bearer" in
 * any case, one or more spaces, b64token (RFC 6750 section 2.1). Another
 * scheme alone is nothing; a comma behind a credential, or a further Bearer
 * credential behind another scheme, is AO2_E_CREDENTIAL_REPEATED. Without:
 * a b64token, "Bearer " before it allowed.
 * @param value  borrowed for as long as @a found is used; NULL: no field
 * @return AO2_OK (found or not), AO2_E_CREDENTIAL_MALFORMED (empty, over
 *         AO2_MAX_CREDENTIAL, other characters), AO2_E_CREDENTIAL_REPEATED
 *         (also when @a found already held one)
 */
ao2_code_t ao2_credential_field(ao2_credential_t *found, const char *value,
                                int needs_scheme, ao2_fail_t *fail);

/**
 * Whether the value of an Authorization field is one that
 * ao2_credential_field() with @a needs_scheme finds a credential in or
 * refuses: for what has to be kept from others, without reading all of it.
 */
int ao2_credential_is_bearer(const char *value);

/**
 * Look for the parameter @a name in a query or form body
 * (application/x-www-form-urlencoded; names compared once decoded) and make
 * a copy without it, all else byte for byte.
 * @param query  NULL: nothing
 * @param rest   receives @a query without the parameter, in @a pool; NULL
 *               when that leaves nothing; @a query itself when there was no
 *               such parameter. Set on every return, so that a malformed
 *               credential is removed too
 * @return as ao2_credential_field()
 */
ao2_code_t ao2_credential_query(ao2_credential_t *found, const char **rest,
                                const char *query, const char *name,
                                apr_pool_t *pool, ao2_fail_t *fail);

/**
 * The same for the cookie @a name in a Cookie field value (RFC 6265 section
 * 4.2); quotes around the value are dropped.
 */
ao2_code_t ao2_credential_cookie(ao2_credential_t *found, const char **rest,
                                 const char *cookies, const char *name,
                                 apr_pool_t *pool, ao2_fail_t *fail);

#endif
