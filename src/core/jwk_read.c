#include "core/key_internal.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/base64url.h"
#include "base/json.h"

/* Numbers of a key while it is put together. */
typedef struct {
    OSSL_PARAM_BLD *builder;
    BIGNUM *numbers[8];
    int count;
} parts_t;

static ao2_code_t bad(ao2_fail_t *fail, const char *member)
{
    return ao2_fail(fail, AO2_E_MISCONFIGURED,
                    "the JWK's \"%s\" is missing or malformed", member);
}

/* A base64url member of exactly @a length bytes (0: any). */
static int bytes_of(ao2_span_t *out, json_t *jwk, const char *member,
                    apr_size_t length, apr_pool_t *pool)
{
    ao2_span_t text = ao2_json_text(json_object_get(jwk, member));

    return ao2_base64url_decode(out, text, pool) && out->len > 0 &&
           (length == 0 || out->len == length);
}

static int push_number(parts_t *parts, const char *name, ao2_span_t bytes)
{
    BIGNUM *number = BN_bin2bn((const unsigned char *)bytes.ptr,
                               (int)bytes.len, NULL);

    if (!number) {
        return 0;
    }
    parts->numbers[parts->count++] = number;
    return OSSL_PARAM_BLD_push_BN(parts->builder, name, number);
}

static EVP_PKEY *build(parts_t *parts, const char *type, int selection)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts->builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    ERR_clear_error();
    return pkey;
}

static void free_parts(parts_t *parts)
{
    int i;

    for (i = 0; i < parts->count; i++) {
        BN_clear_free(parts->numbers[i]);
    }
    OSSL_PARAM_BLD_free(parts->builder);
}

static ao2_code_t read_rsa(EVP_PKEY **ppkey, json_t *jwk, int is_private,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    parts_t parts = {OSSL_PARAM_BLD_new(), {NULL}, 0};
    ao2_code_t code = AO2_OK;
    int count = is_private ? AO2_RSA_NUMBERS : AO2_RSA_PUBLIC;
    int i;

    for (i = 0; i < count && code == AO2_OK; i++) {
        const ao2_rsa_number_t *number = &ao2_rsa_numbers[i];
        ao2_span_t bytes;

        if (!bytes_of(&bytes, jwk, number->member, 0, pool) ||
            bytes.len > AO2_MAX_RSA_BITS / 8 ||
            !push_number(&parts, number->openssl, bytes)) {
            code = bad(fail, number->member);
        }
    }
    if (code == AO2_OK) {
        *ppkey = build(&parts, "RSA", is_private ? EVP_PKEY_KEYPAIR
                                                 : EVP_PKEY_PUBLIC_KEY);
        if (!*ppkey) {
            code = bad(fail, "n");
        }
    }
    free_parts(&parts);
    return code;
}

static ao2_code_t read_ec(EVP_PKEY **ppkey, json_t *jwk,
                          const ao2_curve_row_t *row, int is_private,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    parts_t parts = {OSSL_PARAM_BLD_new(), {NULL}, 0};
    apr_size_t length = row->coordinate_len;
    char *point = apr_palloc(pool, 2 * length + 1);
    ao2_code_t code = AO2_OK;
    ao2_span_t x;
    ao2_span_t y;
    ao2_span_t d;

    if (!bytes_of(&x, jwk, "x", length, pool) ||
        !bytes_of(&y, jwk, "y", length, pool)) {
        code = bad(fail, "x\" or \"y");
    }
    else if (is_private && (!bytes_of(&d, jwk, "d", length, pool) ||
                            !push_number(&parts, OSSL_PKEY_PARAM_PRIV_KEY,
                                         d))) {
        code = bad(fail, "d");
    }
    else {
        point[0] = 4; /* uncompressed (SEC 1 section 2.3.3) */
        memcpy(point + 1, x.ptr, length);
        memcpy(point + 1 + length, y.ptr, length);
        OSSL_PARAM_BLD_push_utf8_string(parts.builder,
                                        OSSL_PKEY_PARAM_GROUP_NAME,
                                        row->openssl, 0);
        OSSL_PARAM_BLD_push_octet_string(parts.builder,
                                         OSSL_PKEY_PARAM_PUB_KEY, point,
                                         2 * length + 1);
        *ppkey = build(&parts, "EC", is_private ? EVP_PKEY_KEYPAIR
                                                : EVP_PKEY_PUBLIC_KEY);
        if (!*ppkey) {
            code = bad(fail, "x\" or \"y");
        }
    }
    free_parts(&parts);
    return code;
}

