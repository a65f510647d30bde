#include "glue/form.h"

#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include <apr_strings.h>

static ap_filter_rec_t *replay_filter;

static int has_form(const request_rec *r)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    size_t length = sizeof(form) - 1;

    return !r->main && !r->prev &&
           (r->method_number == M_POST || r->method_number == M_PUT ||
            r->method_number == M_PATCH) &&
           ap_request_has_body((request_rec *)r) && type &&
           strncasecmp(type, form, length) == 0 &&
           (type[length] == '\0' || strchr("; \t", type[length]));
}

/* Append one brigade to the body. */
static ao2_code_t gather(apr_bucket_brigade *brigade, char *body,
                         apr_size_t *length, int *done, ao2_fail_t *fail)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade);
         bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t size;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *done = 1;
            return AO2_OK;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        if (apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ)
            != APR_SUCCESS) {
            return ao2_fail(fail, AO2_E_CREDENTIAL_MALFORMED,
                            "the form cannot be read");
        }
        if (size > AO2_MAX_FORM_BODY - *length) {
            return ao2_fail(fail, AO2_E_CREDENTIAL_MALFORMED,
                            "the form is longer than %d bytes",
                            AO2_MAX_FORM_BODY);
        }
        memcpy(body + *length, data, size);
        *length += size;
    }
    return AO2_OK;
}

static ao2_code_t read_body(request_rec *r, char **pbody, apr_size_t *length,
                            ao2_fail_t *fail)
{
    char *body = apr_palloc(r->pool, AO2_MAX_FORM_BODY + 1);
    ao2_code_t code = AO2_OK;
    int done = 0;

    *pbody = body;
    *length = 0;
    while (!done && code == AO2_OK) {
        apr_bucket_brigade *brigade = apr_brigade_create(
            r->pool, r->connection->bucket_alloc);

        if (ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES,
                           APR_BLOCK_READ, HUGE_STRING_LEN) != APR_SUCCESS ||
            APR_BRIGADE_EMPTY(brigade)) {
            return ao2_fail(fail, AO2_E_CREDENTIAL_MALFORMED,
                            "the form cannot be read");
        }
        code = gather(brigade, body, length, &done, fail);
        apr_brigade_destroy(brigade);
    }
    body[*length] = '\0';
    return code;
}

/* From here on the body is in memory, of known length and not chunked. */
static void set_length(request_rec *r, const ao2_form_t *form)
{
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    apr_table_setn(r->headers_in, "Content-Length",
                   apr_off_t_toa(r->pool, (apr_off_t)strlen(form->body)));
}

/* Everything was read up to its end: what comes next is ours alone. */
static apr_status_t filter_replay(ap_filter_t *f, apr_bucket_brigade *out,
                                  ap_input_mode_t mode, apr_read_type_e block,
                                  apr_off_t want)
{
    ao2_form_t *form = f->ctx;
    apr_size_t size = strlen(form->body + form->sent);

    (void)block;
    if (mode == AP_MODE_INIT || mode == AP_MODE_EATCRLF) {
        return APR_SUCCESS;
    }
    if (mode == AP_MODE_GETLINE) {
        return APR_ENOTIMPL;
    }
    if (mode != AP_MODE_EXHAUSTIVE && want >= 0 &&
        size > (apr_size_t)want) {
        size = (apr_size_t)want;
    }
    if (size > 0) {
        APR_BRIGADE_INSERT_TAIL(
            out, apr_bucket_pool_create(form->body + form->sent, size,
                                        f->r->pool, f->c->bucket_alloc));
    }
    if (!form->body[form->sent + size]) {
        APR_BRIGADE_INSERT_TAIL(out,
                                apr_bucket_eos_create(f->c->bucket_alloc));
    }
    if (mode != AP_MODE_SPECULATIVE) {
        form->sent += size;
    }
    return APR_SUCCESS;
}

/* Reads the body once a request, however many carriers are forms. */
static ao2_code_t load(request_rec *r, ao2_form_t **pform, ao2_fail_t *fail)
{
    ao2_state_t *state = ao2_state_of(r);
    apr_size_t length;
    ao2_code_t code;
    char *body;

    *pform = state->form;
    if (state->form || !has_form(r)) {
        return AO2_OK;
    }
    code = read_body(r, &body, &length, fail);
    if (code == AO2_OK && strlen(body) != length) {
        code = ao2_fail(fail, AO2_E_CREDENTIAL_MALFORMED,
                        "the form holds NUL");
    }
    if (code != AO2_OK) {
        return code;
    }
    state->form = apr_pcalloc(r->pool, sizeof(*state->form));
    state->form->body = body;
    set_length(r, state->form);
    ap_add_input_filter_handle(replay_filter, state->form, r, r->connection);
    *pform = state->form;
    return AO2_OK;
}

ao2_code_t ao2_form_credential(request_rec *r, const char *name, int cut,
                               ao2_credential_t *found, ao2_fail_t *fail)
{
    ao2_form_t *form;
    const char *rest;
    ao2_code_t code = load(r, &form, fail);

    if (code != AO2_OK || !form) {
        return code;
    }
    code = ao2_credential_query(found, &rest, form->body, name, r->pool,
                                fail);
    if (cut && rest != form->body) {
        form->body = rest ? rest : "";
        set_length(r, form);
    }
    return code;
}

void ao2_form_register(void)
{
    replay_filter = ap_register_input_filter("API_OAUTH2_FORM", filter_replay,
                                             NULL, AP_FTYPE_RESOURCE);
}
