/**
 * @file service/discovery.h
 * Where an issuer's endpoints are, by its metadata (RFC 8414, OpenID
 * Connect Discovery): fetched once for all processes.
 *
 * Layer service. One a party and process; any thread may call.
 */
#ifndef AO2_SERVICE_DISCOVERY_H
#define AO2_SERVICE_DISCOVERY_H

#include "core/metadata.h"
#include "service/remote.h"

/** What the configuration says. Borrowed. */
typedef struct {
    const char *issuer_url;
    const char *metadata_url; /**< instead of the two well-known places;
                                   NULL: these */
    int allow_http;           /**< plain http in metadata */
    apr_time_t ttl;           /**< microseconds */
} ao2_discovery_settings_t;

typedef struct ao2_discovery ao2_discovery_t;

/** Make one. @param settings and @param remote borrowed for the pool's life
 *  @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_discovery_make(ao2_discovery_t **pdiscovery,
                              const ao2_discovery_settings_t *settings,
                              const ao2_remote_t *remote, apr_pool_t *pool,
                              ao2_fail_t *fail);

/**
 * The metadata, as this process or another one knows it, or asked for on an
 * errand to the party.
 * @param metadata  its strings live in the errand's pool
 * @param fresh     what is known led nowhere: ask anew
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE; the detail names the places
 */
ao2_code_t ao2_discovery_get(ao2_metadata_t *metadata,
                             ao2_discovery_t *discovery, int fresh,
                             const ao2_errand_t *errand, ao2_fail_t *fail);

#endif
