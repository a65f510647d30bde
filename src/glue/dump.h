/**
 * @file glue/dump.h
 * The configuration as this module understood it: "httpd -t -D
 * DUMP_API_OAUTH2" prints it as JSON, its members named as the directives.
 * docs/reference.md says what it holds.
 *
 * Layer glue. Looks at a configuration that has been read and checked.
 */
#ifndef AO2_GLUE_DUMP_H
#define AO2_GLUE_DUMP_H

#include <jansson.h>

#include "glue/upstream.h"

/** Hook test_config: prints to standard output, where it is asked to. */
void ao2_dump_test_config(apr_pool_t *temp, server_rec *main_server);

/** An issuer, every setting of it, with the defaults. No secret. */
json_t *ao2_dump_issuer(const ao2_issuer_t *issuer, apr_pool_t *pool);

/** An upstream; likewise. */
json_t *ao2_dump_upstream(const ao2_upstream_object_t *upstream,
                          apr_pool_t *pool);

/* Values, for both files. */

/** As the directives take it: "60s", "500ms". */
json_t *ao2_dump_duration(apr_time_t time, apr_pool_t *pool);
json_t *ao2_dump_flag(int on);
/** Of an array of const char *; NULL: null. Bytes that are not UTF-8 are
 *  written visibly. */
json_t *ao2_dump_words(const apr_array_header_t *words, apr_pool_t *pool);
/** A string, likewise. */
json_t *ao2_dump_text(const char *text, apr_pool_t *pool);

#endif
