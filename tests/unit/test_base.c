#include "unit/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/base64url.h"
#include "base/file.h"
#include "base/siphash.h"
#include "base/text.h"

static void base64url_strict(void **state)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } rows[] = {
        {"", ""},          {"Zg", "f"},       {"Zm8", "fo"},
        {"Zm9v", "foo"},   {"Zm9vYg", "foob"}, {"-_-_", "\xfb\xff\xbf"},
        {"Zg==", NULL},    {"Zh", NULL},      {"Zm9", NULL},
        {"Z", NULL},       {"Zm9vY", NULL},   {"Z g", NULL},
        {"A", NULL},       {"Zm9vA", NULL},   {"A=", NULL},
        {"+/+/", NULL},    {"Zg\n", NULL},    {"Zm9v.", NULL},
        {"Zm9v\xc3\xa9", NULL},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_span_t out;
        int good = ao2_base64url_decode(&out, ao2_span(rows[i].text), *state);

        if (good != (rows[i].bytes != NULL) ||
            (good && !ao2_span_is(out, rows[i].bytes))) {
            fail_msg("row %d: \"%s\"", (int)i, rows[i].text);
        }
        if (good) {
            assert_string_equal(ao2_base64url_encode(out, *state),
                                rows[i].text);
        }
    }
}

static void base64url_round_trip(void **state)
{
    char bytes[67];
    ao2_span_t span = {bytes, 0};
    ao2_span_t back;

    for (span.len = 0; span.len < sizeof(bytes); span.len++) {
        const char *text;

        memset(bytes, (int)(span.len * 37), sizeof(bytes));
        text = ao2_base64url_encode(span, *state);
        assert_true(ao2_base64url_decode(&back, ao2_span(text), *state));
        assert_true(ao2_span_equal(back, span));
    }
}