static ao2_code_t read_okp(EVP_PKEY **ppkey, json_t *jwk,
                           const ao2_curve_row_t *row, int is_private,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t x;
    ao2_span_t d;
    unsigned char derived[64];
    size_t length = sizeof(derived);

    if (!bytes_of(&x, jwk, "x", row->coordinate_len, pool)) {
        return bad(fail, "x");
    }
    if (!is_private) {
        *ppkey = EVP_PKEY_new_raw_public_key_ex(
            NULL, row->openssl, NULL, (const unsigned char *)x.ptr, x.len);
        ERR_clear_error();
        return *ppkey ? AO2_OK : bad(fail, "x");
    }
    if (!bytes_of(&d, jwk, "d", row->coordinate_len, pool)) {
        return bad(fail, "d");
    }
    *ppkey = EVP_PKEY_new_raw_private_key_ex(
        NULL, row->openssl, NULL, (const unsigned char *)d.ptr, d.len);
    ERR_clear_error();
    /* The public part is derived from "d": "x" has to be that one. */
    if (*ppkey && EVP_PKEY_get_raw_public_key(*ppkey, derived, &length) == 1 &&
        length == x.len && memcmp(derived, x.ptr, length) == 0) {
        return AO2_OK;
    }
    EVP_PKEY_free(*ppkey);
    *ppkey = NULL;
    return bad(fail, "d");
}

/* The key of the first certificate (RFC 7517 section 4.7); base64, not
 * base64url. The certificate itself proves nothing here. */
static ao2_code_t read_x5c(EVP_PKEY **ppkey, json_t *jwk, apr_pool_t *pool,
                           ao2_fail_t *fail)
{
    ao2_span_t text = ao2_json_text(
        json_array_get(json_object_get(jwk, "x5c"), 0));
    const unsigned char *der;
    X509 *certificate;
    int length;

    if (!text.ptr) {
        return bad(fail, "x5c");
    }
    der = apr_palloc(pool, (apr_size_t)apr_base64_decode_len(text.ptr) + 1);
    length = apr_base64_decode_binary((unsigned char *)der, text.ptr);
    certificate = d2i_X509(NULL, &der, length);
    *ppkey = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    ERR_clear_error();
    return *ppkey ? AO2_OK : bad(fail, "x5c");
}

static ao2_code_t read_secret(ao2_key_t **pkey, json_t *jwk, const char *kid,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t bytes;
    ao2_code_t code;

    if (!bytes_of(&bytes, jwk, "k", 0, pool)) {
        return bad(fail, "k");
    }
    code = ao2_key_from_secret(pkey, bytes, kid, pool, fail);
    OPENSSL_cleanse((void *)bytes.ptr, bytes.len);
    return code;
}

/* Whether "use" and "key_ops" (RFC 7517 sections 4.2, 4.3) allow it. */
static int for_us(json_t *jwk, ao2_purpose_t purpose)
{
    json_t *use = json_object_get(jwk, "use");
    json_t *ops = json_object_get(jwk, "key_ops");
    const char *wanted = purpose == AO2_FOR_SIGN ? "sign" : "verify";
    size_t i;

    if (use && !ao2_span_is(ao2_json_text(use), "sig")) {
        return 0;
    }
    for (i = 0; ops && i < json_array_size(ops); i++) {
        if (ao2_span_is(ao2_json_text(json_array_get(ops, i)), wanted)) {
            return 1;
        }
    }
    return ops == NULL;
}

