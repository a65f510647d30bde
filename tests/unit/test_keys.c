#include "unit/support.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "base/base64url.h"
#include "core/keyset.h"

/* 1: a key; 0: not for us; -1: refused. */
static int read_as(const char *jwk, ao2_purpose_t purpose, int secrets,
                   apr_pool_t *pool)
{
    ao2_key_t *key;
    ao2_code_t code = ao2_jwk_read(&key, test_json(jwk, pool), purpose,
                                   secrets, pool, NULL);

    if (code != AO2_OK) {
        assert_null(key);
        return -1;
    }
    return key != NULL;
}

/* @a base with one member replaced (or removed, for "-"). */
static const char *with(const char *base, const char *member,
                        const char *value, apr_pool_t *pool)
{
    json_t *json = test_json(base, pool);
    char *text;

    if (strcmp(value, "-") == 0) {
        json_object_del(json, member);
    }
    else {
        json_object_update(json, test_json(apr_psprintf(
            pool, "{'%s':%s}", member, value), pool));
    }
    text = json_dumps(json, JSON_COMPACT);
    value = apr_pstrdup(pool, text);
    free(text);
    return value;
}

static const char ec[] =
    "{'kty':'EC','crv':'P-256','x':'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRV"
    "EU','y':'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'}";
static const char okp[] =
    "{'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaP"
    "cHURo','d':'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A'}";
static const char oct[] =
    "{'kty':'oct','k':'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"
    "aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'}";

static void jwk_members(void **state)
{
    static const struct {
        const char *base;
        const char *member;
        const char *value;
        int expect;
    } rows[] = {
        {ec, "kid", "'a'", 1},
        {ec, "kid", "''", -1},
        {ec, "kid", "5", -1},
        {ec, "use", "'sig'", 1},
        {ec, "use", "'enc'", 0},
        {ec, "use", "5", 0},
        {ec, "key_ops", "['verify']", 1},
        {ec, "key_ops", "['sign','verify']", 1},
        {ec, "key_ops", "['encrypt']", 0},
        {ec, "key_ops", "[]", 0},
        {ec, "alg", "'ES256'", 1},
        {ec, "alg", "'ES384'", -1},
        {ec, "alg", "'RS256'", -1},
        {ec, "alg", "'HS256'", -1},
        {ec, "alg", "'ECDH-ES'", 0},
        {ec, "kty", "'RSA'", -1},
        {ec, "kty", "'OKP'", 0},
        {ec, "kty", "'ec'", 0},
        {ec, "kty", "5", -1},
        {ec, "kty", "-", -1},
        {ec, "crv", "'P-384'", -1},
        {ec, "crv", "'secp256k1'", 0},
        {ec, "crv", "-", 0},
        {ec, "x", "-", -1},
        {ec, "x", "'AAAA'", -1},
        {ec, "x", "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", -1},
        {ec, "x", "'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU='", -1},
        {ec, "y", "'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1'", -1},
        {ec, "y", "'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aA'", -1},
        {okp, "alg", "'EdDSA'", 1},
        {okp, "alg", "'Ed25519'", 1},
        {okp, "alg", "'Ed448'", -1},
        {okp, "crv", "'X25519'", 0},
        {okp, "crv", "'Ed448'", -1},
    };
    size_t i;

    assert_int_equal(read_as(ec, AO2_FOR_VERIFY, 0, *state), 1);
    assert_int_equal(read_as(okp, AO2_FOR_VERIFY, 0, *state), 1);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int got = read_as(with(rows[i].base, rows[i].member, rows[i].value,
                               *state), AO2_FOR_VERIFY, 0, *state);

        if (got != rows[i].expect) {
            fail_msg("row %d: %s %s: %d", (int)i, rows[i].member,
                     rows[i].value, got);
        }
    }
}

