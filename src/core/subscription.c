#include "core/subscription.h"

#include "core/registry_words.h"

void ao2_call_find(ao2_call_t *call, const ao2_registry_t *registry)
{
    call->api = ao2_registry_api(registry, call->api_name, call->api_version);
    call->subscription = call->api && call->application
                             ? ao2_registry_subscription(
                                   registry, call->application, call->api)
                             : NULL;
    call->plan = call->plan_name ? ao2_registry_plan(registry,
                                                     call->plan_name)
                                 : NULL;
}

static ao2_code_t check_api(const ao2_call_t *call, ao2_fail_t *fail)
{
    if (call->api && call->api->status == AO2_API_BLOCKED) {
        return ao2_fail(fail, AO2_E_API_BLOCKED,
                        "API \"%.60s\" \"%.40s\" is blocked", call->api_name,
                        call->api_version);
    }
    if (call->api && call->api->status == AO2_API_RETIRED) {
        return ao2_fail(fail, AO2_E_API_RETIRED,
                        "API \"%.60s\" \"%.40s\" is retired", call->api_name,
                        call->api_version);
    }
    return AO2_OK;
}

static ao2_code_t check_application(const ao2_application_t *application,
                                    ao2_fail_t *fail)
{
    if (application && application->status == AO2_APPLICATION_BLOCKED) {
        return ao2_fail(fail, AO2_E_SUBSCRIPTION_BLOCKED,
                        "application \"%.60s\" is blocked", application->id);
    }
    return AO2_OK;
}

static ao2_code_t check_there(const ao2_call_t *call, ao2_fail_t *fail)
{
    if (!call->api) {
        return ao2_fail(fail, AO2_E_SUBSCRIPTION_MISSING,
                        "API \"%.60s\" \"%.40s\" is not in the registry",
                        call->api_name, call->api_version);
    }
    if (!call->application) {
        return ao2_fail(fail, AO2_E_SUBSCRIPTION_MISSING,
                        "the client belongs to no application");
    }
    if (!call->subscription) {
        return ao2_fail(fail, AO2_E_SUBSCRIPTION_MISSING,
                        "application \"%.60s\" has no subscription to "
                        "\"%.60s\" \"%.40s\"", call->application->id,
                        call->api_name, call->api_version);
    }
    return AO2_OK;
}

static ao2_code_t check_status(const ao2_call_t *call, ao2_fail_t *fail)
{
    ao2_subscription_status_t status = call->subscription->status;
    ao2_code_t code = AO2_E_SUBSCRIPTION_INACTIVE;

    if (status == AO2_SUBSCRIPTION_ACTIVE ||
        (status == AO2_SUBSCRIPTION_PRODUCTION_BLOCKED &&
         call->key_type == AO2_KEY_SANDBOX)) {
        return AO2_OK;
    }
    if (status == AO2_SUBSCRIPTION_BLOCKED ||
        status == AO2_SUBSCRIPTION_PRODUCTION_BLOCKED) {
        code = AO2_E_SUBSCRIPTION_BLOCKED;
    }
    return ao2_fail(fail, code,
                    "the subscription of \"%.60s\" to \"%.60s\" is %s",
                    call->application->id, call->api_name,
                    ao2_subscription_statuses[status]);
}

static ao2_code_t check_times(const ao2_call_t *call, ao2_fail_t *fail)
{
    if (call->now >= call->subscription->starts &&
        call->now < call->subscription->expires) {
        return AO2_OK;
    }
    return ao2_fail(fail, AO2_E_SUBSCRIPTION_INACTIVE,
                    "the subscription of \"%.60s\" to \"%.60s\" %s",
                    call->application->id, call->api_name,
                    call->now < call->subscription->starts
                        ? "has not started" : "has expired");
}

static ao2_code_t check_subscription(const ao2_call_t *call, ao2_fail_t *fail)
{
    ao2_code_t code = check_there(call, fail);

    if (code == AO2_OK) {
        code = check_status(call, fail);
    }
    return code == AO2_OK ? check_times(call, fail) : code;
}

/* Without a subscription, where that is optional. */
static ao2_code_t check_plan(const ao2_call_t *call, ao2_fail_t *fail)
{
    return call->plan || !call->plan_name
               ? AO2_OK
               : ao2_fail(fail, AO2_E_MISCONFIGURED,
                          "the registry has no plan \"%.60s\" for callers "
                          "without a subscription", call->plan_name);
}

ao2_code_t ao2_call_decide(ao2_grant_t *grant, const ao2_call_t *call,
                           ao2_fail_t *fail)
{
    ao2_fail_t why = {0};
    ao2_code_t code = check_api(call, fail);

    memset(grant, 0, sizeof(*grant));
    if (code == AO2_OK) {
        code = check_application(call->application, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    code = check_subscription(call, &why);
    if (code == AO2_OK) {
        grant->subscription = call->subscription;
        grant->plan = call->subscription->plan;
    }
    else if (!call->is_optional || code == AO2_E_SUBSCRIPTION_BLOCKED) {
        return ao2_fail(fail, code, "%s", why.detail);
    }
    else if (check_plan(call, fail) != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    else {
        grant->plan = call->plan;
    }
    grant->api = call->api;
    grant->is_deprecated = call->api &&
                           call->api->status == AO2_API_DEPRECATED;
    return AO2_OK;
}

ao2_code_t ao2_application_check_binding(const ao2_application_t *application,
                                         int is_jwt, ao2_fail_t *fail)
{
    if (application->binds == AO2_BINDS_ANY ||
        application->binds == (is_jwt ? AO2_BINDS_JWT : AO2_BINDS_OPAQUE)) {
        return AO2_OK;
    }
    return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                    "application \"%.60s\" takes %s tokens alone",
                    application->id, ao2_bindings[application->binds]);
}

static int is_allowed_from(const ao2_api_token_t *token,
                           apr_sockaddr_t *address)
{
    int i;

    for (i = 0; address && i < token->network_count; i++) {
        if (apr_ipsubnet_test(token->networks[i], address)) {
            return 1;
        }
    }
    return token->network_count == 0;
}

/* Tokens are named as operators name them: application and id. */
static ao2_code_t refuse(const ao2_api_token_t *token, ao2_code_t code,
                         const char *why, ao2_fail_t *fail)
{
    return ao2_fail(fail, code, "API token \"%.60s\" of \"%.60s\" %s",
                    token->id, token->application->id, why);
}

ao2_code_t ao2_api_token_check_use(const ao2_api_token_t *token,
                                   apr_sockaddr_t *address, apr_time_t now,
                                   ao2_fail_t *fail)
{
    if (!token) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID, "no such API token");
    }
    if (token->status != AO2_API_TOKEN_ACTIVE) {
        return refuse(token, AO2_E_TOKEN_REVOKED, "is revoked", fail);
    }
    if (now < token->not_before) {
        return refuse(token, AO2_E_TOKEN_NOT_YET_VALID, "is not valid yet",
                      fail);
    }
    if (now >= token->expires) {
        return refuse(token, AO2_E_TOKEN_EXPIRED, "has expired", fail);
    }
    if (!is_allowed_from(token, address)) {
        return refuse(token, AO2_E_TOKEN_INVALID,
                      "may not be used from this address", fail);
    }
    return check_application(token->application, fail);
}
