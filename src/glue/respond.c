#include "glue/respond.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>
#include <util_filter.h>

#include <apr_strings.h>

#include "base/text.h"
#include "core/report.h"
#include "glue/carriers.h"
#include "mod_api_oauth2.h"
#include "service/repeat.h"

APLOG_USE_MODULE(api_oauth2);

/* The faults of this process. */
static ao2_repeat_t told;

static ap_filter_rec_t *body_filter;
static ap_filter_rec_t *private_filter;

static const int log_levels[] = {
    APLOG_DEBUG,   /* AO2_LEVEL_DEBUG */
    APLOG_INFO,    /* AO2_LEVEL_INFO */
    APLOG_WARNING, /* AO2_LEVEL_WARNING */
    APLOG_ERR      /* AO2_LEVEL_ERROR */
};

/* mod_authn_core keeps AuthName with a backslash before each quote, but
 * leaves what follows any other backslash as it is. */
static const char *unescape(apr_pool_t *pool, const char *text)
{
    char *copy = apr_pstrdup(pool, text);
    char *to = copy;
    const char *from;

    for (from = text; *from; from++) {
        if (from[0] == '\\' && from[1] == '"') {
            from++;
        }
        else if (from[0] == '\\' && from[1]) {
            *to++ = *from++;
        }
        *to++ = *from;
    }
    *to = '\0';
    return copy;
}

static const char *realm_of(request_rec *r)
{
    const char *name = ap_auth_name(r);

    return name ? unescape(r->pool, name) : r->server->server_hostname;
}

/* What is no caller's fault comes with every request until it is mended:
 * told once a minute, else as a decision like any other. */
static void log_refusal(request_rec *r, const ao2_error_t *error,
                        const ao2_fail_t *fail)
{
    const ao2_state_t *state = ao2_state_of(r);
    const char *detail = fail->detail[0] ? fail->detail : error->text;
    const char *also = "";
    int level = log_levels[error->level];
    apr_uint32_t more = 0;
    char id[9] = "-";

    if (state->credential.token.ptr) {
        ao2_token_id(id, state->credential.token);
    }
    if (error->level >= AO2_LEVEL_WARNING &&
        !ao2_repeat_tell(&told, &more, error->code, detail, r->request_time)) {
        level = APLOG_DEBUG;
    }
    if (more) {
        also = apr_psprintf(r->pool, "; %u more like it since it was told",
                            more);
    }
    ap_log_rerror(APLOG_MARK, level, 0, r, "AO2-%03d %s: %s (%d, token %s)%s",
                  error->number, error->id, detail, error->status, id, also);
}

/* With ApiErrorDetail Off nobody learns from outside what is wrong with a
 * token: whoever guesses tokens must not hear "expired". */
static const ao2_error_t *shown(const ao2_error_t *error, int detail)
{
    const ao2_error_t *invalid = ao2_error_of(AO2_E_TOKEN_INVALID);

    return !detail && error->status == invalid->status &&
                   error->rfc6750 && invalid->rfc6750 &&
                   strcmp(error->rfc6750, invalid->rfc6750) == 0
               ? invalid
               : error;
}

/* Whether rows of the registry could be had is known to their source alone,
 * whoever asked for them. */
static int retry_after_sec(const request_rec *r, const ao2_error_t *error,
                           const ao2_hint_t *hint)
{
    const ao2_registry_object_t *registry =
        ao2_server_of(r->server)->registry;

    if (hint && hint->retry_after_sec > 0) {
        return hint->retry_after_sec;
    }
    return error->code == AO2_E_REGISTRY_UNAVAILABLE && registry &&
                   registry->source
               ? registry->source->retry_after_sec(registry->source)
               : 0;
}

static const ao2_refusal_t *make_refusal(request_rec *r,
                                         const ao2_fail_t *fail,
                                         const ao2_hint_t *hint,
                                         apr_pool_t *pool)
{
    const ao2_error_t *error = ao2_error_of(fail->code);
    int detail = ao2_number(ao2_dir_of(r)->error_detail,
                            AO2_FALLBACK_error_detail);
    ao2_refusal_t *refusal = apr_pcalloc(pool, sizeof(*refusal));

    refusal->error = shown(error, detail);
    refusal->cause = error;
    refusal->detail = apr_pstrdup(pool, fail->detail);
    refusal->note = apr_psprintf(pool, "AO2-%03d %s", error->number,
                                 error->id);
    if (error->status == HTTP_UNAUTHORIZED || error->rfc6750) {
        refusal->challenge = ao2_report_challenge(
            refusal->error, realm_of(r), hint ? hint->scope : NULL, detail,
            pool);
    }
    refusal->retry_after_sec = retry_after_sec(r, error, hint);
    return refusal;
}

/* While an error page is put together, the status of the answer is fixed
 * already: a challenge belongs to its own status alone. */
static int may_answer(const request_rec *r, int status)
{
    return r->status == HTTP_OK || r->status == status;
}

static void adopt(request_rec *r, ao2_state_t *state,
                  const ao2_refusal_t *refusal)
{
    state->refusal = refusal;
    apr_table_setn(r->notes, API_OAUTH2_NOTE_ERROR, refusal->note);
    if (!may_answer(r, refusal->error->status)) {
        return;
    }
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (refusal->challenge) {
        apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                       refusal->challenge);
    }
    if (refusal->retry_after_sec > 0) {
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, refusal->retry_after_sec));
    }
}

