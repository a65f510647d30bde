#include "glue/authenticate.h"

#include <http_protocol.h>
#include <http_request.h>

#include <apr_strings.h>

#include "base/text.h"
#include "core/trace.h"
#include "glue/carriers.h"
#include "glue/figures.h"
#include "glue/identity.h"
#include "glue/respond.h"
#include "mod_api_oauth2.h"

APLOG_USE_MODULE(api_oauth2);

/* A CORS preflight as browsers send it (Fetch standard, section 4.8). */
static int is_preflight(const request_rec *r)
{
    return r->method_number == M_OPTIONS &&
           apr_table_get(r->headers_in, "Origin") &&
           apr_table_get(r->headers_in, "Access-Control-Request-Method") &&
           !apr_table_get(r->headers_in, "Authorization");
}

static int passes_preflight(request_rec *r, const ao2_state_t *state)
{
    return ao2_number(ao2_dir_of(r)->preflight, AO2_FALLBACK_preflight)
               == AO2_PREFLIGHT_PASS &&
           state->credential.count == 0 &&
           state->carrier_fail.code == AO2_OK && is_preflight(r);
}

/*
 * Runs the hook again from inside, with this function standing aside, to
 * learn what the others say. Where no Require is in force nobody is asked:
 * mod_authz_core would take that for a fault.
 */
static int ask_access(request_rec *r, ao2_state_t *state)
{
    int verdict;

    if (!ao2_dir_of(r)->has_require) {
        return DECLINED;
    }
    state->asking_access = 1;
    verdict = ap_run_access_checker_ex(r);
    state->asking_access = 0;
    return verdict;
}

/*
 * Three answers need a second question once it is known who calls: "a user
 * is needed", and yes or no where an expression or a negated rule asked too
 * early. Returning OK and having force_authn demand authentication brings
 * that about; DECLINED would only make mod_authz_core repeat itself.
 */
int ao2_authenticate_check_access(request_rec *r)
{
    ao2_state_t *state;
    int verdict;

    if (!ao2_is_bearer(r)) {
        return DECLINED;
    }
    state = ao2_state_of(r);
    if (state->asking_access) {
        return DECLINED;
    }
    ao2_carriers_collect(r);
    verdict = ask_access(r, state);
    if (verdict == DECLINED || (state->asked_early &&
                                (verdict == OK ||
                                 verdict == HTTP_FORBIDDEN))) {
        state->force = 1;
        verdict = OK;
    }
    if (verdict == OK && passes_preflight(r, state)) {
        state->force = 0;
        state->preflight = 1;
    }
    return verdict;
}

int ao2_authenticate_force(request_rec *r)
{
    const ao2_state_t *state;

    if (!ao2_is_bearer(r)) {
        return DECLINED;
    }
    state = ao2_state_of(r);
    if (state->preflight) {
        return DECLINED;
    }
    if (state->force) {
        return OK;
    }
    return (ao2_dir_of(r)->required_methods &
            (AP_METHOD_BIT << r->method_number))
               ? DECLINED
               : OK;
}

/* What stands for the registry's API tokens; NULL: there is none. */
static const ao2_verifier_t *api_tokens(const request_rec *r)
{
    const ao2_registry_object_t *registry =
        ao2_server_of(r->server)->registry;

    return registry ? registry->verifier : NULL;
}

/* The verifiers that the location accepts, in its order. */
static ao2_code_t accepted(const ao2_verifier_t ***pall, int *count,
                           request_rec *r, ao2_fail_t *fail)
{
    apr_hash_t *issuers = ao2_server_of(r->server)->issuers;
    const apr_array_header_t *names = ao2_dir_of(r)->accept;
    const ao2_verifier_t **all;
    int i;

    *count = names ? names->nelts : (int)apr_hash_count(issuers);
    if (*count == 0 || (!names && *count > 1)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        *count ? "ApiAccept is not set here, and there are "
                                 "%d <ApiIssuer> objects"
                               : "there are %d <ApiIssuer> objects", *count);
    }
    all = apr_pcalloc(r->pool, (apr_size_t)*count * sizeof(*all));
    if (!names) {
        void *only;

        apr_hash_this(apr_hash_first(r->pool, issuers), NULL, NULL, &only);
        all[0] = only;
    }
    for (i = 0; names && i < *count; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        all[i] = strcmp(name, AO2_API_TOKEN_ISSUER) == 0
                     ? api_tokens(r)
                     : apr_hash_get(issuers, name, APR_HASH_KEY_STRING);
        if (!all[i]) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED, "ApiAccept names %s, "
                            "which is no <ApiIssuer> of this server, and no "
                            "apitoken with an ApiRegistry",
                            ao2_text_for_log(ao2_span(name), 64, r->pool));
        }
    }
    *pall = all;
    return AO2_OK;
}

