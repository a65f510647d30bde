/**
 * @file base/fail.h
 * Failures: what went wrong, as a code that others react to and a detail
 * for the log.
 *
 * Layer base. Functions that can fail return an ao2_code_t; the detail
 * travels beside it in an ao2_fail_t of the caller. Safe from any thread.
 */
#ifndef AO2_BASE_FAIL_H
#define AO2_BASE_FAIL_H

#include "base/limits.h"

typedef enum {
    AO2_OK = 0,
#define AO2_ERROR(ID, id, number, status, rfc6750, wso2, level, text) \
    AO2_E_##ID = number,
#include "base/errors.def"
#undef AO2_ERROR
} ao2_code_t;

typedef enum {
    AO2_LEVEL_DEBUG,
    AO2_LEVEL_INFO,
    AO2_LEVEL_WARNING,
    AO2_LEVEL_ERROR
} ao2_level_t;

/** One row of base/errors.def. */
typedef struct {
    ao2_code_t code;
    const char *id;
    int number;          /**< as in AO2-014; two rows may share it */
    int status;
    const char *rfc6750; /**< NULL: no error attribute */
    int wso2;
    ao2_level_t level;
    const char *text;
} ao2_error_t;

/** The first failure of an operation. Start with {0}. */
typedef struct {
    ao2_code_t code;
    char detail[AO2_MAX_DETAIL + 1];
} ao2_fail_t;

/**
 * Note a failure and return its code.
 * The first failure wins: a later one changes neither code nor detail, and
 * the first one's code is returned.
 * @param fail   borrowed; NULL when nobody reads the detail
 * @param code   not AO2_OK
 * @param format of the detail; cut at AO2_MAX_DETAIL bytes, control
 *               characters become '?'. Names claims, sizes and times; never
 *               a token, a key or a secret
 */
ao2_code_t ao2_fail(ao2_fail_t *fail, ao2_code_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * The row of a code. @return static; the row of AO2_E_MISCONFIGURED for
 * AO2_OK or a number that no row has, so that a slip refuses.
 */
const ao2_error_t *ao2_error_of(ao2_code_t code);

/** Row @a index of the table in its order, static; NULL past the end. */
const ao2_error_t *ao2_error_at(int index);

#endif