int ao2_respond(request_rec *r, const ao2_fail_t *fail,
                const ao2_hint_t *hint)
{
    const ao2_error_t *error = ao2_error_of(fail->code);
    const ao2_refusal_t *refusal;
    request_rec *top = r;
    request_rec *up;

    while (top->main) {
        top = top->main;
    }
    /* It may outlive a sub-request. */
    refusal = make_refusal(r, fail, hint, top->pool);
    log_refusal(r, error, fail);
    adopt(r, ao2_state_of(r), refusal);
    for (up = r->main; up; up = up->main) {
        ao2_state_of(up)->below = refusal;
    }
    /* A sub-request shares its fields with a request that may go on. */
    if (!r->main) {
        ao2_carriers_conceal(r);
    }
    return error->status;
}

int ao2_respond_before_log(request_rec *r)
{
    const char *note = NULL;
    request_rec *at;

    for (at = r; at; at = at->next) {
        const char *own = apr_table_get(at->notes, API_OAUTH2_NOTE_ERROR);

        if (own) {
            note = own;
        }
        else if (note) {
            apr_table_setn(at->notes, API_OAUTH2_NOTE_ERROR, note);
        }
    }
    return DECLINED;
}

int ao2_respond_note_failure(request_rec *r, const char *auth_type)
{
    const ao2_state_t *state;

    if (!auth_type || strcasecmp(auth_type, "Bearer") != 0) {
        return DECLINED;
    }
    state = ao2_state_of(r);
    /* Our own question to mod_authz_core: the answer is not given yet. */
    if (!state->asking_rights && !state->asking_access && !state->refusal &&
        may_answer(r, HTTP_UNAUTHORIZED)) {
        apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                       ao2_report_challenge(
                           ao2_error_of(AO2_E_CREDENTIAL_MISSING),
                           realm_of(r), NULL, 0, r->pool));
    }
    return OK;
}

void ao2_respond_insert_filter(request_rec *r)
{
    ao2_state_t *state = ao2_state_find(r);
    ao2_report_t *report;
    ao2_body_t format;

    /* mod_dir answers with the status of a sub-request, but without the
     * fields that belong to it. */
    if (state && !state->refusal && state->below &&
        state->below->error->status == r->status) {
        adopt(r, state, state->below);
    }
    if (!state || !state->refusal ||
        r->status != state->refusal->error->status ||
        ap_response_code_string(r, ap_index_of_response(r->status))) {
        return;
    }
    format = (ao2_body_t)ao2_number(ao2_dir_of(r)->error_body,
                                    AO2_FALLBACK_error_body);
    report = apr_pcalloc(r->pool, sizeof(*report));
    ao2_report_body(report, state->refusal->error, format, r->pool);
    if (report->text) {
        ap_add_output_filter_handle(body_filter, report, r, r->connection);
    }
}

/* httpd writes its page; this takes the page's bytes out and puts ours in
 * front of the first brigade. */
static apr_status_t filter_body(ap_filter_t *f, apr_bucket_brigade *brigade)
{
    ao2_report_t *report = f->ctx;
    apr_bucket *bucket = APR_BRIGADE_FIRST(brigade);

    while (bucket != APR_BRIGADE_SENTINEL(brigade)) {
        apr_bucket *next = APR_BUCKET_NEXT(bucket);

        if (!APR_BUCKET_IS_METADATA(bucket)) {
            apr_bucket_delete(bucket);
        }
        bucket = next;
    }
    if (report->text) {
        ap_set_content_type(f->r, report->type);
        APR_BRIGADE_INSERT_HEAD(
            brigade, apr_bucket_pool_create(report->text,
                                            strlen(report->text), f->r->pool,
                                            f->c->bucket_alloc));
        report->text = NULL;
    }
    return ap_pass_brigade(f->next, brigade);
}

void ao2_respond_insert_private(request_rec *r)
{
    const ao2_state_t *state = ao2_state_find(r);

    if (!state || !state->credential.token.ptr) {
        state = ao2_state_granted(r);
    }
    if (state && state->credential.token.ptr &&
        (state->carrier.kind == AO2_CARRIER_QUERY ||
         state->carrier.kind == AO2_CARRIER_COOKIE)) {
        ap_add_output_filter_handle(private_filter, NULL, r, r->connection);
    }
}

/* Whether a cache directive may stand in a private answer. */
static int is_private_safe(const char *word)
{
    return strcasecmp(word, "public") != 0 &&
           strncasecmp(word, "s-maxage", 8) != 0 &&
           strcasecmp(word, "private") != 0;
}

static apr_status_t filter_private(ap_filter_t *f, apr_bucket_brigade *brigade)
{
    request_rec *r = f->r;
    /* A backend may have sent several fields. */
    const char *old = apr_table_getm(r->pool, r->headers_out,
                                     "Cache-Control");
    const char *value = "private";
    char *last;
    char *word;

    if (old) {
        for (word = apr_strtok(apr_pstrdup(r->pool, old), ", \t", &last);
             word; word = apr_strtok(NULL, ", \t", &last)) {
            if (is_private_safe(word)) {
                value = apr_pstrcat(r->pool, value, ", ", word, NULL);
            }
        }
    }
    apr_table_setn(r->headers_out, "Cache-Control", value);
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, brigade);
}

void ao2_respond_register(void)
{
    body_filter = ap_register_output_filter("API_OAUTH2_ERROR", filter_body,
                                            NULL, AP_FTYPE_RESOURCE);
    private_filter = ap_register_output_filter(
        "API_OAUTH2_PRIVATE", filter_private, NULL, AP_FTYPE_CONTENT_SET);
}
