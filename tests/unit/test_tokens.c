#include "unit/support.h"

#include "base/base64url.h"
#include "core/jws.h"

/* A key and a token signed with it. */
static const char *mint(ao2_key_t **pkey, const ao2_alg_t *alg,
                        apr_pool_t *pool)
{
    ao2_signer_t signer = {NULL, alg, "JWT"};
    const char *token = NULL;
    ao2_fail_t fail = {0};

    ao2_key_generate(pkey, alg, 0, "k1", pool, &fail);
    signer.key = *pkey;
    if (!signer.key || ao2_jws_sign(&token, ao2_span("{\"a\":1}"), &signer,
                                    pool, &fail) != AO2_OK) {
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

/* Try a token with every bit flipped and every length cut; how many. */
static int spoil(const char *token, const ao2_key_t *key,
                 const ao2_alg_t *alg, apr_pool_t *parent)
{
    apr_size_t length = strlen(token);
    apr_size_t at;
    apr_pool_t *pool;

    apr_pool_create(&pool, parent);
    for (at = 0; at < length; at++) {
        char *copy = apr_pstrdup(pool, token);
        ao2_span_t cut = {copy, at};
        ao2_span_t whole = {copy, length};
        int bit;

        assert_int_equal(check(cut, key, pool), AO2_E_TOKEN_INVALID);
        for (bit = 0; bit < 8; bit++) {
            copy[at] = (char)(token[at] ^ 1 << bit);
            if (check(whole, key, pool) == AO2_OK) {
                fail_msg("%s: bit %d of byte %d", alg->name, bit, (int)at);
            }
        }
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return (int)length * 9;
}

/* Whatever is changed in a token, it is refused: every bit flipped, every
 * length cut. The untouched one is accepted. */
static void sweep(void **state)
{
    int tried = 0;
    int i;

    for (i = 0; ao2_alg_at(i); i++) {
        const ao2_alg_t *alg = ao2_alg_at(i);
        ao2_key_t *key;
        const char *token = mint(&key, alg, *state);

        assert_int_equal(check(ao2_span(token), key, *state), AO2_OK);
        tried += spoil(token, key, alg, *state);
    }
    assert_int_equal(i, 15);
    print_message("%d changed tokens refused\n", tried);
}

/* No key of one algorithm is taken for another. */
static void confusion(void **state)
{
    int i;
    int k;

    for (i = 0; ao2_alg_at(i); i++) {
        const ao2_alg_t *a = ao2_alg_at(i);
        ao2_key_t *key;
        const char *token = mint(&key, a, *state);

        for (k = 0; ao2_alg_at(k); k++) {
            const ao2_alg_t *b = ao2_alg_at(k);
            ao2_key_t *other;
            int same = a->family == AO2_FAMILY_EDDSA && b->family == a->family
                       && (a->curve == b->curve || !a->curve || !b->curve);

            if (i == k || same) {
                continue;
            }
            mint(&other, b, *state);
            assert_int_equal(check(ao2_span(token), other, *state),
                             AO2_E_TOKEN_INVALID);
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
    int over;

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

/* The examples of the RFCs: header and payload as they stand there. */
static void rfc_examples(void **state)
{
    static const struct {
        const char *name;
        const char *jwk;
        const char *token;
    } rows[] = {
        {"RFC 7515 A.1",
         "{'kty':'oct','k':'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0"
         "gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'}",
         "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJle"
         "HAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
         "fQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
        {"RFC 7515 A.3",
         "{'kty':'EC','crv':'P-256','x':'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9u"
         "PHvRVEU','y':'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'}",
         "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQ"
         "ogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWA"
         "fUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1"
         "Q"},
        {"RFC 8037 A.4",
         "{'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlr"
         "wIaaPcHURo'}",
         "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MG"
         "CjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpA"
         "r_MuM0KAg"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_fail_t fail = {0};
        ao2_key_t *key;

        if (ao2_jwk_read(&key, test_json(rows[i].jwk, *state), AO2_FOR_VERIFY,
                         1, *state, &fail) != AO2_OK || !key ||
            check(ao2_span(rows[i].token), key, *state) != AO2_OK) {
            fail_msg("%s: %s", rows[i].name, fail.detail);
        }
    }
    /* RFC 7515 A.5, "alg":"none" */
    assert_int_equal(check(ao2_span("eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ."
                                    ), NULL, *state), AO2_E_TOKEN_INVALID);
}

static void selection(void **state)
{
    ao2_keyset_t *set = ao2_keyset_make(*state);
    const ao2_key_t *found[AO2_MAX_CANDIDATES];
    const ao2_alg_t *es = ao2_alg_find(ao2_span("ES256"));
    const ao2_alg_t *ed = ao2_alg_find(ao2_span("EdDSA"));
    ao2_span_t none = {NULL, 0};
    ao2_key_t *key;
    int i;

    for (i = 0; i < 10; i++) {
        ao2_key_generate(&key, es, 0, apr_psprintf(*state, "k%d", i), *state,
                         NULL);
        assert_int_equal(ao2_keyset_add(set, key, NULL), AO2_OK);
    }
    assert_int_equal(ao2_keyset_select(found, set, es, none),
                     AO2_MAX_CANDIDATES);
    assert_int_equal(ao2_keyset_select(found, set, ed, none), 0);
    assert_int_equal(ao2_keyset_select(found, set, es, ao2_span("k9")), 1);
    assert_ptr_equal(found[0], key);
    assert_int_equal(ao2_keyset_select(found, set, es, ao2_span("k")), 0);
    assert_int_equal(ao2_keyset_select(found, set, ed, ao2_span("k9")), 0);
    while (set->count < AO2_MAX_KEYS) {
        assert_int_equal(ao2_keyset_add(set, key, NULL), AO2_OK);
    }
    assert_int_equal(ao2_keyset_add(set, key, NULL), AO2_E_MISCONFIGURED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sweep),  TEST(confusion),    TEST(headers),   TEST(forms),
        TEST(limits), TEST(rfc_examples), TEST(selection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
