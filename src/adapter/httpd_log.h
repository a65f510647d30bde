/**
 * @file adapter/httpd_log.h
 * The log port over httpd's error log.
 *
 * Layer adapter.
 */
#ifndef AO2_ADAPTER_HTTPD_LOG_H
#define AO2_ADAPTER_HTTPD_LOG_H

#include <httpd.h>

#include "port/log.h"

/** A log that writes as @a server does; lives in @a pool. */
ao2_log_t *ao2_httpd_log_make(server_rec *server, apr_pool_t *pool);

#endif
