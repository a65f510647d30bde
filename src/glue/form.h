/**
 * @file glue/form.h
 * A credential in a form body (RFC 6750 section 2.2).
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_FORM_H
#define AO2_GLUE_FORM_H

#include "glue/state.h"

/**
 * Read the body of a POST, PUT or PATCH of application/x-www-form-urlencoded
 * up to AO2_MAX_FORM_BODY bytes, look for the parameter, and put the body
 * back for whoever reads it next, without the parameter. A body that is
 * longer, holds NUL or breaks off is put back whole. Anything else
 * (sub-requests, other media types, compressed forms) is left alone.
 * @return as ao2_credential_field(); a body that is too long, holds NUL or
 *         cannot be read is AO2_E_CREDENTIAL_MALFORMED
 */
ao2_code_t ao2_form_credential(request_rec *r, const char *name,
                               ao2_credential_t *found, ao2_fail_t *fail);

/** Whether httpd has answered already, because reading the body failed: the
 *  request is at its end. */
int ao2_form_is_answered(const request_rec *r);

/** Hook insert_filter: gives an internally redirected request what was read
 *  of the body before. */
void ao2_form_insert_filter(request_rec *r);

/** Registers the input filter. */
void ao2_form_register(void);

#endif
