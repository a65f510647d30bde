#include "unit/support.h"

#include "core/credential.h"

#define M AO2_E_CREDENTIAL_MALFORMED
#define R AO2_E_CREDENTIAL_REPEATED

static void fields(void **state)
{
    static const struct {
        const char *value;
        int needs_scheme;
        ao2_code_t code;
        const char *token;
    } rows[] = {
        {"Bearer abc", 1, AO2_OK, "abc"},
        {"bEaReR abc", 1, AO2_OK, "abc"},
        {"Bearer   abc", 1, AO2_OK, "abc"},
        {"Bearer a-._~+/Z9==", 1, AO2_OK, "a-._~+/Z9=="},
        {NULL, 1, AO2_OK, NULL},
        {"Basic dTpw", 1, AO2_OK, NULL},
        {"Bearerabc", 1, AO2_OK, NULL},
        {"", 1, AO2_OK, NULL},
        {"Bearer~ abc", 1, AO2_OK, NULL},
        {"Bearer\tabc", 1, M, NULL},
        {"Bearer:abc", 1, M, NULL},
        {"Bearer=abc", 1, M, NULL},
        {"Bearer,abc", 1, R, NULL},
        {"Bearer", 1, M, NULL},
        {"Bearer ", 1, M, NULL},
        {"Bearer a b", 1, M, NULL},
        {"Bearer a=b", 1, M, NULL},
        {"Bearer =", 1, M, NULL},
        {"Bearer \tabc", 1, M, NULL},
        {"Bearer a\xc3\xa9", 1, M, NULL},
        {"Bearer a\"", 1, M, NULL},
        {"Bearer a, Bearer b", 1, R, NULL},
        {"Bearer a,b", 1, R, NULL},
        {"Basic dTpw, Bearer b", 1, R, NULL},
        {"Digest a=\"b\", c=\"d\"", 1, AO2_OK, NULL},
        {"abc", 0, AO2_OK, "abc"},
        {"Bearer abc", 0, AO2_OK, "abc"},
        {"bearer.abc", 0, AO2_OK, "bearer.abc"},
        {"Bearer/abc", 0, AO2_OK, "Bearer/abc"},
        {"", 0, M, NULL},
        {"a b", 0, M, NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_credential_t found = {0};
        ao2_fail_t fail = {0};
        ao2_code_t code = ao2_credential_field(&found, rows[i].value,
                                               rows[i].needs_scheme, &fail);

        if (code != rows[i].code ||
            (code == AO2_OK && !rows[i].token != !found.count) ||
            (rows[i].token && !ao2_span_is(found.token, rows[i].token))) {
            fail_msg("row %d: %s", (int)i, rows[i].value);
        }
        if (rows[i].value && rows[i].needs_scheme) {
            assert_int_equal(ao2_credential_is_bearer(rows[i].value),
                             code != AO2_OK || found.count > 0);
        }
    }
}

/* Every byte at every place: characters are looked at eight at once. */
static void field_bytes(void **state)
{
    const char *good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "0123456789-._~+/";
    int byte;
    int place;

    (void)state;
    for (byte = 1; byte < 256; byte++) {
        for (place = 0; place < 20; place++) {
            char text[] = "aaaaaaaaaaaaaaaaaaaa";
            int fits = strchr(good, byte) || (byte == '=' && place == 19);
            ao2_credential_t found = {0};
            ao2_code_t code;

            text[place] = (char)byte;
            code = ao2_credential_field(&found, text, 0, NULL);
            if ((code == AO2_OK) != fits) {
                fail_msg("byte %d at %d", byte, place);
            }
            if (!fits) {
                assert_int_equal(code, byte == ',' ? R : M);
            }
        }
    }
}

static void field_limit(void **state)
{
    int over;

    for (over = 0; over < 2; over++) {
        char *text = apr_pcalloc(*state, AO2_MAX_CREDENTIAL + 2);
        ao2_credential_t found = {0};

        memset(text, 'a', AO2_MAX_CREDENTIAL + (size_t)over);
        assert_int_equal(ao2_credential_field(&found, text, 0, NULL),
                         over ? M : AO2_OK);
    }
}

typedef ao2_code_t look_fn(ao2_credential_t *found, const char **rest,
                           const char *text, const char *name,
                           apr_pool_t *pool, ao2_fail_t *fail);

typedef struct {
    const char *text;
    ao2_code_t code;
    const char *token;
    const char *rest; /* NULL: nothing is left */
} look_row_t;

static void check_rows(const look_row_t *rows, size_t count, look_fn *look,
                       const char *name, apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < count; i++) {
        ao2_credential_t found = {0};
        ao2_fail_t fail = {0};
        const char *rest;
        ao2_code_t code = look(&found, &rest, rows[i].text, name, pool,
                               &fail);

        if (code != rows[i].code ||
            (code == AO2_OK && !rows[i].token != !found.count) ||
            (rows[i].token && !ao2_span_is(found.token, rows[i].token)) ||
            !rest != !rows[i].rest ||
            (rest && strcmp(rest, rows[i].rest) != 0)) {
            fail_msg("row %d: %s, rest %s", (int)i, rows[i].text, rest);
        }
    }
}

