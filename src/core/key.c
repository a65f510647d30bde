#include "core/key_internal.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>

static const ao2_curve_row_t curves[] = {
    {AO2_CURVE_P256, AO2_KEY_EC, "P-256", "prime256v1", 32},
    {AO2_CURVE_P384, AO2_KEY_EC, "P-384", "secp384r1", 48},
    {AO2_CURVE_P521, AO2_KEY_EC, "P-521", "secp521r1", 66},
    {AO2_CURVE_ED25519, AO2_KEY_OKP, "Ed25519", "ED25519", 32},
    {AO2_CURVE_ED448, AO2_KEY_OKP, "Ed448", "ED448", 57},
};

#define CURVES (sizeof(curves) / sizeof(curves[0]))

const ao2_rsa_number_t ao2_rsa_numbers[AO2_RSA_NUMBERS] = {
    {"n", OSSL_PKEY_PARAM_RSA_N},
    {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},
    {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
    {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

const ao2_curve_row_t *ao2_curve_by_crv(ao2_span_t crv)
{
    size_t i;

    for (i = 0; i < CURVES; i++) {
        if (ao2_span_is(crv, curves[i].crv)) {
            return &curves[i];
        }
    }
    return NULL;
}

const ao2_curve_row_t *ao2_curve_row(ao2_curve_t curve)
{
    size_t i;

    for (i = 0; i < CURVES; i++) {
        if (curves[i].curve == curve) {
            return &curves[i];
        }
    }
    return NULL;
}

static apr_status_t free_pkey(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

static apr_status_t free_ready(void *data)
{
    EVP_MD_CTX **ready = data;
    int i;

    for (i = 0; i < AO2_KEY_USES; i++) {
        EVP_MD_CTX_free(ready[i]);
    }
    return APR_SUCCESS;
}

static ao2_code_t check_rsa(const EVP_PKEY *pkey, ao2_fail_t *fail)
{
    int bits = EVP_PKEY_get_bits(pkey);
    BIGNUM *e = NULL;
    int good;

    if (bits < AO2_MIN_RSA_BITS || bits > AO2_MAX_RSA_BITS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the RSA key has %d bits: %d to %d are allowed", bits,
                        AO2_MIN_RSA_BITS, AO2_MAX_RSA_BITS);
    }
    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e);
    good = e && BN_is_odd(e) && !BN_is_one(e) &&
           BN_num_bits(e) <= AO2_MAX_RSA_EXPONENT_BITS;
    BN_free(e);
    return good ? AO2_OK
                : ao2_fail(fail, AO2_E_MISCONFIGURED,
                           "the RSA exponent must be odd, at least 3 and "
                           "below 2^%d", AO2_MAX_RSA_EXPONENT_BITS);
}

static const ao2_curve_row_t *row_of(const EVP_PKEY *pkey)
{
    char group[64] = "";
    size_t i;

    if (EVP_PKEY_is_a(pkey, "EC")) {
        EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL);
    }
    for (i = 0; i < CURVES; i++) {
        if (curves[i].kind == AO2_KEY_EC
                ? strcmp(group, curves[i].openssl) == 0
                : EVP_PKEY_is_a(pkey, curves[i].openssl)) {
            return &curves[i];
        }
    }
    return NULL;
}

/* OpenSSL does not look at a point or a private part before it is asked. */
static ao2_code_t check_parts(EVP_PKEY *pkey, const ao2_key_t *key,
                              ao2_fail_t *fail)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int good = ctx != NULL;

    if (good && key->kind != AO2_KEY_RSA) {
        good = EVP_PKEY_public_check(ctx) == 1;
    }
    if (good && key->is_private) {
        good = EVP_PKEY_pairwise_check(ctx) == 1;
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return good ? AO2_OK
                : ao2_fail(fail, AO2_E_MISCONFIGURED,
                           "the key's parts do not fit together");
}

ao2_code_t ao2_key_adopt(ao2_key_t **pkey, EVP_PKEY *pkey_owned,
                         int is_private, apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_key_t *key = apr_pcalloc(pool, sizeof(*key));
    const ao2_curve_row_t *row;
    ao2_code_t code;

    *pkey = NULL;
    key->pkey = pkey_owned;
    key->is_private = is_private;
    apr_pool_cleanup_register(pool, pkey_owned, free_pkey,
                              apr_pool_cleanup_null);
    key->ready = apr_pcalloc(pool, AO2_KEY_USES * sizeof(*key->ready));
    apr_pool_cleanup_register(pool, key->ready, free_ready,
                              apr_pool_cleanup_null);
    if (EVP_PKEY_is_a(pkey_owned, "RSA")) {
        key->kind = AO2_KEY_RSA;
        code = check_rsa(pkey_owned, fail);
    }
    else {
        row = row_of(pkey_owned);
        if (!row) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED,
                            "the key is of a type that is not supported");
        }
        key->kind = row->kind;
        key->curve = row->curve;
        code = AO2_OK;
    }
    if (code == AO2_OK) {
        code = check_parts(pkey_owned, key, fail);
    }
    if (code == AO2_OK) {
        *pkey = key;
    }
    return code;
}

ao2_code_t ao2_key_pin(ao2_key_t *key, const ao2_alg_t *alg, ao2_fail_t *fail)
{
    key->alg = NULL;
    if (alg && !ao2_key_fits(key, alg)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the key does not fit the algorithm %s", alg->name);
    }
    key->alg = alg;
    return AO2_OK;
}

static apr_status_t wipe(void *data)
{
    ao2_key_t *key = data;

    OPENSSL_cleanse((void *)key->secret.ptr, key->secret.len);
    return APR_SUCCESS;
}

ao2_code_t ao2_key_from_secret(ao2_key_t **pkey, ao2_span_t bytes,
                               const char *kid, apr_pool_t *pool,
                               ao2_fail_t *fail)
{
    ao2_key_t *key;

    *pkey = NULL;
    if (bytes.len == 0) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "the secret is empty");
    }
    key = apr_pcalloc(pool, sizeof(*key));
    key->kind = AO2_KEY_SECRET;
    key->is_private = 1;
    key->kid = kid;
    key->secret.ptr = apr_pmemdup(pool, bytes.ptr, bytes.len);
    key->secret.len = bytes.len;
    apr_pool_cleanup_register(pool, key, wipe, apr_pool_cleanup_null);
    *pkey = key;
    return AO2_OK;
}

/* EdDSA and the name of its curve are one algorithm under two names. */
static int same_algorithm(const ao2_alg_t *a, const ao2_alg_t *b)
{
    return a == b || (a->family == AO2_FAMILY_EDDSA &&
                      b->family == AO2_FAMILY_EDDSA &&
                      (a->curve == AO2_CURVE_NONE ||
                       b->curve == AO2_CURVE_NONE));
}

int ao2_key_fits(const ao2_key_t *key, const ao2_alg_t *alg)
{
    if (key->alg && !same_algorithm(key->alg, alg)) {
        return 0;
    }
    switch (alg->family) {
    case AO2_FAMILY_HMAC:
        return key->kind == AO2_KEY_SECRET &&
               key->secret.len >= alg->digest_len;
    case AO2_FAMILY_RSA_PKCS1:
    case AO2_FAMILY_RSA_PSS:
        return key->kind == AO2_KEY_RSA;
    case AO2_FAMILY_ECDSA:
        return key->kind == AO2_KEY_EC && key->curve == alg->curve;
    case AO2_FAMILY_EDDSA:
        return key->kind == AO2_KEY_OKP && (alg->curve == AO2_CURVE_NONE ||
                                            alg->curve == key->curve);
    }
    return 0;
}
