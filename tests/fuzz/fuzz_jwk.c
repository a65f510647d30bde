#include "fuzz/fuzz.h"

#include "base/json.h"
#include "fuzz/keys.h"

const char fuzz_name[] = "jwk";

/* The public JWK of a key holds nothing private. */
static void check_public(const ao2_key_t *key, json_t *jwk)
{
    static const char *const secret[] = {"d",  "p",  "q", "dp",
                                         "dq", "qi", "k"};
    size_t i;

    fuzz_check(!jwk == (key->kind == AO2_KEY_SECRET),
               "all but secrets have a public part");
    for (i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        fuzz_check(!json_object_get(jwk, secret[i]),
                   "a public JWK holds no private member");
    }
}

static int same_key(const ao2_key_t *a, const ao2_key_t *b)
{
    return a->kind == b->kind && a->curve == b->curve && a->alg == b->alg &&
           ao2_span_equal(ao2_span(a->kid), ao2_span(b->kid)) &&
           ao2_span_equal(a->secret, b->secret) &&
           (!a->pkey || EVP_PKEY_eq(a->pkey, b->pkey) == 1);
}

/* The key is the one that the members name, where it is not out of "x5c". An
 * RSA number may have leading zeros. */
static void check_members(const ao2_key_t *key, json_t *jwk, apr_pool_t *pool)
{
    static const char *const exact[] = {"crv", "x", "y"};
    json_t *written;
    size_t i;

    if (!json_object_get(jwk, "x") || !key->pkey) {
        return;
    }
    ao2_key_write(&written, key, 0, pool, NULL);
    for (i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        json_t *member = json_object_get(written, exact[i]);
        json_t *given = json_object_get(jwk, exact[i]);

        fuzz_check(!member || !given || json_equal(member, given),
                   "a key is the one that its JWK names");
    }
}

/* A key that is written and read again is the same key. */
static void check_again(const ao2_key_t *key, int with_private,
                        apr_pool_t *pool)
{
    json_t *jwk;
    ao2_key_t *again;

    fuzz_check(ao2_key_write(&jwk, key, with_private, pool, NULL) == AO2_OK,
               "a key can be written");
    if (!with_private) {
        check_public(key, jwk);
    }
    fuzz_check(!jwk || (ao2_jwk_read(&again, jwk, with_private
                                                      ? AO2_FOR_SIGN
                                                      : AO2_FOR_VERIFY,
                                     1, pool, NULL) == AO2_OK &&
                        again && same_key(key, again)),
               "what is written is read");
}

static void read_for(json_t *jwk, ao2_purpose_t purpose, apr_pool_t *pool)
{
    ao2_fail_t fail = {0};
    ao2_key_t *key;
    ao2_code_t code = ao2_jwk_read(&key, jwk, purpose, 1, pool, &fail);

    if (code != AO2_OK) {
        fuzz_check(code == AO2_E_MISCONFIGURED && !key, "a bad key is none");
        fuzz_check_fail(code, &fail);
        return;
    }
    if (!key) {
        return;
    }
    fuzz_accepted++;
    fuzz_check_key_of(key, jwk, purpose);
    check_members(key, jwk, pool);
    fuzz_check(ao2_key_thumbprint(key, pool) != NULL, "a key has a thumbprint");
    check_again(key, 0, pool);
    if (key->is_private) {
        check_again(key, 1, pool);
    }
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    json_t *jwk;
    ao2_key_t *key;

    if (ao2_json_parse(&jwk, input, AO2_MAX_DOCUMENT_DEPTH,
                       AO2_E_MISCONFIGURED, pool, NULL) != AO2_OK) {
        return;
    }
    read_for(jwk, AO2_FOR_VERIFY, pool);
    read_for(jwk, AO2_FOR_SIGN, pool);
    if (ao2_span_is(ao2_json_text(json_object_get(jwk, "kty")), "oct")) {
        ao2_jwk_read(&key, jwk, AO2_FOR_VERIFY, 0, pool, NULL);
        fuzz_check(!key, "a secret is read only where secrets are wanted");
    }
}
