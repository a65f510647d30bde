#include "glue/attach.h"

#include <http_protocol.h>
#include <util_filter.h>

#include <apr_strings.h>

#include "base/text.h"
#include "glue/identity.h"
#include "glue/replay.h"
#include "glue/respond.h"
#include "glue/upstream.h"
#include "mod_api_oauth2.h"

APLOG_USE_MODULE(api_oauth2);

struct ao2_attachment {
    const ao2_upstream_object_t *upstream;
    ao2_span_t subject;   /* the caller's token; absent: there is none */
    ao2_span_t token;
    const char *value;    /* of the header field */
    apr_table_t *received; /* headers_in without the token */
    int by_fixup;         /* mod_proxy's hook fixups will be run */
    ao2_replay_t *replay; /* NULL: a 401 is the caller's to see */
    int is_second;        /* it is sent for the second time */
};

static ap_filter_rec_t *detach_filter;

/* The URL that mod_proxy will take the request for; NULL: it will not. */
static const char *target_of(const request_rec *r)
{
    static const char scheme[] = "proxy:";
    size_t length = sizeof(scheme) - 1;
    int said = r->filename && strncmp(r->filename, scheme, length) == 0;

    if (r->proxyreq) {
        return said ? r->filename + length : NULL;
    }
    if (said || !r->filename || !r->handler ||
        strncmp(r->handler, scheme, length) != 0) {
        return NULL;
    }
    /* SetHandler "proxy:..." */
    return apr_pstrcat(r->pool, r->handler + length, r->filename, NULL);
}

/* Whatever a rewrite rule or a .htaccess has made of it. A balancer is
 * allowed by its name: who its members are is said where it is defined. */
static ao2_code_t check_target(request_rec *r,
                               const ao2_upstream_object_t *upstream,
                               const char *target, ao2_fail_t *fail)
{
    const apr_array_header_t *all = upstream->origins;
    ao2_origin_t origin;
    int i;

    /* "unix:PATH|http://HOST/" is http://HOST/ by now, with this note. */
    if (apr_table_get(r->notes, "uds_path") ||
        !ao2_origin_read(&origin, target, NULL, r->pool)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "<ApiUpstream %s>: the "
                        "request would go to an address without an origin",
                        upstream->name);
    }
    for (i = 0; i < all->nelts; i++) {
        if (ao2_origin_same(&APR_ARRAY_IDX(all, i, ao2_origin_t), &origin)) {
            return AO2_OK;
        }
    }
    return ao2_fail(fail, AO2_E_MISCONFIGURED, "<ApiUpstream %s>: the request "
                    "would go to %s://%.100s, port %d, which is not in "
                    "ApiUpstreamOrigin", upstream->name, origin.scheme,
                    origin.host, origin.port);
}

static ao2_span_t subject_of(const request_rec *r)
{
    const ao2_state_t *granted = ao2_state_granted(r);
    ao2_span_t none = {NULL, 0};

    /* An API token is none that others could know. */
    return granted && granted->principal && granted->verifier &&
                   !granted->verifier->registry
               ? granted->credential.token
               : none;
}

static void put(request_rec *r, const ao2_attachment_t *attachment)
{
    apr_table_setn(r->headers_in, attachment->upstream->header,
                   attachment->value);
}

static void tell(request_rec *r, const ao2_attachment_t *attachment,
                 const char *note)
{
    char id[9];

    apr_table_setn(r->notes, API_OAUTH2_NOTE_UPSTREAM, note);
    if (APLOGrdebug(r)) {
        ao2_token_id(id, attachment->token);
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "<ApiUpstream %s>: token "
                      "%s for the backend (%s)", attachment->upstream->name,
                      id, note);
    }
}

/* A token, and the fields with it for mod_proxy, whose own changes of them
 * neither a log nor a second try is to see. */
static ao2_code_t attach(request_rec *r, ao2_attachment_t *attachment,
                         const char *note, ao2_hint_t *hint,
                         ao2_fail_t *fail)
{
    const ao2_upstream_object_t *upstream = attachment->upstream;
    ao2_upstream_token_t token = {{NULL, 0}, 0, 0, 0};
    ao2_code_t code;

    if (!upstream->at_work) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "<ApiUpstream %s> could "
                        "not be set up", upstream->name);
    }
    code = ao2_upstream_token(&token, upstream->at_work, attachment->subject,
                              r->pool, fail);
    hint->retry_after_sec = token.retry_after_sec;
    if (code != AO2_OK) {
        return code;
    }
    attachment->token = token.value;
    attachment->value = upstream->scheme
                            ? apr_pstrcat(r->pool, upstream->scheme, " ",
                                          token.value.ptr, NULL)
                            : token.value.ptr;
    r->headers_in = apr_table_copy(r->pool, attachment->received);
    /* Everything that a backend may take for the same field. */
    ao2_identity_drop(r->headers_in, upstream->header);
    if (!attachment->by_fixup) {
        put(r, attachment);
    }
    ap_add_output_filter_handle(detach_filter, attachment, r, r->connection);
    tell(r, attachment, note ? note : token.was_fetched ? "fetched"
                                                        : "cached");
    return AO2_OK;
}

