/**
 * @file core/subscription.h
 * Whether an application may call an API now, and whether an API token may
 * be used now.
 *
 * Decides on rows, wherever they come from. Layer core. Pure functions;
 * safe from any thread.
 */
#ifndef AO2_CORE_SUBSCRIPTION_H
#define AO2_CORE_SUBSCRIPTION_H

#include "core/registry.h"

/** A call of an API. A row that is NULL is not in the registry. */
typedef struct {
    const ao2_application_t *application; /**< who calls */
    ao2_key_type_t key_type;              /**< with which kind of key */
    const char *api_name;                 /**< what is called */
    const char *api_version;
    const ao2_api_t *api;
    const ao2_subscription_t *subscription; /**< of the one to the other */
    int is_optional; /**< callers without a subscription may call too */
    const char *plan_name;  /**< at that pace; NULL: without limits */
    const ao2_plan_t *plan; /**< of that name */
    apr_time_t now;
} ao2_call_t;

/** What a call is allowed by. */
typedef struct {
    /** NULL: by none, where that is optional */
    const ao2_subscription_t *subscription;
    const ao2_plan_t *plan; /**< NULL: no limits */
    const ao2_api_t *api;   /**< NULL: not in the registry */
    int is_deprecated;      /**< the API is served, but will go */
} ao2_grant_t;

/** Fill in call->api, call->subscription and call->plan for the other
 *  members. */
void ao2_call_find(ao2_call_t *call, const ao2_registry_t *registry);

/**
 * Decide. The API's state comes first, then the application's, then the
 * subscription's, then its times (starts <= now < expires). Where it is
 * optional, a subscription that is missing or inactive is as none, and the
 * plan of plan_name counts instead; one that is blocked still refuses.
 * @return AO2_OK; AO2_E_API_BLOCKED, AO2_E_API_RETIRED,
 *         AO2_E_SUBSCRIPTION_BLOCKED (also for a blocked application),
 *         AO2_E_SUBSCRIPTION_MISSING, AO2_E_SUBSCRIPTION_INACTIVE;
 *         AO2_E_MISCONFIGURED (there is no plan of plan_name); then
 *         @a grant is all NULL
 */
ao2_code_t ao2_call_decide(ao2_grant_t *grant, const ao2_call_t *call,
                           ao2_fail_t *fail);

/**
 * Whether an application takes access tokens of this form. API tokens are
 * made for their application one by one, and not asked about.
 * @return AO2_OK or AO2_E_TOKEN_INVALID
 */
ao2_code_t ao2_application_check_binding(const ao2_application_t *application,
                                         int is_jwt, ao2_fail_t *fail);

/**
 * Whether an API token may be used now and from here (not_before <= now <
 * expires).
 * @param token    NULL: no such token
 * @param address  of the client; NULL: unknown, and in no network
 * @return AO2_OK; AO2_E_TOKEN_INVALID (no such, or a wrong address),
 *         AO2_E_TOKEN_REVOKED, AO2_E_TOKEN_EXPIRED,
 *         AO2_E_TOKEN_NOT_YET_VALID; AO2_E_SUBSCRIPTION_BLOCKED when the
 *         token is good and its application is blocked
 */
ao2_code_t ao2_api_token_check_use(const ao2_api_token_t *token,
                                   apr_sockaddr_t *address, apr_time_t now,
                                   ao2_fail_t *fail);

#endif
