#include "base/json_stream.h"

#include <stdlib.h>

#include <apr_hash.h>
#include <apr_strings.h>

/* What may come next between records. */
typedef enum {
    BEFORE_DOCUMENT,
    NAME_OR_END,
    NAME,
    COLON,
    VALUE,
    ELEMENT_OR_END,
    ELEMENT,
    AFTER_ELEMENT,
    AFTER_VALUE,
    AFTER_DOCUMENT
} state_t;

/* What is being collected. */
typedef enum { NOTHING, STRING, SCALAR, NESTED } kind_t;

struct ao2_json_stream {
    ao2_record_fn *take;
    void *context;
    apr_size_t max_record;
    apr_pool_t *pool;
    state_t state;
    kind_t kind;
    int depth;     /* of NESTED: objects and arrays open */
    int in_string; /* of NESTED and STRING */
    int escaped;
    apr_int64_t line;
    char *text; /* what has been collected of it */
    apr_size_t length;
    apr_size_t size;
    apr_int64_t text_line;
    apr_hash_t *members; /* seen so far */
    const char *member;
    apr_int64_t index;
};

static apr_status_t release(void *data)
{
    free(((ao2_json_stream_t *)data)->text);
    return APR_SUCCESS;
}

ao2_json_stream_t *ao2_json_stream_make(ao2_record_fn *take, void *context,
                                        apr_size_t max_record,
                                        apr_pool_t *pool)
{
    ao2_json_stream_t *stream = apr_pcalloc(pool, sizeof(*stream));

    stream->take = take;
    stream->context = context;
    stream->max_record = max_record;
    stream->pool = pool;
    stream->line = 1;
    stream->members = apr_hash_make(pool);
    apr_pool_cleanup_register(pool, stream, release, apr_pool_cleanup_null);
    return stream;
}

static ao2_code_t wrong(const ao2_json_stream_t *stream, const char *what,
                        ao2_fail_t *fail)
{
    return ao2_fail(fail, AO2_E_MISCONFIGURED, "line %" APR_INT64_T_FMT
                    ": %s", stream->line, what);
}

static ao2_code_t append(ao2_json_stream_t *stream, ao2_span_t bytes,
                         ao2_fail_t *fail)
{
    apr_size_t needed = stream->length + bytes.len;

    if (needed > stream->max_record) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "line %" APR_INT64_T_FMT ": the record is longer "
                        "than %" APR_SIZE_T_FMT " bytes", stream->text_line,
                        stream->max_record);
    }
    if (needed > stream->size) {
        apr_size_t size = needed < 4096 ? 4096 : 2 * needed;
        char *text = realloc(stream->text, size);

        if (!text) {
            return wrong(stream, "no memory for the record", fail);
        }
        stream->text = text;
        stream->size = size;
    }
    memcpy(stream->text + stream->length, bytes.ptr, bytes.len);
    stream->length = needed;
    return AO2_OK;
}

static ao2_code_t give(ao2_json_stream_t *stream, apr_int64_t index,
                       ao2_span_t text, apr_int64_t line, ao2_fail_t *fail)
{
    ao2_record_t record = {stream->member, index, text, line};

    return stream->take(stream->context, &record, fail);
}

static ao2_code_t end_name(ao2_json_stream_t *stream, ao2_span_t text,
                           ao2_fail_t *fail)
{
    json_t *name = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);

    if (!name) {
        return wrong(stream, "malformed member name", fail);
    }
    stream->member = apr_pstrdup(stream->pool, json_string_value(name));
    json_decref(name);
    if (apr_hash_get(stream->members, stream->member, APR_HASH_KEY_STRING)) {
        return wrong(stream, "a member is there twice", fail);
    }
    apr_hash_set(stream->members, stream->member, APR_HASH_KEY_STRING, "");
    stream->state = COLON;
    return AO2_OK;
}