static ao2_code_t begin(request_rec *r, const char *name, const char *target,
                        ao2_hint_t *hint, ao2_fail_t *fail)
{
    const ao2_upstream_object_t *upstream = ao2_upstream_find(r->server,
                                                              name);
    ao2_attachment_t *attachment;
    ao2_code_t code;

    if (!upstream) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "ApiUpstreamToken names "
                        "%s, which is no <ApiUpstream> of this server", name);
    }
    code = check_target(r, upstream, target, fail);
    if (code != AO2_OK) {
        return code;
    }
    attachment = apr_pcalloc(r->pool, sizeof(*attachment));
    attachment->upstream = upstream;
    attachment->subject = subject_of(r);
    attachment->received = r->headers_in;
    /* mod_proxy_http2 runs no such hook; a balancer's member may be its. */
    attachment->by_fixup = strncasecmp(target, "http", 4) == 0;
    code = attach(r, attachment, NULL, hint, fail);
    if (code == AO2_OK) {
        if (upstream->retry) {
            attachment->replay = ao2_replay_arm(r, upstream->retry_body);
        }
        ao2_state_of(r)->attachment = attachment;
    }
    return code;
}

int ao2_attach_prepare(request_rec *r)
{
    const char *name = ao2_dir_of(r)->upstream;
    const char *target = name && *name ? target_of(r) : NULL;
    ao2_hint_t hint = {0};
    ao2_fail_t fail = {0};

    if (!target) {
        return DECLINED;
    }
    if (r->method_number == M_TRACE) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "TRACE is not passed on: "
                      "its answer would show the token of <ApiUpstream %s>",
                      name);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    return begin(r, name, target, &hint, &fail) == AO2_OK
               ? DECLINED
               : ao2_respond(r, &fail, &hint);
}

/* Whether a shared cache may keep what was answered to a request with
 * Authorization (RFC 9111 section 3.5). */
static int is_for_everybody(request_rec *r)
{
    const char *control = apr_table_getm(r->pool, r->headers_out,
                                         "Cache-Control");

    return control && (ap_find_token(r->pool, control, "public") ||
                       ap_find_token(r->pool, control, "must-revalidate") ||
                       ap_strcasestr(control, "s-maxage="));
}

/* The answer begins, the request is sent: sub-requests that the answer leads
 * to (mod_include) must not inherit the token. mod_cache, which decides by
 * the field that it will not see then, is told. */
static apr_status_t filter_detach(ap_filter_t *f, apr_bucket_brigade *brigade)
{
    const ao2_attachment_t *attachment = f->ctx;
    request_rec *r = f->r;

    r->headers_in = attachment->received;
    if (r->status != HTTP_UNAUTHORIZED && !is_for_everybody(r)) {
        apr_table_setn(r->subprocess_env, "no-cache", "1");
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, brigade);
}

void ao2_attach_register(void)
{
    detach_filter = ap_register_output_filter(
        "API_OAUTH2_DETACH", filter_detach, NULL,
        (ap_filter_type)(AP_FTYPE_RESOURCE - 2));
    ao2_replay_register();
}

static ao2_attachment_t *find(const request_rec *r)
{
    const ao2_state_t *state = ao2_state_find(r);

    return state ? state->attachment : NULL;
}

int ao2_attach_fixup(request_rec *r)
{
    const ao2_attachment_t *attachment = find(r);

    if (attachment) {
        put(r, attachment);
    }
    return DECLINED;
}

static ao2_code_t refuse(const ao2_attachment_t *attachment, const char *why,
                         ao2_fail_t *fail)
{
    return ao2_fail(fail, AO2_E_UPSTREAM_TOKEN_REFUSED, "<ApiUpstream %s>: the "
                    "backend answered 401%s", attachment->upstream->name, why);
}

/* What is to be done about a 401: AO2_OK when the request, with another
 * token, is ready to be sent again. */
static ao2_code_t renew(request_rec *r, ao2_attachment_t *attachment,
                        ao2_hint_t *hint, ao2_fail_t *fail)
{
    static const char *const reasons[] = {
        "",
        (" to a request that cannot be sent again: its body is longer than "
         "ApiRetryOn401 keeps"),
        " and the caller has left"};
    ao2_replay_verdict_t verdict = ao2_replay_verdict(r, attachment->replay);

    if (attachment->is_second) {
        return refuse(attachment, " to two tokens", fail);
    }
    if (!ao2_upstream_drop(attachment->upstream->at_work, attachment->token,
                           attachment->subject, r->pool)) {
        return refuse(attachment, ", as to others just before", fail);
    }
    if (verdict != AO2_REPLAY_POSSIBLE) {
        return refuse(attachment, reasons[verdict], fail);
    }
    attachment->is_second = 1;
    return attach(r, attachment, "retried", hint, fail);
}

int ao2_attach_finish(int *status, request_rec *r)
{
    ao2_attachment_t *attachment = find(r);
    ao2_hint_t hint = {0};
    ao2_fail_t fail = {0};

    if (!attachment) {
        return DECLINED;
    }
    r->headers_in = attachment->received;
    if (attachment->replay &&
        ao2_replay_is_refused(attachment->replay, *status)) {
        ao2_replay_rewind(r, attachment->replay);
        *status = renew(r, attachment, &hint, &fail) == AO2_OK
                      ? ao2_replay_run(r, attachment->replay)
                      : ao2_respond(r, &fail, &hint);
        r->headers_in = attachment->received;
    }
    return DECLINED;
}