static void queries(void **state)
{
    static const look_row_t rows[] = {
        {"t=abc", AO2_OK, "abc", NULL},
        {"a=1&t=abc&b=%2f+x", AO2_OK, "abc", "a=1&b=%2f+x"},
        {"t=abc&a=1", AO2_OK, "abc", "a=1"},
        {"a=1&t=abc", AO2_OK, "abc", "a=1"},
        {"a=1", AO2_OK, NULL, "a=1"},
        {"", AO2_OK, NULL, ""},
        {"a&&b", AO2_OK, NULL, "a&&b"},
        {"T=abc", AO2_OK, NULL, "T=abc"},
        {"tt=abc", AO2_OK, NULL, "tt=abc"},
        {"a=t=b", AO2_OK, NULL, "a=t=b"},
        {"%74=abc", AO2_OK, "abc", NULL},
        {"t=a%2Db", AO2_OK, "a-b", NULL},
        {"t=a%2Bb", AO2_OK, "a+b", NULL},
        {"t=a+b&x=1", M, NULL, "x=1"},
        {"t=&x=1", M, NULL, "x=1"},
        {"t", M, NULL, NULL},
        {"t=a%00b&x", M, NULL, "x"},
        {"t=a%0d%0ab&x", M, NULL, "x"},
        {"t=a&t=b&x", R, NULL, "x"},
        {"t=a+b&t=c&x", M, NULL, "x"},
        {"t=&t=c&x", M, NULL, "x"},
        {"t=a&%74=b", R, NULL, NULL},
        {"t=a%zz&x", M, NULL, "x"},
        {"t=a%2&x", M, NULL, "x"},
    };

    check_rows(rows, sizeof(rows) / sizeof(rows[0]), ao2_credential_query,
               "t", *state);
}

static void cookies(void **state)
{
    static const look_row_t rows[] = {
        {"t=abc", AO2_OK, "abc", NULL},
        {"a=1; t=abc; b=2", AO2_OK, "abc", "a=1; b=2"},
        {"t=\"abc\"", AO2_OK, "abc", NULL},
        {"a=1;t=abc", AO2_OK, "abc", "a=1"},
        {"a=1, t=abc", AO2_OK, "abc", "a=1"},
        {"a=1,2; t=abc", AO2_OK, "abc", "a=1,2"},
        {"a=1; b=2,3", AO2_OK, NULL, "a=1; b=2,3"},
        {"tt=abc", AO2_OK, NULL, "tt=abc"},
        {"xt=abc", AO2_OK, NULL, "xt=abc"},
        {"T=abc", AO2_OK, NULL, "T=abc"},
        {"t=", M, NULL, NULL},
        {"t=a b; c=1", M, NULL, "c=1"},
        {"t=a; t=b", R, NULL, NULL},
        {"t=a b; t=c", M, NULL, NULL},
        {"t=; t=c; d=1", M, NULL, "d=1"},
        {"t=a, t=b; c=1", R, NULL, "c=1"},
    };

    check_rows(rows, sizeof(rows) / sizeof(rows[0]), ao2_credential_cookie,
               "t", *state);
}

static void together(void **state)
{
    ao2_credential_t found = {0};
    const char *rest;

    assert_int_equal(ao2_credential_field(&found, "Bearer a", 1, NULL),
                     AO2_OK);
    assert_int_equal(ao2_credential_query(&found, &rest, "t=a&x=1", "t",
                                          *state, NULL), R);
    assert_string_equal(rest, "x=1");
    assert_int_equal(ao2_credential_query(&found, &rest, NULL, "t", *state,
                                          NULL), AO2_OK);
    assert_int_equal(ao2_credential_cookie(&found, &rest, NULL, "t", *state,
                                           NULL), AO2_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields), TEST(field_bytes), TEST(field_limit),
        TEST(queries), TEST(cookies),
        TEST(together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
