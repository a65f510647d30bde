#include "core/key_internal.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/base64url.h"
#include "base/json.h"

/* Longest number: an RSA modulus. */
#define LONGEST (AO2_MAX_RSA_BITS / 8)

static void put(json_t *jwk, const char *member, const void *bytes,
                apr_size_t length, apr_pool_t *pool)
{
    ao2_span_t span = {bytes, length};

    json_object_set_new(jwk, member,
                        json_string(ao2_base64url_encode(span, pool)));
}

/* A number, padded to @a width bytes (0: as short as it is). */
static int put_number(json_t *jwk, const char *member, const EVP_PKEY *pkey,
                      const char *name, apr_size_t width, apr_pool_t *pool)
{
    unsigned char bytes[LONGEST];
    BIGNUM *number = NULL;
    int length = -1;

    if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
        BN_num_bytes(number) <= LONGEST) {
        length = BN_bn2binpad(number, bytes,
                              width ? (int)width : BN_num_bytes(number));
    }
    BN_clear_free(number);
    if (length > 0) {
        put(jwk, member, bytes, (apr_size_t)length, pool);
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return length > 0;
}

static int write_rsa(json_t *jwk, const EVP_PKEY *pkey, int with_private,
                     apr_pool_t *pool)
{
    int count = with_private ? AO2_RSA_NUMBERS : AO2_RSA_PUBLIC;
    int i;

    for (i = 0; i < count; i++) {
        if (!put_number(jwk, ao2_rsa_numbers[i].member, pkey,
                        ao2_rsa_numbers[i].openssl, 0, pool)) {
            return 0;
        }
    }
    return 1;
}

static int write_ec(json_t *jwk, const EVP_PKEY *pkey, apr_size_t width,
                    int with_private, apr_pool_t *pool)
{
    return put_number(jwk, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, width,
                      pool) &&
           put_number(jwk, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, width,
                      pool) &&
           (!with_private || put_number(jwk, "d", pkey,
                                        OSSL_PKEY_PARAM_PRIV_KEY, width,
                                        pool));
}

static int write_okp(json_t *jwk, const EVP_PKEY *pkey, int with_private,
                     apr_pool_t *pool)
{
    unsigned char bytes[64];
    size_t length = sizeof(bytes);

    if (EVP_PKEY_get_raw_public_key(pkey, bytes, &length) != 1) {
        return 0;
    }
    put(jwk, "x", bytes, length, pool);
    length = sizeof(bytes);
    if (with_private) {
        if (EVP_PKEY_get_raw_private_key(pkey, bytes, &length) != 1) {
            return 0;
        }
        put(jwk, "d", bytes, length, pool);
        OPENSSL_cleanse(bytes, sizeof(bytes));
    }
    return 1;
}

/* kty, crv and the parameters, nothing else. */
static int write_parameters(json_t *jwk, const ao2_key_t *key,
                            int with_private, apr_pool_t *pool)
{
    static const char *const kty[] = {"RSA", "EC", "OKP", "oct"};
    const ao2_curve_row_t *row = ao2_curve_row(key->curve);

    json_object_set_new(jwk, "kty", json_string(kty[key->kind]));
    if (row) {
        json_object_set_new(jwk, "crv", json_string(row->crv));
    }
    switch (key->kind) {
    case AO2_KEY_RSA:
        return write_rsa(jwk, key->pkey, with_private, pool);
    case AO2_KEY_EC:
        return write_ec(jwk, key->pkey, row->coordinate_len, with_private,
                        pool);
    case AO2_KEY_OKP:
        return write_okp(jwk, key->pkey, with_private, pool);
    case AO2_KEY_SECRET:
        put(jwk, "k", key->secret.ptr, key->secret.len, pool);
        return 1;
    }
    return 0;
}

ao2_code_t ao2_key_write(json_t **pjson, const ao2_key_t *key,
                         int with_private, apr_pool_t *pool, ao2_fail_t *fail)
{
    json_t *jwk;

    *pjson = NULL;
    if (!with_private && key->kind == AO2_KEY_SECRET) {
        return AO2_OK;
    }
    if (with_private && !key->is_private) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the key has no private part");
    }
    jwk = ao2_json_own(json_object(), pool);
    if (!jwk || !write_parameters(jwk, key, with_private, pool)) {
        ERR_clear_error();
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the key cannot be written");
    }
    if (key->kid &&
        json_object_set_new(jwk, "kid", json_string(key->kid)) != 0) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "\"kid\" is not UTF-8");
    }
    if (key->alg) {
        json_object_set_new(jwk, "alg", json_string(key->alg->name));
    }
    *pjson = jwk;
    return AO2_OK;
}

const char *ao2_key_thumbprint(const ao2_key_t *key, apr_pool_t *pool)
{
    json_t *jwk = ao2_json_own(json_object(), pool);
    unsigned char digest[32];
    ao2_span_t span = {(const char *)digest, sizeof(digest)};
    size_t length = 0;
    char *text;

    if (!jwk || !write_parameters(jwk, key, 0, pool)) {
        ERR_clear_error();
        return NULL;
    }
    /* RFC 7638 section 3: the required members, sorted, no white space. */
    text = json_dumps(jwk, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text) {
        return NULL;
    }
    EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), digest, &length);
    OPENSSL_cleanse(text, strlen(text));
    free(text);
    return ao2_base64url_encode(span, pool);
}
