#include "service/signature_check.h"

static ao2_code_t verify_with(const ao2_jws_t *jws, const ao2_keyset_t *set,
                              ao2_signature_trace_t *trace, ao2_fail_t *fail)
{
    const ao2_key_t *found[AO2_MAX_CANDIDATES];

    trace->keys_tried = ao2_keyset_select(found, set, jws->alg, jws->kid);
    return ao2_jws_verify_any(jws, found, trace->keys_tried, fail);
}

/* Keys that are there do not wait for those that are not. */
static int verify_locally(const ao2_jws_t *jws, ao2_keyring_t *ring,
                          ao2_signature_trace_t *trace)
{
    ao2_key_hold_t hold;
    int good = ao2_keyring_hold_local(&hold, ring) &&
               verify_with(jws, hold.set, trace, NULL) == AO2_OK;

    ao2_keyring_release(&hold, ring);
    return good;
}

ao2_code_t ao2_check_signature(const ao2_jws_t *jws, unsigned algorithms,
                               ao2_keyring_t *ring,
                               ao2_signature_trace_t *trace,
                               ao2_fail_t *fail)
{
    ao2_key_hold_t hold;
    ao2_fail_t first = {0};
    ao2_code_t code;

    memset(trace, 0, sizeof(*trace));
    if ((algorithms & jws->alg->bit) == 0) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "%s is not allowed by ApiAlgorithms", jws->alg->name);
    }
    if (verify_locally(jws, ring, trace)) {
        return AO2_OK;
    }
    code = ao2_keyring_hold(&hold, ring, &trace->retry_after_sec, fail);
    if (code != AO2_OK) {
        return code;
    }
    code = verify_with(jws, hold.set, trace, &first);
    if (code != AO2_OK) {
        code = ao2_keyring_hold_newer(&hold, ring, &trace->retry_after_sec,
                                      fail);
        if (code == AO2_OK) {
            code = verify_with(jws, hold.set, trace, fail);
        }
        else if (code == AO2_E_TOKEN_INVALID) {
            code = ao2_fail(fail, code, "%s", first.detail);
        }
    }
    ao2_keyring_release(&hold, ring);
    return code;
}
