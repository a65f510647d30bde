#include "unit/support.h"

#include "base/base64url.h"
#include "core/jws.h"
#include "core/signature.h"

#define ALGORITHMS 15

/* The one RSA key pair of this program: making and checking one takes long. */
static ao2_key_t *rsa;

static int make_rsa(void **state)
{
    return test_start(state) != 0 ||
           ao2_key_generate(&rsa, ao2_alg_find(ao2_span("RS256")), 0, "k1",
                            *state, NULL) != AO2_OK;
}

/* A key pinned to @a alg. */
static ao2_key_t *make_key(const ao2_alg_t *alg, apr_pool_t *pool)
{
    ao2_fail_t fail = {0};
    ao2_key_t *key = NULL;

    if (alg->family == AO2_FAMILY_RSA_PKCS1 ||
        alg->family == AO2_FAMILY_RSA_PSS) {
        key = apr_pmemdup(pool, rsa, sizeof(*rsa));
        key->alg = alg;
    }
    else {
        ao2_key_generate(&key, alg, 0, "k1", pool, &fail);
    }
    if (!key) {
        fail_msg("%s: %s", alg->name, fail.detail);
    }
    return key;
}

/* A key and a token signed with it. */
static const char *mint(ao2_key_t **pkey, const ao2_alg_t *alg,
                        apr_pool_t *pool)
{
    ao2_signer_t signer = {NULL, alg, "JWT"};
    const char *token = NULL;
    ao2_fail_t fail = {0};

    *pkey = make_key(alg, pool);
    signer.key = *pkey;
    if (ao2_jws_sign(&token, ao2_span("{\"a\":1}"), &signer, pool, &fail)
        != AO2_OK) {
        fail_msg("%s: %s", alg->name, fail.detail);
    }
    return token;
}

static ao2_code_t check(ao2_span_t token, const ao2_key_t *key,
                        apr_pool_t *pool)
{
    ao2_fail_t fail = {0};
    ao2_jws_t *jws;
    ao2_code_t code = ao2_jws_parse(&jws, token, pool, &fail);

    return code == AO2_OK ? ao2_jws_verify(jws, key, &fail) : code;
}

/* AO2_SWEEP=N looks at every Nth byte alone: for slow machines. */
static apr_size_t step(void)
{
    const char *text = getenv("AO2_SWEEP");

    return text && apr_atoi64(text) > 0 ? (apr_size_t)apr_atoi64(text) : 1;
}

/* Try a token with every bit flipped and every length cut; how
 * many bits. */