/*
 * A request that stems from another one (sub-request, internal redirect)
 * may have lost the credential to it. It may have it back where its own
 * location takes credentials from the same carrier.
 */
static const ao2_state_t *inherit(request_rec *r, ao2_state_t *state)
{
    const request_rec *up;

    for (up = ao2_state_parent(r); up; up = ao2_state_parent(up)) {
        const ao2_state_t *found = ao2_state_find(up);

        if (!found || found->credential.count == 0) {
            continue;
        }
        if (state->credential.count == 0 &&
            ao2_carriers_allow(r, &found->carrier)) {
            state->credential = found->credential;
            state->carrier = found->carrier;
            state->carrier_fail = found->carrier_fail;
        }
        return found;
    }
    return NULL;
}

/* The principal of the chain, where it was made from the same token by an
 * issuer object that would be asked about it here too. */
static int reuse(ao2_state_t *state, const ao2_state_t *from,
                 const ao2_check_t *check)
{
    if (!from || !from->principal ||
        !ao2_span_equal(from->credential.token, state->credential.token) ||
        ao2_check_place(check, from->verifier, from->jwt_as_opaque)
            == check->count) {
        return 0;
    }
    state->principal = from->principal;
    state->verifier = from->verifier;
    state->jwt_as_opaque = from->jwt_as_opaque;
    return 1;
}

static ao2_code_t check_revocations(request_rec *r,
                                    const ao2_principal_t *principal,
                                    ao2_fail_t *fail)
{
    const ao2_revocation_file_t *file = ao2_server_of(r->server)->revocations;

    if (!file) {
        return AO2_OK;
    }
    return file->list
               ? ao2_revocations_check(file->list, principal, fail)
               : ao2_fail(fail, AO2_E_MISCONFIGURED,
                          "ApiRevocations is not read in this process");
}

/* What a location asks of any principal, on every request. API tokens have
 * no audience. */
static ao2_code_t check_conditions(request_rec *r,
                                   const ao2_principal_t *principal,
                                   const ao2_verifier_t *verifier,
                                   ao2_fail_t *fail)
{
    const ao2_dir_t *dir = ao2_dir_of(r);
    ao2_code_t code = check_revocations(r, principal, fail);

    if (code != AO2_OK) {
        return code;
    }
    if (verifier->registry) {
        return ao2_registry_token_check(verifier, principal,
                                        r->useragent_addr, r->request_time,
                                        r->pool, fail);
    }
    code = ao2_principal_check_time(principal, verifier->issuer->rules.skew,
                                    r->request_time, fail);
    if (code == AO2_OK && dir->audiences) {
        code = ao2_token_check_audience(principal->claims, dir->audiences,
                                        fail);
    }
    return code;
}

static void note_cache(request_rec *r, const char *where)
{
    apr_table_setn(r->notes, API_OAUTH2_NOTE_CACHE, where);
}

/* @param looked  it was sought in the cache of identities */
static ao2_code_t check_token(request_rec *r, ao2_verdict_t *verdict,
                              ao2_span_t token, const ao2_check_t *check,
                              int looked, ao2_fail_t *fail)
{
    apr_uint64_t begun = ao2_figures_missed(r, looked);
    ao2_code_t code = ao2_token_verify(verdict, token, check, r->pool, fail);

    ao2_figures_checked(r, verdict, begun);
    note_cache(r, verdict->was_shared ? "shared" : "miss");
    return code;
}

/* What this process verified a moment ago, else a check. The principal is
 * held until the request ends. */
static ao2_code_t verify(request_rec *r, ao2_verdict_t *verdict,
                         ao2_span_t token, const ao2_check_t *check,
                         ao2_fail_t *fail)
{
    ao2_identity_cache_t *cache = ao2_server_of(r->server)->token_cache->cache;
    ao2_identity_key_t key;
    apr_uint64_t begun;
    ao2_code_t code;

    if (!cache) {
        return check_token(r, verdict, token, check, 0, fail);
    }
    begun = ao2_figures_seek(r);
    ao2_identity_key(&key, cache, token);
    if (ao2_identity_find(cache, verdict, &key, check)) {
        ao2_principal_release_with(verdict->principal, r->pool);
        ao2_figures_found(r, begun);
        note_cache(r, "process");
        return AO2_OK;
    }
    code = check_token(r, verdict, token, check, 1, fail);
    if (code == AO2_OK) {
        ao2_identity_keep(cache, &key, verdict, check->now);
    }
    return code;
}

