#include "unit/support.h"

#include "base/text.h"
#include "core/api_token.h"
#include "core/principal.h"

/* Made with Python's zlib and hashlib. */
static const struct {
    int first, step; /* of the random bytes */
    const char *token;
    const char *sha256;
} made[] = {
    {0, 0, "api_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3jpVNa",
     "0014518fade19abd00d04a57172c8c8d2124a7b736ccdfc4517ef4a0f085d710"},
    {0, 1, "api_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh80s8j8X",
     "b528878c8193026661a703bd673e92741cd29ac84f1a0468661e42e2745c95b4"},
    {255, 0, "api___________________________________________83tinZx",
     "4e5b440d5d33f7a170abf6cae85acf4fc182f15d95e7c5e1263abef5bba97f0b"},
    {251, 0, "api_-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s1w13On",
     "6e688a8a6653dcd24eb8dc8cb029b85cde0bfa74c3725a48fc8984d18ed4bb2f"},
};

#define MADE (sizeof(made) / sizeof(made[0]))

/* A checksum that starts with zeros keeps them. */
#define ZEROS "api_BQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA00dlGB"

static void makes(void **state)
{
    unsigned char random[AO2_API_TOKEN_RANDOM];
    unsigned char digest[AO2_DIGEST_LEN];
    size_t row;
    int i;

    for (row = 0; row < MADE; row++) {
        for (i = 0; i < AO2_API_TOKEN_RANDOM; i++) {
            random[i] = (unsigned char)(made[row].first + i * made[row].step);
        }
        assert_string_equal(ao2_api_token_make(random, *state),
                            made[row].token);
        ao2_token_digest(digest, ao2_span(made[row].token));
        assert_string_equal(ao2_text_hex(digest, sizeof(digest), *state),
                            made[row].sha256);
    }
    memset(random, 0, sizeof(random));
    random[0] = 5;
    random[1] = 1;
    assert_string_equal(ao2_api_token_make(random, *state), ZEROS);
}

static void accepts(void **state)
{
    size_t row;

    (void)state;
    for (row = 0; row < MADE; row++) {
        assert_int_equal(ao2_api_token_check(ao2_span(made[row].token), NULL),
                         AO2_OK);
    }
    assert_int_equal(ao2_api_token_check(ao2_span(ZEROS), NULL), AO2_OK);
}

/* Every character replaced by every other byte, every shorter length. */
static void refuses_any_change(void **state)
{
    char token[AO2_API_TOKEN_LENGTH + 2];
    ao2_span_t span = {token, AO2_API_TOKEN_LENGTH};
    int at;
    int c;

    (void)state;
    memcpy(token, made[1].token, AO2_API_TOKEN_LENGTH + 1);
    for (at = 0; at < AO2_API_TOKEN_LENGTH; at++) {
        char was = token[at];

        for (c = 0; c < 256; c++) {
            token[at] = (char)c;
            if (token[at] != was &&
                ao2_api_token_check(span, NULL) != AO2_E_TOKEN_INVALID) {
                fail_msg("character %d replaced by byte %d", at, c);
            }
        }
        token[at] = was;
    }
    for (span.len = 0; span.len < AO2_API_TOKEN_LENGTH; span.len++) {
        assert_int_equal(ao2_api_token_check(span, NULL),
                         AO2_E_TOKEN_INVALID);
        assert_false(ao2_api_token_looks(span));
    }
    assert_int_equal(ao2_api_token_check(span, NULL), AO2_OK);
    token[span.len++] = 'A';
    assert_int_equal(ao2_api_token_check(span, NULL), AO2_E_TOKEN_INVALID);
}

static void looks(void **state)
{
    (void)state;
    assert_true(ao2_api_token_looks(ao2_span(made[0].token)));
    /* Only the checksum is wrong. */
    assert_true(ao2_api_token_looks(ao2_span(
        "api_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3jpVNb")));
    assert_false(ao2_api_token_looks(ao2_span(
        "API_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3jpVNa")));
    assert_false(ao2_api_token_looks(ao2_span(
        "api_AAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAA3jpVNa")));
    assert_false(ao2_api_token_looks(ao2_span("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(makes),
        TEST(accepts),
        TEST(refuses_any_change),
        TEST(looks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