/* What was collected is complete. */
static ao2_code_t end_text(ao2_json_stream_t *stream, ao2_fail_t *fail)
{
    ao2_span_t text = {stream->text, stream->length};
    int is_element = stream->state == ELEMENT ||
                     stream->state == ELEMENT_OR_END;

    stream->kind = NOTHING;
    stream->length = 0;
    if (stream->state == NAME || stream->state == NAME_OR_END) {
        return end_name(stream, text, fail);
    }
    stream->state = is_element ? AFTER_ELEMENT : AFTER_VALUE;
    return give(stream, is_element ? stream->index++ : AO2_RECORD_VALUE,
                text, stream->text_line, fail);
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Whether @a c is the last character of the STRING or NESTED that is
 * collected. (Of a number or literal none is known to be the last.) */
static int is_last(ao2_json_stream_t *stream, char c)
{
    if (stream->in_string) {
        if (stream->escaped) {
            stream->escaped = 0;
        }
        else if (c == '\\') {
            stream->escaped = 1;
        }
        else if (c == '"') {
            stream->in_string = 0;
            return stream->kind == STRING;
        }
        return 0;
    }
    if (c == '"') {
        stream->in_string = 1;
    }
    else if (c == '{' || c == '[') {
        stream->depth++;
    }
    else if (c == '}' || c == ']') {
        return --stream->depth == 0;
    }
    return 0;
}

/* Collect from @a bytes; *pused receives how many were taken. */
static ao2_code_t collect(ao2_json_stream_t *stream, ao2_span_t bytes,
                          apr_size_t *pused, ao2_fail_t *fail)
{
    apr_size_t i;
    int done = 0;

    for (i = 0; i < bytes.len && !done; i++) {
        char c = bytes.ptr[i];

        if (c == '\0') {
            return wrong(stream, "a NUL", fail);
        }
        if (stream->kind == SCALAR) {
            if (is_space(c) || c == ',' || c == '}' || c == ']') {
                done = 1;
                break;
            }
            continue;
        }
        stream->line += c == '\n';
        done = is_last(stream, c);
        if (stream->depth > AO2_MAX_DOCUMENT_DEPTH) {
            return wrong(stream, "nested too deep", fail);
        }
    }
    *pused = i;
    bytes.len = i;
    if (append(stream, bytes, fail) != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    return done ? end_text(stream, fail) : AO2_OK;
}

static void begin_text(ao2_json_stream_t *stream, char c)
{
    stream->kind = c == '"' ? STRING
                            : c == '{' || c == '[' ? NESTED : SCALAR;
    stream->depth = 0;
    stream->in_string = 0;
    stream->text_line = stream->line;
}

static ao2_code_t begin_array(ao2_json_stream_t *stream, ao2_fail_t *fail)
{
    ao2_span_t absent = {NULL, 0};

    stream->state = ELEMENT_OR_END;
    stream->index = 0;
    return give(stream, AO2_RECORD_ARRAY, absent, stream->line, fail);
}

/* A character between records that belongs to none: what comes after it,
 * or -1 when it must not be here. */
static int after_mark(state_t state, char c)
{
    static const struct {
        state_t before;
        char mark;
        state_t after;
    } marks[] = {
        {BEFORE_DOCUMENT, '{', NAME_OR_END}, {NAME_OR_END, '}', AFTER_DOCUMENT},
        {COLON, ':', VALUE},                 {ELEMENT_OR_END, ']', AFTER_VALUE},
        {AFTER_ELEMENT, ',', ELEMENT},       {AFTER_ELEMENT, ']', AFTER_VALUE},
        {AFTER_VALUE, ',', NAME},            {AFTER_VALUE, '}', AFTER_DOCUMENT},
    };
    size_t i;

    for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (marks[i].before == state && marks[i].mark == c) {
            return (int)marks[i].after;
        }
    }
    return -1;
}

/* @return 1 when @a c begins something to be collected here. */
static int begins_text(const ao2_json_stream_t *stream, char c)
{
    switch (stream->state) {
    case NAME:
    case NAME_OR_END:
        return c == '"';
    case VALUE:
    case ELEMENT:
    case ELEMENT_OR_END:
        return c != '\0' && !strchr(",:]}", c);
    default:
        return 0;
    }
}

/* One character between records; *pused becomes 0 when it is to be read
 * again as the first of a text. */
static ao2_code_t step(ao2_json_stream_t *stream, char c, apr_size_t *pused,
                       ao2_fail_t *fail)
{
    int next = after_mark(stream->state, c);

    if (is_space(c)) {
        stream->line += c == '\n';
    }
    else if (stream->state == VALUE && c == '[') {
        return begin_array(stream, fail);
    }
    else if (begins_text(stream, c)) {
        begin_text(stream, c);
        *pused = 0;
    }
    else if (next < 0) {
        return wrong(stream, stream->state == BEFORE_DOCUMENT
                                 ? "no JSON object"
                                 : "malformed JSON", fail);
    }
    else {
        stream->state = (state_t)next;
    }
    return AO2_OK;
}

ao2_code_t ao2_json_stream_feed(ao2_json_stream_t *stream, ao2_span_t bytes,
                                ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;

    while (bytes.len && code == AO2_OK) {
        apr_size_t used = 1;

        code = stream->kind != NOTHING
                   ? collect(stream, bytes, &used, fail)
                   : step(stream, *bytes.ptr, &used, fail);
        bytes.ptr += used;
        bytes.len -= used;
    }
    return code;
}

ao2_code_t ao2_json_stream_end(ao2_json_stream_t *stream, ao2_fail_t *fail)
{
    return stream->state == AFTER_DOCUMENT
               ? AO2_OK
               : wrong(stream, stream->state == BEFORE_DOCUMENT
                                   ? "no JSON object"
                                   : "the JSON ends too early", fail);
}

static const char *reason(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return "a member is there twice";
    case json_error_invalid_utf8:
        return "not UTF-8";
    case json_error_numeric_overflow:
        return "a number is too large";
    default:
        return "malformed JSON";
    }
}

ao2_code_t ao2_record_parse(json_t **pjson, const ao2_record_t *record,
                            ao2_fail_t *fail)
{
    json_error_t error;

    *pjson = json_loadb(record->text.ptr, record->text.len,
                        JSON_DECODE_ANY | JSON_REJECT_DUPLICATES |
                            JSON_ALLOW_NUL, &error);
    if (!*pjson) {
        /* The parser's own text may quote the document: not repeated. */
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "line %" APR_INT64_T_FMT ": %s",
                        record->line + error.line - 1, reason(&error));
    }
    return AO2_OK;
}
