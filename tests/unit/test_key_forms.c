#include "unit/support.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/jwk.h"

/* 1: a key; 0: not for us; -1: refused. */
static int read_as(const char *jwk, ao2_purpose_t purpose, apr_pool_t *pool)
{
    ao2_key_t *key;
    ao2_code_t code = ao2_jwk_read(&key, test_json(jwk, pool), purpose,
                                   0, pool, NULL);

    if (code != AO2_OK) {
        assert_null(key);
        return -1;
    }
    return key != NULL;
}

static apr_status_t free_pkey(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

/* A key pair of a type of OpenSSL's; freed with the pool. */
static EVP_PKEY *make(const char *type, const char *group, apr_pool_t *pool)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    EVP_PKEY_keygen_init(ctx);
    if (group) {
        EVP_PKEY_CTX_set_group_name(ctx, group);
    }
    assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);
    EVP_PKEY_CTX_free(ctx);
    apr_pool_cleanup_register(pool, pkey, free_pkey, apr_pool_cleanup_null);
    return pkey;
}

/* Self-signed, expired, nobody's: a key in an envelope. */
static X509 *certify(EVP_PKEY *pkey, const EVP_MD *digest)
{
    X509 *certificate = X509_new();

    X509_set_pubkey(certificate, pkey);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -100);
    X509_gmtime_adj(X509_getm_notAfter(certificate), -50);
    assert_true(X509_sign(certificate, pkey, digest) > 0);
    return certificate;
}

/* What "x5c" holds: base64 of DER (RFC 7517 section 4.7). */
static const char *x5c_of(EVP_PKEY *pkey, const EVP_MD *digest,
                          apr_pool_t *pool)
{
    X509 *certificate = certify(pkey, digest);
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    char *text = apr_palloc(pool, (apr_size_t)length * 2);

    EVP_EncodeBlock((unsigned char *)text, der, length);
    OPENSSL_free(der);
    X509_free(certificate);
    return text;
}

