#include "unit/support.h"

#include "core/principal.h"

#define NOW apr_time_from_sec(1700000000)
#define SKEW apr_time_from_sec(60)

static ao2_token_rules_t rules_of(apr_pool_t *pool)
{
    ao2_token_rules_t rules = {0};

    rules.issuer_name = "corp";
    rules.issuer_url = "https://i";
    rules.skew = SKEW;
    rules.subject_claims = test_words("sub user.id", pool);
    rules.client_claims = test_words("client_id azp", pool);
    rules.scope_claims = test_words("scope scp", pool);
    return rules;
}

#define X AO2_E_TOKEN_EXPIRED
#define N AO2_E_TOKEN_NOT_YET_VALID
#define I AO2_E_TOKEN_INVALID

/* Each row is added to, or replaces, what a good token has. */
static const struct {
    const char *claims;
    ao2_code_t code;
} claim_rows[] = {
    {"{}", AO2_OK},
    {"{'exp':1700000000}", AO2_OK},
    {"{'exp':1699999941}", AO2_OK},
    {"{'exp':1699999940}", X},
    {"{'exp':1699999940.5}", AO2_OK},
    {"{'exp':0}", X},
    {"{'exp':1e300}", AO2_OK},
    {"{'exp':9223372036854775807}", AO2_OK},
    {"{'exp':4294967296}", AO2_OK},
    {"{'exp':-1}", I},
    {"{'exp':'1800000000'}", I},
    {"{'exp':null}", I},
    {"{'exp':true}", I},
    {"{'exp':[1800000000]}", I},
    {"{'exp':{}}", I},
    {"{'exp':-0.5}", I},
    {"{'exp':-1e300}", I},
    {"{'exp':2147483647}", AO2_OK},
    {"{'exp':2147483648}", AO2_OK},
    {"{'exp':1e-300}", X},
    {"{'nbf':1700000060}", AO2_OK},
    {"{'nbf':1700000061}", N},
    {"{'nbf':1e300}", N},
    {"{'nbf':'0'}", I},
    {"{'nbf':null}", I},
    {"{'nbf':false}", I},
    {"{'nbf':[0]}", I},
    {"{'nbf':-1}", I},
    {"{'nbf':1700000060.5}", N},
    {"{'nbf':1699999999.5}", AO2_OK},
    {"{'nbf':2147483648}", N},
    {"{'nbf':9223372036854775807}", N},
    {"{'iat':1700000060}", AO2_OK},
    {"{'iat':1700000061}", N},
    {"{'iat':'0'}", I},
    {"{'iat':-5}", I},
    {"{'iat':true}", I},
    {"{'iat':null}", I},
    {"{'iat':[0]}", I},
    {"{'iat':0.5}", AO2_OK},
    {"{'iat':1e300}", N},
    {"{'iat':9223372036854775807}", N},
    {"{'iss':'https://i'}", AO2_OK},
    {"{'iss':'https://i/'}", I},
    {"{'iss':'HTTPS://i'}", I},
    {"{'iss':['https://i']}", I},
    {"{'iss':null}", I},
    {"{'iss':'https://i\\u0000x'}", I},
    {"{'jti':'x'}", AO2_OK},
    {"{'jti':5}", I},
    {"{'sub':''}", I},
    {"{'sub':5}", I},
    {"{'sub':null}", I},
    {"{'sub':'a\\nb'}", I},
    {"{'sub':'a\\u0000b'}", I},
    {"{'sub':'a\\u007fb'}", I},
    {"{'sub':'Zo\\u00eb %'}", AO2_OK},
    {"{'client_id':''}", I},
    {"{'client_id':{}}", I},
    {"{'scope':5}", I},
    {"{'scope':['a','b']}", AO2_OK},
    {"{'scope':['a b']}", I},
    {"{'scope':['a',5]}", I},
    {"{'scope':'a\\u0000b'}", I},
    {"{'scope':''}", AO2_OK},
};

