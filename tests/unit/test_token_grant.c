#include "core/token_grant.h"

#include "core/form.h"
#include "core/jws.h"
#include "unit/support.h"

#define NOW apr_time_from_sec(1700000000)
#define EXCHANGE "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
#define JWT_BEARER "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"

static ao2_token_grant_t make(ao2_grant_type_t type, const char *wishes,
                              apr_pool_t *pool)
{
    ao2_token_grant_t grant = {0};

    grant.type = type;
    grant.user = "us er";
    grant.secret = ao2_span("p&w");
    grant.issuer = "me";
    grant.subject = "you";
    grant.subject_type = "t:s";
    grant.scopes = test_words(*wishes ? "a b:c" : "", pool);
    grant.audiences = test_words(*wishes ? "x y" : "", pool);
    grant.resources = test_words(*wishes ? "https://r/?q" : "", pool);
    grant.params = test_words(*wishes ? "tenant one=1 more 2" : "", pool);
    return grant;
}

static const char *apply(const ao2_token_grant_t *grant, const char *subject,
                         const char *refresh, apr_pool_t *pool)
{
    ao2_token_grant_context_t context = {
        ao2_span(subject), ao2_span(refresh), "https://as.example", NOW};
    apr_array_header_t *form = apr_array_make(pool, 4, sizeof(char *));

    return ao2_token_grant_apply(grant, &context, form, NULL) == AO2_OK
               ? ao2_form_text(form, pool).ptr
               : "refused";
}

#define WISHES "&scope=a+b%3Ac&audience=x&audience=y&" \
    "resource=https%3A%2F%2Fr%2F%3Fq&tenant=one%3D1&more=2"

static void forms(void **state)
{
    static const struct {
        ao2_grant_type_t type;
        const char *wishes;
        const char *subject;
        const char *refresh;
        const char *form;
    } rows[] = {
        {AO2_GRANT_CLIENT_CREDENTIALS, "", NULL, NULL,
         "grant_type=client_credentials"},
        {AO2_GRANT_CLIENT_CREDENTIALS, "all", NULL, NULL,
         "grant_type=client_credentials" WISHES},
        {AO2_GRANT_PASSWORD, "all", NULL, NULL,
         "grant_type=password&username=us+er&password=p%26w" WISHES},
        {AO2_GRANT_PASSWORD, "all", NULL, "r+1",
         "grant_type=refresh_token&refresh_token=r%2B1" WISHES},
        {AO2_GRANT_REFRESH_TOKEN, "", NULL, NULL,
         "grant_type=refresh_token&refresh_token=p%26w"},
        {AO2_GRANT_REFRESH_TOKEN, "", NULL, "newer",
         "grant_type=refresh_token&refresh_token=newer"},
        {AO2_GRANT_TOKEN_EXCHANGE, "", "s=t", NULL,
         "grant_type=" EXCHANGE "&subject_token=s%3Dt"
         "&subject_token_type=t%3As"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_token_grant_t grant = make(rows[i].type, rows[i].wishes, *state);
        const char *form = apply(&grant, rows[i].subject, rows[i].refresh,
                                 *state);

        if (strcmp(form, rows[i].form) != 0) {
            fail_msg("row %d: %s", (int)i, form);
        }
    }
}

static void exchange_for_a_type(void **state)
{
    ao2_token_grant_t grant = make(AO2_GRANT_TOKEN_EXCHANGE, "", *state);

    grant.requested_type = "t:r";
    assert_string_equal(apply(&grant, "s", NULL, *state),
                        "grant_type=" EXCHANGE "&subject_token=s"
                        "&subject_token_type=t%3As"
                        "&requested_token_type=t%3Ar");
}

/* The claims of the assertion in a form, its signature checked. */
static json_t *assertion(const ao2_token_grant_t *grant, apr_pool_t *pool)
{
    static const char before[] = "grant_type=" JWT_BEARER "&assertion=";
    const char *form = apply(grant, NULL, NULL, pool);
    json_t *claims = NULL;
    ao2_jws_t *jws = NULL;

    assert_memory_equal(form, before, strlen(before));
    assert_int_equal(ao2_jws_parse(&jws, ao2_span(form + strlen(before)),
                                   pool, NULL), AO2_OK);
    assert_int_equal(ao2_jws_verify(jws, grant->key, NULL), AO2_OK);
    assert_int_equal(ao2_json_parse(&claims, jws->payload, 4,
                                    AO2_E_TOKEN_INVALID, pool, NULL),
                     AO2_OK);
    return claims;
}

static void assertions(void **state)
{
    ao2_token_grant_t grant = make(AO2_GRANT_JWT_BEARER, "", *state);
    ao2_key_t *key;
    json_t *first;
    json_t *second;

    grant.alg = ao2_alg_find(ao2_span("ES256"));
    ao2_key_generate(&key, grant.alg, 0, NULL, *state, NULL);
    grant.key = key;
    first = assertion(&grant, *state);
    second = assertion(&grant, *state);
    assert_false(json_equal(json_object_get(first, "jti"),
                            json_object_get(second, "jti")));
    json_object_del(first, "jti");
    assert_true(json_equal(first, test_json(
        "{'iss':'me','sub':'you','aud':'https://as.example',"
        "'iat':1700000000,'exp':1700000060}", *state)));
    grant.alg = ao2_alg_find(ao2_span("ES512"));
    assert_string_equal(apply(&grant, NULL, NULL, *state), "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(forms), TEST(exchange_for_a_type), TEST(assertions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
