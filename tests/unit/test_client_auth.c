#include "unit/support.h"

#include "base/base64url.h"
#include "core/client_auth.h"
#include "core/form.h"
#include "core/jws.h"

#define NOW apr_time_from_sec(1700000000)

static const ao2_auth_context_t context = {"https://as.example", NOW};

/* What a request carries, one line each: fields, then the form. */
static const char *apply(const ao2_client_auth_t *auth, apr_pool_t *pool)
{
    apr_array_header_t *form = apr_array_make(pool, 4, sizeof(char *));
    apr_array_header_t *fields = apr_array_make(pool, 4, sizeof(char *));
    const char *all = "";
    int i;

    if (ao2_client_auth_apply(auth, &context, form, fields, NULL) != AO2_OK) {
        return "refused";
    }
    for (i = 0; i < fields->nelts; i++) {
        all = apr_pstrcat(pool, all, APR_ARRAY_IDX(fields, i, const char *),
                          "\n", NULL);
    }
    for (i = 0; i < form->nelts; i++) {
        all = apr_pstrcat(pool, all, APR_ARRAY_IDX(form, i, const char *),
                          "\n", NULL);
    }
    return all;
}

static void names(void **state)
{
    static const struct {
        const char *name;
        int method;
    } rows[] = {
        {"none", AO2_AUTH_NONE},
        {"client_secret_basic", AO2_AUTH_BASIC},
        {"client_secret_post", AO2_AUTH_POST},
        {"client_secret_jwt", AO2_AUTH_SECRET_JWT},
        {"private_key_jwt", AO2_AUTH_PRIVATE_KEY_JWT},
        {"tls_client_auth", AO2_AUTH_TLS},
        {"bearer", AO2_AUTH_BEARER},
        {"Bearer", -1},
        {"", -1},
        {"self_signed_tls_client_auth", -1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ao2_auth_method_find(rows[i].name) != rows[i].method) {
            fail_msg("row %d: %s", (int)i, rows[i].name);
        }
    }
}

/* RFC 6749 section 2.3.1: what would end the id or the form is encoded. */
static void plain_methods(void **state)
{
    static const struct {
        ao2_auth_method_t method;
        const char *id;
        const char *secret;
        const char *request;
    } rows[] = {
        /* base64 of "s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw" */
        {AO2_AUTH_BASIC, "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw",
         "Authorization: Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
         "\n"},
        /* base64 of "a%3Ab:c%25d" */
        {AO2_AUTH_BASIC, "a:b", "c%d",
         "Authorization: Basic YSUzQWI6YyUyNWQ=\n"},
        {AO2_AUTH_POST, "a b", "c&d=e",
         "client_id=a+b\nclient_secret=c%26d%3De\n"},
        {AO2_AUTH_BEARER, "a", "token", "Authorization: Bearer token\n"},
        {AO2_AUTH_TLS, "a", NULL, "client_id=a\n"},
        {AO2_AUTH_NONE, "a", NULL, "client_id=a\n"},
        {AO2_AUTH_NONE, NULL, NULL, ""},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_client_auth_t auth = {0};

        auth.method = rows[i].method;
        auth.client_id = rows[i].id;
        auth.secret = ao2_span(rows[i].secret);
        if (strcmp(apply(&auth, *state), rows[i].request) != 0) {
            fail_msg("row %d: %s", (int)i, apply(&auth, *state));
        }
    }
}

/* The assertion of a request, its signature checked. */
static json_t *assertion(const ao2_client_auth_t *auth, apr_pool_t *pool)
{
    static const char before[] =
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion"
        "-type%3Ajwt-bearer\nclient_assertion=";
    const char *request = apply(auth, pool);
    ao2_span_t token = ao2_span(request + strlen(before));
    ao2_fail_t fail = {0};
    json_t *claims = NULL;
    ao2_jws_t *jws;

    assert_memory_equal(request, before, strlen(before));
    token.len--;
    if (ao2_jws_parse(&jws, token, pool, &fail) != AO2_OK ||
        ao2_jws_verify(jws, auth->key, &fail) != AO2_OK ||
        ao2_json_parse(&claims, jws->payload, 4, AO2_E_TOKEN_INVALID, pool,
                       &fail) != AO2_OK) {
        fail_msg("%s", fail.detail);
    }
    assert_ptr_equal(jws->alg, auth->alg);
    return claims;
}

static void assertions(void **state)
{
    static const char *const algs[] = {"HS256", "RS256", "PS256", "ES384",
                                       "EdDSA"};
    size_t i;

    for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        ao2_client_auth_t auth = {AO2_AUTH_PRIVATE_KEY_JWT, 1, "me",
                                  {NULL, 0}, NULL,
                                  ao2_alg_find(ao2_span(algs[i]))};
        ao2_key_t *key;
        json_t *first;
        json_t *second;

        auth.method = i == 0 ? AO2_AUTH_SECRET_JWT : AO2_AUTH_PRIVATE_KEY_JWT;
        ao2_key_generate(&key, auth.alg, 0, NULL, *state, NULL);
        auth.key = key;
        first = assertion(&auth, *state);
        second = assertion(&auth, *state);
        assert_false(json_equal(json_object_get(first, "jti"),
                                json_object_get(second, "jti")));
        json_object_del(first, "jti");
        json_object_del(second, "jti");
        assert_true(json_equal(first, test_json(
            "{'iss':'me','sub':'me','aud':'https://as.example',"
            "'iat':1700000000,'exp':1700000060}", *state)));
        assert_true(json_equal(first, second));
    }
}

static void assertions_that_cannot_be(void **state)
{
    ao2_client_auth_t auth = {AO2_AUTH_PRIVATE_KEY_JWT, 1, "me", {NULL, 0},
                              NULL, ao2_alg_find(ao2_span("ES256"))};
    ao2_key_t *key;

    ao2_key_generate(&key, auth.alg, 0, NULL, *state, NULL);
    auth.key = key;
    assert_string_not_equal(apply(&auth, *state), "refused");
    auth.client_id = "\xff";
    assert_string_equal(apply(&auth, *state), "refused");
    auth.client_id = "me";
    auth.alg = ao2_alg_find(ao2_span("ES512"));
    assert_string_equal(apply(&auth, *state), "refused");
}

/* Where no algorithm is named, the key says which. */
static void default_algorithms(void **state)
{
    static const char *const rows[][2] = {
        {"PS512", "RS256"}, {"ES256", "ES256"}, {"ES384", "ES384"},
        {"ES512", "ES512"}, {"Ed448", "EdDSA"}, {"Ed25519", "EdDSA"},
        {"HS512", "HS256"}};
    ao2_span_t few = {"short", 5};
    ao2_key_t *key;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_key_generate(&key, ao2_alg_find(ao2_span(rows[i][0])), 0, NULL,
                         *state, NULL);
        assert_string_equal(ao2_client_auth_alg(key)->name, rows[i][0]);
        key->alg = NULL;
        assert_string_equal(ao2_client_auth_alg(key)->name, rows[i][1]);
    }
    ao2_key_from_secret(&key, few, NULL, *state, NULL);
    assert_null(ao2_client_auth_alg(key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names), TEST(plain_methods), TEST(assertions),
        TEST(assertions_that_cannot_be), TEST(default_algorithms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
