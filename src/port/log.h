/**
 * @file port/log.h
 * The error log, as the service layer sees it: for what happens outside a
 * request (background work). Failures of a request travel in ao2_fail_t.
 *
 * Layer port: an interface alone. Any thread may call.
 */
#ifndef AO2_PORT_LOG_H
#define AO2_PORT_LOG_H

#include "base/fail.h"

typedef struct ao2_log {
    /** @param code  AO2_OK for a line that reports no failure
     *  @param text  one line; never a token or a secret */
    void (*write)(struct ao2_log *self, ao2_level_t level, ao2_code_t code,
                  const char *text);
    void *context;
} ao2_log_t;

#endif
