/**
 * @file glue/upstream_draft.h
 * An <ApiUpstream> section while it is being read.
 *
 * Layer glue. Directives fill the draft in any order; the end of the
 * section checks how they fit together and makes the object const.
 */
#ifndef AO2_GLUE_UPSTREAM_DRAFT_H
#define AO2_GLUE_UPSTREAM_DRAFT_H

#include "glue/section.h"
#include "glue/upstream.h"

typedef struct {
    ao2_section_t section; /**< first: it is found as that */
    ao2_upstream_object_t object;
    apr_array_header_t *origins;   /**< of ao2_origin_t */
    apr_array_header_t *scopes;    /**< of const char *; as what follows */
    apr_array_header_t *audiences;
    apr_array_header_t *resources;
    apr_array_header_t *params;    /**< name, value ... */
    apr_array_header_t *fields;    /**< "Name: value" */
    const char *insecure_origin;   /**< http, and no loopback address */
    ao2_span_t grant_secret;       /**< of ApiGrant, as it was read */
} ao2_upstream_draft_t;

/**
 * The draft whose section is open, where @a cmd may stand there.
 * @return NULL outside of a section; then *error is a sentence
 */
ao2_upstream_draft_t *ao2_upstream_draft_of(const cmd_parms *cmd,
                                            const char **error);

#endif