/* Absent text, and what strlen() cannot say. */
static void json_strict(void **state)
{
    static const struct {
        const char *text;
        apr_size_t length; /* 0: strlen */
        int good;
    } rows[] = {
        {"{}", 0, 1},
        {"{\"a\":1}", 0, 1},
        {" {\"a\":1} ", 0, 1},
        {"{\"a\":1,\"a\":1}", 0, 0},
        {"{\"a\":1,\"b\":1}", 0, 1},
        {"{\"a\":{\"b\":1,\"b\":2}}", 0, 0},
        {"[]", 0, 0},
        {"1", 0, 0},
        {"", 0, 0},
        {"{\"a\":1}x", 0, 0},
        {"{\"a\":1}\0", 8, 0},
        {"{\"a\":1\0}", 8, 0},
        {"{\"a\":true\0}", 11, 0},
        {"{\"a\":null\0,\"b\":1}", 17, 0},
        {"{\"a\":\"\0\"}", 9, 0},
        {"{\"a\":\"\\u0000\"}", 0, 1},
        {"{\"a\\u0000\":1}", 0, 0},
        {"\xef\xbb\xbf{}", 0, 0},
        {"{\"a\":\"\xff\"}", 0, 0},
        {"{\"a\":NaN}", 0, 0},
        {"{\"a\":1e400}", 0, 0},
        {"{\"a\":1e300}", 0, 1},
        {"{\"a\":9223372036854775807}", 0, 1},
        {"{\"a\":9223372036854775808}", 0, 0},
        {"{\"a\":-9223372036854775809}", 0, 0},
        {"{'a':1}", 0, 0},
        {"{\"a\":[[[]]]}", 0, 1},
        {"{\"a\":[[[[]]]]}", 0, 0},
        {"{\"a\":\"[[[[[[\"}", 0, 1},
        {"{\"a\":\"\\\"[[[[[[\"}", 0, 1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_span_t text = ao2_span(rows[i].text);
        ao2_fail_t fail = {0};
        json_t *json;
        ao2_code_t code;

        text.len = rows[i].length ? rows[i].length : text.len;
        code = ao2_json_parse(&json, text, 4, AO2_E_TOKEN_INVALID, *state,
                              &fail);
        if ((code == AO2_OK) != rows[i].good || !json != !rows[i].good ||
            (code != AO2_OK && !fail.detail[0])) {
            fail_msg("row %d: %s", (int)i, rows[i].text);
        }
    }
}

static void json_many_values(void **state)
{
    int counts[] = {AO2_MAX_JSON_VALUES - 10, AO2_MAX_JSON_VALUES + 10};
    int i;
    int k;

    for (k = 0; k < 2; k++) {
        char *text = apr_palloc(*state, (apr_size_t)counts[k] * 2 + 16);
        char *to = text;
        ao2_span_t span;
        json_t *json;

        memcpy(to, "{\"a\":[0", 7);
        to += 7;
        for (i = 1; i < counts[k]; i++) {
            *to++ = ',';
            *to++ = '0';
        }
        memcpy(to, "]}", 3);
        span = ao2_span(text);
        assert_int_equal(ao2_json_parse(&json, span, 16, AO2_E_TOKEN_INVALID,
                                        *state, NULL) == AO2_OK, k == 0);
    }
}

static void json_paths(void **state)
{
    json_t *json = test_json("{'a':{'b':{'c':1}},'a.b':2,'x':'s',"
                             "'https://e.org/r':3,'n':'a\\u0000b'}", *state);

    assert_int_equal(json_integer_value(ao2_json_at(json, "a.b")), 2);
    assert_int_equal(json_integer_value(ao2_json_at(json, "a.b.c")), 1);
    assert_int_equal(json_integer_value(ao2_json_at(json, "https://e.org/r")),
                     3);
    assert_null(ao2_json_at(json, "a.c"));
    assert_null(ao2_json_at(json, "x.y"));
    assert_null(ao2_json_at(json, ""));
    assert_true(ao2_span_is(ao2_json_text(ao2_json_at(json, "x")), "s"));
    assert_null(ao2_json_text(ao2_json_at(json, "n")).ptr);
    assert_null(ao2_json_text(ao2_json_at(json, "a")).ptr);
    assert_null(ao2_json_text(NULL).ptr);
}

static void json_times(void **state)
{
    static const struct {
        const char *text;
        int good;
        apr_time_t time;
    } rows[] = {
        {"0", 1, 0},
        {"1.5", 1, 1500000},
        {"1700000000", 1, APR_TIME_C(1700000000000000)},
        {"2147483648", 1, APR_TIME_C(2147483648000000)},
        {"9223372036854775807", 1, AO2_TIME_FOREVER},
        {"1e300", 1, AO2_TIME_FOREVER},
        {"-1", 0, 0},
        {"-0.5", 0, 0},
        {"-0.0", 0, 0},
        {"'5'", 0, 0},
        {"null", 0, 0},
        {"true", 0, 0},
        {"[5]", 0, 0},
        {"{}", 0, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *json = test_json(apr_pstrcat(*state, "{'t':", rows[i].text,
                                             "}", NULL), *state);
        apr_time_t time;

        if (ao2_json_time(&time, json_object_get(json, "t")) != rows[i].good
            || (rows[i].good && time != rows[i].time)) {
            fail_msg("row %d: %s", (int)i, rows[i].text);
        }
    }
}

static void text_escapes(void **state)
{
    ao2_span_t nul = {"a\0b", 3};

    assert_string_equal(ao2_text_quote("a\"b\\c\r\n\xc3\xa9", *state),
                        "\"a\\\"b\\\\c????\"");
    assert_string_equal(ao2_text_quote("~\x7f\x1f ", *state), "\"~?? \"");
    assert_string_equal(ao2_text_for_log(ao2_span("a\n\"\\z\x7f"), 10,
                                         *state),
                        "a\\x0a\\x22\\x5cz\\x7f");
    assert_string_equal(ao2_text_for_log(ao2_span("abcdef"), 3, *state),
                        "abc...");
    assert_string_equal(ao2_text_percent(ao2_span("a %\r\n\xc3\xa9,"), 0,
                                         *state), "a %25%0D%0A%C3%A9,");
    assert_string_equal(ao2_text_percent(ao2_span("a,b"), ',', *state),
                        "a%2Cb");
    assert_string_equal(ao2_text_percent(nul, 0, *state), "a%00b");
    assert_string_equal(ao2_text_hex("\x01\xfe", 2, *state), "01fe");
}

static void text_fields(void **state)
{
    (void)state;
    assert_true(ao2_text_same_field(ao2_span("X-User"), ao2_span("x_uSER")));
    assert_true(ao2_text_same_field(ao2_span("X.User"), ao2_span("X-User")));
    assert_false(ao2_text_same_field(ao2_span("X-User"),
                                     ao2_span("X-Users")));
    assert_false(ao2_text_same_field(ao2_span("X-User"),
                                     ao2_span("X-Uses")));
}

static void text_numbers(void **state)
{
    static const struct {
        const char *text;
        apr_time_t time; /* -1: refused */
    } rows[] = {
        {"5", 5000000},     {"5s", 5000000},     {"500ms", 500000},
        {"2mi", 120000000}, {"1h", 3600000000},  {"1d", 86400000000},
        {"0", 0},           {"", -1},            {"s", -1},
        {"-5", -1},         {"5x", -1},          {"5 s", -1},
        {"1.5", -1},        {"99999999999999999999", -1},
        {"99999999999d", -1}, {"36600d", APR_TIME_C(3162240000000000)},
        {"36601d", -1},
    };
    apr_int64_t size;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_time_t time;

        if (ao2_text_duration(&time, rows[i].text) != (rows[i].time >= 0) ||
            (rows[i].time >= 0 && time != rows[i].time)) {
            fail_msg("row %d: %s", (int)i, rows[i].text);
        }
    }
    assert_true(ao2_text_size(&size, "64k") && size == 65536);
    assert_true(ao2_text_size(&size, "8M") && size == 8388608);
    assert_true(ao2_text_size(&size, "1G") && size == 1073741824);
    assert_true(ao2_text_size(&size, "7") && size == 7);
    assert_false(ao2_text_size(&size, "8T"));
    assert_false(ao2_text_size(&size, "8MM"));
    assert_false(ao2_text_size(&size, "4096G"));
    assert_false(ao2_text_size(&size, ""));
}

static void text_urls(void **state)
{
    static const struct {
        const char *url;
        int https; /* good where http is not allowed */
        int http;  /* good where it is */
    } rows[] = {
        {"https://as.example", 1, 1},
        {"https://as.example:8443/x?y=1", 1, 1},
        {"HTTPS://as.example/", 1, 1},
        {"https://[2001:db8::1]:1/", 1, 1},
        {"http://as.example/", 0, 1},
        {"http://127.0.0.1:8080/", 1, 1},
        {"http://127.9.9.9", 1, 1},
        {"http://localhost/", 1, 1},
        {"http://[::1]/", 1, 1},
        {"http://127.0.0.1.evil.example/", 0, 1},
        {"http://127.1/", 0, 1},
        {"http://localhost.evil/", 0, 1},
        {"https://user@as.example/", 0, 0},
        {"http://127.0.0.1@evil.example/", 0, 0},
        {"https://as.example/#f", 0, 0},
        {"https:///x", 0, 0},
        {"https://", 0, 0},
        {"https://a:0/", 0, 0},
        {"https://a:99999/", 0, 0},
        {"https://a:x/", 0, 0},
        {"https://a b/", 0, 0},
        {"https://a\r\nb/", 0, 0},
        {"ftp://as.example/", 0, 0},
        {"as.example", 0, 0},
        {"", 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((!ao2_text_check_url(rows[i].url, 0)) != rows[i].https ||
            (!ao2_text_check_url(rows[i].url, 1)) != rows[i].http) {
            fail_msg("row %d: %s", (int)i, rows[i].url);
        }
    }
}

static const char *temp_file(const char *bytes, apr_size_t length,
                             apr_pool_t *pool)
{
    char *path = apr_pstrdup(pool, "/tmp/ao2-unit-XXXXXX");
    int file = mkstemp(path);

    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, length), length);
    close(file);
    return path;
}

