/**
 * @file port/http.h
 * Calls to remote servers, as the service layer sees them.
 *
 * Layer port: an interface alone. Calls block; any thread may call.
 */
#ifndef AO2_PORT_HTTP_H
#define AO2_PORT_HTTP_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "base/fail.h"
#include "base/span.h"

/** How a remote party is reached. Lives in the configuration. */
typedef struct {
    apr_time_t connect_timeout; /**< microseconds, name look-up included */
    apr_time_t total_timeout;   /**< microseconds, everything included */
    const char *ca;             /**< CA file or folder; NULL: the system's */
    const char *cert;           /**< PEM; NULL: none */
    const char *key;            /**< PEM; NULL: none */
    const char *proxy;          /**< URL of a proxy; NULL: none, and what
                                     the environment says is ignored */
    int verify;                 /**< the server's certificate and name */
} ao2_http_way_t;

typedef struct {
    const ao2_http_way_t *way;
    const char *url;
    const char *accept;      /**< NULL: any */
    apr_size_t max_body;     /**< a longer answer is a failure */
    apr_time_t timeout;      /**< for this call, microseconds; 0: the way's
                                  total */
    ao2_span_t form;         /**< a body that is posted as
                                  application/x-www-form-urlencoded;
                                  absent: GET */
    const apr_array_header_t *fields; /**< of const char *: "Name: value"
                                  of further header fields; NULL: none */
} ao2_http_request_t;

typedef struct {
    int status;
    ao2_span_t body;         /**< a NUL behind it that len does not count */
    const char *media_type;  /**< lower case, without parameters; "": none */
    apr_time_t max_age;      /**< Cache-Control max-age; -1: not said */
    int retry_after_sec;     /**< Retry-After in seconds; 0: not said */
} ao2_http_answer_t;

typedef struct ao2_http {
    /**
     * Send a request and read the whole answer, whatever its status.
     * Redirects are not followed; link-local addresses are refused at
     * connect time; only http and https; no content coding is asked for.
     * Nothing of what was posted is logged.
     * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE (no answer, over a limit,
     *         not in time). Of an answer over a limit the status is there;
     *         else it is 0 with a failure
     */
    ao2_code_t (*call)(struct ao2_http *self, ao2_http_answer_t *answer,
                       const ao2_http_request_t *request, apr_pool_t *pool,
                       ao2_fail_t *fail);
    void *context;
} ao2_http_t;

#endif
