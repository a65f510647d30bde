#include "core/keyset.h"

#include "base/json.h"

ao2_keyset_t *ao2_keyset_make(apr_pool_t *pool)
{
    return apr_pcalloc(pool, sizeof(ao2_keyset_t));
}

ao2_code_t ao2_keyset_add(ao2_keyset_t *set, const ao2_key_t *key,
                          ao2_fail_t *fail)
{
    if (set->count == AO2_MAX_KEYS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "more than %d keys in a set", AO2_MAX_KEYS);
    }
    set->keys[set->count++] = key;
    return AO2_OK;
}

static ao2_code_t add_all(ao2_keyset_t *set, json_t *keys,
                          ao2_purpose_t purpose, int secrets,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    size_t i;

    for (i = 0; i < json_array_size(keys) && code == AO2_OK; i++) {
        ao2_key_t *key;

        if (ao2_jwk_read(&key, json_array_get(keys, i), purpose, secrets,
                         pool, NULL) != AO2_OK || !key) {
            set->skipped++;
            continue;
        }
        code = ao2_keyset_add(set, key, fail);
    }
    return code;
}

static ao2_code_t add_one(ao2_keyset_t *set, json_t *jwk,
                          ao2_purpose_t purpose, int secrets,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_key_t *key;
    /* A single key has nobody beside it: what is wrong with it is said. */
    ao2_code_t code = ao2_jwk_read(&key, jwk, purpose, secrets, pool, fail);

    if (code != AO2_OK) {
        return code;
    }
    if (!key) {
        set->skipped++;
        return AO2_OK;
    }
    return ao2_keyset_add(set, key, fail);
}

ao2_code_t ao2_keyset_parse(ao2_keyset_t *set, ao2_span_t text,
                            ao2_purpose_t purpose, int secrets,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_keyset_t before = *set;
    json_t *document;
    json_t *keys;
    ao2_code_t code = ao2_json_parse(&document, text, AO2_MAX_DOCUMENT_DEPTH,
                                     AO2_E_MISCONFIGURED, pool, fail);

    if (code != AO2_OK) {
        return code;
    }
    keys = json_object_get(document, "keys");
    if (keys && !json_is_array(keys)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "\"keys\" is no array");
    }
    if (json_array_size(keys) > AO2_MAX_KEYS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "more than %d keys in a set", AO2_MAX_KEYS);
    }
    code = keys ? add_all(set, keys, purpose, secrets, pool, fail)
                : add_one(set, document, purpose, secrets, pool, fail);
    if (code == AO2_OK && set->count == before.count) {
        code = ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "no usable key in the set (%d skipped)",
                        set->skipped - before.skipped);
    }
    if (code != AO2_OK) {
        *set = before;
    }
    return code;
}

int ao2_keyset_select(const ao2_key_t *found[AO2_MAX_CANDIDATES],
                      const ao2_keyset_t *set, const ao2_alg_t *alg,
                      ao2_span_t kid)
{
    int count = 0;
    int i;

    for (i = 0; i < set->count && count < AO2_MAX_CANDIDATES; i++) {
        const ao2_key_t *key = set->keys[i];

        if ((!kid.ptr || (key->kid && ao2_span_is(kid, key->kid))) &&
            ao2_key_fits(key, alg)) {
            found[count++] = key;
        }
    }
    return count;
}
