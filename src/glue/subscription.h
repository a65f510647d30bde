/**
 * @file glue/subscription.h
 * Applications, subscriptions and plans at a location.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_SUBSCRIPTION_H
#define AO2_GLUE_SUBSCRIPTION_H

#include "glue/respond.h"

/**
 * What the caller of a request is granted at an API; who showed no
 * credential has no application.
 * @param api  NULL: the location's own
 * @return AO2_OK, a row of the registry, AO2_E_REGISTRY_UNAVAILABLE,
 *         AO2_E_MISCONFIGURED (no ApiRegistry, no ApiName)
 */
ao2_code_t ao2_subscription_find(request_rec *r, ao2_grant_t *grant,
                                 const ao2_api_name_t *api, ao2_fail_t *fail);

/** Whether a failure says "no", rather than that nothing can be said. */
int ao2_subscription_is_no(ao2_code_t code);

/**
 * Demand what ApiName and ApiSubscription demand, count the request against
 * the plan, and show it. Last of all checks: what is refused counts nothing.
 * @param hint  receives what goes with a refusal
 */
ao2_code_t ao2_subscription_enforce(request_rec *r, ao2_hint_t *hint,
                                    ao2_fail_t *fail);

#endif
