#include "unit/support.h"

#include "core/access.h"

static ao2_principal_t *who(apr_pool_t *pool)
{
    static const char *const words[] = {"read", "write"};
    ao2_principal_t *principal = apr_pcalloc(pool, sizeof(*principal));
    ao2_span_t *scopes = apr_palloc(pool, 2 * sizeof(*scopes));
    int i;

    for (i = 0; i < 2; i++) {
        scopes[i] = ao2_span(words[i]);
    }
    principal->issuer_name = "corp";
    principal->subject = "alice";
    principal->client = "app";
    principal->scopes = scopes;
    principal->scope_count = 2;
    principal->claims = test_json(
        "{'tier':'gold','n':5,'f':1.5,'t':true,'z':null,'o':{'p':'q'},"
        "'r':['a','b,c',7],'u':'Zo\\u00eb %\\r\\n\\u0000','e':[],"
        "'d':[['x']],'s':''}", pool);
    return principal;
}

static void words(void **state)
{
    static const struct {
        const char *name;
        const char *words;
        ao2_code_t code;
    } rows[] = {
        {"oauth2-scope", "read", AO2_OK},
        {"oauth2-scope", "x write", AO2_OK},
        {"oauth2-scope", "x", AO2_E_SCOPE_MISSING},
        {"oauth2-scope", "rea", AO2_E_SCOPE_MISSING},
        {"oauth2-scope", "READ", AO2_E_SCOPE_MISSING},
        {"oauth2-client", "x app", AO2_OK},
        {"oauth2-client", "App", AO2_E_ACCESS_DENIED},
        {"oauth2-issuer", "corp", AO2_OK},
        {"oauth2-issuer", "cor", AO2_E_ACCESS_DENIED},
        {"oauth2-token", "user", AO2_OK},
        {"oauth2-token", "application user", AO2_OK},
        {"oauth2-token", "application", AO2_E_ACCESS_DENIED},
    };
    ao2_principal_t *principal = who(*state);
    const ao2_rule_t *rule;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ao2_rule_compile(&rule, rows[i].name,
                             test_words(rows[i].words, *state), *state) ||
            ao2_rule_check(rule, principal) != rows[i].code) {
            fail_msg("row %d: %s %s", (int)i, rows[i].name, rows[i].words);
        }
    }
    principal->subject = "app";
    assert_int_equal(ao2_rule_check(rule, principal), AO2_OK);
    principal->subject = NULL;
    assert_int_equal(ao2_rule_check(rule, principal), AO2_OK);
    principal->client = NULL;
    principal->subject = "alice";
    assert_int_equal(ao2_rule_check(rule, principal), AO2_E_ACCESS_DENIED);
    ao2_rule_compile(&rule, "oauth2-client", test_words("app", *state),
                     *state);
    assert_int_equal(ao2_rule_check(rule, principal), AO2_E_ACCESS_DENIED);
    assert_null(ao2_rule_scopes(rule));
    ao2_rule_compile(&rule, "oauth2-scope", test_words("a b", *state),
                     *state);
    assert_string_equal(ao2_rule_scopes(rule), "a b");
}

static void refused_words(void **state)
{
    const ao2_rule_t *rule;

    assert_non_null(ao2_rule_compile(&rule, "oauth2-scope",
                                     test_words("", *state), *state));
    assert_null(rule);
    assert_non_null(ao2_rule_compile(&rule, "oauth2-scope",
                                     test_words("a\"b", *state), *state));
    assert_non_null(ao2_rule_compile(&rule, "oauth2-scope",
                                     test_words("a\\b", *state), *state));
    assert_non_null(ao2_rule_compile(&rule, "oauth2-scope",
                                     test_words("\xc3\xa9", *state), *state));
    assert_non_null(ao2_rule_compile(&rule, "oauth2-token",
                                     test_words("User", *state), *state));
    assert_non_null(ao2_rule_compile(&rule, "oauth2-x",
                                     test_words("a", *state), *state));
}

static int starts(const void *context, const char *text)
{
    return strncmp(text, context, strlen(context)) == 0;
}

static void claims(void **state)
{
    static const struct {
        const char *path;
        const char *values; /* NULL: present */
        int good;
    } rows[] = {
        {"tier", NULL, 1},        {"z", NULL, 0},
        {"nothing", NULL, 0},     {"o", NULL, 1},
        {"e", NULL, 1},           {"s", NULL, 1},
        {"tier", "x gold", 1},    {"tier", "Gold", 0},
        {"n", "5", 1},            {"n", "5.0", 0},
        {"f", "1.5", 1},          {"t", "true", 1},
        {"t", "1", 0},            {"z", "null", 0},
        {"o.p", "q", 1},          {"o", "q", 0},
        {"r", "a", 1},            {"r", "b,c", 1},
        {"r", "7", 1},            {"r", "b", 0},
        {"d", "x", 0},            {"o.x", "q", 0},
    };
    ao2_principal_t *principal = who(*state);
    const ao2_rule_t *rule;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rule = ao2_rule_claim(rows[i].path,
                              test_words(rows[i].values, *state), NULL, NULL,
                              *state);
        if (ao2_rule_check(rule, principal)
            != (rows[i].good ? AO2_OK : AO2_E_CLAIM_MISMATCH)) {
            fail_msg("row %d: %s %s", (int)i, rows[i].path, rows[i].values);
        }
    }
    rule = ao2_rule_claim("r", NULL, starts, "b", *state);
    assert_int_equal(ao2_rule_check(rule, principal), AO2_OK);
    rule = ao2_rule_claim("r", NULL, starts, "c", *state);
    assert_int_equal(ao2_rule_check(rule, principal), AO2_E_CLAIM_MISMATCH);
    rule = ao2_rule_claim("u", NULL, starts, "Zo", *state);
    assert_int_equal(ao2_rule_check(rule, principal), AO2_E_CLAIM_MISMATCH);
}

static void values(void **state)
{
    static const struct {
        const char *path;
        const char *value;
    } rows[] = {
        {"tier", "gold"},
        {"n", "5"},
        {"t", "true"},
        {"z", NULL},
        {"x", NULL},
        {"r", "a,b%2Cc,7"},
        {"u", "Zo%C3%AB %25%0D%0A%00"},
        {"o", "{\"p\":\"q\"}"},
        {"d", "[[\"x\"]]"},
        {"e", ""},
        {"s", ""},
    };
    json_t *all = who(*state)->claims;
    size_t i;
    int over;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *value = ao2_claim_value(all, rows[i].path, NULL, *state);

        if (!value != !rows[i].value ||
            (value && strcmp(value, rows[i].value) != 0)) {
            fail_msg("row %d: %s: %s", (int)i, rows[i].path, value);
        }
    }
    for (over = 0; over < 2; over++) {
        char *text = apr_pcalloc(*state, AO2_MAX_CLAIM_VALUE + 2);
        int too_long = -1;

        memset(text, 'x', AO2_MAX_CLAIM_VALUE + (size_t)over);
        json_object_set_new(all, "long", json_string(text));
        assert_int_equal(!ao2_claim_value(all, "long", &too_long, *state),
                         over);
        assert_int_equal(too_long, over);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words), TEST(refused_words), TEST(claims), TEST(values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
