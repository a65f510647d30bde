/*
 * Where something stands in a record. Only ever asked for a record that
 * was parsed, after a fault: what is here relies on a valid text, stays in
 * it whatever it holds, and may be slow.
 */
#include "base/json_stream.h"

#include <stdlib.h>

/* The text from a place on. */
typedef struct {
    const char *at;
    const char *end;
} rest_t;

static char peek(const rest_t *rest)
{
    return rest->at < rest->end ? *rest->at : '\0';
}

static void skip_space(rest_t *rest)
{
    while (rest->at < rest->end && strchr(" \t\r\n", *rest->at)) {
        rest->at++;
    }
}

/* Past a string, its quotes included. */
static void skip_string(rest_t *rest)
{
    for (rest->at++; rest->at < rest->end && *rest->at != '"'; rest->at++) {
        rest->at += *rest->at == '\\';
    }
    rest->at++;
}

static void skip_value(rest_t *rest)
{
    int depth = 0;

    do {
        char c = peek(rest);

        if (c == '"') {
            skip_string(rest);
            continue;
        }
        if (depth == 0 && strchr(",]}", c)) {
            return;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        rest->at++;
    } while (rest->at < rest->end &&
             (depth > 0 || !strchr(",]} \t\r\n", *rest->at)));
}

/* To the next value of an object or array. @return 0 when there is none */
static int next_value(rest_t *rest)
{
    skip_value(rest);
    skip_space(rest);
    if (peek(rest) != ',') {
        return 0;
    }
    rest->at++;
    skip_space(rest);
    return 1;
}

/* Into the array at @a rest. @return 0 when there is no such element */
static int enter_element(rest_t *rest, long index)
{
    rest->at++;
    skip_space(rest);
    while (index-- > 0) {
        if (!next_value(rest)) {
            return 0;
        }
    }
    return peek(rest) != ']';
}

/* Into the object at @a rest. @return 0 when there is no such member */
static int enter_member(rest_t *rest, const char *name, size_t length)
{
    int found;

    rest->at++;
    skip_space(rest);
    do {
        const char *key = rest->at + 1;

        if (peek(rest) != '"') {
            return 0;
        }
        skip_string(rest);
        found = rest->at - key == (long)length + 1 &&
                memcmp(key, name, length) == 0;
        skip_space(rest);
        rest->at++;
        skip_space(rest);
    } while (!found && next_value(rest));
    return found;
}

apr_int64_t ao2_record_line(const ao2_record_t *record, const char *path)
{
    /* An array that begins has no text: its line is the record's. */
    ao2_span_t text = record->text.ptr ? record->text : ao2_span("");
    rest_t rest = {text.ptr, text.ptr + text.len};
    apr_int64_t line = record->line;
    const char *found = rest.at;
    const char *at;

    while (*path) {
        size_t length = strcspn(path, ".[");

        if (*path == '[' ? peek(&rest) != '[' ||
                               !enter_element(&rest, strtol(path + 1, NULL, 10))
                         : peek(&rest) != '{' ||
                               !enter_member(&rest, path, length)) {
            break;
        }
        found = rest.at;
        path += *path == '[' ? strcspn(path, "]") + 1 : length;
        path += *path == '.';
    }
    for (at = text.ptr; at < found; at++) {
        line += *at == '\n';
    }
    return line;
}
