/**
 * @file glue/authenticate.h
 * Who is calling: httpd's access and authentication hooks.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_AUTHENTICATE_H
#define AO2_GLUE_AUTHENTICATE_H

#include "glue/state.h"

/** Hook access_checker_ex: asks the Require lines that need no user, and
 *  lets CORS preflights pass where the location says so. */
int ao2_authenticate_check_access(request_rec *r);

/** Hook force_authn: demands a token where no Require does. */
int ao2_authenticate_force(request_rec *r);

/** Hook check_user_id: turns the credential into a principal. */
int ao2_authenticate_check_user(request_rec *r);

/**
 * mod_dir and mod_negotiation let a request go on with the settings of a
 * sub-request that was admitted. Makes the principal anew where these are
 * others than it was made for; without one the request has no identity.
 */
void ao2_authenticate_again(request_rec *r);

#endif
