/**
 * @file glue/carriers.h
 * Taking the credential out of a request.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_CARRIERS_H
#define AO2_GLUE_CARRIERS_H

#include "glue/state.h"

/**
 * Look at every carrier that the location names, and note what was found in
 * the request's state. A query parameter is cut out at once, from all that
 * is logged or sent on; a form body is read and put back. Once a request.
 */
void ao2_carriers_collect(request_rec *r);

/**
 * Remove what collect left in the header fields, unless the location
 * forwards it. Done as late as possible, since <If> sections may look at
 * the fields again. Once a request.
 */
void ao2_carriers_strip(request_rec *r);

/**
 * Forward the credential of an authenticated request where the location
 * wants that and it was taken out of a query, cookie or form.
 */
void ao2_carriers_forward(request_rec *r);

/** Whether the location of @a r takes credentials from @a carrier. */
int ao2_carriers_allow(const request_rec *r, const ao2_carrier_t *carrier);

/** Hook access_checker, first of all: collects. */
int ao2_carriers_check_access(request_rec *r);

#endif
