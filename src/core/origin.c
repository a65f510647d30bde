#include "core/origin.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* Every spelling of a protocol, and what it is a protocol of. */
static const struct {
    const char *prefix;
    const char *scheme;
    int port;
} schemes[] = {
    {"http://", "http", 80},   {"ws://", "http", 80},
    {"h2c://", "http", 80},    {"https://", "https", 443},
    {"wss://", "https", 443},  {"h2://", "https", 443},
    {"balancer://", "balancer", 0},
};

#define SCHEMES ((int)(sizeof(schemes) / sizeof(schemes[0])))

static int find_scheme(const char *url)
{
    int i;

    for (i = 0; i < SCHEMES; i++) {
        if (strncasecmp(url, schemes[i].prefix, strlen(schemes[i].prefix))
            == 0) {
            return i;
        }
    }
    return -1;
}

static int is_host(const char *host, apr_size_t length, const char *more)
{
    apr_size_t i;

    for (i = 0; i < length; i++) {
        if (!apr_isascii(host[i]) ||
            (!apr_isalnum(host[i]) && !strchr(more, host[i]))) {
            return 0;
        }
    }
    return length > 0;
}

/* ":PORT" or nothing, up to @a end. */
static int read_port(int *port, const char *at, const char *end)
{
    int number = 0;

    if (at == end) {
        return 1;
    }
    if (*at++ != ':' || at == end || end - at > 5) {
        return 0;
    }
    for (; at < end; at++) {
        if (!apr_isdigit(*at)) {
            return 0;
        }
        number = number * 10 + (*at - '0');
    }
    *port = number;
    return number >= 1 && number <= 65535;
}

static const char *lower(const char *text, apr_size_t length,
                         apr_pool_t *pool)
{
    char *copy = apr_pstrmemdup(pool, text, length);
    char *at;

    for (at = copy; *at; at++) {
        *at = (char)apr_tolower(*at);
    }
    return copy;
}

/* The host from *at, which then points behind it; NULL: none. */
static const char *read_host(const char **at, const char *end,
                             apr_pool_t *pool)
{
    const char *start = *at;
    const char *stop;
    const char *more = "-._";

    if (*start == '[') {
        start++;
        stop = memchr(start, ']', (apr_size_t)(end - start));
        more = ":.";
        *at = stop ? stop + 1 : end;
    }
    else {
        stop = memchr(start, ':', (apr_size_t)(end - start));
        stop = stop ? stop : end;
        *at = stop;
    }
    if (!stop || !is_host(start, (apr_size_t)(stop - start), more)) {
        return NULL;
    }
    return lower(start, (apr_size_t)(stop - start), pool);
}

int ao2_origin_read(ao2_origin_t *origin, const char *url, const char **rest,
                    apr_pool_t *pool)
{
    int index = find_scheme(url);
    const char *at;
    const char *end;

    memset(origin, 0, sizeof(*origin));
    if (index < 0) {
        return 0;
    }
    at = url + strlen(schemes[index].prefix);
    end = at + strcspn(at, "/?#");
    origin->scheme = schemes[index].scheme;
    origin->port = schemes[index].port;
    origin->host = read_host(&at, end, pool);
    if (!origin->host || !read_port(&origin->port, at, end) ||
        (!schemes[index].port && origin->port)) {
        return 0;
    }
    if (rest) {
        *rest = end;
    }
    return 1;
}

int ao2_origin_same(const ao2_origin_t *a, const ao2_origin_t *b)
{
    return a->port == b->port && strcmp(a->scheme, b->scheme) == 0 &&
           strcmp(a->host, b->host) == 0;
}