static ao2_code_t identify(request_rec *r, ao2_state_t *state,
                           const ao2_state_t *from, const ao2_check_t *check,
                           ao2_hint_t *hint, ao2_fail_t *fail)
{
    ao2_verdict_t verdict = {0};
    ao2_code_t code;

    if (state->carrier_fail.code != AO2_OK) {
        *fail = state->carrier_fail;
        return fail->code;
    }
    if (state->credential.count == 0) {
        return ao2_fail(fail, AO2_E_CREDENTIAL_MISSING, "no credential");
    }
    if (reuse(state, from, check)) {
        return check_conditions(r, state->principal, state->verifier, fail);
    }
    code = verify(r, &verdict, state->credential.token, check, fail);
    hint->retry_after_sec = verdict.retry_after_sec;
    state->asked = verdict.verifier;
    if (code != AO2_OK) {
        return code;
    }
    state->presumed = verdict.principal;
    code = check_conditions(r, verdict.principal, verdict.verifier, fail);
    if (code == AO2_OK) {
        state->principal = verdict.principal;
        state->verifier = verdict.verifier;
        state->jwt_as_opaque = verdict.jwt_as_opaque;
    }
    return code;
}

static int admit(request_rec *r, ao2_state_t *state)
{
    request_rec *up;

    for (up = r->main; up; up = up->main) {
        ao2_state_of(up)->admitted_below = 1;
    }
    r->user = apr_pstrdup(r->pool, state->principal->user);
    r->ap_auth_type = (char *)"Bearer";
    ao2_identity_set_env(r, state->principal);
    return OK;
}

/* API tokens alone need no audience. */
static int has_issuer(const ao2_check_t *check)
{
    int i;

    for (i = 0; i < check->count; i++) {
        if (!check->verifiers[i]->registry) {
            return 1;
        }
    }
    return 0;
}

/* A caller may say any: it is an id, which gives nobody a right. Several
 * fields are joined by httpd, which makes them none. */
static const char *trace_of(const request_rec *r)
{
    const char *value = apr_table_get(r->headers_in, AO2_TRACE_FIELD);

    return value && ao2_trace_is_valid(ao2_span(value)) ? value : NULL;
}

/*
 * Makes the principal for the location that is in force now.
 * @param from  the state of a request with the same token; NULL: none
 */
static ao2_code_t establish(request_rec *r, ao2_state_t *state,
                            const ao2_state_t *from, ao2_hint_t *hint,
                            ao2_fail_t *fail)
{
    const ao2_dir_t *dir = ao2_dir_of(r);
    const ao2_verifier_t **all = NULL;
    ao2_check_t check = {NULL, 0, r->request_time, trace_of(r)};
    ao2_code_t code = accepted(&all, &check.count, r, fail);

    check.verifiers = all;
    if (code == AO2_OK && !dir->audiences && dir->any_audience != 1 &&
        has_issuer(&check)) {
        code = ao2_fail(fail, AO2_E_MISCONFIGURED, "ApiAudience is not set "
                        "here: name the audience, or say any");
    }
    if (code == AO2_OK) {
        code = identify(r, state, from, &check, hint, fail);
    }
    if (code != AO2_OK) {
        state->principal = NULL;
    }
    ao2_state_forget_caller(state);
    state->config = r->per_dir_config;
    return code;
}

int ao2_authenticate_check_user(request_rec *r)
{
    ao2_state_t *state;
    ao2_fail_t fail = {0};
    ao2_hint_t hint = {0};
    ao2_code_t code;

    if (!ao2_is_bearer(r)) {
        return DECLINED;
    }
    state = ao2_state_of(r);
    ao2_carriers_collect(r);
    code = establish(r, state, inherit(r, state), &hint, &fail);
    if (code == AO2_OK) {
        return admit(r, state);
    }
    if (code == AO2_E_CREDENTIAL_MISSING &&
        ao2_number(ao2_dir_of(r)->anonymous, AO2_FALLBACK_anonymous)) {
        state->anonymous = 1;
        /* httpd takes NULL for a fault; authorization makes it NULL again. */
        r->user = (char *)"";
        return OK;
    }
    return ao2_respond(r, &fail, &hint);
}

void ao2_authenticate_again(request_rec *r)
{
    ao2_state_t *state = ao2_state_of(r);
    ao2_state_t before;
    ao2_fail_t fail = {0};
    ao2_hint_t hint = {0};

    if (state->config == r->per_dir_config ||
        (!state->principal && !state->admitted_below)) {
        return;
    }
    before = *state;
    r->user = NULL;
    if (establish(r, state, &before, &hint, &fail) == AO2_OK) {
        admit(r, state);
    }
}
