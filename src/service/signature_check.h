/**
 * @file service/signature_check.h
 * A signature against the keys of an issuer, as they are over time.
 *
 * Layer service. Any thread may call.
 */
#ifndef AO2_SERVICE_SIGNATURE_CHECK_H
#define AO2_SERVICE_SIGNATURE_CHECK_H

#include "core/jws.h"
#include "service/keyring.h"

/** What else there is to say. */
typedef struct {
    int retry_after_sec; /**< with AO2_E_ISSUER_UNAVAILABLE */
    int keys_tried;      /**< 0: no key has the token's kid and fits its
                              algorithm */
} ao2_signature_trace_t;

/**
 * Check that the algorithm is one of @a algorithms (bits of core/alg.h) and
 * that a key of @a ring made the signature. Keys may have changed since
 * they were loaded: a token that fits none asks for newer ones, once.
 * @param trace  filled
 * @return AO2_OK, AO2_E_TOKEN_INVALID or AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_check_signature(const ao2_jws_t *jws, unsigned algorithms,
                               ao2_keyring_t *ring,
                               ao2_signature_trace_t *trace,
                               ao2_fail_t *fail);

#endif
