#include "core/trace.h"

#include <string.h>

/* 00-TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT-PPPPPPPPPPPPPPPP-FF */
#define LENGTH 55
#define VERSION "00-"
#define TRACE 3
#define TRACE_LENGTH 32
#define PARENT 36
#define PARENT_LENGTH 16
#define FLAGS 53
#define FLAGS_LENGTH 2

static int is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

static int is_id(const char *text, size_t length)
{
    return is_hex(text, length) && strspn(text, "0") < length;
}

int ao2_trace_is_valid(ao2_span_t value)
{
    char text[LENGTH + 1];

    if (value.len != LENGTH) {
        return 0;
    }
    memcpy(text, value.ptr, LENGTH);
    text[LENGTH] = '\0';
    return memcmp(text, VERSION, sizeof(VERSION) - 1) == 0 &&
           is_id(text + TRACE, TRACE_LENGTH) &&
           text[PARENT - 1] == '-' &&
           is_id(text + PARENT, PARENT_LENGTH) &&
           text[FLAGS - 1] == '-' && is_hex(text + FLAGS, FLAGS_LENGTH);
}
