#include "service/kept_tokens.h"

#include "unit/support.h"

static void key_of(ao2_store_key_t key, int set, int number)
{
    memset(key, 0, AO2_CACHE_KEY);
    key[0] = (unsigned char)set; /* the least byte of what chooses a set */
    key[8] = (unsigned char)number;
}

static void put(ao2_kept_tokens_t *kept, int set, int number,
                const char *value, apr_time_t expires)
{
    ao2_kept_token_t token = {{ao2_span(value), 1, expires, 0}, {0}, 0, 0};
    ao2_store_key_t key;

    key_of(key, set, number);
    ao2_kept_put(kept, key, &token);
}

static const char *get(ao2_kept_tokens_t *kept, int set, int number,
                       apr_pool_t *pool)
{
    ao2_kept_token_t found;
    ao2_store_key_t key;

    key_of(key, set, number);
    return ao2_kept_find(kept, &found, key, pool) ? found.token.value.ptr
                                                  : "none";
}

/* The one that expires first gives way; other sets are not touched. */
static void places(void **state)
{
    ao2_kept_tokens_t *kept;
    int i;

    assert_int_equal(ao2_kept_tokens_make(&kept, 2, *state, NULL), AO2_OK);
    assert_string_equal(get(kept, 0, 0, *state), "none");
    put(kept, 1, 0, "apart", 1);
    for (i = 0; i < 4; i++) {
        put(kept, 0, i, apr_psprintf(*state, "t%d", i), 100 - i);
    }
    put(kept, 0, 2, "t2 again", 98);
    assert_string_equal(get(kept, 0, 2, *state), "t2 again");
    put(kept, 0, 4, "t4", 50);
    assert_string_equal(get(kept, 0, 3, *state), "none");
    assert_string_equal(get(kept, 0, 0, *state), "t0");
    assert_string_equal(get(kept, 0, 4, *state), "t4");
    put(kept, 0, 5, "t5", 200);
    assert_string_equal(get(kept, 0, 4, *state), "none");
    assert_string_equal(get(kept, 0, 1, *state), "t1");
    assert_string_equal(get(kept, 1, 0, *state), "apart");
}

/* Only the one that was fetched then goes. */
static void dropping(void **state)
{
    ao2_kept_tokens_t *kept;
    ao2_store_key_t key;

    ao2_kept_tokens_make(&kept, 1, *state, NULL);
    put(kept, 0, 0, "t", 100);
    key_of(key, 0, 0);
    ao2_kept_drop(kept, key, 2);
    assert_string_equal(get(kept, 0, 0, *state), "t");
    ao2_kept_drop(kept, key, 1);
    assert_string_equal(get(kept, 0, 0, *state), "none");
}

/* One of many looks for a version, once. */
static void versions(void **state)
{
    ao2_kept_tokens_t *kept;
    ao2_store_key_t key;

    ao2_kept_tokens_make(&kept, 1, *state, NULL);
    key_of(key, 0, 0);
    assert_false(ao2_kept_note_version(kept, key, 1));
    put(kept, 0, 0, "t", 100);
    assert_false(ao2_kept_note_version(kept, key, 0));
    assert_true(ao2_kept_note_version(kept, key, 1));
    assert_false(ao2_kept_note_version(kept, key, 1));
}

/* What a cache hands out may be anything. */
static void packed(void **state)
{
    static const struct {
        const char *text;
        const char *value; /* NULL: refused */
    } rows[] = {
        {"1 2 0 token", "token"}, {"0 0 1 a", "a"},
        {"1 2 0 a\r\nX-Evil: 1", NULL}, {"1 2 0 a b", NULL},
        {"1 2 0 \x7f", NULL}, {"1 2 0 \xc3\xa4", NULL}, {"1 2 0 ", NULL},
        {"1 2 token", NULL}, {"-1 2 0 t", NULL}, {"1 -2 0 t", NULL},
        {"x 2 0 t", NULL}, {"1  0 t", NULL}, {"", NULL}, {"1 2 0", NULL},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_access_token_t token;
        int good = ao2_access_token_unpack(&token, ao2_span(rows[i].text),
                                           *state);

        if (good != (rows[i].value != NULL) ||
            (good && strcmp(token.value.ptr, rows[i].value) != 0)) {
            fail_msg("row %d: %s", (int)i, rows[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(places), TEST(dropping), TEST(versions), TEST(packed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
