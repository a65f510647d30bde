/**
 * @file adapter/curl_http.h
 * The http port over libcurl.
 *
 * Layer adapter. curl_global_init() was called before, in this process.
 */
#ifndef AO2_ADAPTER_CURL_HTTP_H
#define AO2_ADAPTER_CURL_HTTP_H

#include "port/http.h"

/**
 * Make the port with its pool of handles: connections stay open between
 * calls, the handle used last is used next. Any thread may use it.
 * @param phttp  lives in @a pool
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_curl_http_make(ao2_http_t **phttp, apr_pool_t *pool,
                              ao2_fail_t *fail);

#endif
