/**
 * @file glue/issuer_draft.h
 * An <ApiIssuer> section while it is being read.
 *
 * Layer glue. Directives fill the draft in any order; the end of the
 * section checks how they fit together and makes the issuer const.
 */
#ifndef AO2_GLUE_ISSUER_DRAFT_H
#define AO2_GLUE_ISSUER_DRAFT_H

#include "glue/section.h"

typedef struct {
    ao2_section_t section; /**< first: it is found as that */
    ao2_issuer_t issuer;
    apr_array_header_t *static_keys; /**< of const ao2_key_t * */
    apr_array_header_t *files;       /**< of const char * */
    apr_array_header_t *urls;        /**< of const char * */
    apr_array_header_t *params;      /**< of const char *: name, value ... */
    int introspection_off;
    int introspection_said;          /**< a URL was given */
    int has_algorithms;
    int has_secret;
} ao2_issuer_draft_t;

/** A draft with every default of the reference. */
ao2_issuer_draft_t *ao2_issuer_draft_make(const char *name, apr_pool_t *pool);

/**
 * The draft whose section is open, where @a cmd may stand there.
 * @return NULL outside of a section; then *error is a sentence
 */
ao2_issuer_draft_t *ao2_issuer_draft_of(const cmd_parms *cmd,
                                        const char **error);

/**
 * Check the whole and finish it.
 * @return NULL, or a sentence for configtest
 */
const char *ao2_issuer_draft_finish(ao2_issuer_draft_t *draft,
                                    const cmd_parms *cmd);

#endif
