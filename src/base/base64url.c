#include "base/base64url.h"

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The place in the alphabet, from 1 on; 0: not in it. */
static const unsigned char places[256] = {
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6,
    ['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12,
    ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
    ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
    ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
    ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
    ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64};

static unsigned place_of(char c)
{
    return places[(unsigned char)c];
}

/* Four characters are three bytes; 0 where one is none of ours. */
static int decode_group(char to[3], const char *text)
{
    unsigned a = place_of(text[0]);
    unsigned b = place_of(text[1]);
    unsigned c = place_of(text[2]);
    unsigned d = place_of(text[3]);
    unsigned bits;

    if (!a || !b || !c || !d) {
        return 0;
    }
    bits = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
    to[0] = (char)(bits >> 16);
    to[1] = (char)(bits >> 8);
    to[2] = (char)bits;
    return 1;
}

/* What is left behind the groups: as if zero bits followed. Two characters
 * are one byte, three are two; the bits that are over must be zero. */
static int decode_rest(char *to, ao2_span_t rest)
{
    char text[4] = {'A', 'A', 'A', 'A'};
    char bytes[3];

    memcpy(text, rest.ptr, rest.len);
    if (!decode_group(bytes, text) || bytes[rest.len - 1] || bytes[2]) {
        return 0;
    }
    memcpy(to, bytes, rest.len - 1);
    return 1;
}

int ao2_base64url_decode(ao2_span_t *out, ao2_span_t text, apr_pool_t *pool)
{
    ao2_span_t rest = text;
    char *bytes;
    char *to;

    out->ptr = NULL;
    out->len = 0;
    if (!text.ptr || text.len % 4 == 1) {
        return 0;
    }
    bytes = apr_palloc(pool, text.len / 4 * 3 + 3);
    for (to = bytes; rest.len >= 4; to += 3) {
        if (!decode_group(to, rest.ptr)) {
            return 0;
        }
        rest.ptr += 4;
        rest.len -= 4;
    }
    if (rest.len) {
        if (!decode_rest(to, rest)) {
            return 0;
        }
        to += rest.len - 1;
    }
    *to = '\0';
    out->ptr = bytes;
    out->len = (apr_size_t)(to - bytes);
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