static int spoil(const char *token, const ao2_key_t *key,
                 const ao2_alg_t *alg, apr_pool_t *parent)
{
    apr_size_t length = strlen(token);
    apr_size_t at;
    apr_pool_t *pool;
    int tried = 0;

    apr_pool_create(&pool, parent);
    for (at = 0; at < length; at += step()) {
        char *copy = apr_pstrdup(pool, token);
        ao2_span_t cut = {copy, at};
        ao2_span_t whole = {copy, length};
        int bit;

        assert_int_equal(check(cut, key, pool), AO2_E_TOKEN_INVALID);
        for (bit = 0; bit < 8; bit++, tried++) {
            copy[at] = (char)(token[at] ^ 1 << bit);
            if (check(whole, key, pool) == AO2_OK) {
                fail_msg("%s: bit %d of byte %d", alg->name, bit, (int)at);
            }
        }
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return tried;
}

/* Whatever is changed in a token, it is refused: every bit flipped, every
 * length cut, a character more. The untouched one is accepted. */
static void sweep(void **state)
{
    int tried = 0;
    int i;

    for (i = 0; ao2_alg_at(i); i++) {
        const ao2_alg_t *alg = ao2_alg_at(i);
        ao2_key_t *key;
        const char *token = mint(&key, alg, *state);

        assert_int_equal(check(ao2_span(token), key, *state), AO2_OK);
        assert_int_equal(check(ao2_span(apr_pstrcat(*state, token, "A",
                                                    NULL)), key, *state),
                         AO2_E_TOKEN_INVALID);
        tried += spoil(token, key, alg, *state);
    }
    assert_int_equal(i, ALGORITHMS);
    print_message("%d tokens with a bit flipped refused\n", tried);
}

/* No key stands in for another one, nor for itself where it is pinned to
 * another algorithm: the RSA keys are all the same. */
static void confusion(void **state)
{
    const char *tokens[ALGORITHMS];
    ao2_key_t *keys[ALGORITHMS];
    int i;
    int k;

    for (i = 0; i < ALGORITHMS; i++) {
        tokens[i] = mint(&keys[i], ao2_alg_at(i), *state);
    }
    for (i = 0; i < ALGORITHMS; i++) {
        for (k = 0; k < ALGORITHMS; k++) {
            assert_int_equal(check(ao2_span(tokens[i]), keys[k], *state),
                             i == k ? AO2_OK : AO2_E_TOKEN_INVALID);
        }
    }
}

/* A key pinned to one algorithm of its kind signs and checks no other. */
static void pinned(void **state)
{
    static const struct {
        const char *pin;
        const char *alg;
        int good;
    } rows[] = {
        {"RS256", "RS256", 1}, {"RS256", "RS384", 0}, {"RS256", "PS256", 0},
        {"PS512", "PS512", 1}, {"PS512", "PS256", 0}, {"HS256", "HS256", 1},
        {"HS512", "HS256", 0}, {"EdDSA", "Ed25519", 1},
        {"Ed25519", "EdDSA", 1}, {"RS256", "RS512", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_signer_t signer = {NULL, ao2_alg_find(ao2_span(rows[i].alg)),
                               NULL};
        const ao2_alg_t *pin = ao2_alg_find(ao2_span(rows[i].pin));
        ao2_key_t *key = make_key(pin, *state);
        const char *token;

        signer.key = key;
        if ((ao2_jws_sign(&token, ao2_span("{}"), &signer, *state, NULL)
             == AO2_OK) != rows[i].good) {
            fail_msg("row %d: sign", (int)i);
        }
        key->alg = NULL;
        assert_int_equal(ao2_jws_sign(&token, ao2_span("{}"), &signer, *state,
                                      NULL), AO2_OK);
        assert_int_equal(check(ao2_span(token), key, *state), AO2_OK);
        key->alg = pin;
        if ((check(ao2_span(token), key, *state) == AO2_OK) != rows[i].good) {
            fail_msg("row %d: check", (int)i);
        }
    }
}

/* The header decides: each row differs from the first in one thing. */
static void headers(void **state)
{
    static const struct {
        const char *header;
        int good;
    } rows[] = {
        {"{'alg':'HS256'}", 1},
        {"{'alg':'HS256','kid':'k'}", 1},
        {"{'alg':'HS256','kid':''}", 0},
        {"{'alg':'HS256','kid':5}", 0},
        {"{'alg':'HS256','kid':null}", 0},
        {"{'alg':'HS256','kid':'a\\u0000b'}", 0},
        {"{'alg':'HS256','typ':'JWT'}", 1},
        {"{'alg':'HS256','typ':5}", 0},
        {"{'alg':'HS256','jku':'https://x','x5u':'y','jwk':{},'x5c':[]}", 1},
        {"{'alg':'HS256','crit':['x'],'x':1}", 0},
        {"{'alg':'HS256','crit':[]}", 0},
        {"{'alg':'HS256','b64':false}", 0},
        {"{'alg':'HS256','zip':'DEF'}", 0},
        {"{'alg':'HS256','enc':'A128GCM'}", 0},
        {"{'alg':'HS256','alg':'HS256'}", 0},
        {"{'alg':'none'}", 0},
        {"{'alg':'None'}", 0},
        {"{'alg':'hs256'}", 0},
        {"{'alg':'HS256 '}", 0},
        {"{'alg':''}", 0},
        {"{'alg':5}", 0},
        {"{'alg':null}", 0},
        {"{}", 0},
        {"[]", 0},
        {"{'alg':'HS256'", 0},
        {"{'alg':'HS256','a':[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}", 1},
        {"{'alg':'HS256','a':[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", 0},
    };
    const char *rest = ".e30.c2ln";
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = apr_pstrdup(*state, rows[i].header);
        ao2_jws_t *jws;
        char *at;

        for (at = text; *at; at++) {
            *at = *at == '\'' ? '"' : *at;
        }
        text = apr_pstrcat(*state,
                           ao2_base64url_encode(ao2_span(text), *state), rest,
                           NULL);
        if ((ao2_jws_parse(&jws, ao2_span(text), *state, NULL) == AO2_OK)
            != rows[i].good) {
            fail_msg("row %d: %s", (int)i, rows[i].header);
        }
    }
}

static void forms(void **state)
{
    static const struct {
        const char *token;
        int good;
    } rows[] = {
        {"eyJhbGciOiJIUzI1NiJ9.e30.c2ln", 1},
        {"eyJhbGciOiJIUzI1NiJ9..c2ln", 1},
        {"eyJhbGciOiJIUzI1NiJ9.e30.", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e30", 0},
        {"eyJhbGciOiJIUzI1NiJ9", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e30.c2ln.", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e30.c2ln.c2ln.c2ln", 0},
        {".e30.c2ln", 0},
        {"..", 0},
        {"", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e30.c2ln=", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e30=.c2ln", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e3 0.c2ln", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e30.c2l+", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e30.c2l/", 0},
        {" eyJhbGciOiJIUzI1NiJ9.e30.c2ln", 0},
        {"eyJhbGciOiJIUzI1NiJ9.e30.c2ln\n", 0},
        {"{\"protected\":\"eyJhbGciOiJIUzI1NiJ9\",\"payload\":\"e30\","
         "\"signature\":\"c2ln\"}", 0},
    };
    size_t i;
    ao2_jws_t *jws;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_span_t token = ao2_span(rows[i].token);

        if ((ao2_jws_parse(&jws, token, *state, NULL) == AO2_OK)
                != rows[i].good ||
            ao2_jws_looks_like(token) != rows[i].good) {
            fail_msg("row %d: %s", (int)i, rows[i].token);
        }
    }
    assert_false(ao2_jws_looks_like(ao2_span("abc.e30.c2ln")));
    assert_false(ao2_jws_looks_like(ao2_span("exog.e30.c2ln")));
    assert_true(ao2_jws_looks_like(ao2_span("ewog.e30.c2ln")));
}

/* Header and token at their limits, and one byte over. */
static void limits(void **state)
{
    static const char start[] = "eyJhbGciOiJIUzI1NiJ9..";
    int over;

    for (over = 0; over < 2; over++) {
        apr_size_t length = AO2_MAX_CREDENTIAL + (apr_size_t)over;
        char *token = apr_pcalloc(*state, length + 1);
        ao2_jws_t *jws;

        memset(token, 'A', length);
        memcpy(token, start, strlen(start));
        /* A byte more: in the payload, so that each length is one. */
        if (over) {
            memcpy(token, "eyJhbGciOiJIUzI1NiJ9.AAA.", 25);
        }
        assert_int_equal(ao2_jws_parse(&jws, ao2_span(token), *state, NULL),
                         over ? AO2_E_TOKEN_INVALID : AO2_OK);
    }
    for (over = 0; over < 2; over++) {
        apr_size_t filler = AO2_MAX_JWT_HEADER + (apr_size_t)over
                            - strlen("{\"alg\":\"HS256\",\"x\":\"\"}");
        char *x = apr_pcalloc(*state, filler + 1);
        const char *header;
        ao2_jws_t *jws;

        memset(x, 'x', filler);
        header = apr_pstrcat(*state, "{\"alg\":\"HS256\",\"x\":\"", x, "\"}",
                             NULL);
        header = apr_pstrcat(*state,
                             ao2_base64url_encode(ao2_span(header), *state),
                             ".e30.c2ln", NULL);
        assert_int_equal(ao2_jws_parse(&jws, ao2_span(header), *state, NULL),
                         over ? AO2_E_TOKEN_INVALID : AO2_OK);
    }
    for (over = 0; over < 2; over++) {
        apr_size_t length = AO2_MAX_KID + (apr_size_t)over;
        char *kid = apr_pcalloc(*state, length + 1);
        const char *header;
        ao2_jws_t *jws;

        memset(kid, 'k', length);
        header = apr_pstrcat(*state, "{\"alg\":\"HS256\",\"kid\":\"", kid,
                             "\"}", NULL);
        header = apr_pstrcat(*state,
                             ao2_base64url_encode(ao2_span(header), *state),
                             ".e30.c2ln", NULL);
        assert_int_equal(ao2_jws_parse(&jws, ao2_span(header), *state, NULL),
                         over ? AO2_E_TOKEN_INVALID : AO2_OK);
    }
}

static void unsigned_by_public_keys(void **state)
{
    ao2_signer_t signer = {NULL, ao2_alg_find(ao2_span("ES256")), NULL};
    const char *token;
    ao2_key_t *private;
    ao2_key_t *public;
    json_t *jwk;

    ao2_key_generate(&private, signer.alg, 0, NULL, *state, NULL);
    ao2_key_write(&jwk, private, 0, *state, NULL);
    ao2_jwk_read(&public, jwk, AO2_FOR_VERIFY, 0, *state, NULL);
    signer.key = private;
    assert_int_equal(ao2_jws_sign(&token, ao2_span("{}"), &signer, *state,
                                  NULL), AO2_OK);
    signer.alg = ao2_alg_find(ao2_span("ES384"));
    assert_int_equal(ao2_jws_sign(&token, ao2_span("{}"), &signer, *state,
                                  NULL), AO2_E_MISCONFIGURED);
    assert_null(token);
    signer.alg = ao2_alg_find(ao2_span("ES256"));
    signer.key = public;
    assert_int_equal(ao2_jws_sign(&token, ao2_span("{}"), &signer, *state,
                                  NULL), AO2_E_MISCONFIGURED);
    signer.key = private;
    signer.typ = "\xff";
    assert_int_equal(ao2_jws_sign(&token, ao2_span("{}"), &signer, *state,
                                  NULL), AO2_E_MISCONFIGURED);
    signer.typ = NULL;
    private->kid = "\xff";
    assert_int_equal(ao2_jws_sign(&token, ao2_span("{}"), &signer, *state,
                                  NULL), AO2_E_MISCONFIGURED);
    assert_int_equal(ao2_key_write(&jwk, private, 0, *state, NULL),
                     AO2_E_MISCONFIGURED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sweep),  TEST(confusion), TEST(pinned), TEST(headers),
        TEST(forms),  TEST(limits),    TEST(unsigned_by_public_keys),
    };

    return cmocka_run_group_tests(tests, make_rsa, test_end);
}
