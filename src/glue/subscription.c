#include "glue/subscription.h"

#include <http_log.h>

#include <apr_strings.h>

#include "core/jws.h"
#include "core/registry_words.h"
#include "glue/allowance.h"
#include "glue/environment.h"
#include "mod_api_oauth2.h"

APLOG_USE_MODULE(api_oauth2);

static ao2_code_t find_application(request_rec *r, ao2_state_t *state,
                                   ao2_registry_source_t *source)
{
    const ao2_principal_t *who = state->principal;
    const ao2_api_token_t *token = NULL;
    const ao2_client_t *client = NULL;
    ao2_code_t code;

    if (!who) {
        return AO2_OK;
    }
    if (who->is_api_token) {
        code = source->find_token(source, &token, who->digest, r->pool,
                                  &state->caller_fail);
    }
    else {
        code = who->client
                   ? source->find_client(source, &client, who->issuer_name,
                                         who->client, r->pool,
                                         &state->caller_fail)
                   : AO2_OK;
    }
    if (token) {
        state->application = token->application;
        state->key_type = token->key_type;
    }
    else if (client) {
        state->application = client->application;
        state->key_type = client->key_type;
    }
    return code;
}

/* An application that takes the other kind of access token alone: the token
 * is at fault. */
static ao2_code_t check_binding(ao2_state_t *state)
{
    return !state->application || state->principal->is_api_token ||
                   state->application->binds == AO2_BINDS_ANY
               ? AO2_OK
               : ao2_application_check_binding(
                     state->application,
                     ao2_jws_looks_like(state->credential.token),
                     &state->caller_fail);
}

static ao2_code_t know_caller(request_rec *r, ao2_state_t *state,
                              ao2_registry_source_t *source)
{
    if (!state->caller_known) {
        state->caller_known = 1;
        if (find_application(r, state, source) == AO2_OK) {
            check_binding(state);
        }
    }
    return state->caller_fail.code;
}

static ao2_code_t find_source(request_rec *r, ao2_registry_source_t **source,
                              const ao2_api_name_t **api, ao2_fail_t *fail)
{
    const ao2_registry_object_t *registry =
        ao2_server_of(r->server)->registry;

    *source = registry ? registry->source : NULL;
    *api = *api ? *api : ao2_dir_of(r)->api;
    if (!*source) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        registry ? "ApiRegistry cannot be used in this "
                                   "process"
                                 : "there is no ApiRegistry");
    }
    return *api && (*api)->name
               ? AO2_OK
               : ao2_fail(fail, AO2_E_MISCONFIGURED,
                          "ApiName is not set here");
}

/* An inner ApiSubscription without a plan takes that of an outer one away. */
static const char *plan_of_others(const ao2_dir_t *dir)
{
    return dir->plan_of_others && *dir->plan_of_others ? dir->plan_of_others
                                                       : NULL;
}

ao2_code_t ao2_subscription_find(request_rec *r, ao2_grant_t *grant,
                                 const ao2_api_name_t *api, ao2_fail_t *fail)
{
    ao2_state_t *state = ao2_state_of(r);
    ao2_registry_source_t *source;
    ao2_call_t call = {0};
    ao2_code_t code = find_source(r, &source, &api, fail);

    memset(grant, 0, sizeof(*grant));
    if (code != AO2_OK) {
        return code;
    }
    if (know_caller(r, state, source) != AO2_OK) {
        return ao2_fail(fail, state->caller_fail.code, "%s",
                        state->caller_fail.detail);
    }
    call.application = state->application;
    call.key_type = state->key_type;
    call.api_name = api->name;
    call.api_version = api->version;
    call.is_optional = ao2_number(ao2_dir_of(r)->subscription,
                                  AO2_FALLBACK_subscription)
                           == AO2_SUBSCRIPTION_OPTIONAL &&
                       api == ao2_dir_of(r)->api;
    call.plan_name = call.is_optional ? plan_of_others(ao2_dir_of(r)) : NULL;
    call.now = r->request_time;
    code = source->find_call(source, &call, r->pool, fail);
    return code == AO2_OK ? ao2_call_decide(grant, &call, fail) : code;
}

int ao2_subscription_is_no(ao2_code_t code)
{
    return code != AO2_OK && code != AO2_E_REGISTRY_UNAVAILABLE &&
           code != AO2_E_MISCONFIGURED;
}

/* Values are those of the configuration and of the registry, which the
 * request holds. */
static void show_names(request_rec *r, const ao2_state_t *state,
                       const ao2_api_name_t *api, const ao2_plan_t *plan)
{
    const ao2_application_t *who = state->application;
    const ao2_variable_t all[] = {
        {API_OAUTH2_ENV_API_NAME, api->name},
        {API_OAUTH2_ENV_API_VERSION, api->version},
        {API_OAUTH2_ENV_API_APPLICATION, who ? who->id : NULL},
        {API_OAUTH2_ENV_API_KEY_TYPE,
         who ? ao2_key_types[state->key_type] : NULL},
        {API_OAUTH2_ENV_API_PLAN, plan ? plan->name : NULL},
    };

    ao2_environment_set(r, "API_", all, sizeof(all) / sizeof(all[0]));
}

/* RFC 9745 and RFC 8594. */
static void show_deprecation(request_rec *r, const ao2_api_t *api)
{
    char date[APR_RFC822_DATE_LEN];

    apr_table_setn(r->err_headers_out, "Deprecation",
                   apr_psprintf(r->pool, "@%" APR_TIME_T_FMT,
                                apr_time_sec(api->deprecation)));
    if (api->sunset) {
        apr_rfc822_date(date, api->sunset);
        apr_table_setn(r->err_headers_out, "Sunset",
                       apr_pstrdup(r->pool, date));
    }
}

ao2_code_t ao2_subscription_enforce(request_rec *r, ao2_hint_t *hint,
                                    ao2_fail_t *fail)
{
    const ao2_dir_t *dir = ao2_dir_of(r);
    int mode = ao2_number(dir->subscription, AO2_FALLBACK_subscription);
    ao2_state_t *state = ao2_state_of(r);
    ao2_grant_t grant;
    ao2_code_t code;

    if (!dir->api || !dir->api->name || mode == AO2_SUBSCRIPTION_OFF) {
        return AO2_OK;
    }
    if (!state->principal && mode == AO2_SUBSCRIPTION_REQUIRED) {
        return ao2_fail(fail, AO2_E_CREDENTIAL_MISSING,
                        "no credential, and ApiName demands a subscription");
    }
    code = ao2_subscription_find(r, &grant, dir->api, fail);
    if (code != AO2_OK) {
        return code;
    }
    show_names(r, state, dir->api, grant.plan);
    if (grant.is_deprecated) {
        show_deprecation(r, grant.api);
    }
    return ao2_allowance_use(r, dir->api, &grant, hint, fail);
}