static void certificates_in_jwks(void **state)
{
    const char *rsa = x5c_of(make("RSA", NULL, *state), EVP_sha256(), *state);
    const char *p256 = x5c_of(make("EC", "P-256", *state), EVP_sha256(),
                              *state);
    const char *ed = x5c_of(make("ED25519", NULL, *state), NULL, *state);
    const struct {
        const char *members;
        const char *x5c;
        int expect;
    } rows[] = {
        {"'kty':'RSA'", rsa, 1},
        {"'kty':'RSA','alg':'PS256'", rsa, 1},
        {"'kty':'RSA','alg':'ES256'", rsa, -1},
        {"'kty':'RSA'", p256, -1},
        {"'kty':'RSA'", "", -1},
        {"'kty':'RSA'", "AAAA", -1},
        {"'kty':'EC','crv':'P-256'", p256, 1},
        {"'kty':'EC','crv':'P-384'", p256, -1},
        {"'kty':'EC','crv':'P-256'", rsa, -1},
        {"'kty':'EC'", p256, 0},
        {"'kty':'OKP','crv':'Ed25519'", ed, 1},
        {"'kty':'OKP','crv':'Ed448'", ed, -1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *jwk = apr_psprintf(*state, "{%s,'x5c':['%s','x']}",
                                       rows[i].members, rows[i].x5c);

        if (read_as(jwk, AO2_FOR_VERIFY, *state) != rows[i].expect) {
            fail_msg("row %d: %s", (int)i, rows[i].members);
        }
        assert_int_not_equal(read_as(jwk, AO2_FOR_SIGN, *state), 1);
    }
    /* Where the key's own members are there, they count alone. */
    assert_int_equal(read_as(
        "{'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrw"
        "IaaPcHURo','x5c':['AAAA']}", AO2_FOR_VERIFY, *state), 1);
    assert_int_equal(read_as("{'kty':'RSA','x5c':[]}", AO2_FOR_VERIFY,
                             *state), -1);
    assert_int_equal(read_as("{'kty':'RSA','x5c':[5]}", AO2_FOR_VERIFY,
                             *state), -1);
}

/* Read what a BIO holds as PEM. */
static ao2_code_t read_pem(ao2_key_t **pkey, BIO *bio, apr_pool_t *pool)
{
    char *bytes;
    ao2_span_t pem = {NULL, (apr_size_t)BIO_get_mem_data(bio, &bytes)};
    ao2_code_t code;

    pem.ptr = bytes;
    code = ao2_key_read_pem(pkey, pem, "k", NULL, pool, NULL);
    BIO_free(bio);
    return code;
}

static void pem_forms(void **state)
{
    static const struct {
        const char *type;
        const char *group;
        int good;
    } rows[] = {
        {"EC", "P-256", 1},   {"EC", "P-384", 1},     {"EC", "P-521", 1},
        {"ED25519", NULL, 1}, {"ED448", NULL, 1},     {"RSA", NULL, 1},
        {"X25519", NULL, 0},  {"EC", "secp256k1", 0}, {"EC", "P-224", 0},
        {"RSA-PSS", NULL, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EVP_PKEY *pkey = make(rows[i].type, rows[i].group, *state);
        BIO *public = BIO_new(BIO_s_mem());
        BIO *private = BIO_new(BIO_s_mem());
        BIO *locked = BIO_new(BIO_s_mem());
        ao2_key_t *key;

        PEM_write_bio_PUBKEY(public, pkey);
        PEM_write_bio_PrivateKey(private, pkey, NULL, NULL, 0, NULL, NULL);
        PEM_write_bio_PrivateKey(locked, pkey, EVP_aes_128_cbc(), NULL, 0,
                                 NULL, (void *)"pass");
        if ((read_pem(&key, public, *state) == AO2_OK) != rows[i].good ||
            !key != !rows[i].good || (key && key->is_private)) {
            fail_msg("row %d, public", (int)i);
        }
        if ((read_pem(&key, private, *state) == AO2_OK) != rows[i].good ||
            !key != !rows[i].good || (key && !key->is_private)) {
            fail_msg("row %d, private", (int)i);
        }
        /* It must not ask anybody for the pass phrase either. */
        assert_int_equal(read_pem(&key, locked, *state), AO2_E_MISCONFIGURED);
    }
}

static void pem_certificate(void **state)
{
    X509 *certificate = certify(make("EC", "P-256", *state), EVP_sha256());
    BIO *bio = BIO_new(BIO_s_mem());
    ao2_key_t *key;

    PEM_write_bio_X509(bio, certificate);
    X509_free(certificate);
    assert_int_equal(read_pem(&key, bio, *state), AO2_OK);
    assert_int_equal(key->curve, AO2_CURVE_P256);
    assert_false(key->is_private);
}

/* A public RSA key of so many bits, all ones: nobody has its other half. */
static EVP_PKEY *rsa_of(int bits, apr_pool_t *pool)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_new();
    BIGNUM *e = BN_new();
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params;

    BN_set_word(e, 65537);
    BN_lshift(n, BN_value_one(), bits);
    BN_sub_word(n, 1);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(ctx);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY,
                                       params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    apr_pool_cleanup_register(pool, pkey, free_pkey, apr_pool_cleanup_null);
    return pkey;
}

static void pem_sizes(void **state)
{
    static const struct {
        int bits;
        int good;
    } rows[] = {{2048, 1}, {2047, 0}, {8192, 1}, {8193, 0}, {16384, 0}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BIO *bio = BIO_new(BIO_s_mem());
        ao2_key_t *key;

        PEM_write_bio_PUBKEY(bio, rsa_of(rows[i].bits, *state));
        if ((read_pem(&key, bio, *state) == AO2_OK) != rows[i].good) {
            fail_msg("row %d: %d bits", (int)i, rows[i].bits);
        }
    }
}

static void pem(void **state)
{
    static const char public[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        "-----END PUBLIC KEY-----\n";
    ao2_fail_t fail = {0};
    ao2_key_t *key;

    assert_int_equal(ao2_key_read_pem(&key, ao2_span(public), "k",
                                      ao2_alg_find(ao2_span("EdDSA")),
                                      *state, &fail), AO2_OK);
    assert_int_equal(key->curve, AO2_CURVE_ED25519);
    assert_false(key->is_private);
    assert_int_equal(ao2_key_read_pem(&key, ao2_span(public), NULL,
                                      ao2_alg_find(ao2_span("ES256")),
                                      *state, &fail), AO2_E_MISCONFIGURED);
    assert_null(key);
    assert_int_equal(ao2_key_read_pem(&key, ao2_span("nothing"), NULL, NULL,
                                      *state, NULL), AO2_E_MISCONFIGURED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(certificates_in_jwks), TEST(pem_forms), TEST(pem_certificate),
        TEST(pem_sizes),            TEST(pem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
