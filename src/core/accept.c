#include "core/accept.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BEST 1000

/* How closely a range names a type: 0 for not at all. */
enum { NOT_COVERED, ANYTHING, ANY_SUBTYPE, EXACTLY };

static int closeness(const char *range, size_t length, const char *type)
{
    size_t slash = strcspn(type, "/");

    if (length == strlen(type) && strncasecmp(range, type, length) == 0) {
        return EXACTLY;
    }
    if (length == 3 && strncmp(range, "*/*", 3) == 0) {
        return ANYTHING;
    }
    return length == slash + 2 && strncasecmp(range, type, slash + 1) == 0 &&
                   range[slash + 1] == '*'
               ? ANY_SUBTYPE
               : NOT_COVERED;
}

/* The weight in the parameters of one range. */
static int weight(const char *parameters, const char *end)
{
    const char *at = parameters;
    double quality;
    char *rest;

    while (at < end) {
        at += strspn(at, "; \t");
        if (at < end && (*at == 'q' || *at == 'Q') && at[1] == '=') {
            quality = strtod(at + 2, &rest);
            return rest > at + 2 && quality >= 0 && quality <= 1
                       ? (int)(quality * BEST + 0.5)
                       : 0;
        }
        at += strcspn(at, ";,");
        if (*at == ',' || *at == '\0') {
            break;
        }
    }
    return BEST;
}

int ao2_accept_quality(const char *accept, const char *type, int *named)
{
    int best = NOT_COVERED;
    int quality = accept ? 0 : BEST;

    while (accept && *accept) {
        const char *range = accept + strspn(accept, ", \t");
        size_t length = strcspn(range, ";, \t");
        const char *end = range + strcspn(range, ",");
        int close = length ? closeness(range, length, type) : NOT_COVERED;

        if (close > best) {
            best = close;
            quality = weight(range + length, end);
        }
        accept = end;
    }
    if (named) {
        *named = best == EXACTLY;
    }
    return quality;
}
