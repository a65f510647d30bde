/**
 * @file glue/authorize.h
 * May they: the auth_checker hook and the Require providers.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_AUTHORIZE_H
#define AO2_GLUE_AUTHORIZE_H

#include <ap_expr.h>

#include "glue/state.h"

/** Hook auth_checker: has the Require lines asked and turns their no into
 *  one 401 or 403. */
int ao2_authorize_check(request_rec *r);

/** Registers the providers behind "Require oauth2-..." and "api-...". */
void ao2_authorize_register(apr_pool_t *pool);

/** Of these, the ones that ask the registry. */
void ao2_authorize_register_registry(apr_pool_t *pool);

/** Hook expr_lookup: the function oauth2_claim(). */
int ao2_expression_lookup(ap_expr_lookup_parms *parms);

/** The optional function api_oauth2_claim. */
const char *api_oauth2_claim(request_rec *r, const char *path);

#endif
