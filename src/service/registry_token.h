/**
 * @file service/registry_token.h
 * API tokens: bearer tokens that the registry knows.
 *
 * Layer service. Any thread may call.
 */
#ifndef AO2_SERVICE_REGISTRY_TOKEN_H
#define AO2_SERVICE_REGISTRY_TOKEN_H

#include "service/token.h"

/** What an API token's issuer is called in ApiAccept and OAUTH2_ISSUER. */
#define AO2_API_TOKEN_ISSUER "apitoken"

/**
 * Make the object that stands for API tokens among the verifiers of a
 * location. @param registry  borrowed for the pool's life
 */
ao2_verifier_t *ao2_registry_verifier_make(ao2_registry_source_t *registry,
                                           apr_pool_t *pool);

/**
 * Find an API token. The principal's subject and client are the id of its
 * application, its jti that of the token. Not checked: whether it may be
 * used now and from here (ao2_registry_token_check()).
 * @return AO2_OK, AO2_E_TOKEN_INVALID, AO2_E_REGISTRY_UNAVAILABLE
 */
ao2_code_t ao2_registry_token_verify(ao2_verdict_t *verdict,
                                     const ao2_verifier_t *verifier,
                                     ao2_span_t token, apr_time_t now,
                                     apr_pool_t *pool, ao2_fail_t *fail);

/**
 * What is asked on every use: status, times, networks, application.
 * @return as ao2_api_token_check_use(), and AO2_E_REGISTRY_UNAVAILABLE
 */
ao2_code_t ao2_registry_token_check(const ao2_verifier_t *verifier,
                                    const ao2_principal_t *principal,
                                    apr_sockaddr_t *address, apr_time_t now,
                                    apr_pool_t *pool, ao2_fail_t *fail);

#endif
