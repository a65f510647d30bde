#include "fuzz/keys.h"

#include "base/json.h"
#include "fuzz/fuzz.h"

static void check_pair(const ao2_key_t *key)
{
    int bits = EVP_PKEY_get_bits(key->pkey);

    switch (key->kind) {
    case AO2_KEY_RSA:
        fuzz_check(key->curve == AO2_CURVE_NONE &&
                       EVP_PKEY_is_a(key->pkey, "RSA") &&
                       bits >= AO2_MIN_RSA_BITS && bits <= AO2_MAX_RSA_BITS,
                   "an RSA key has an allowed size");
        break;
    case AO2_KEY_EC:
        fuzz_check(EVP_PKEY_is_a(key->pkey, "EC") &&
                       bits == (key->curve == AO2_CURVE_P256   ? 256
                                : key->curve == AO2_CURVE_P384 ? 384
                                                               : 521),
                   "an EC key lies on its curve");
        break;
    case AO2_KEY_OKP:
        fuzz_check(EVP_PKEY_is_a(key->pkey, key->curve == AO2_CURVE_ED25519
                                                ? "ED25519"
                                                : "ED448"),
                   "an OKP key lies on its curve");
        break;
    case AO2_KEY_SECRET:
        fuzz_check(0, "a secret is no pair");
    }
}

void fuzz_check_key(const ao2_key_t *key, ao2_purpose_t purpose)
{
    if (key->kind == AO2_KEY_SECRET) {
        fuzz_check(!key->pkey && key->is_private && key->secret.len > 0 &&
                       key->curve == AO2_CURVE_NONE,
                   "a secret has bytes and nothing else");
    }
    else {
        fuzz_check(key->pkey && !key->secret.ptr &&
                       key->is_private == (purpose == AO2_FOR_SIGN),
                   "a key is private where it signs, and only there");
        check_pair(key);
    }
    fuzz_check(!key->alg || ao2_key_fits(key, key->alg),
               "a key fits what it is pinned to");
    fuzz_check(!key->kid || (*key->kid && strlen(key->kid) <= AO2_MAX_KID),
               "a kid is not empty and within its limit");
}

void fuzz_check_key_of(const ao2_key_t *key, json_t *jwk,
                       ao2_purpose_t purpose)
{
    static const char *const kty[] = {"RSA", "EC", "OKP", "oct"};
    json_t *kid = json_object_get(jwk, "kid");
    json_t *alg = json_object_get(jwk, "alg");
    json_t *use = json_object_get(jwk, "use");

    fuzz_check(ao2_span_is(ao2_json_text(json_object_get(jwk, "kty")),
                           kty[key->kind]),
               "the kind is that of kty");
    fuzz_check(kid ? key->kid && ao2_span_is(ao2_json_text(kid), key->kid)
                   : !key->kid,
               "the kid is that of the JWK");
    fuzz_check(alg ? key->alg && ao2_span_is(ao2_json_text(alg),
                                             key->alg->name)
                   : !key->alg,
               "a JWK's alg pins the key");
    fuzz_check(!use || ao2_span_is(ao2_json_text(use), "sig"),
               "a key for another use is not ours");
    fuzz_check_key(key, purpose);
}
