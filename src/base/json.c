#include "base/json.h"

#include <math.h>

#include <apr_strings.h>

/* What a scan outside of the parser needs to know. */
typedef struct {
    int depth;
    int deepest;
    int values;
    int in_string;
} scan_t;

static void scan_char(scan_t *scan, char c)
{
    if (c == '"') {
        scan->in_string = 1;
    }
    else if (c == '{' || c == '[') {
        scan->values++;
        scan->depth++;
        if (scan->depth > scan->deepest) {
            scan->deepest = scan->depth;
        }
    }
    else if (c == '}' || c == ']') {
        scan->depth--;
    }
    else if (c == ',') {
        scan->values++;
    }
}

/*
 * One pass before the parser: it would read a NUL behind a literal as the
 * end, recurse as deep as the text says, and spend a hundred bytes on every
 * "[]". Whether the text is JSON at all is the parser's business.
 */
static const char *scan_text(ao2_span_t text, int depth)
{
    scan_t scan = {0, 0, 1, 0};
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\0') {
            return "holds NUL";
        }
        if (!scan.in_string) {
            scan_char(&scan, c);
        }
        else if (c == '\\') {
            i++;
        }
        else if (c == '"') {
            scan.in_string = 0;
        }
        if (scan.deepest > depth) {
            return "is nested too deep";
        }
        if (scan.values > AO2_MAX_JSON_VALUES) {
            return "has too many values";
        }
    }
    return NULL;
}

static apr_status_t release(void *data)
{
    json_decref(data);
    return APR_SUCCESS;
}

json_t *ao2_json_own(json_t *json, apr_pool_t *pool)
{
    if (json) {
        apr_pool_cleanup_register(pool, json, release, apr_pool_cleanup_null);
    }
    return json;
}

json_t *ao2_json_disown(json_t *json, apr_pool_t *pool)
{
    apr_pool_cleanup_kill(pool, json, release);
    return json;
}

/* What jansson and malloc take for a value and for a member, measured. */
#define VALUE_BYTES 48
#define MEMBER_BYTES 64
#define OBJECT_BYTES 256

apr_size_t ao2_json_bytes(const json_t *json)
{
    apr_size_t bytes = VALUE_BYTES;
    json_t *container = (json_t *)json;
    const char *name;
    json_t *value;
    size_t i;

    if (json_is_string(json)) {
        return bytes + json_string_length(json);
    }
    for (i = 0; i < json_array_size(json); i++) {
        bytes += sizeof(json_t *) + ao2_json_bytes(json_array_get(json, i));
    }
    if (!json_is_object(json)) {
        return bytes;
    }
    bytes += OBJECT_BYTES;
    json_object_foreach(container, name, value) {
        bytes += MEMBER_BYTES + strlen(name) + ao2_json_bytes(value);
    }
    return bytes;
}

ao2_code_t ao2_json_parse(json_t **pjson, ao2_span_t text, int depth,
                          ao2_code_t blame, apr_pool_t *pool,
                          ao2_fail_t *fail)
{
    const char *wrong;
    json_error_t error;

    *pjson = NULL;
    wrong = text.ptr ? scan_text(text, depth) : "is absent";
    if (wrong) {
        return ao2_fail(fail, blame, "the JSON %s", wrong);
    }
    *pjson = ao2_json_own(json_loadb(text.ptr, text.len,
                                     JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                                     &error),
                          pool);
    if (!*pjson) {
        /* The parser's own text may quote the document: not repeated. */
        return ao2_fail(fail, blame, "the JSON is malformed at byte %d",
                        error.position);
    }
    if (!json_is_object(*pjson)) {
        *pjson = NULL;
        return ao2_fail(fail, blame, "the JSON is no object");
    }
    return AO2_OK;
}

ao2_span_t ao2_json_text(const json_t *json)
{
    ao2_span_t text = {NULL, 0};

    if (json_is_string(json)) {
        text.ptr = json_string_value(json);
        text.len = json_string_length(json);
        if (memchr(text.ptr, '\0', text.len)) {
            text.ptr = NULL;
            text.len = 0;
        }
    }
    return text;
}

json_t *ao2_json_at(json_t *root, const char *path)
{
    int level;

    for (level = 0; level < AO2_MAX_DOCUMENT_DEPTH; level++) {
        json_t *whole = json_object_get(root, path);
        const char *dot;

        if (whole) {
            return whole;
        }
        dot = strchr(path, '.');
        if (!dot) {
            return NULL;
        }
        root = json_object_getn(root, path, (size_t)(dot - path));
        path = dot + 1;
    }
    return NULL;
}

int ao2_json_time(apr_time_t *ptime, const json_t *json)
{
    const apr_time_t longest = AO2_TIME_FOREVER / APR_USEC_PER_SEC;
    double seconds;

    *ptime = 0;
    if (json_is_integer(json)) {
        json_int_t whole = json_integer_value(json);

        if (whole < 0) {
            return 0;
        }
        *ptime = whole >= longest ? AO2_TIME_FOREVER
                                  : whole * APR_USEC_PER_SEC;
        return 1;
    }
    if (!json_is_real(json)) {
        return 0;
    }
    seconds = json_real_value(json);
    if (!isfinite(seconds) || seconds < 0 || signbit(seconds)) {
        return 0;
    }
    *ptime = seconds >= (double)longest
                 ? AO2_TIME_FOREVER
                 : (apr_time_t)(seconds * (double)APR_USEC_PER_SEC);
    return 1;
}