static void table(void **state)
{
    ao2_token_rules_t rules = rules_of(*state);
    size_t i;

    for (i = 0; i < sizeof(claim_rows) / sizeof(claim_rows[0]); i++) {
        json_t *claims = test_json("{'iss':'https://i','exp':1700000600,"
                                   "'sub':'alice'}", *state);
        ao2_token_context_t context = {&rules, ao2_span("x"), NOW, NULL};
        ao2_principal_t *principal;
        ao2_fail_t fail = {0};
        ao2_code_t code;

        json_object_update(claims, test_json(claim_rows[i].claims, *state));
        code = ao2_principal_make(&principal, claims, &context, *state,
                                  &fail);
        if (code != claim_rows[i].code || !principal != (code != AO2_OK)) {
            fail_msg("row %d: %s: %s", (int)i, claim_rows[i].claims,
                     fail.detail);
        }
    }
}

static ao2_principal_t *make(const char *claims,
                             const ao2_token_rules_t *rules, apr_pool_t *pool)
{
    ao2_token_context_t context = {rules, ao2_span("abc"), NOW, NULL};
    ao2_principal_t *principal;

    ao2_principal_make(&principal, test_json(claims, pool), &context, pool,
                       NULL);
    return principal;
}

static void members(void **state)
{
    ao2_token_rules_t rules = rules_of(*state);
    ao2_principal_t *who;

    who = make("{'iss':'https://i','exp':1700000600.5,'sub':'alice',"
               "'azp':'app','scp':['b','a'],'nbf':5}", &rules, *state);
    assert_non_null(who);
    assert_string_equal(who->user, "alice");
    assert_string_equal(who->client, "app");
    assert_string_equal(who->scope, "b a");
    assert_int_equal(who->scope_count, 2);
    assert_true(ao2_span_is(who->scopes[1], "a"));
    assert_true(who->expires == APR_TIME_C(1700000600500000));
    assert_true(who->not_before == apr_time_from_sec(5));
    /* sha256("abc") = ba7816bf... */
    assert_string_equal(who->token_id, "ba7816bf");
    who = make("{'iss':'https://i','exp':1700000600,'client_id':'app',"
               "'scope':'  x   y '}", &rules, *state);
    assert_string_equal(who->user, "app");
    assert_null(who->subject);
    assert_string_equal(who->scope, "x y");
    who = make("{'iss':'https://i','exp':1700000600,'user':{'id':'u'}}",
               &rules, *state);
    assert_string_equal(who->user, "u");
    assert_null(make("{'iss':'https://i','exp':1700000600}", &rules,
                     *state));
    assert_null(make("{'iss':'https://i','sub':'a'}", &rules, *state));
    rules.allow_no_expiry = 1;
    who = make("{'iss':'https://i','sub':'a'}", &rules, *state);
    assert_true(who->expires == AO2_TIME_FOREVER);
    assert_int_equal(ao2_principal_check_time(who, SKEW, NOW * 1000, NULL),
                     AO2_OK);
    rules.issuer_url = NULL;
    assert_non_null(make("{'sub':'a'}", &rules, *state));
}

/* The cache keeps principals that their request has let go. */
static void outlives_its_pool(void **state)
{
    ao2_token_rules_t rules = rules_of(*state);
    ao2_principal_t *who;
    apr_pool_t *pool;

    apr_pool_create(&pool, *state);
    who = make("{'iss':'https://i','exp':1700000600,'sub':'alice',"
               "'scope':'a b','jti':'j'}", &rules, pool);
    ao2_principal_hold(who);
    apr_pool_destroy(pool);
    assert_string_equal(who->user, "alice");
    assert_string_equal(who->jti, "j");
    assert_string_equal(who->scope, "a b");
    assert_true(who->bytes > sizeof(*who));
    assert_non_null(json_object_get(who->claims, "sub"));
    ao2_principal_release(who);
    ao2_principal_release(NULL);
}

/* What an introspection answer may leave out, but not have wrong. */
static void optional_issuer(void **state)
{
    ao2_token_rules_t rules = rules_of(*state);
    const char *without = "{'exp':1700000600,'sub':'alice'}";

    assert_null(make(without, &rules, *state));
    rules.allow_no_issuer = 1;
    assert_non_null(make(without, &rules, *state));
    assert_null(make("{'iss':'https://x','exp':1700000600,'sub':'alice'}",
                     &rules, *state));
}

