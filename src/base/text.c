#include "base/text.h"

#include <apr_lib.h>
#include <apr_strings.h>

#define LONGEST_DURATION ((apr_int64_t)100 * 366 * 24 * 60 * 60)
#define LARGEST_SIZE ((apr_int64_t)1 << 40)

static int is_printable(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

const char *ao2_text_quote(const char *text, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 2 * strlen(text) + 3);
    char *to = quoted;

    *to++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            *to++ = '\\';
        }
        *to++ = is_printable(*text) ? *text : '?';
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}

static char *put_hex(char *to, char c, const char *digits)
{
    *to++ = digits[(unsigned char)c >> 4];
    *to++ = digits[(unsigned char)c & 15];
    return to;
}

const char *ao2_text_for_log(ao2_span_t text, apr_size_t max,
                             apr_pool_t *pool)
{
    apr_size_t length = text.len > max ? max : text.len;
    char *escaped = apr_palloc(pool, 4 * length + 4);
    char *to = escaped;
    apr_size_t i;

    for (i = 0; i < length; i++) {
        char c = text.ptr[i];

        if (is_printable(c) && c != '"' && c != '\\') {
            *to++ = c;
            continue;
        }
        *to++ = '\\';
        *to++ = 'x';
        to = put_hex(to, c, "0123456789abcdef");
    }
    if (length < text.len) {
        memcpy(to, "...", 3);
        to += 3;
    }
    *to = '\0';
    return escaped;
}

const char *ao2_text_percent(ao2_span_t text, char also, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, 3 * text.len + 1);
    char *to = escaped;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (is_printable(c) && c != '%' && (c != also || !also)) {
            *to++ = c;
            continue;
        }
        *to++ = '%';
        to = put_hex(to, c, "0123456789ABCDEF");
    }
    *to = '\0';
    return escaped;
}

const char *ao2_text_passed(const char *text, apr_pool_t *pool)
{
    const char *at = text;

    while (is_printable(*at) && *at != '%') {
        at++;
    }
    return *at ? ao2_text_percent(ao2_span(text), 0, pool) : text;
}

void ao2_hex_digits(char *out, const void *bytes, apr_size_t len)
{
    const char *from = bytes;
    char *to = out;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        to = put_hex(to, from[i], "0123456789abcdef");
    }
    *to = '\0';
}

int ao2_hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

apr_array_header_t *ao2_text_list(int count, const char *const *words,
                                  apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, count, sizeof(char *));
    int i;

    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(list, const char *) = words[i];
    }
    return list;
}

apr_array_header_t *ao2_text_split(const char *list, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(char *));
    char *last;
    char *next;

    for (next = apr_strtok(apr_pstrdup(pool, list), " ", &last); next;
         next = apr_strtok(NULL, " ", &last)) {
        APR_ARRAY_PUSH(words, const char *) = next;
    }
    return words;
}

const char *ao2_text_hex(const void *bytes, apr_size_t len, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 2 * len + 1);

    ao2_hex_digits(text, bytes, len);
    return text;
}

static char fold(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

int ao2_text_same_field(ao2_span_t a, ao2_span_t b)
{
    apr_size_t i;

    if (a.len != b.len) {
        return 0;
    }
    for (i = 0; i < a.len; i++) {
        if (fold(a.ptr[i]) != fold(b.ptr[i])) {
            return 0;
        }
    }
    return 1;
}

int ao2_text_is_scope(const char *text)
{
    const char *at;

    for (at = text; *at; at++) {
        if (!is_printable(*at) || *at == ' ' || *at == '"' || *at == '\\') {
            return 0;
        }
    }
    return at > text;
}

/* Digits and what follows them; fails on none, and past @a max. */
static int read_number(apr_int64_t *pnumber, const char **pend,
                       const char *text, apr_int64_t max)
{
    apr_int64_t number = 0;
    const char *at;

    for (at = text; apr_isdigit(*at); at++) {
        number = number * 10 + (*at - '0');
        if (number > max) {
            return 0;
        }
    }
    *pnumber = number;
    *pend = at;
    return at > text;
}

int ao2_text_duration(apr_time_t *ptime, const char *text)
{
    static const struct {
        const char *unit;
        apr_int64_t microseconds;
    } units[] = {{"", 1000000},         {"ms", 1000},
                 {"s", 1000000},        {"mi", 60000000},
                 {"h", 3600000000},     {"d", 86400000000}};
    apr_int64_t number;
    const char *unit;
    size_t i;

    *ptime = 0;
    if (!read_number(&number, &unit, text, LONGEST_DURATION * 1000)) {
        return 0;
    }
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(unit, units[i].unit) == 0) {
            if (number > LONGEST_DURATION * APR_USEC_PER_SEC /
                             units[i].microseconds) {
                return 0;
            }
            *ptime = number * units[i].microseconds;
            return 1;
        }
    }
    return 0;
}

int ao2_text_size(apr_int64_t *psize, const char *text)
{
    static const char units[] = "KMG";
    apr_int64_t number;
    const char *unit;
    int shift = 0;

    *psize = 0;
    if (!read_number(&number, &unit, text, LARGEST_SIZE)) {
        return 0;
    }
    if (*unit) {
        const char *found = strchr(units, apr_toupper(*unit));

        if (!found || unit[1]) {
            return 0;
        }
        shift = 10 * (int)(found - units + 1);
    }
    if (number > LARGEST_SIZE >> shift) {
        return 0;
    }
    *psize = number << shift;
    return 1;
}

static int is_loopback(const char *host, size_t length)
{
    apr_int64_t octet;
    const char *end;
    int i;

    if ((length == 9 && strncasecmp(host, "localhost", 9) == 0) ||
        (length == 5 && strncmp(host, "[::1]", 5) == 0)) {
        return 1;
    }
    if (strncmp(host, "127.", 4) != 0) {
        return 0;
    }
    for (i = 0, end = host + 3; i < 3; i++) {
        if (*end != '.' || !read_number(&octet, &end, end + 1, 255)) {
            return 0;
        }
    }
    return end == host + length;
}

static const char *check_host(const char *host, int allow_http)
{
    size_t length = strcspn(host, "/?#");
    size_t name = *host == '[' ? strcspn(host, "]") + 1
                               : strcspn(host, ":/?#");
    apr_int64_t port;
    const char *end;

    if (memchr(host, '@', length)) {
        return "holds a user part";
    }
    if (name == 0 || name > length) {
        return "names no host";
    }
    if (name < length &&
        (host[name] != ':' || !read_number(&port, &end, host + name + 1,
                                           65535) ||
         end != host + length || port == 0)) {
        return "has a wrong port";
    }
    return allow_http || is_loopback(host, name)
               ? NULL
               : "must be https (http is for loopback addresses, or with "
                 "ApiAllowInsecureHTTP On)";
}

const char *ao2_text_check_url(const char *url, int allow_http)
{
    const char *at;

    for (at = url; *at; at++) {
        if (*at <= ' ' || *at > 0x7e || *at == '"' || *at == '\\') {
            return "holds characters that no URL has";
        }
    }
    if (strchr(url, '#')) {
        return "holds a fragment";
    }
    if (strncasecmp(url, "https://", 8) == 0) {
        return check_host(url + 8, 1);
    }
    if (strncasecmp(url, "http://", 7) == 0) {
        return check_host(url + 7, allow_http);
    }
    return "is no https URL";
}