static void files(void **state)
{
    const char *path = temp_file("a\0b", 3, *state);
    const char *fifo = apr_pstrcat(*state, path, ".fifo", NULL);
    ao2_file_stamp_t before;
    ao2_file_stamp_t after;
    ao2_fail_t fail = {0};
    ao2_span_t out;

    assert_int_equal(ao2_file_read(&out, &before, path, 3, *state, &fail),
                     AO2_OK);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.ptr, "a\0b", 4);
    ao2_file_stamp(&after, path);
    assert_true(ao2_file_same(&before, &after));
    assert_int_equal(truncate(path, 2), 0);
    ao2_file_stamp(&after, path);
    assert_false(ao2_file_same(&before, &after));
    assert_int_equal(ao2_file_read(&out, NULL, path, 1, *state, &fail),
                     AO2_E_MISCONFIGURED);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(ao2_file_read(&out, NULL, path, 1, *state, NULL),
                     AO2_E_MISCONFIGURED);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(ao2_file_read(&out, NULL, fifo, 1, *state, NULL),
                     AO2_E_MISCONFIGURED);
    unlink(fifo);
    unlink(path);
    assert_int_equal(ao2_file_read(&out, NULL, path, 1, *state, NULL),
                     AO2_E_MISCONFIGURED);
    assert_int_equal(ao2_file_read(&out, NULL, "/", 1, *state, NULL),
                     AO2_E_MISCONFIGURED);
    ao2_file_stamp(&after, path);
    assert_int_equal(after.inode, 0);
}

typedef struct {
    apr_size_t length;
    int pieces;
    int refuse_at; /* the piece that is refused; -1: none */
} taken_t;

static ao2_code_t take(void *context, ao2_span_t bytes, ao2_fail_t *fail)
{
    taken_t *taken = context;

    taken->length += bytes.len;
    return taken->pieces++ == taken->refuse_at
               ? ao2_fail(fail, AO2_E_ACCESS_DENIED, "enough")
               : AO2_OK;
}