static void limits(void **state)
{
    ao2_token_rules_t rules = rules_of(*state);
    int over;

    for (over = 0; over < 2; over++) {
        char *scope = apr_pcalloc(*state, AO2_MAX_SCOPE + 2);
        char *jti = apr_pcalloc(*state, AO2_MAX_JTI + 2);
        const char *many = "a";
        int i;

        memset(scope, 's', AO2_MAX_SCOPE + (size_t)over);
        memset(jti, 'j', AO2_MAX_JTI + (size_t)over);
        for (i = 1; i < AO2_MAX_SCOPES + over; i++) {
            many = apr_pstrcat(*state, many, " a", NULL);
        }
        assert_int_equal(over, !make(apr_psprintf(
            *state, "{'iss':'https://i','exp':1800000000,'sub':'a',"
            "'scope':'%s'}", scope), &rules, *state));
        assert_int_equal(over, !make(apr_psprintf(
            *state, "{'iss':'https://i','exp':1800000000,'sub':'a',"
            "'scope':'%s'}", many), &rules, *state));
        assert_int_equal(over, !make(apr_psprintf(
            *state, "{'iss':'https://i','exp':1800000000,'sub':'a',"
            "'jti':'%s'}", jti), &rules, *state));
    }
}

static void times_again(void **state)
{
    ao2_token_rules_t rules = rules_of(*state);
    ao2_principal_t *who = make("{'iss':'https://i','exp':1700000600,"
                                "'nbf':1699999000,'sub':'a'}", &rules,
                                *state);

    assert_int_equal(ao2_principal_check_time(
        who, SKEW, apr_time_from_sec(1700000659), NULL), AO2_OK);
    assert_int_equal(ao2_principal_check_time(
        who, SKEW, apr_time_from_sec(1700000660), NULL), X);
    assert_int_equal(ao2_principal_check_time(
        who, SKEW, apr_time_from_sec(1699998939), NULL), N);
}

static void types(void **state)
{
    static const struct {
        const char *typ; /* NULL: absent */
        int good;
    } rows[] = {
        {"at+jwt", 1}, {"AT+JWT", 1}, {"application/at+jwt", 1},
        {"x", 1},      {"JWT", 0},    {"at+jwt2", 0},
        {"", 0},       {NULL, 0},     {"application/", 0},
    };
    ao2_token_rules_t rules = rules_of(*state);
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rules.types = test_words("at+jwt application/x", *state);
        if ((ao2_token_check_type(ao2_span(rows[i].typ), &rules, NULL)
             == AO2_OK) != rows[i].good) {
            fail_msg("row %d", (int)i);
        }
        rules.types = NULL;
        assert_int_equal(ao2_token_check_type(ao2_span(rows[i].typ), &rules,
                                              NULL), AO2_OK);
    }
}

static void audiences(void **state)
{
    static const struct {
        const char *claims;
        int good;
    } rows[] = {
        {"{'aud':'pizza'}", 1},
        {"{'aud':['x','pizza']}", 1},
        {"{'aud':[5,null,'pasta']}", 1},
        {"{'aud':'Pizza'}", 0},
        {"{'aud':'pizza2'}", 0},
        {"{'aud':'pizz'}", 0},
        {"{'aud':''}", 0},
        {"{'aud':[]}", 0},
        {"{'aud':[['pizza']]}", 0},
        {"{'aud':{'pizza':1}}", 0},
        {"{'aud':5}", 0},
        {"{'aud':null}", 0},
        {"{'aud':'pizza\\u0000'}", 0},
        {"{}", 0},
    };
    apr_array_header_t *wanted = test_words("pizza pasta", *state);
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_code_t code = ao2_token_check_audience(
            test_json(rows[i].claims, *state), wanted, NULL);

        if (code != (rows[i].good ? AO2_OK : AO2_E_TOKEN_AUDIENCE)) {
            fail_msg("row %d: %s", (int)i, rows[i].claims);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table), TEST(members), TEST(outlives_its_pool),
        TEST(optional_issuer), TEST(limits), TEST(times_again),
        TEST(types), TEST(audiences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
