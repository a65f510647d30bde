#include "unit/support.h"

#include <stdio.h>

#include "base/json_stream.h"

/* Writes down what it is given, one record a line. */
typedef struct {
    char seen[2048];
    int refuse_at; /* the record that is refused; -1: none */
    int count;
} tape_t;

static ao2_code_t note(void *context, const ao2_record_t *record,
                       ao2_fail_t *fail)
{
    tape_t *tape = context;
    size_t length = strlen(tape->seen);
    json_t *json = NULL;

    if (record->text.ptr && ao2_record_parse(&json, record, fail) != AO2_OK) {
        return fail->code;
    }
    json_decref(json);
    snprintf(tape->seen + length, sizeof(tape->seen) - length,
             "%s|%d|%d|%.*s\n", record->member, (int)record->index,
             (int)record->line, (int)record->text.len,
             record->text.ptr ? record->text.ptr : "");
    return tape->count++ == tape->refuse_at
               ? ao2_fail(fail, AO2_E_ACCESS_DENIED, "enough")
               : AO2_OK;
}

/* Read @a text in pieces of @a piece bytes. */
static ao2_code_t read_text(tape_t *tape, ao2_span_t text, apr_size_t piece,
                            apr_size_t max, ao2_fail_t *fail)
{
    apr_pool_t *pool;
    ao2_json_stream_t *stream;
    ao2_code_t code = AO2_OK;
    apr_size_t at;

    apr_pool_create(&pool, NULL);
    memset(tape, 0, sizeof(*tape));
    memset(fail, 0, sizeof(*fail));
    tape->refuse_at = -1;
    stream = ao2_json_stream_make(note, tape, max, pool);
    for (at = 0; at < text.len && code == AO2_OK; at += piece) {
        ao2_span_t bytes = {text.ptr + at, text.len - at};

        if (bytes.len > piece) {
            bytes.len = piece;
        }
        code = ao2_json_stream_feed(stream, bytes, fail);
    }
    if (code == AO2_OK) {
        code = ao2_json_stream_end(stream, fail);
    }
    apr_pool_destroy(pool);
    return code;
}

static const char document[] =
    " {\n"
    "  \"version\" : 1,\n"
    "  \"list\": [ {\"a\": [1, \"]}\\\"\", {}]},\n"
    "\n"
    "    -1.5e3,null , \"x\\\\\"\n"
    "  ],\n"
    "  \"empty\":[],\"object\": {\n \"b\":\n 2},\n"
    "  \"n\\u0061me\": \"\\u00e9\"\n"
    "}\n\t";
static const char records[] =
    "version|-1|2|1\n"
    "list|-2|3|\n"
    "list|0|3|{\"a\": [1, \"]}\\\"\", {}]}\n"
    "list|1|5|-1.5e3\n"
    "list|2|5|null\n"
    "list|3|5|\"x\\\\\"\n"
    "empty|-2|7|\n"
    "object|-1|7|{\n \"b\":\n 2}\n"
    "name|-1|10|\"\\u00e9\"\n";

static void pieces_of_any_size(void **state)
{
    ao2_span_t text = ao2_span(document);
    ao2_fail_t fail;
    tape_t tape;
    apr_size_t piece;

    (void)state;
    for (piece = 1; piece <= text.len; piece++) {
        if (read_text(&tape, text, piece, 1000, &fail) != AO2_OK ||
            strcmp(tape.seen, records) != 0) {
            fail_msg("pieces of %d: %s\n%s", (int)piece, fail.detail,
                     tape.seen);
        }
    }
}

static void cut_anywhere(void **state)
{
    ao2_span_t text = ao2_span(document);
    ao2_fail_t fail;
    tape_t tape;

    (void)state;
    text.len = (apr_size_t)(strrchr(document, '}') - document);
    for (; text.len > 0; text.len--) {
        assert_int_equal(read_text(&tape, text, 7, 1000, &fail),
                         AO2_E_MISCONFIGURED);
        assert_non_null(strstr(fail.detail, "line "));
    }
    assert_int_equal(read_text(&tape, text, 7, 1000, &fail),
                     AO2_E_MISCONFIGURED);
}

