/**
 * @file glue/upstream.h
 * An <ApiUpstream> of the configuration.
 *
 * Layer glue. Const after the configuration was read, but for what is of
 * one process.
 */
#ifndef AO2_GLUE_UPSTREAM_H
#define AO2_GLUE_UPSTREAM_H

#include "core/origin.h"
#include "glue/config.h"
#include "service/upstream.h"

typedef struct {
    const char *name;
    ao2_upstream_settings_t settings;
    const apr_array_header_t *origins; /**< of ao2_origin_t: the only places
                                            that the token may be sent to */
    const char *header;        /**< ApiUpstreamHeader */
    const char *scheme;        /**< in front of the token; NULL: none */
    int retry;                 /**< ApiRetryOn401 */
    apr_size_t retry_body;     /**< bytes of a body that are kept for it */
    ao2_upstream_t *at_work;   /**< of this process; NULL: could not be
                                    opened */
} ao2_upstream_object_t;

/** The object of that name as @a server knows it; NULL: there is none. */
const ao2_upstream_object_t *ao2_upstream_find(const server_rec *server,
                                               const char *name);

#endif
