/**
 * @file base/span.h
 * A run of bytes that somebody else owns.
 *
 * Layer base. A plain value; safe from any thread. The bytes are not
 * terminated and may contain NUL. A span with a NULL ptr is "absent", one
 * with len 0 and a ptr is "present and empty".
 */
#ifndef AO2_BASE_SPAN_H
#define AO2_BASE_SPAN_H

#include <string.h>

#include <apr.h>

typedef struct {
    const char *ptr;
    apr_size_t len;
} ao2_span_t;

/** The span of a terminated string, without its NUL; absent for NULL. */
static inline ao2_span_t ao2_span(const char *text)
{
    ao2_span_t span = {text, text ? strlen(text) : 0};

    return span;
}

/** Whether two spans hold the same bytes. Not constant time. */
static inline int ao2_span_equal(ao2_span_t a, ao2_span_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/** Whether @a span holds exactly the bytes of the string @a text. */
static inline int ao2_span_is(ao2_span_t span, const char *text)
{
    return ao2_span_equal(span, ao2_span(text));
}

#endif
