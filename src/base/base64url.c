#include "base/base64url.h"

#define BAD 0xff

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static unsigned value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    if (c == '-') {
        return 62;
    }
    return c == '_' ? 63 : BAD;
}

int ao2_base64url_decode(ao2_span_t *out, ao2_span_t text, apr_pool_t *pool)
{
    unsigned bits = 0; /* the bits of the characters read last */
    int waiting = 0;   /* how many of them are not written yet */
    apr_size_t length = 0;
    apr_size_t i;
    char *bytes;

    out->ptr = NULL;
    out->len = 0;
    if (!text.ptr || text.len % 4 == 1) {
        return 0;
    }
    bytes = apr_palloc(pool, text.len / 4 * 3 + 3);
    for (i = 0; i < text.len; i++) {
        unsigned value = value_of(text.ptr[i]);

        if (value == BAD) {
            return 0;
        }
        bits = (bits << 6 | value) & 0xffff;
        waiting += 6;
        if (waiting >= 8) {
            waiting -= 8;
            bytes[length++] = (char)(bits >> waiting & 0xff);
        }
    }
    if ((bits & ((1u << waiting) - 1)) != 0) {
        return 0;
    }
    bytes[length] = '\0';
    out->ptr = bytes;
    out->len = length;
    return 1;
}

const char *ao2_base64url_encode(ao2_span_t bytes, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, (bytes.len + 2) / 3 * 4 + 1);
    apr_size_t length = 0;
    apr_size_t i;

    for (i = 0; i < bytes.len; i += 3) {
        apr_size_t left = bytes.len - i;
        unsigned group = (unsigned)(unsigned char)bytes.ptr[i] << 16;

        if (left > 1) {
            group |= (unsigned)(unsigned char)bytes.ptr[i + 1] << 8;
        }
        if (left > 2) {
            group |= (unsigned char)bytes.ptr[i + 2];
        }
        text[length++] = alphabet[group >> 18];
        text[length++] = alphabet[group >> 12 & 63];
        if (left > 1) {
            text[length++] = alphabet[group >> 6 & 63];
        }
        if (left > 2) {
            text[length++] = alphabet[group & 63];
        }
    }
    text[length] = '\0';
    return text;
}
