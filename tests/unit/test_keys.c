#include "unit/support.h"

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

/* An RSA JWK with a modulus of @a bits bits and this exponent, big-endian. */
static int rsa_of(int bits, const char *e, apr_pool_t *pool)
{
    unsigned char *bytes = apr_palloc(pool, (apr_size_t)(bits + 7) / 8);
    ao2_span_t modulus = {(const char *)bytes, (apr_size_t)(bits + 7) / 8};
    const char *text;

    memset(bytes, 0xff, modulus.len);
    bytes[0] = (unsigned char)(0xff >> (7 - (bits + 7) % 8));
    text = apr_psprintf(pool, "{'kty':'RSA','n':'%s','e':'%s'}",
                        ao2_base64url_encode(modulus, pool),
                        ao2_base64url_encode(ao2_span(e), pool));
    return read_as(text, AO2_FOR_VERIFY, 0, pool);
}

static void rsa_sizes(void **state)
{
    static const struct {
        int bits;
        const char *e;
        int expect;
    } rows[] = {
        {2048, "\1\1", 1},           {2047, "\1\1", -1},
        {1024, "\1\1", -1},          {8192, "\1\1", 1},
        {8193, "\1\1", -1},          {16384, "\1\1", -1},
        {2048, "\3", 1},             {2048, "\1", -1},
        {2048, "\2", -1},            {2048, "\4", -1},
        {2048, "\xff\xff\xff\xff", 1}, {2048, "\1\1\1\1\1", -1},
        {2048, "", -1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rsa_of(rows[i].bits, rows[i].e, *state) != rows[i].expect) {
            fail_msg("row %d: %d bits", (int)i, rows[i].bits);
        }
    }
}

/* RFC 7518 section 6.2.1.2: a coordinate keeps its leading zero. */
static void coordinate_lengths(void **state)
{
    const ao2_alg_t *es = ao2_alg_find(ao2_span("ES256"));
    ao2_span_t x = {"x", 1};
    ao2_key_t *key;
    json_t *jwk;
    int i;

    for (i = 0; i < 10000 && x.ptr[0] != '\0'; i++) {
        ao2_key_generate(&key, es, 0, NULL, *state, NULL);
        ao2_key_write(&jwk, key, 0, *state, NULL);
        ao2_base64url_decode(&x, ao2_json_text(json_object_get(jwk, "x")),
                             *state);
    }
    assert_int_equal(x.len, 32);
    assert_int_equal(x.ptr[0], 0);
    ao2_jwk_read(&key, jwk, AO2_FOR_VERIFY, 0, *state, NULL);
    assert_non_null(key);
    x.ptr++;
    x.len--;
    json_object_set_new(jwk, "x", json_string(ao2_base64url_encode(x,
                                                                   *state)));
    assert_int_equal(ao2_jwk_read(&key, jwk, AO2_FOR_VERIFY, 0, *state, NULL),
                     AO2_E_MISCONFIGURED);
}

/* A private part of one key beside the public part of another. */
static void mixed_pairs(void **state)
{
    static const char *const algs[] = {"RS256", "ES256", "Ed25519"};
    int i;

    for (i = 0; i < 3; i++) {
        const ao2_alg_t *alg = ao2_alg_find(ao2_span(algs[i]));
        ao2_key_t *one;
        ao2_key_t *other;
        json_t *jwk;
        json_t *foreign;

        ao2_key_generate(&one, alg, 0, NULL, *state, NULL);
        ao2_key_generate(&other, alg, 0, NULL, *state, NULL);
        ao2_key_write(&jwk, one, 1, *state, NULL);
        ao2_key_write(&foreign, other, 1, *state, NULL);
        assert_int_equal(ao2_jwk_read(&other, jwk, AO2_FOR_SIGN, 0, *state,
                                      NULL), AO2_OK);
        json_object_set(jwk, "d", json_object_get(foreign, "d"));
        assert_int_equal(ao2_jwk_read(&other, jwk, AO2_FOR_SIGN, 0, *state,
                                      NULL), AO2_E_MISCONFIGURED);
        assert_null(other);
        assert_int_equal(ao2_jwk_read(&other, jwk, AO2_FOR_VERIFY, 0, *state,
                                      NULL), AO2_OK);
    }
}

/* RFC 7518 section 3.2: a secret is at least as long as the hash. */
static void secret_lengths(void **state)
{
    static const char bytes[64];
    static const char *const names[] = {"HS256", "HS384", "HS512"};
    int i;

    for (i = 0; i < 3; i++) {
        const ao2_alg_t *alg = ao2_alg_find(ao2_span(names[i]));
        ao2_span_t span = {bytes, alg->digest_len};
        ao2_key_t *key;

        ao2_key_from_secret(&key, span, NULL, *state, NULL);
        assert_true(ao2_key_fits(key, alg));
        span.len--;
        ao2_key_from_secret(&key, span, NULL, *state, NULL);
        assert_false(ao2_key_fits(key, alg));
        span.len = 0;
        assert_int_equal(ao2_key_from_secret(&key, span, NULL, *state, NULL),
                         AO2_E_MISCONFIGURED);
        assert_null(key);
    }
}

/* What a name in ApiAlgorithms allows. */
static void algorithms(void **state)
{
    const ao2_alg_t *rs = ao2_alg_find(ao2_span("RS256"));
    const ao2_alg_t *ed = ao2_alg_find(ao2_span("EdDSA"));
    const ao2_alg_t *ed448 = ao2_alg_find(ao2_span("Ed448"));
    const ao2_alg_t *hs = ao2_alg_find(ao2_span("HS512"));

    (void)state;
    assert_int_equal(ao2_alg_allows(rs), rs->bit);
    assert_int_equal(ao2_alg_allows(ed448), ed448->bit);
    assert_true((ao2_alg_allows(ed) & ed448->bit) != 0);
    assert_true((ao2_alg_allows(ed) & rs->bit) == 0);
    assert_true((ao2_alg_default() & ed448->bit) != 0);
    assert_true((ao2_alg_default() & ao2_alg_hmac()) == 0);
    assert_true((ao2_alg_hmac() & hs->bit) != 0);
    assert_int_equal(ao2_alg_default() | ao2_alg_hmac(), (1u << 15) - 1);
    assert_null(ao2_alg_at(-1));
    assert_null(ao2_alg_at(15));
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

        /* Making RSA keys takes long: one of each family is enough. */
        if (alg->digest_len > 32 && (alg->family == AO2_FAMILY_RSA_PKCS1 ||
                                     alg->family == AO2_FAMILY_RSA_PSS)) {
            continue;
        }
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
    /* What is skipped hides nothing behind it. */
    assert_int_equal(parse(apr_psprintf(*state, "{'keys':[5,%s,{'kty':'RSA'},"
                                        "%s]}", oct, ec), 0, &count, *state),
                     AO2_OK);
    assert_int_equal(count, 1);
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
    /* One that is not for us counts as well. */
    assert_int_equal(parse(apr_psprintf(*state, "{'keys':[%s,%s]}", many,
                                        oct), 0, &count, *state),
                     AO2_E_MISCONFIGURED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jwk_members), TEST(jwk_purposes),       TEST(rsa_sizes),
        TEST(sets),        TEST(generate_and_write), TEST(secret_lengths),
        TEST(algorithms),  TEST(coordinate_lengths), TEST(mixed_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
