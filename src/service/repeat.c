#include "service/repeat.h"

#include <apr_atomic.h>
#include <apr_lib.h>

#define QUIET_SEC 60

/* FNV-1a, without the numbers behind the object's name. */
static apr_uint32_t hash(ao2_code_t code, const char *text)
{
    apr_uint32_t sum = 2166136261u ^ (apr_uint32_t)code;
    int in_name = *text == '<';

    for (; *text; text++) {
        if (in_name || !apr_isdigit(*text)) {
            sum = (sum ^ (unsigned char)*text) * 16777619u;
        }
        in_name = in_name && *text != '>';
    }
    return sum ? sum : 1;
}

/* Each member is atomic for itself: two faults that meet in a slot, or two
 * threads in a fault, make a line too many or a count too small. */
int ao2_repeat_tell(ao2_repeat_t *repeat, apr_uint32_t *more, ao2_code_t code,
                    const char *text, apr_time_t now)
{
    apr_uint32_t what = hash(code, text);
    apr_uint32_t sec = (apr_uint32_t)apr_time_sec(now);
    apr_uint32_t i = what % AO2_REPEAT_SLOTS;
    apr_uint32_t since = apr_atomic_read32(&repeat->slots[i].since);
    int same = apr_atomic_read32(&repeat->slots[i].what) == what;

    *more = 0;
    /* A clock that was put back ends the quiet as well. */
    if ((same && sec - since < QUIET_SEC) ||
        apr_atomic_cas32(&repeat->slots[i].since, sec, since) != since) {
        apr_atomic_inc32(&repeat->slots[i].more);
        return 0;
    }
    apr_atomic_set32(&repeat->slots[i].what, what);
    *more = apr_atomic_xchg32(&repeat->slots[i].more, 0);
    if (!same) {
        *more = 0;
    }
    return 1;
}
