#include "glue/form.h"

#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include <apr_strings.h>

/** What was read of a body, and is played back. */
struct ao2_form {
    const char *body; /**< terminated, but may hold NUL itself */
    apr_size_t length;
    apr_size_t sent;
    int more;            /**< not all of it was read */
    int answered;        /**< httpd itself has refused it */
    const char *trouble; /**< why it cannot be searched; NULL: it can */
};

static ap_filter_rec_t *replay_filter;

static int may_have_body(const request_rec *r)
{
    return !r->main && (r->method_number == M_POST ||
                        r->method_number == M_PUT ||
                        r->method_number == M_PATCH);
}

static int has_form(request_rec *r)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    size_t length = sizeof(form) - 1;

    return may_have_body(r) && ap_request_has_body(r) && type &&
           !apr_table_get(r->headers_in, "Content-Encoding") &&
           strncasecmp(type, form, length) == 0 &&
           (type[length] == '\0' || strchr("; \t", type[length]));
}

/* Append one brigade, which holds no more than there is room for. */
static apr_status_t gather(ao2_form_t *form, char *buffer,
                           apr_bucket_brigade *brigade)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade);
         bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t size;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            form->more = 0;
            return APR_SUCCESS;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        status = apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ);
        if (status != APR_SUCCESS ||
            size > AO2_MAX_FORM_BODY + 1 - form->length) {
            return status != APR_SUCCESS ? status : APR_EGENERAL;
        }
        memcpy(buffer + form->length, data, size);
        form->length += size;
    }
    return APR_SUCCESS;
}

/* Up to the end, or one byte more than is searched. */
static void read_body(request_rec *r, ao2_form_t *form)
{
    char *buffer = apr_palloc(r->pool, AO2_MAX_FORM_BODY + 2);
    apr_status_t status = APR_SUCCESS;

    form->body = buffer;
    form->more = 1;
    while (form->more && status == APR_SUCCESS &&
           form->length <= AO2_MAX_FORM_BODY) {
        apr_off_t room = (apr_off_t)(AO2_MAX_FORM_BODY + 1 - form->length);
        apr_bucket_brigade *brigade = apr_brigade_create(
            r->pool, r->connection->bucket_alloc);

        status = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES,
                                APR_BLOCK_READ, room);
        if (status == APR_SUCCESS && APR_BRIGADE_EMPTY(brigade)) {
            status = APR_EGENERAL;
        }
        if (status == APR_SUCCESS) {
            status = gather(form, buffer, brigade);
        }
        apr_brigade_destroy(brigade);
    }
    buffer[form->length] = '\0';
    /* Over LimitRequestBody, or chunks that are none. */
    form->answered = status == AP_FILTER_ERROR;
    if (form->length > AO2_MAX_FORM_BODY) {
        form->trouble = "is too long";
    }
    else if (form->more) {
        form->trouble = "cannot be read";
    }
    else if (strlen(buffer) != form->length) {
        form->trouble = "holds NUL";
    }
}

/* Once the end was read, the body is of known length and not chunked. */
static void set_length(request_rec *r, const ao2_form_t *form)
{
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    apr_table_setn(r->headers_in, "Content-Length",
                   apr_off_t_toa(r->pool, (apr_off_t)form->length));
}

static apr_status_t filter_replay(ap_filter_t *f, apr_bucket_brigade *out,
                                  ap_input_mode_t mode, apr_read_type_e block,
                                  apr_off_t want)
{
    ao2_form_t *form = f->ctx;
    apr_size_t size = form->length - form->sent;

    if (form->more && size == 0) {
        return ap_get_brigade(f->next, out, mode, block, want);
    }
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
    if (!form->more && form->sent + size == form->length) {
        APR_BRIGADE_INSERT_TAIL(out,
                                apr_bucket_eos_create(f->c->bucket_alloc));
    }
    if (mode != AP_MODE_SPECULATIVE) {
        form->sent += size;
    }
    return APR_SUCCESS;
}

static ao2_form_t *find(const request_rec *r)
{
    for (; r; r = r->prev) {
        const ao2_state_t *state = ao2_state_find(r);

        if (state && state->form) {
            return state->form;
        }
    }
    return NULL;
}

static void give(request_rec *r, ao2_form_t *form)
{
    ao2_state_of(r)->form = form;
    ap_add_input_filter_handle(replay_filter, form, r, r->connection);
}

/* Reads the body once, however many carriers are forms. */
static ao2_form_t *load(request_rec *r)
{
    ao2_form_t *form = find(r);

    if (form || !has_form(r)) {
        return form;
    }
    form = apr_pcalloc(r->pool, sizeof(*form));
    read_body(r, form);
    give(r, form);
    if (!form->more) {
        set_length(r, form);
    }
    return form;
}

ao2_code_t ao2_form_credential(request_rec *r, const char *name,
                               ao2_credential_t *found, ao2_fail_t *fail)
{
    ao2_form_t *form = may_have_body(r) ? load(r) : NULL;
    const char *rest;
    ao2_code_t code;

    if (!form) {
        return AO2_OK;
    }
    if (form->trouble) {
        return ao2_fail(fail, AO2_E_CREDENTIAL_MALFORMED, "the form %s",
                        form->trouble);
    }
    code = ao2_credential_query(found, &rest, form->body, name, r->pool,
                                fail);
    if (rest != form->body) {
        form->body = rest ? rest : "";
        form->length = strlen(form->body);
        set_length(r, form);
    }
    return code;
}

int ao2_form_is_answered(const request_rec *r)
{
    const ao2_state_t *state = ao2_state_find(r);

    return state && state->form && state->form->answered;
}

void ao2_form_insert_filter(request_rec *r)
{
    const ao2_state_t *state = ao2_state_find(r);
    ao2_form_t *form = may_have_body(r) ? find(r) : NULL;

    if (form && (!state || state->form != form)) {
        give(r, form);
    }
}

void ao2_form_register(void)
{
    /* What it plays back has passed none of the filters that decode. */
    replay_filter = ap_register_input_filter(
        "API_OAUTH2_FORM", filter_replay, NULL,
        (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
}