static void jwk_purposes(void **state)
{
    assert_int_equal(read_as(okp, AO2_FOR_SIGN, 0, *state), 1);
    assert_int_equal(read_as(ec, AO2_FOR_SIGN, 0, *state), -1);
    assert_int_equal(read_as(with(okp, "d", "'AAAA'", *state), AO2_FOR_SIGN,
                             0, *state), -1);
    assert_int_equal(read_as(with(okp, "x",
                                  "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                  "AAA'", *state), AO2_FOR_SIGN, 0, *state),
                     -1);
    assert_int_equal(read_as(with(okp, "key_ops", "['verify']", *state),
                             AO2_FOR_SIGN, 0, *state), 0);
    assert_int_equal(read_as(oct, AO2_FOR_VERIFY, 0, *state), 0);
    assert_int_equal(read_as(oct, AO2_FOR_VERIFY, 1, *state), 1);
    assert_int_equal(read_as(with(oct, "k", "''", *state), AO2_FOR_VERIFY, 1,
                             *state), -1);
    assert_int_equal(read_as(with(oct, "k", "'A A'", *state), AO2_FOR_VERIFY,
                             1, *state), -1);
}

/* RFC 7638 section 3.1 */
static void thumbprint(void **state)
{
    ao2_key_t *key;

    ao2_jwk_read(&key, test_json(
        "{'kty':'RSA','n':'0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhW"
        "x4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64"
        "tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368Q"
        "QMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-b"
        "FTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kE"
        "gU8awapJzKnqDKgw','e':'AQAB','alg':'RS256','kid':'2011-04-29'}",
        *state), AO2_FOR_VERIFY, 0, *state, NULL);
    assert_non_null(key);
    assert_string_equal(ao2_key_thumbprint(key, *state),
                        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

/* An RSA JWK of @a bits and exponent @a e, as OpenSSL makes it. */
static int rsa_of(int bits, unsigned e, apr_pool_t *pool)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *number = BN_new();
    EVP_PKEY *pkey = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    ao2_span_t pem;
    ao2_key_t *key;
    char *bytes;

    BN_set_word(number, e);
    EVP_PKEY_keygen_init(ctx);
    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, number);
    assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);
    PEM_write_bio_PUBKEY(bio, pkey);
    pem.len = (apr_size_t)BIO_get_mem_data(bio, &bytes);
    pem.ptr = bytes;
    ao2_key_read_pem(&key, pem, "k", NULL, pool, NULL);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
    BN_free(number);
    BIO_free(bio);
    return key != NULL;
}

static void rsa_sizes(void **state)
{
    assert_true(rsa_of(2048, 65537, *state));
    assert_true(rsa_of(2048, 3, *state));
    assert_false(rsa_of(1024, 65537, *state));
    assert_false(rsa_of(2040, 65537, *state));
}

static void generate_and_write(void **state)
{
    ao2_key_t *key;
    int i;

    for (i = 0; ao2_alg_at(i); i++) {
        const ao2_alg_t *alg = ao2_alg_at(i);
        ao2_key_t *back;
        json_t *json;
        int is_secret = alg->family == AO2_FAMILY_HMAC;

        assert_int_equal(ao2_key_generate(&key, alg, 0, "k", *state, NULL),
                         AO2_OK);
        assert_int_equal(ao2_key_write(&json, key, 1, *state, NULL), AO2_OK);
        assert_int_equal(ao2_jwk_read(&back, json, AO2_FOR_SIGN, 1, *state,
                                      NULL), AO2_OK);
        assert_non_null(back);
        assert_ptr_equal(back->alg, alg);
        assert_string_equal(back->kid, "k");
        assert_string_equal(ao2_key_thumbprint(back, *state),
                            ao2_key_thumbprint(key, *state));
        assert_int_equal(ao2_key_write(&json, key, 0, *state, NULL), AO2_OK);
        assert_int_equal(!json, is_secret);
        assert_null(json_object_get(json, "d"));
        if (!is_secret) {
            ao2_jwk_read(&back, json, AO2_FOR_VERIFY, 0, *state, NULL);
            assert_int_equal(ao2_key_write(&json, back, 1, *state, NULL),
                             AO2_E_MISCONFIGURED);
        }
    }
    assert_int_equal(ao2_key_generate(&key, ao2_alg_find(ao2_span("RS256")),
                                      1024, NULL, *state, NULL),
                     AO2_E_MISCONFIGURED);
}

static ao2_code_t parse(const char *text, int secrets, int *count,
                        apr_pool_t *pool)
{
    ao2_keyset_t *set = ao2_keyset_make(pool);
    char *copy = apr_pstrdup(pool, text);
    char *at;
    ao2_code_t code;

    for (at = copy; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    code = ao2_keyset_parse(set, ao2_span(copy), AO2_FOR_VERIFY, secrets,
                            pool, NULL);
    *count = set->count;
    return code;
}

static void sets(void **state)
{
    const char *many = "";
    int count;
    int i;

    assert_int_equal(parse(apr_psprintf(*state, "{'keys':[%s,%s,{'kty':'x'},"
                                        "5,%s]}", ec, okp, oct), 0, &count,
                           *state), AO2_OK);
    assert_int_equal(count, 2);
    assert_int_equal(parse(ec, 0, &count, *state), AO2_OK);
    assert_int_equal(count, 1);
    assert_int_equal(parse(oct, 0, &count, *state), AO2_E_MISCONFIGURED);
    assert_int_equal(parse(oct, 1, &count, *state), AO2_OK);
    assert_int_equal(parse("{'keys':[]}", 0, &count, *state),
                     AO2_E_MISCONFIGURED);
    assert_int_equal(parse("{'keys':{}}", 0, &count, *state),
                     AO2_E_MISCONFIGURED);
    assert_int_equal(parse("{}", 0, &count, *state), AO2_E_MISCONFIGURED);
    assert_int_equal(parse("[]", 0, &count, *state), AO2_E_MISCONFIGURED);
    assert_int_equal(parse("<html>", 0, &count, *state),
                     AO2_E_MISCONFIGURED);
    for (i = 0; i < AO2_MAX_KEYS; i++) {
        many = apr_pstrcat(*state, many, i ? "," : "", ec, NULL);
    }
    assert_int_equal(parse(apr_psprintf(*state, "{'keys':[%s]}", many), 0,
                           &count, *state), AO2_OK);
    assert_int_equal(count, AO2_MAX_KEYS);
    assert_int_equal(parse(apr_psprintf(*state, "{'keys':[%s,%s]}", many, ec),
                           0, &count, *state), AO2_E_MISCONFIGURED);
    assert_int_equal(count, 0);
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
        TEST(jwk_members),        TEST(jwk_purposes), TEST(thumbprint),
        TEST(rsa_sizes),          TEST(sets),         TEST(pem),
        TEST(generate_and_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
