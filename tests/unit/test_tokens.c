#include "unit/support.h"

#include "base/base64url.h"
#include "core/jws.h"
#include "core/signature.h"

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
    ao2_key_t *keys[15];
    const char *tokens[15];
    int i;
    int k;

    for (i = 0; ao2_alg_at(i); i++) {
        tokens[i] = mint(&keys[i], ao2_alg_at(i), *state);
    }
    assert_int_equal(i, 15);
    for (i = 0; i < 15; i++) {
        const ao2_alg_t *a = ao2_alg_at(i);

        for (k = 0; k < 15; k++) {
            const ao2_alg_t *b = ao2_alg_at(k);
            int same = a->family == AO2_FAMILY_EDDSA && b->family == a->family
                       && (a->curve == b->curve || !a->curve || !b->curve);

            if (i != k && !same) {
                assert_int_equal(check(ao2_span(tokens[i]), keys[k], *state),
                                 AO2_E_TOKEN_INVALID);
            }
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

/* The compact form of a token with this very header. */
static const char *sign_raw(json_t *header, const ao2_key_t *key,
                            const ao2_alg_t *alg, apr_pool_t *pool)
{
    char *text = json_dumps(header, JSON_COMPACT);
    const char *input = apr_pstrcat(
        pool, ao2_base64url_encode(ao2_span(text), pool), ".e30", NULL);
    ao2_span_t signature;

    free(text);
    assert_true(ao2_signature_make(&signature, alg, key, ao2_span(input),
                                   pool));
    return apr_pstrcat(pool, input, ".",
                       ao2_base64url_encode(signature, pool), NULL);
}

/* As a token is checked with the keys of an issuer. */
static ao2_code_t check_set(const char *token, const ao2_keyset_t *set,
                            apr_pool_t *pool)
{
    const ao2_key_t *found[AO2_MAX_CANDIDATES];
    ao2_jws_t *jws;

    assert_int_equal(ao2_jws_parse(&jws, ao2_span(token), pool, NULL), AO2_OK);
    return ao2_jws_verify_any(jws, found,
                              ao2_keyset_select(found, set, jws->alg,
                                                jws->kid), NULL);
}

/* A key that the token brings along, or points at, is never used. */
static void embedded_keys(void **state)
{
    const ao2_alg_t *es = ao2_alg_find(ao2_span("ES256"));
    ao2_keyset_t *ours = ao2_keyset_make(*state);
    ao2_keyset_t *theirs = ao2_keyset_make(*state);
    json_t *header = test_json("{'alg':'ES256','jku':'https://evil.example',"
                               "'x5u':'https://evil.example','x5c':['AA==']}",
                               *state);
    const char *token;
    ao2_key_t *good;
    ao2_key_t *evil;
    json_t *jwk;

    ao2_key_generate(&good, es, 0, NULL, *state, NULL);
    ao2_key_generate(&evil, es, 0, NULL, *state, NULL);
    ao2_keyset_add(ours, good, NULL);
    ao2_keyset_add(theirs, evil, NULL);
    ao2_key_write(&jwk, evil, 0, *state, NULL);
    json_object_set(header, "jwk", jwk);
    token = sign_raw(header, evil, es, *state);
    assert_int_equal(check_set(token, theirs, *state), AO2_OK);
    assert_int_equal(check_set(token, ours, *state), AO2_E_TOKEN_INVALID);
}

/* A public key is no secret: what anybody can read signs nothing. */
static void public_key_as_secret(void **state)
{
    static const char pem[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        "-----END PUBLIC KEY-----\n";
    const ao2_alg_t *hs = ao2_alg_find(ao2_span("HS256"));
    ao2_keyset_t *ours = ao2_keyset_make(*state);
    ao2_keyset_t *theirs = ao2_keyset_make(*state);
    json_t *header = test_json("{'alg':'HS256'}", *state);
    const char *token;
    ao2_key_t *good;
    ao2_key_t *evil;

    ao2_key_read_pem(&good, ao2_span(pem), NULL, NULL, *state, NULL);
    ao2_key_from_secret(&evil, ao2_span(pem), NULL, *state, NULL);
    ao2_keyset_add(ours, good, NULL);
    ao2_keyset_add(theirs, evil, NULL);
    token = sign_raw(header, evil, hs, *state);
    assert_int_equal(check_set(token, theirs, *state), AO2_OK);
    assert_int_equal(check_set(token, ours, *state), AO2_E_TOKEN_INVALID);
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

/* "kid" is compared byte for byte, whatever it looks like. */
static void kids(void **state)
{
    static const struct {
        const char *kid;
        int found;
    } rows[] = {
        {"Key-1", 1},          {"key-1", 0},    {"Key-1 ", 0},
        {"Key-", 0},           {"./Key-1", 0},  {"Key%2D1", 0},
        {"' OR '1'='1", 0},    {"", 0},         {"../../etc/passwd", 0},
        {"https://x/keys", 0}, {"Key-1\x01", 0},
    };
    const ao2_alg_t *es = ao2_alg_find(ao2_span("ES256"));
    const ao2_key_t *found[AO2_MAX_CANDIDATES];
    ao2_keyset_t *set = ao2_keyset_make(*state);
    ao2_key_t *key;
    size_t i;

    ao2_key_generate(&key, es, 0, "Key-1", *state, NULL);
    ao2_keyset_add(set, key, NULL);
    ao2_key_generate(&key, es, 0, NULL, *state, NULL);
    ao2_keyset_add(set, key, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ao2_keyset_select(found, set, es, ao2_span(rows[i].kid))
            != rows[i].found) {
            fail_msg("row %d: %s", (int)i, rows[i].kid);
        }
    }
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
        TEST(limits), TEST(selection),    TEST(kids),
        TEST(embedded_keys),              TEST(public_key_as_secret),
        TEST(unsigned_by_public_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