static void refused(void **state)
{
    static const struct {
        const char *text;
        const char *detail; /* NULL: accepted */
    } rows[] = {
        {"{}", NULL},
        {"{\"a\":1}", NULL},
        {"{\"a\":[1,2]}", NULL},
        {"[]", "line 1: no JSON object"},
        {"\n\"a\"", "line 2: no JSON object"},
        {"\xef\xbb\xbf{}", "line 1: no JSON object"},
        {"{} {}", "line 1: malformed JSON"},
        {"{,}", "line 1: malformed JSON"},
        {"{\"a\"}", "line 1: malformed JSON"},
        {"{\"a\":}", "line 1: malformed JSON"},
        {"{\"a\":1,}", "line 1: malformed JSON"},
        {"{\"a\":1 2}", "line 1: malformed JSON"},
        {"{\"a\":1\n\"b\":2}", "line 2: malformed JSON"},
        {"{a:1}", "line 1: malformed JSON"},
        {"{\"a\":[1,]}", "line 1: malformed JSON"},
        {"{\"a\":[,1]}", "line 1: malformed JSON"},
        {"{\"a\":[1 2]}", "line 1: malformed JSON"},
        {"{\"a\":[1}", "line 1: malformed JSON"},
        {"{\"a\":1]", "line 1: malformed JSON"},
        {"{\"a\":1,\n\"a\":2}", "line 2: a member is there twice"},
        {"{\"a\":[],\"\\u0061\":[]}", "line 1: a member is there twice"},
        {"{\"a\\u0000\":1}", "line 1: malformed member name"},
        {"{\"\xff\":1}", "line 1: malformed member name"},
        {"{\"a\":[\n{\"b\":\n01}]}", "line 3: malformed JSON"},
        {"{\"a\":[\n{\"b\":1,\n\"b\":1}]}", "line 3: a member is there twice"},
        {"{\"a\":[\n\n\"\xc3\x28\"]}", "line 3: not UTF-8"},
        {"{\"a\":[\n1e999]}", "line 2: a number is too large"},
        {"{\"a\":[{]}]}", "line 1: malformed JSON"},
        {"{\"a\":1\"2}", "line 1: malformed JSON"},
        {"{\"a\":truer}", "line 1: malformed JSON"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_fail_t fail;
        tape_t tape;
        ao2_code_t code = read_text(&tape, ao2_span(rows[i].text), 3, 1000,
                                    &fail);

        if (code != (rows[i].detail ? AO2_E_MISCONFIGURED : AO2_OK) ||
            (rows[i].detail && strcmp(fail.detail, rows[i].detail) != 0)) {
            fail_msg("%s: %d %s", rows[i].text, (int)code, fail.detail);
        }
    }
}

static void nul_is_refused(void **state)
{
    static const char texts[][16] = {"{\"a\":1\0}", "{\"a\0\":1}",
                                     "{\"a\":[1\0]}", "{\"a\":{\0}}",
                                     "{\"a\":1}\0",  "\0{\"a\":1}"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ao2_span_t text = {texts[i], sizeof(texts[i])};
        ao2_fail_t fail;
        tape_t tape;

        assert_int_equal(read_text(&tape, text, 16, 1000, &fail),
                         AO2_E_MISCONFIGURED);
    }
}

static void limits(void **state)
{
    char text[200] = "{\"a\":";
    ao2_fail_t fail;
    tape_t tape;
    int depth;

    (void)state;
    for (depth = AO2_MAX_DOCUMENT_DEPTH; depth < AO2_MAX_DOCUMENT_DEPTH + 2;
         depth++) {
        memset(text + 5, '[', (size_t)depth + 1);
        memset(text + 6 + depth, ']', (size_t)depth + 1);
        memcpy(text + 7 + 2 * depth, "}", 2);
        assert_int_equal(read_text(&tape, ao2_span(text), 200, 1000, &fail),
                         depth == AO2_MAX_DOCUMENT_DEPTH
                             ? AO2_OK : AO2_E_MISCONFIGURED);
    }
    assert_string_equal(fail.detail, "line 1: nested too deep");
    assert_int_equal(read_text(&tape, ao2_span("{\"a\":[123456]}"), 3, 6,
                               &fail), AO2_OK);
    assert_int_equal(read_text(&tape, ao2_span("{\"a\":[1234567]}"), 3, 6,
                               &fail), AO2_E_MISCONFIGURED);
    assert_string_equal(fail.detail,
                        "line 1: the record is longer than 6 bytes");
}

static void taker_ends_it(void **state)
{
    ao2_fail_t fail = {0};
    tape_t tape = {{0}, 1, 0};
    ao2_json_stream_t *stream = ao2_json_stream_make(note, &tape, 100,
                                                     *state);

    assert_int_equal(ao2_json_stream_feed(stream, ao2_span(document), &fail),
                     AO2_E_ACCESS_DENIED);
    assert_int_equal(tape.count, 2);
    assert_string_equal(fail.detail, "enough");
}

static void lines(void **state)
{
    static const char text[] = "{\"a\": 1,\n"                     /* 10 */
                               "\"b\"\n: [ \"]\\\"\", {\"c\":\n"  /* 11 */
                               "[]}, {\n"                        /* 13 */
                               "\"d\" : null} ,\n"               /* 14 */
                               "[\n"                             /* 15 */
                               "[1,\n2]]], \"b.c\": 3}";         /* 16 */
    static const struct {
        const char *path;
        int line;
    } rows[] = {
        {"", 10},        {"a", 10},         {"b", 12},
        {"b[0]", 12},    {"b[1]", 12},      {"b[1].c", 13},
        {"b[2]", 13},    {"b[2].d", 14},    {"b[3]", 15},
        {"b[3][0]", 16}, {"b[3][0][1]", 17},
        /* As near as it can be had. */
        {"x", 10},       {"b[9]", 12},      {"b[2].x", 13},
        {"a.x", 10},     {"a[0]", 10},      {"b[1].c[0]", 13},
        {"b.x", 12},
    };
    ao2_record_t record = {"m", 0, {text, sizeof(text) - 1}, 10};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int line = (int)ao2_record_line(&record, rows[i].path);

        if (line != rows[i].line) {
            fail_msg("%s: line %d", rows[i].path, line);
        }
    }
    record.text = ao2_span(NULL);
    assert_int_equal(ao2_record_line(&record, "a[0]"), record.line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_of_any_size), TEST(cut_anywhere), TEST(refused),
        TEST(nul_is_refused),     TEST(limits),       TEST(taker_ends_it),
        TEST(lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
