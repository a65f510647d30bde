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
 * is logged or sent on; a form body is read and put back, without the
 * parameter. Once a request.
 */
void ao2_carriers_collect(request_rec *r);

/**
 * Make the header fields what the application may see: without credentials,
 * or, where the location forwards them, with the accepted one in one place:
 * the field that it came in, else Authorization. As late as possible, since
 * <If> sections may look at the fields again.
 * @param granted  the state with the accepted credential; NULL: none
 */
void ao2_carriers_hand_over(request_rec *r, const ao2_state_t *granted);

/** Remove the credentials from all that a log or an error page may show,
 *  also where the location forwards them. */
void ao2_carriers_conceal(request_rec *r);

/** Whether the location of @a r takes credentials from @a carrier. */
int ao2_carriers_allow(const request_rec *r, const ao2_carrier_t *carrier);

/** Hook post_read_request: cuts the query where httpd will refuse the
 *  request, and log its address, before a location is known; and in all
 *  requests the Referer, which shows the address of the page before. */
int ao2_carriers_post_read(request_rec *r);

/** Hook log_transaction, first of all: no credential may be left to log. */
int ao2_carriers_before_log(request_rec *r);

/** Hook access_checker, first of all: collects. */
int ao2_carriers_check_access(request_rec *r);

#endif
