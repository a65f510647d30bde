#include "fuzz/fuzz.h"

#include <math.h>

#include <apr_strings.h>

#include "base/json.h"

const char fuzz_name[] = "json";

typedef struct {
    int deepest;
    int values;
} measure_t;

/* Depth and number of values, from the parsed text instead of the bytes. */
static void measure(measure_t *sum, const json_t *value, int depth)
{
    size_t i;
    const char *key;
    json_t *member;

    sum->values++;
    if (json_is_object(value) || json_is_array(value)) {
        depth++;
    }
    sum->deepest = depth > sum->deepest ? depth : sum->deepest;
    for (i = 0; i < json_array_size(value); i++) {
        measure(sum, json_array_get(value, i), depth);
    }
    json_object_foreach((json_t *)value, key, member) {
        measure(sum, member, depth);
    }
}

/* Whether the rules of the header allow @a text, asked of jansson. */
static int is_allowed(ao2_span_t text, apr_pool_t *pool)
{
    json_t *json;
    measure_t sum = {0, 0};

    if (memchr(text.ptr, '\0', text.len)) {
        return 0;
    }
    json = ao2_json_own(json_loadb(text.ptr, text.len,
                                   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                                   NULL),
                        pool);
    if (!json_is_object(json)) {
        return 0;
    }
    measure(&sum, json, 0);
    return sum.deepest <= AO2_MAX_TOKEN_DEPTH &&
           sum.values <= AO2_MAX_JSON_VALUES;
}

static void check_time(const json_t *value)
{
    double seconds = json_number_value(value);
    apr_time_t time = -1;
    int read = ao2_json_time(&time, value);

    fuzz_check(read == (json_is_number(value) && isfinite(seconds) &&
                        !signbit(seconds)),
               "a time is a number, and not negative");
    if (!read) {
        return;
    }
    fuzz_check(time >= 0 && time <= AO2_TIME_FOREVER, "a time is in range");
    fuzz_check(seconds < 4e12
                   ? fabs((double)time / 1e6 - seconds) < 1e-3
                   : time > APR_INT64_C(3999999999999999999) ||
                         time == AO2_TIME_FOREVER,
               "a time is that of the number");
}

static void check_text(const json_t *value)
{
    ao2_span_t text = ao2_json_text(value);
    const char *bytes = json_string_value(value);
    int plain = bytes && strlen(bytes) == json_string_length(value);

    fuzz_check(plain ? ao2_span_is(text, bytes) : !text.ptr && text.len == 0,
               "a text is a string without NUL");
}

static void check_path(json_t *root, const char *key, json_t *value,
                       apr_pool_t *pool)
{
    const char *below;
    json_t *member;

    fuzz_check(ao2_json_at(root, key) == value, "a member is found by name");
    if (strchr(key, '.')) {
        return;
    }
    json_object_foreach(value, below, member) {
        const char *path = apr_pstrcat(pool, key, ".", below, NULL);
        json_t *whole = json_object_get(root, path);

        fuzz_check(ao2_json_at(root, path) == (whole ? whole : member),
                   "a member of a member is found by path");
    }
}

static void check_value(json_t *value)
{
    size_t i;

    check_time(value);
    check_text(value);
    for (i = 0; i < json_array_size(value); i++) {
        check_time(json_array_get(value, i));
        check_text(json_array_get(value, i));
    }
}

static void check_again(json_t *json, apr_pool_t *pool)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_t *again;
    int good = text && ao2_json_parse(&again, ao2_span(text),
                                      AO2_MAX_TOKEN_DEPTH, AO2_E_TOKEN_INVALID,
                                      pool, NULL) == AO2_OK;

    fuzz_check(good && json_equal(json, again), "what is written is read");
    free(text);
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    ao2_fail_t fail = {0};
    json_t *json;
    const char *key;
    json_t *member;
    ao2_code_t code = ao2_json_parse(&json, input, AO2_MAX_TOKEN_DEPTH,
                                     AO2_E_TOKEN_INVALID, pool, &fail);

    fuzz_check((code == AO2_OK) == is_allowed(input, pool),
               "what is not allowed is refused, and nothing else");
    if (code != AO2_OK) {
        fuzz_check(code == AO2_E_TOKEN_INVALID && !json, "the one to blame");
        fuzz_check_fail(code, &fail);
        return;
    }
    fuzz_accepted++;
    json_object_foreach(json, key, member) {
        check_path(json, key, member, pool);
        check_value(member);
    }
    check_again(json, pool);
}
