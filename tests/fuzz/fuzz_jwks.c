#include "fuzz/fuzz.h"

#include "base/json.h"
#include "core/keyset.h"
#include "fuzz/keys.h"

const char fuzz_name[] = "jwks";

/* What is selected fits, is what was asked for, and is not too much. */
static void check_select(const ao2_keyset_t *set, const ao2_alg_t *alg,
                         ao2_span_t kid)
{
    const ao2_key_t *found[AO2_MAX_CANDIDATES];
    int count = ao2_keyset_select(found, set, alg, kid);
    int fitting = 0;
    int i;

    for (i = 0; i < set->count; i++) {
        const ao2_key_t *key = set->keys[i];

        if (!ao2_key_fits(key, alg) ||
            (kid.ptr && (!key->kid || !ao2_span_is(kid, key->kid)))) {
            continue;
        }
        fuzz_check(fitting >= AO2_MAX_CANDIDATES || found[fitting] == key,
                   "the keys that fit are selected in their order");
        fitting++;
    }
    fuzz_check(count == (fitting < AO2_MAX_CANDIDATES ? fitting
                                                      : AO2_MAX_CANDIDATES),
               "what does not fit is not selected");
}

static void check_set(const ao2_keyset_t *set, int before)
{
    static const ao2_span_t absent = {NULL, 0};
    int i;
    int k;

    fuzz_check(set->count > before && set->count <= AO2_MAX_KEYS,
               "a set has keys, within the limit");
    for (i = before; i < set->count; i++) {
        fuzz_check_key(set->keys[i], AO2_FOR_VERIFY);
    }
    for (k = 0; ao2_alg_at(k); k++) {
        const ao2_alg_t *alg = ao2_alg_at(k);

        check_select(set, alg, absent);
        check_select(set, alg, ao2_span("no such kid"));
        for (i = 0; i < set->count && i < 3; i++) {
            check_select(set, alg, ao2_span(set->keys[i]->kid));
        }
    }
}

/* How many keys the document names; a document without "keys" is one. */
static size_t count_keys(ao2_span_t text, apr_pool_t *pool)
{
    json_t *document;
    json_t *keys;

    fuzz_check(ao2_json_parse(&document, text, AO2_MAX_DOCUMENT_DEPTH,
                              AO2_E_MISCONFIGURED, pool, NULL) == AO2_OK,
               "a set is strict JSON");
    keys = json_object_get(document, "keys");
    return keys ? json_array_size(keys) : 1;
}

static void parse(ao2_span_t input, int secrets, apr_pool_t *pool)
{
    ao2_keyset_t *set = ao2_keyset_make(pool);
    ao2_keyset_t before;
    ao2_key_t *own;
    ao2_fail_t fail = {0};
    ao2_code_t code;
    int i;

    ao2_key_from_secret(&own, ao2_span("a key that was there before"), "own",
                        pool, NULL);
    ao2_keyset_add(set, own, NULL);
    before = *set;
    code = ao2_keyset_parse(set, input, AO2_FOR_VERIFY, secrets, pool, &fail);
    if (code != AO2_OK) {
        fuzz_check(code == AO2_E_MISCONFIGURED &&
                       set->count == before.count &&
                       set->skipped == before.skipped && set->keys[0] == own,
                   "a refused document changes nothing");
        fuzz_check_fail(code, &fail);
        return;
    }
    fuzz_accepted++;
    fuzz_check((size_t)(set->count - 1 + set->skipped)
                   == count_keys(input, pool),
               "every key is taken or skipped");
    check_set(set, 1);
    for (i = 1; !secrets && i < set->count; i++) {
        fuzz_check(set->keys[i]->kind != AO2_KEY_SECRET,
                   "a secret is read only where secrets are wanted");
    }
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    parse(input, 1, pool);
    parse(input, 0, pool);
}
