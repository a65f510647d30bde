#include "glue/authorize.h"

#include <http_protocol.h>
#include <http_request.h>

#include "base/text.h"
#include "glue/respond.h"
#include "glue/subscription.h"

APLOG_USE_MODULE(api_oauth2);

static void log_grant(request_rec *r, const ao2_state_t *state)
{
    const ao2_principal_t *who = state->principal;

    if (!APLOGrdebug(r)) {
        return;
    }
    if (!who) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      "granted: no credential, ApiAnonymous is on");
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "granted: user %s, client %s, issuer %s (token %s)",
                  ao2_text_for_log(ao2_span(who->user), 64, r->pool),
                  who->client ? ao2_text_for_log(ao2_span(who->client), 64,
                                                 r->pool)
                              : "-",
                  who->issuer_name, who->token_id);
}

static int refuse(request_rec *r, ao2_state_t *state)
{
    ao2_fail_t fail = {0};
    ao2_hint_t hint = {0};

    if (!state->principal) {
        ao2_fail(&fail, AO2_E_CREDENTIAL_MISSING, "no credential, and the "
                 "Require lines do not let everybody in");
    }
    else if (state->denied == AO2_E_SCOPE_MISSING) {
        ao2_fail(&fail, AO2_E_SCOPE_MISSING, "the token lacks a scope; the "
                 "Require lines speak of: %s", state->needed_scopes);
        hint.scope = state->needed_scopes;
    }
    else {
        ao2_fail(&fail, state->denied ? state->denied : AO2_E_ACCESS_DENIED,
                 "the Require lines do not let this principal in");
    }
    return ao2_respond(r, &fail, &hint);
}

/* The Require lines, where there are any: mod_authz_core would take their
 * absence for a fault. */
static int ask_rights(request_rec *r, ao2_state_t *state)
{
    int verdict;

    if (!ao2_dir_of(r)->has_require) {
        return OK;
    }
    state->denied = AO2_OK;
    state->needed_scopes = NULL;
    state->asking_rights = 1;
    verdict = ap_run_auth_checker(r);
    state->asking_rights = 0;
    return verdict;
}

/* A line that could not say anything makes mod_authz_core answer 500. */
static int is_refusal(const ao2_state_t *state, int verdict)
{
    return verdict == HTTP_UNAUTHORIZED || verdict == HTTP_FORBIDDEN ||
           (verdict == HTTP_INTERNAL_SERVER_ERROR &&
            state->denied != AO2_OK);
}

/* Subscriptions come last: a request that is refused costs no quota. */
static int grant(request_rec *r, ao2_state_t *state)
{
    ao2_fail_t fail = {0};
    ao2_hint_t hint = {0};

    if (ao2_subscription_enforce(r, &hint, &fail) != AO2_OK) {
        return ao2_respond(r, &fail, &hint);
    }
    state->granted = 1;
    log_grant(r, state);
    return OK;
}

int ao2_authorize_check(request_rec *r)
{
    ao2_state_t *state;
    int verdict;

    if (!ao2_is_bearer(r)) {
        return DECLINED;
    }
    state = ao2_state_of(r);
    if (state->asking_rights) {
        return DECLINED;
    }
    /* r->user alone proves nothing: another module may have set it. */
    if (!state->principal && !state->anonymous) {
        return refuse(r, state);
    }
    verdict = ask_rights(r, state);
    if (state->anonymous) {
        r->user = NULL;
    }
    if (is_refusal(state, verdict)) {
        return refuse(r, state);
    }
    return verdict == OK ? grant(r, state) : verdict;
}
