#include "service/verifier.h"

/* Issuers that have figures of their own. */
#define MOST_ISSUERS 128

/* For JWTs, and for answers that are signed. */
static int has_keys(const ao2_issuer_t *issuer)
{
    return issuer->source.use_metadata || issuer->source.urls->nelts ||
           issuer->source.files->nelts || issuer->source.static_keys->nelts;
}

static int needs_metadata(const ao2_issuer_t *issuer)
{
    return issuer->source.use_metadata ||
           (issuer->introspects && !issuer->introspection.url);
}

static ao2_code_t open_ring(ao2_verifier_t *verifier, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    const ao2_key_source_t *source = &verifier->issuer->source;
    ao2_key_supply_t *supply = NULL;
    ao2_code_t code = AO2_OK;

    if (ao2_key_source_is_remote(source)) {
        code = ao2_key_supply_make(&supply, source, verifier->discovery,
                                   verifier->remote, pool, fail);
    }
    return code == AO2_OK ? ao2_keyring_make(&verifier->ring, source, supply,
                                             verifier->remote, pool, fail)
                          : code;
}

static ao2_code_t open_introspection(ao2_verifier_t *verifier,
                                     apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_introspection_ways_t ways = {verifier->remote, verifier->discovery,
                                     verifier->ring};

    return ao2_introspection_make(&verifier->introspection,
                                  &verifier->issuer->introspection, &ways,
                                  pool, fail);
}

void ao2_verifier_count_in(ao2_verifier_t *verifier, const ao2_board_t *board)
{
    verifier->label = ao2_counters_label(board ? &board->counters : NULL,
                                         AO2_LABEL_ISSUER,
                                         verifier->issuer->name,
                                         MOST_ISSUERS);
}

ao2_code_t ao2_verifier_open(ao2_verifier_t *verifier,
                             const ao2_ports_t *ports, apr_pool_t *pool,
                             ao2_fail_t *fail)
{
    const ao2_issuer_t *issuer = verifier->issuer;
    ao2_remote_settings_t settings = {issuer->label, issuer->digest,
                                      &issuer->way, issuer->concurrency};
    ao2_code_t code = ao2_remote_make(&verifier->remote, &settings, ports,
                                      pool, fail);

    ao2_verifier_count_in(verifier, ports->board);
    if (code == AO2_OK && needs_metadata(issuer)) {
        code = ao2_discovery_make(&verifier->discovery, &issuer->discovery,
                                  verifier->remote, pool, fail);
    }
    if (code == AO2_OK && has_keys(issuer)) {
        code = open_ring(verifier, pool, fail);
    }
    if (code == AO2_OK && issuer->introspects) {
        code = open_introspection(verifier, pool, fail);
    }
    if (code != AO2_OK) {
        verifier->ring = NULL;
        verifier->introspection = NULL;
    }
    return code;
}

void ao2_verifier_tick(const ao2_verifier_t *verifier)
{
    if (verifier->ring) {
        ao2_keyring_tick(verifier->ring);
    }
}

apr_uint32_t ao2_verifier_epoch(const ao2_verifier_t *verifier)
{
    if (verifier->registry) {
        return verifier->registry->epoch(verifier->registry);
    }
    return verifier->ring ? ao2_keyring_swaps(verifier->ring) : 0;
}