static ao2_code_t read_pair(ao2_key_t **pkey, json_t *jwk, ao2_span_t kty,
                            ao2_purpose_t purpose, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    const ao2_curve_row_t *row = ao2_curve_by_crv(
        ao2_json_text(json_object_get(jwk, "crv")));
    int is_private = purpose == AO2_FOR_SIGN;
    int is_rsa = ao2_span_is(kty, "RSA");
    EVP_PKEY *pkey_made = NULL;
    ao2_kind_t kind = is_rsa ? AO2_KEY_RSA
                             : ao2_span_is(kty, "EC") ? AO2_KEY_EC
                                                      : AO2_KEY_OKP;
    ao2_code_t code;

    if (!is_rsa && (!row || row->kind != kind)) {
        return AO2_OK;
    }
    if (!is_private && json_object_get(jwk, "x5c") &&
        !json_object_get(jwk, is_rsa ? "n" : "x")) {
        code = read_x5c(&pkey_made, jwk, pool, fail);
    }
    else if (is_rsa) {
        code = read_rsa(&pkey_made, jwk, is_private, pool, fail);
    }
    else if (kind == AO2_KEY_EC) {
        code = read_ec(&pkey_made, jwk, row, is_private, pool, fail);
    }
    else {
        code = read_okp(&pkey_made, jwk, row, is_private, pool, fail);
    }
    if (code == AO2_OK) {
        code = ao2_key_adopt(pkey, pkey_made, is_private, pool, fail);
    }
    if (code == AO2_OK && ((*pkey)->kind != kind ||
                           (!is_rsa && (*pkey)->curve != row->curve))) {
        *pkey = NULL;
        code = bad(fail, "x5c");
    }
    return code;
}

/* "kid": absent, or a string that fits the limit. */
static ao2_code_t read_kid(const char **kid, json_t *jwk, apr_pool_t *pool,
                           ao2_fail_t *fail)
{
    json_t *member = json_object_get(jwk, "kid");
    ao2_span_t text = ao2_json_text(member);

    *kid = NULL;
    if (!member) {
        return AO2_OK;
    }
    if (!text.ptr || text.len == 0 || text.len > AO2_MAX_KID) {
        return bad(fail, "kid");
    }
    *kid = apr_pstrmemdup(pool, text.ptr, text.len);
    return AO2_OK;
}

ao2_code_t ao2_jwk_read(ao2_key_t **pkey, json_t *jwk, ao2_purpose_t purpose,
                        int secrets, apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t kty = ao2_json_text(json_object_get(jwk, "kty"));
    json_t *name = json_object_get(jwk, "alg");
    const ao2_alg_t *alg = ao2_alg_find(ao2_json_text(name));
    const char *kid;
    ao2_code_t code;

    *pkey = NULL;
    if (!json_is_object(jwk) || !kty.ptr) {
        return bad(fail, "kty");
    }
    if (!for_us(jwk, purpose) || (name && !alg)) {
        return AO2_OK;
    }
    code = read_kid(&kid, jwk, pool, fail);
    if (code != AO2_OK) {
        return code;
    }
    if (ao2_span_is(kty, "oct")) {
        code = secrets ? read_secret(pkey, jwk, kid, pool, fail) : AO2_OK;
    }
    else if (ao2_span_is(kty, "RSA") || ao2_span_is(kty, "EC") ||
             ao2_span_is(kty, "OKP")) {
        code = read_pair(pkey, jwk, kty, purpose, pool, fail);
    }
    if (code == AO2_OK && *pkey) {
        (*pkey)->kid = kid;
        code = ao2_key_pin(*pkey, alg, fail);
    }
    if (code != AO2_OK) {
        *pkey = NULL;
    }
    return code;
}
