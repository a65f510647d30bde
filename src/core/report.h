/**
 * @file core/report.h
 * What a caller reads when a request is refused.
 *
 * Layer core. Pure functions; results live in the pool given.
 */
#ifndef AO2_CORE_REPORT_H
#define AO2_CORE_REPORT_H

#include <apr_pools.h>

#include "base/fail.h"

typedef enum {
    AO2_BODY_UNSET = -1,
    AO2_BODY_PROBLEM, /**< application/problem+json (RFC 9457) */
    AO2_BODY_MESSAGE, /**< {"message", "http_status_code"} */
    AO2_BODY_FAULT,   /**< {"code", "message", "description"} */
    AO2_BODY_NONE     /**< httpd's own page */
} ao2_body_t;

/** A body and its media type. */
typedef struct {
    const char *type; /**< static */
    const char *text; /**< with a newline behind */
} ao2_report_t;

/** Write the body for @a error; *report is all NULL for AO2_BODY_NONE. */
void ao2_report_body(ao2_report_t *report, const ao2_error_t *error,
                     ao2_body_t format, apr_pool_t *pool);

/**
 * The Bearer challenge (RFC 6750 section 3) with realm, error where the row
 * has one, scope where given, and error_description where @a describe.
 * Under AO2_MAX_CHALLENGE bytes: a scope that does not fit is left out.
 * @param realm  any bytes; escaped
 * @param scope  NULL: none; words that are not scope-tokens are left out
 */
const char *ao2_report_challenge(const ao2_error_t *error, const char *realm,
                                 const char *scope, int describe,
                                 apr_pool_t *pool);

#endif
