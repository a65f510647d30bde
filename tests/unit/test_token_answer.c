#include "core/token_answer.h"
#include "unit/support.h"

#define SECOND APR_USEC_PER_SEC
#define ONCE 0
#define UNSAID (-1)
#define REFUSED (-2)

/* Members, and the lifetime in seconds that comes of them. */
static const struct {
    const char *text;
    long lifetime;
} rows[] = {
    {"'access_token':'a','token_type':'Bearer'", UNSAID},
    {"'access_token':'a','token_type':'bearer','expires_in':60", 60},
    {"'access_token':'a','token_type':'BEARER','expires_in':'60'", 60},
    {"'access_token':'a','token_type':'Bearer','expires_in':1.0", 1},
    {"'access_token':'a','token_type':'Bearer','expires_in':0", ONCE},
    {"'access_token':'a','token_type':'Bearer','expires_in':-1", ONCE},
    {"'access_token':'a','token_type':'Bearer','expires_in':'-1'", ONCE},
    {"'access_token':'a','token_type':'Bearer','expires_in':'0'", ONCE},
    {"'access_token':'a','token_type':'Bearer','expires_in':-1e300", ONCE},
    {"'access_token':'a','token_type':'Bearer','expires_in':1e300",
     10 * 365 * 24 * 3600L},
    {"'access_token':'a','token_type':'Bearer',"
     "'expires_in':'99999999999999999999'", 10 * 365 * 24 * 3600L},
    {"'access_token':'a','token_type':'Bearer',"
     "'expires_in':'999999999999999999999'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':'60 '", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':' 60'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':'6e1'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':'0x10'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':'nan'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':''", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':'-'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':'.5'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':'5.'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':'1.2.3'",
     REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':null", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':true", REFUSED},
    {"'access_token':'a','token_type':'Bearer','expires_in':[60]", REFUSED},
    {"'access_token':'a','token_type':'DPoP'", REFUSED},
    {"'access_token':'a','token_type':'mac'", REFUSED},
    {"'access_token':'a','token_type':'N_A'", REFUSED},
    {"'access_token':'a','token_type':'Bearer '", REFUSED},
    {"'access_token':'a','token_type':''", REFUSED},
    {"'access_token':'a','token_type':['Bearer']", REFUSED},
    {"'access_token':'a'", REFUSED},
    {"'access_token':'a-._~+/=','token_type':'Bearer'", UNSAID},
    {"'access_token':'!#$%&,;:@','token_type':'Bearer'", UNSAID},
    {"'access_token':'','token_type':'Bearer'", REFUSED},
    {"'access_token':'a b','token_type':'Bearer'", REFUSED},
    {"'access_token':'a\\r\\nX: y','token_type':'Bearer'", REFUSED},
    {"'access_token':'a\\n','token_type':'Bearer'", REFUSED},
    {"'access_token':'a\\u0000','token_type':'Bearer'", REFUSED},
    {"'access_token':'a\\u007f','token_type':'Bearer'", REFUSED},
    {"'access_token':'a\\u00e4','token_type':'Bearer'", REFUSED},
    {"'access_token':1,'token_type':'Bearer'", REFUSED},
    {"'access_token':null,'token_type':'Bearer'", REFUSED},
    {"'access_token':'a','access_token':'b','token_type':'Bearer'", REFUSED},
    {"'token_type':'Bearer'", REFUSED},
    {"'error':'invalid_client'", REFUSED},
    {"'access_token':'a','token_type':'Bearer','refresh_token':'r'", UNSAID},
    {"'access_token':'a','token_type':'Bearer','refresh_token':''", REFUSED},
    {"'access_token':'a','token_type':'Bearer','refresh_token':1", REFUSED},
    {"'access_token':'a','token_type':'Bearer','refresh_token':'r\\n'",
     REFUSED},
    {"", REFUSED},
};

static ao2_code_t read_text(ao2_token_answer_t *answer, const char *members,
                            const char *type, apr_pool_t *pool)
{
    char *text = apr_psprintf(pool, "{%s}", members);
    char *at;

    for (at = text; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return ao2_token_answer_read(answer, ao2_span(text), type, pool, NULL);
}

static void members(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_token_answer_t answer;
        ao2_code_t code = read_text(&answer, rows[i].text,
                                    "application/json", *state);
        long lifetime = answer.has_lifetime
                            ? (long)(answer.lifetime / SECOND)
                            : UNSAID;

        if (code != AO2_OK) {
            lifetime = REFUSED;
            assert_int_equal(code, AO2_E_UPSTREAM_TOKEN_UNAVAILABLE);
            assert_null(answer.access_token.ptr);
            assert_null(answer.refresh_token.ptr);
        }
        if (lifetime != rows[i].lifetime) {
            fail_msg("row %d: %s is %ld", (int)i, rows[i].text, lifetime);
        }
    }
}

static void values(void **state)
{
    ao2_token_answer_t answer;

    assert_int_equal(read_text(&answer, "'access_token':'one','token_type':"
                               "'Bearer','expires_in':0.5,'refresh_token':"
                               "'two','scope':'a b'", "application/json",
                               *state), AO2_OK);
    assert_string_equal(answer.access_token.ptr, "one");
    assert_int_equal(answer.access_token.len, 3);
    assert_string_equal(answer.refresh_token.ptr, "two");
    assert_int_equal(answer.lifetime, SECOND / 2);
}

static void media_types(void **state)
{
    static const char good[] = "'access_token':'a','token_type':'Bearer'";
    ao2_token_answer_t answer;

    assert_int_equal(read_text(&answer, good, "application/json", *state),
                     AO2_OK);
    assert_int_not_equal(read_text(&answer, good, "text/html", *state),
                         AO2_OK);
    assert_int_not_equal(read_text(&answer, good, "", *state), AO2_OK);
}

/* A member "token" of that length, with what else is needed. */
static ao2_code_t read_long(const char *before, size_t length,
                            apr_pool_t *pool)
{
    ao2_token_answer_t answer;
    char *token = apr_pcalloc(pool, length + 1);

    memset(token, 'a', length);
    return read_text(&answer,
                     apr_pstrcat(pool, "'token_type':'Bearer',", before, "'",
                                 token, "'", NULL),
                     "application/json", pool);
}

static void sizes(void **state)
{
    static const char *const before[] = {
        "'access_token':", "'access_token':'a','refresh_token':"};
    size_t i;

    for (i = 0; i < 2; i++) {
        assert_int_equal(read_long(before[i], AO2_MAX_UPSTREAM_TOKEN, *state),
                         AO2_OK);
        assert_int_equal(read_long(before[i], AO2_MAX_UPSTREAM_TOKEN + 1,
                                   *state),
                         AO2_E_UPSTREAM_TOKEN_UNAVAILABLE);
    }
}

/* What a server made up, or what was ours, is in no log. */
static void errors(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"{\"error\":\"invalid_client\"}", "invalid_client"},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"x\"}",
         "invalid_grant"},
        {"{\"error\":\"temporarily_unavailable\"}",
         "temporarily_unavailable"},
        {"{\"error\":\"our secret\"}", NULL},
        {"{\"error\":\"invalid_client \"}", NULL},
        {"{\"error\":\"invalid_client\\u0000\"}", NULL},
        {"{\"error\":1}", NULL},
        {"{}", NULL},
        {"<html>", NULL},
        {"", NULL},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *error = ao2_token_answer_error(ao2_span(cases[i].text),
                                                   *state);

        if (!error != !cases[i].error ||
            (error && strcmp(error, cases[i].error) != 0)) {
            fail_msg("case %d: %s", (int)i, cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members), TEST(values), TEST(media_types), TEST(sizes),
        TEST(errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
