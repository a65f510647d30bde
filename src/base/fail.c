#include "base/fail.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#define LEVEL_debug AO2_LEVEL_DEBUG
#define LEVEL_info AO2_LEVEL_INFO
#define LEVEL_warning AO2_LEVEL_WARNING
#define LEVEL_error AO2_LEVEL_ERROR

static const ao2_error_t errors[] = {
#define AO2_ERROR(ID, id, number, status, rfc6750, wso2, level, text) \
    {AO2_E_##ID, #id, number % 1000, status,                          \
     rfc6750[0] ? rfc6750 : NULL, wso2, LEVEL_##level, text},
#include "base/errors.def"
#undef AO2_ERROR
};

#define ERRORS ((int)(sizeof(errors) / sizeof(errors[0])))

/* Names of clients, files and documents may hold anything: a detail stays
 * one line. */
static void drop_controls(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

ao2_code_t ao2_fail(ao2_fail_t *fail, ao2_code_t code, const char *format, ...)
{
    va_list args;

    if (!fail) {
        return code;
    }
    if (fail->code == AO2_OK) {
        fail->code = code;
        va_start(args, format);
        vsnprintf(fail->detail, sizeof(fail->detail), format, args);
        va_end(args);
        drop_controls(fail->detail);
    }
    return fail->code;
}

const ao2_error_t *ao2_error_of(ao2_code_t code)
{
    const ao2_error_t *fallback = NULL;
    int i;

    for (i = 0; i < ERRORS; i++) {
        if (errors[i].code == code) {
            return &errors[i];
        }
        if (errors[i].code == AO2_E_MISCONFIGURED) {
            fallback = &errors[i];
        }
    }
    return fallback;
}

const ao2_error_t *ao2_error_at(int index)
{
    return index >= 0 && index < ERRORS ? &errors[index] : NULL;
}
