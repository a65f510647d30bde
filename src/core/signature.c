#include "core/signature.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "core/digest.h"

/* The longest signature: RSA. */
#define LONGEST (AO2_MAX_RSA_BITS / 8)

static const EVP_MD *digest_of(const ao2_alg_t *alg)
{
    return alg->digest_len ? ao2_digest_of(alg->digest_len) : NULL;
}

/* RFC 7518 section 3.5: MGF1 with the same hash, salt as long as it. */
static int set_padding(EVP_PKEY_CTX *ctx, const ao2_alg_t *alg)
{
    if (alg->family != AO2_FAMILY_RSA_PSS) {
        return 1;
    }
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST)
               == 1;
}

/* r || s, each exactly half (RFC 7518 section 3.4), as DER. Zero and what
 * is beyond the order is refused by the verification itself. */
static int to_der(unsigned char **pder, const ao2_alg_t *alg,
                  ao2_span_t signature)
{
    const unsigned char *bytes = (const unsigned char *)signature.ptr;
    int half = (int)alg->coordinate_len;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, half, NULL);
    BIGNUM *s = BN_bin2bn(bytes + half, half, NULL);
    int length = 0;

    *pder = NULL;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = NULL;
        s = NULL;
        length = i2d_ECDSA_SIG(pair, pder);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return length;
}

static EVP_MD_CTX *make_ready(const ao2_alg_t *alg, const ao2_key_t *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;

    if (ctx &&
        EVP_DigestVerifyInit(ctx, &pctx, digest_of(alg), NULL, key->pkey)
            == 1 &&
        set_padding(pctx, alg)) {
        return ctx;
    }
    EVP_MD_CTX_free(ctx);
    return NULL;
}

/* Of the algorithms that fit one key, each has another number. */
static int number_of_use(const ao2_alg_t *alg)
{
    int size = alg->digest_len ? (int)alg->digest_len / 16 - 2 : 0;

    return alg->family == AO2_FAMILY_RSA_PSS ? size + AO2_KEY_USES / 2 : size;
}

/*
 * A context in which everything is looked up and nothing is hashed yet,
 * never used itself but copied: a copy costs a fifth of a new one. Who
 * makes it while another does so as well throws its own away.
 */
static const EVP_MD_CTX *get_ready(const ao2_alg_t *alg, const ao2_key_t *key)
{
    EVP_MD_CTX **place = &key->ready[number_of_use(alg)];
    EVP_MD_CTX *there = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    EVP_MD_CTX *made;

    if (there) {
        return there;
    }
    made = make_ready(alg, key);
    if (made && !__atomic_compare_exchange_n(place, &there, made, 0,
                                             __ATOMIC_ACQ_REL,
                                             __ATOMIC_ACQUIRE)) {
        EVP_MD_CTX_free(made);
        return there;
    }
    return made;
}

static int verify_pkey(const ao2_alg_t *alg, const ao2_key_t *key,
                       ao2_span_t input, const unsigned char *signature,
                       apr_size_t length)
{
    const EVP_MD_CTX *ready = get_ready(alg, key);
    EVP_MD_CTX *ctx = ready ? EVP_MD_CTX_new() : NULL;
    int good;

    good = ctx && EVP_MD_CTX_copy_ex(ctx, ready) == 1 &&
           EVP_DigestVerify(ctx, signature, length,
                            (const unsigned char *)input.ptr, input.len)
               == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

static int hmac(unsigned char *out, const ao2_alg_t *alg,
                const ao2_key_t *key, ao2_span_t input)
{
    unsigned length = 0;

    return HMAC(digest_of(alg), key->secret.ptr, (int)key->secret.len,
                (const unsigned char *)input.ptr, input.len, out, &length)
           && length == alg->digest_len;
}

static int verify_hmac(const ao2_alg_t *alg, const ao2_key_t *key,
                       ao2_span_t input, ao2_span_t signature)
{
    unsigned char expected[EVP_MAX_MD_SIZE];

    return signature.len == alg->digest_len &&
           hmac(expected, alg, key, input) &&
           CRYPTO_memcmp(expected, signature.ptr, signature.len) == 0;
}

int ao2_signature_verify(const ao2_alg_t *alg, const ao2_key_t *key,
                         ao2_span_t input, ao2_span_t signature)
{
    unsigned char *der;
    int length;
    int good;

    if (!ao2_key_fits(key, alg)) {
        return 0;
    }
    if (alg->family == AO2_FAMILY_HMAC) {
        return verify_hmac(alg, key, input, signature);
    }
    if (alg->family != AO2_FAMILY_ECDSA) {
        return verify_pkey(alg, key, input,
                           (const unsigned char *)signature.ptr,
                           signature.len);
    }
    if (signature.len != 2 * alg->coordinate_len) {
        return 0;
    }
    length = to_der(&der, alg, signature);
    good = length > 0 && verify_pkey(alg, key, input, der,
                                     (apr_size_t)length);
    OPENSSL_free(der);
    return good;
}

static int from_der(unsigned char *raw, const ao2_alg_t *alg,
                    const unsigned char *der, size_t length)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)length);
    int half = (int)alg->coordinate_len;
    int good = pair &&
               BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, half) == half &&
               BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, half) == half;

    ECDSA_SIG_free(pair);
    return good;
}

static int sign_pkey(unsigned char *out, size_t *length, const ao2_alg_t *alg,
                     const ao2_key_t *key, ao2_span_t input)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    int good;

    good = ctx &&
           EVP_DigestSignInit(ctx, &pctx, digest_of(alg), NULL, key->pkey)
               == 1 &&
           set_padding(pctx, alg) &&
           EVP_DigestSign(ctx, out, length, (const unsigned char *)input.ptr,
                          input.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

int ao2_signature_make(ao2_span_t *out, const ao2_alg_t *alg,
                       const ao2_key_t *key, ao2_span_t input,
                       apr_pool_t *pool)
{
    unsigned char raw[LONGEST];
    unsigned char *made = apr_palloc(pool, LONGEST);
    size_t length = LONGEST;
    int good;

    out->ptr = NULL;
    out->len = 0;
    if (!key->is_private || !ao2_key_fits(key, alg)) {
        return 0;
    }
    if (alg->family == AO2_FAMILY_HMAC) {
        length = alg->digest_len;
        good = hmac(made, alg, key, input);
    }
    else if (alg->family == AO2_FAMILY_ECDSA) {
        good = sign_pkey(raw, &length, alg, key, input) &&
               from_der(made, alg, raw, length);
        length = 2 * alg->coordinate_len;
    }
    else {
        good = sign_pkey(made, &length, alg, key, input);
    }
    if (good) {
        out->ptr = (const char *)made;
        out->len = length;
    }
    return good;
}
