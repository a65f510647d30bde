#include "core/key_internal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

static EVP_PKEY *make_pair(const ao2_alg_t *alg, int rsa_bits)
{
    const ao2_curve_row_t *row;
    ao2_curve_t curve = alg->curve == AO2_CURVE_NONE ? AO2_CURVE_ED25519
                                                     : alg->curve;

    if (alg->family == AO2_FAMILY_RSA_PKCS1 ||
        alg->family == AO2_FAMILY_RSA_PSS) {
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
                                 (size_t)(rsa_bits ? rsa_bits
                                                   : AO2_MIN_RSA_BITS));
    }
    row = ao2_curve_row(curve);
    return row->kind == AO2_KEY_EC
               ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", row->openssl)
               : EVP_PKEY_Q_keygen(NULL, NULL, row->openssl);
}

static ao2_code_t make_secret(ao2_key_t **pkey, const ao2_alg_t *alg,
                              const char *kid, apr_pool_t *pool,
                              ao2_fail_t *fail)
{
    unsigned char bytes[64];
    ao2_span_t span = {(const char *)bytes, alg->digest_len};
    ao2_code_t code;

    if (RAND_bytes(bytes, (int)alg->digest_len) != 1) {
        ERR_clear_error();
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no random numbers");
    }
    code = ao2_key_from_secret(pkey, span, kid, pool, fail);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return code;
}

ao2_code_t ao2_key_generate(ao2_key_t **pkey, const ao2_alg_t *alg,
                            int rsa_bits, const char *kid, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    EVP_PKEY *pkey_made;
    ao2_code_t code;

    *pkey = NULL;
    if (rsa_bits && (rsa_bits < AO2_MIN_RSA_BITS ||
                     rsa_bits > AO2_MAX_RSA_BITS)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "RSA keys have %d to %d bits", AO2_MIN_RSA_BITS,
                        AO2_MAX_RSA_BITS);
    }
    if (alg->family == AO2_FAMILY_HMAC) {
        code = make_secret(pkey, alg, kid, pool, fail);
    }
    else {
        pkey_made = make_pair(alg, rsa_bits);
        ERR_clear_error();
        code = pkey_made ? ao2_key_adopt(pkey, pkey_made, 1, pool, fail)
                         : ao2_fail(fail, AO2_E_MISCONFIGURED,
                                    "the key cannot be made");
    }
    if (code == AO2_OK) {
        (*pkey)->kid = kid;
        (*pkey)->alg = alg;
    }
    return code;
}