static void files_in_pieces(void **state)
{
    const apr_size_t size = 200000;
    const char *path = temp_file(apr_pcalloc(*state, size), size, *state);
    taken_t all = {0, 0, -1};
    taken_t some = {0, 0, 1};
    taken_t none = {0, 0, -1};
    ao2_file_stamp_t stamp;
    ao2_file_stamp_t now;

    ao2_file_stamp(&now, path);
    assert_int_equal(ao2_file_feed(&stamp, path, take, &all, NULL), AO2_OK);
    assert_int_equal(all.length, size);
    assert_true(all.pieces > 2);
    assert_true(ao2_file_same(&stamp, &now));
    assert_int_equal(ao2_file_feed(&stamp, path, take, &some, NULL),
                     AO2_E_ACCESS_DENIED);
    assert_int_equal(some.pieces, 2);
    assert_true(ao2_file_same(&stamp, &now));
    assert_int_equal(ao2_file_feed(&stamp, "/", take, &none, NULL),
                     AO2_E_MISCONFIGURED);
    assert_int_equal(stamp.inode, 0);
    unlink(path);
    assert_int_equal(ao2_file_feed(NULL, path, take, &none, NULL),
                     AO2_E_MISCONFIGURED);
    assert_int_equal(ao2_file_feed(NULL, "/", take, &none, NULL),
                     AO2_E_MISCONFIGURED);
    assert_int_equal(none.pieces, 0);
}

static void failures(void **state)
{
    ao2_fail_t fail = {0};
    static int numbers[4096];
    int i;

    (void)state;
    assert_int_equal(ao2_fail(&fail, AO2_E_TOKEN_EXPIRED, "%d", 1),
                     AO2_E_TOKEN_EXPIRED);
    assert_int_equal(ao2_fail(&fail, AO2_E_TOKEN_INVALID, "%d", 2),
                     AO2_E_TOKEN_EXPIRED);
    assert_string_equal(fail.detail, "1");
    assert_int_equal(ao2_fail(NULL, AO2_E_TOKEN_INVALID, "x"),
                     AO2_E_TOKEN_INVALID);
    memset(&fail, 0, sizeof(fail));
    ao2_fail(&fail, AO2_E_TOKEN_INVALID, "%s", "a\r\n\x1b\x7f b\xc3\xa9");
    assert_string_equal(fail.detail, "a???? b\xc3\xa9");
    assert_int_equal(ao2_error_of(AO2_OK)->code, AO2_E_MISCONFIGURED);
    assert_int_equal(ao2_error_of((ao2_code_t)999)->code,
                     AO2_E_MISCONFIGURED);
    for (i = 0; ao2_error_at(i); i++) {
        const ao2_error_t *row = ao2_error_at(i);

        assert_ptr_equal(ao2_error_of(row->code), row);
        assert_int_equal(numbers[row->code]++, 0);
        /* The texts stand in JSON and in quoted strings as they are. */
        assert_null(strpbrk(row->text, "\"\\"));
        assert_true(row->status >= 400 && row->status < 600);
    }
    assert_true(i > 10);
    assert_null(ao2_error_at(-1));
}

/* Against another's implementation, words and rests of all lengths; the
 * bytes of numbers as on the little-endian machines that run this. */
static void siphash_by_length(void **state)
{
    unsigned char text[70];
    unsigned char key[16];
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    unsigned i;

    (void)state;
    assert_non_null(mac);
    for (i = 0; i < sizeof(text); i++) {
        text[i] = (unsigned char)(i * 37 + 1);
        key[i % 16] = (unsigned char)(i * 91 + 5);
    }
    for (i = 0; i <= sizeof(text); i++) {
        EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
        ao2_span_t span = {(const char *)text, i};
        apr_uint64_t secret[2];
        apr_uint64_t hash[2];
        unsigned char expected[16];
        size_t length;

        memcpy(secret, key, sizeof(key));
        ao2_siphash(hash, secret, span);
        assert_int_equal(EVP_MAC_init(ctx, key, sizeof(key), NULL), 1);
        assert_int_equal(EVP_MAC_update(ctx, text, i), 1);
        assert_int_equal(EVP_MAC_final(ctx, expected, &length, 16), 1);
        EVP_MAC_CTX_free(ctx);
        assert_int_equal(length, sizeof(hash));
        assert_memory_equal(hash, expected, sizeof(hash));
    }
    EVP_MAC_free(mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(base64url_strict), TEST(base64url_round_trip),
        TEST(json_strict),      TEST(json_many_values),
        TEST(json_paths),       TEST(json_times),
        TEST(text_escapes),     TEST(text_fields),
        TEST(text_numbers),     TEST(text_urls),
        TEST(files),
        TEST(files_in_pieces),
        TEST(failures),         TEST(siphash_by_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
