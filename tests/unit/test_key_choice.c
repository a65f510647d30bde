#include "unit/support.h"

#include "base/base64url.h"
#include "core/jws.h"
#include "core/signature.h"

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
        TEST(embedded_keys), TEST(public_key_as_secret), TEST(kids),
        TEST(selection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
