#include "fuzz/fuzz.h"

#include <apr_strings.h>

#include "base/json.h"
#include "base/json_stream.h"

const char fuzz_name[] = "stream";

/*
 * A document is read in one piece and in small ones, and the records are
 * put together again: that is what jansson says of the whole. The first
 * byte of an input says how long the pieces are.
 */
#define MAX_RECORD 200

/* What came so far. */
typedef struct {
    json_t *whole;
    apr_int64_t line;
    const char *log; /* all that was given, to compare two readings */
    apr_pool_t *pool;
} tape_t;

static void put(tape_t *tape, const ao2_record_t *record, json_t *value)
{
    json_t *list = json_object_get(tape->whole, record->member);

    if (record->index >= 0) {
        fuzz_check((size_t)record->index == json_array_size(list),
                   "elements come in their order");
        json_array_append(list, value);
        return;
    }
    fuzz_check(!list, "a member comes once");
    json_object_set(tape->whole, record->member, value);
}

static ao2_code_t take(void *context, const ao2_record_t *record,
                       ao2_fail_t *fail)
{
    tape_t *tape = context;
    json_t *value = NULL;
    ao2_code_t code = AO2_OK;

    fuzz_check(record->line >= tape->line, "lines go up");
    fuzz_check(record->text.len <= MAX_RECORD, "a record is within the limit");
    tape->line = record->line;
    if (record->index == AO2_RECORD_ARRAY) {
        fuzz_check(!record->text.ptr, "an array has no text of its own");
        value = json_array();
    }
    else {
        code = ao2_record_parse(&value, record, fail);
    }
    if (code == AO2_OK) {
        put(tape, record, value);
        fuzz_check(ao2_record_line(record, "") == record->line &&
                       ao2_record_line(record, "a[1].b") >= record->line,
                   "a place is in its record");
    }
    json_decref(value);
    tape->log = apr_psprintf(tape->pool, "%s%s %" APR_INT64_T_FMT "\n",
                             tape->log, record->member, record->line);
    return code;
}

static ao2_code_t read_in(tape_t *tape, ao2_span_t text, apr_size_t piece,
                          ao2_fail_t *fail)
{
    ao2_json_stream_t *stream = ao2_json_stream_make(take, tape, MAX_RECORD,
                                                     tape->pool);
    ao2_code_t code = AO2_OK;

    while (text.len && code == AO2_OK) {
        ao2_span_t bytes = {text.ptr, text.len < piece ? text.len : piece};

        code = ao2_json_stream_feed(stream, bytes, fail);
        text.ptr += bytes.len;
        text.len -= bytes.len;
    }
    return code == AO2_OK ? ao2_json_stream_end(stream, fail) : code;
}

static tape_t new_tape(apr_pool_t *pool)
{
    tape_t tape = {ao2_json_own(json_object(), pool), 1, "", pool};

    return tape;
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    ao2_span_t text = input;
    apr_size_t piece;
    tape_t one = new_tape(pool);
    tape_t many = new_tape(pool);
    ao2_fail_t of_one = {0};
    ao2_fail_t of_many = {0};
    ao2_code_t code;
    json_t *json;

    if (input.len == 0) {
        return;
    }
    piece = (unsigned char)*text.ptr++ % 16 + 1;
    text.len--;
    code = read_in(&one, text, text.len ? text.len : 1, &of_one);
    fuzz_check(read_in(&many, text, piece, &of_many) == code &&
                   strcmp(one.log, many.log) == 0,
               "the size of the pieces does not matter");
    fuzz_check(strcmp(of_one.detail, of_many.detail) == 0 ||
                   text.len > MAX_RECORD,
               "nor for what is wrong, but for a record that is too long");
    json = ao2_json_own(json_loadb(text.ptr, text.len,
                                   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                                   NULL),
                        pool);
    if (code != AO2_OK) {
        fuzz_check_fail(code, &of_one);
        return;
    }
    fuzz_accepted++;
    fuzz_check(json && json_equal(json, one.whole),
               "the records are the document");
}
