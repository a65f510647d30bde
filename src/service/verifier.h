/**
 * @file service/verifier.h
 * An issuer object at work in one process: its keys, its introspection.
 *
 * Layer service. Opened once a process; any thread may call.
 */
#ifndef AO2_SERVICE_VERIFIER_H
#define AO2_SERVICE_VERIFIER_H

#include "service/issuer.h"
#include "service/registry_source.h"

typedef struct {
    const ao2_issuer_t *issuer;
    ao2_remote_t *remote;
    ao2_discovery_t *discovery;         /**< NULL: nothing to find */
    ao2_keyring_t *ring;                /**< NULL: no JWTs of it */
    ao2_introspection_t *introspection; /**< NULL: not to be asked */
    ao2_registry_source_t *registry;    /**< of API tokens; NULL: an issuer */
    ao2_label_t label;                  /**< of its name, in the figures */
} ao2_verifier_t;

/**
 * Open @a verifier, whose issuer is set.
 * @param pool  of the process
 * @return AO2_OK or AO2_E_MISCONFIGURED; then it verifies nothing
 */
ao2_code_t ao2_verifier_open(ao2_verifier_t *verifier,
                             const ao2_ports_t *ports, apr_pool_t *pool,
                             ao2_fail_t *fail);

/** Give it a label in the figures. @param board  NULL: there are none */
void ao2_verifier_count_in(ao2_verifier_t *verifier,
                           const ao2_board_t *board);

/** Background work, about once a second from one thread. */
void ao2_verifier_tick(const ao2_verifier_t *verifier);

/** A number that changes when what was verified before may not be valid
 *  any more (keys were taken away). */
apr_uint32_t ao2_verifier_epoch(const ao2_verifier_t *verifier);

#endif
