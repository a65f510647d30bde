/**
 * @file glue/allowance.h
 * What a plan leaves to who calls: counted, and shown on the answer.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_ALLOWANCE_H
#define AO2_GLUE_ALLOWANCE_H

#include "glue/respond.h"

/**
 * Count a request that is admitted otherwise against the plan of @a grant.
 * Sub-requests count nothing, nor does what the chain of the request has
 * counted already, nor the ErrorDocument of a refusal.
 *
 * The allowance is the subscription's; without one the application's; where
 * there is none the client's, or the subject's of a token that names no
 * client; without a token the address's, of IPv6 its /64 network.
 * @param hint  receives what goes with a refusal
 * @return AO2_OK, AO2_E_RATE_LIMITED, AO2_E_QUOTA_EXCEEDED,
 *         AO2_E_MISCONFIGURED (there is nowhere to count)
 */
ao2_code_t ao2_allowance_use(request_rec *r, const ao2_api_name_t *api,
                             const ao2_grant_t *grant, ao2_hint_t *hint,
                             ao2_fail_t *fail);

#endif
