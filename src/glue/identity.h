/**
 * @file glue/identity.h
 * What the application behind httpd learns of the caller.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_IDENTITY_H
#define AO2_GLUE_IDENTITY_H

#include "glue/state.h"

/** The environment variables of an authenticated request. */
void ao2_identity_set_env(request_rec *r, const ao2_principal_t *principal);

/** Take out every field whose name a backend may take for @a name. */
void ao2_identity_drop(apr_table_t *fields, const char *name);

/** Hook post_read_request: removes what a client sent under the names of
 *  identity headers, on every request of the virtual host. */
int ao2_identity_scrub(request_rec *r);

/** Hook fixups: the variables again, where httpd skipped authentication
 *  because the settings are those of the request it stems from. */
int ao2_identity_fixup(request_rec *r);

/** Hook handler, first of all, always DECLINED: makes the header fields
 *  what the application may see. */
int ao2_identity_prepare(request_rec *r);

/** mod_proxy's hook fixups: the same fields once more, behind its removal of
 *  what stands in Connection. */
int ao2_identity_proxy(request_rec *r);

#endif
