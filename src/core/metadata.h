/**
 * @file core/metadata.h
 * Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0).
 *
 * Layer core. Pure functions.
 */
#ifndef AO2_CORE_METADATA_H
#define AO2_CORE_METADATA_H

#include <apr_pools.h>

#include "base/fail.h"
#include "base/span.h"

/** What we take from a document; NULL: not there. */
typedef struct {
    const char *jwks_uri;
    const char *introspection_endpoint;
    const char *token_endpoint;
} ao2_metadata_t;

/**
 * The two places where metadata of @a issuer may be, in the order in which
 * they are asked: "/.well-known/oauth-authorization-server" put between
 * host and path (RFC 8414 section 3.1), then the issuer with
 * "/.well-known/openid-configuration" behind (one slash between).
 */
void ao2_metadata_places(const char *places[2], const char *issuer,
                         apr_pool_t *pool);

/**
 * Read a document. Its "issuer" must equal @a issuer byte for byte (RFC
 * 8414 section 3.3); URLs in it must pass ao2_text_check_url().
 * @param text  at most AO2_MAX_DOCUMENT bytes
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_metadata_parse(ao2_metadata_t *metadata, ao2_span_t text,
                              const char *issuer, int allow_http,
                              apr_pool_t *pool, ao2_fail_t *fail);

/** A copy whose strings live in @a pool. */
ao2_metadata_t ao2_metadata_copy(const ao2_metadata_t *metadata,
                                 apr_pool_t *pool);

#endif
