#include "glue/carriers.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <scoreboard.h>

#include <apr_strings.h>

#include "glue/form.h"

static const ao2_carrier_t only_authorization[] = {
    {AO2_CARRIER_HEADER, "Authorization"}};

static const ao2_carrier_t *carriers_of(const request_rec *r, int *count)
{
    const ao2_dir_t *dir = ao2_dir_of(r);

    if (!dir->carriers) {
        *count = 1;
        return only_authorization;
    }
    *count = dir->carriers->nelts;
    return (const ao2_carrier_t *)(const void *)dir->carriers->elts;
}

static int needs_scheme(const ao2_carrier_t *carrier)
{
    return strcasecmp(carrier->name, "Authorization") == 0;
}

static int forwards(const request_rec *r)
{
    return ao2_number(ao2_dir_of(r)->forward_token,
                      AO2_FALLBACK_forward_token);
}

int ao2_carriers_allow(const request_rec *r, const ao2_carrier_t *carrier)
{
    int count;
    const ao2_carrier_t *all = carriers_of(r, &count);
    int i;

    for (i = 0; i < count; i++) {
        if (ao2_carrier_same(&all[i], carrier)) {
            return 1;
        }
    }
    return 0;
}

/* The address @a text without its parameter @a name; what follows the query
 * (a fragment, the protocol of a request line) stays. */
static char *cut_address(apr_pool_t *pool, const char *text, const char *name)
{
    const char *query = text ? strchr(text, '?') : NULL;
    ao2_credential_t ignored = {0};
    const char *old;
    const char *rest;
    size_t length;

    if (!query) {
        return (char *)text;
    }
    length = strcspn(query, "# ");
    old = apr_pstrmemdup(pool, query + 1, length - 1);
    ao2_credential_query(&ignored, &rest, old, name, pool, NULL);
    if (rest == old) {
        return (char *)text;
    }
    return apr_pstrcat(pool,
                       apr_pstrmemdup(pool, text, (apr_size_t)(query - text)),
                       rest ? "?" : "", rest ? rest : "", query + length,
                       NULL);
}

static char *cut_query(apr_pool_t *pool, char *query, const char *name)
{
    ao2_credential_t ignored = {0};
    const char *rest;

    ao2_credential_query(&ignored, &rest, query, name, pool, NULL);
    return (char *)rest;
}

static void cut_referer(request_rec *r, const char *name)
{
    const char *referer = apr_table_get(r->headers_in, "Referer");
    const char *cut = cut_address(r->pool, referer, name);

    if (cut != referer) {
        apr_table_setn(r->headers_in, "Referer", cut);
    }
}

/*
 * Everything that the query was copied into before now, each for itself
 * since mod_rewrite may have changed some of them: what access logs print
 * and what mod_rewrite and mod_proxy put together for the backend.
 */
static void cut_parameter(request_rec *r, const char *name)
{
    cut_referer(r, name);
    r->args = cut_query(r->pool, r->args, name);
    r->parsed_uri.query = cut_query(r->pool, r->parsed_uri.query, name);
    r->the_request = cut_address(r->pool, r->the_request, name);
    r->unparsed_uri = cut_address(r->pool, r->unparsed_uri, name);
    if (r->filename && strncmp(r->filename, "proxy:", 6) == 0) {
        r->filename = cut_address(r->pool, r->filename, name);
    }
}

/* The log prints the first request_rec of a chain. */
static void cut_chain(request_rec *r, const char *name)
{
    request_rec *up;

    for (up = r; up; up = ao2_state_parent(up)) {
        cut_parameter(up, name);
    }
}

static ao2_code_t from_query(request_rec *r, const ao2_carrier_t *carrier,
                             ao2_credential_t *found, ao2_fail_t *fail)
{
    const char *rest;
    ao2_code_t code = ao2_credential_query(found, &rest, r->args,
                                           carrier->name, r->pool, fail);

    cut_chain(r, carrier->name);
    /* mod_status shows the request line as it was when this last ran. */
    ap_update_child_status(r->connection->sbh, SERVER_BUSY_WRITE, r);
    return code;
}

static ao2_code_t look(request_rec *r, const ao2_carrier_t *carrier,
                       ao2_credential_t *found, ao2_fail_t *fail)
{
    const char *rest;

    switch (carrier->kind) {
    case AO2_CARRIER_HEADER:
        return ao2_credential_field(found,
                                    apr_table_get(r->headers_in,
                                                  carrier->name),
                                    needs_scheme(carrier), fail);
    case AO2_CARRIER_COOKIE:
        return ao2_credential_cookie(found, &rest,
                                     apr_table_get(r->headers_in, "Cookie"),
                                     carrier->name, r->pool, fail);
    case AO2_CARRIER_QUERY:
        return from_query(r, carrier, found, fail);
    case AO2_CARRIER_FORM:
        return ao2_form_credential(r, carrier->name, found, fail);
    }
    return AO2_OK;
}

void ao2_carriers_collect(request_rec *r)
{
    ao2_state_t *state = ao2_state_of(r);
    int count;
    const ao2_carrier_t *all = carriers_of(r, &count);
    int i;

    if (state->collected) {
        return;
    }
    state->collected = 1;
    for (i = 0; i < count; i++) {
        int before = state->credential.count;

        look(r, &all[i], &state->credential, &state->carrier_fail);
        if (before == 0 && state->credential.count > 0) {
            state->carrier = all[i];
        }
    }
    if (state->credential.token.ptr) {
        /* The fields it stands in may be replaced before it is used. */
        state->credential.token.ptr = apr_pstrmemdup(
            r->pool, state->credential.token.ptr, state->credential.token.len);
    }
}

static void strip_field(request_rec *r, const ao2_carrier_t *carrier)
{
    const char *value = apr_table_get(r->headers_in, carrier->name);

    /* Another scheme in Authorization is none of ours and is left alone. */
    if (value && (!needs_scheme(carrier) ||
                  ao2_credential_is_bearer(value))) {
        apr_table_unset(r->headers_in, carrier->name);
    }
}

static void strip_cookie(request_rec *r, const char *name)
{
    ao2_credential_t found = {0};
    const char *cookies = apr_table_get(r->headers_in, "Cookie");
    const char *rest;

    ao2_credential_cookie(&found, &rest, cookies, name, r->pool, NULL);
    if (!rest) {
        apr_table_unset(r->headers_in, "Cookie");
    }
    else if (rest != cookies) {
        apr_table_setn(r->headers_in, "Cookie", rest);
    }
}

static void strip(request_rec *r, int with_fields)
{
    int count;
    const ao2_carrier_t *all = carriers_of(r, &count);
    int i;

    for (i = 0; i < count; i++) {
        if (all[i].kind == AO2_CARRIER_HEADER && with_fields) {
            strip_field(r, &all[i]);
        }
        else if (all[i].kind == AO2_CARRIER_COOKIE) {
            strip_cookie(r, all[i].name);
        }
    }
}

void ao2_carriers_hand_over(request_rec *r, const ao2_state_t *granted)
{
    strip(r, !forwards(r));
    if (forwards(r) && granted && granted->principal &&
        granted->carrier.kind != AO2_CARRIER_HEADER) {
        ao2_span_t token = granted->credential.token;

        apr_table_setn(r->headers_in, "Authorization",
                       apr_pstrcat(r->pool, "Bearer ",
                                   apr_pstrmemdup(r->pool, token.ptr,
                                                  token.len), NULL));
    }
}

void ao2_carriers_conceal(request_rec *r)
{
    int count;
    const ao2_carrier_t *all = carriers_of(r, &count);
    int i;

    strip(r, 1);
    for (i = 0; i < count; i++) {
        if (all[i].kind == AO2_CARRIER_QUERY) {
            cut_chain(r, all[i].name);
        }
    }
    if (forwards(r)) {
        strip_field(r, only_authorization);
    }
}

static void cut_all(request_rec *r)
{
    const apr_array_header_t *names = ao2_server_of(r->server)->query_names;
    int i;

    for (i = 0; i < names->nelts; i++) {
        cut_parameter(r, APR_ARRAY_IDX(names, i, const char *));
    }
}

/* Whether httpd will refuse the path before it looks for a location, with
 * the whole address in the error log. */
static int is_hopeless(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    char *path = apr_pstrdup(r->pool, r->parsed_uri.path);

    return path && (strstr(path, "%00") ||
                    (!core->allow_encoded_slashes &&
                     ap_strcasestr(path, "%2f")) ||
                    !ap_normalize_path(path, AP_NORMALIZE_NOT_ABOVE_ROOT |
                                             AP_NORMALIZE_DECODE_UNRESERVED));
}

int ao2_carriers_post_read(request_rec *r)
{
    const apr_array_header_t *names = ao2_server_of(r->server)->query_names;
    int i;

    if (names->nelts > 0 && r->parsed_uri.query && is_hopeless(r)) {
        cut_all(r);
    }
    for (i = 0; i < names->nelts; i++) {
        cut_referer(r, APR_ARRAY_IDX(names, i, const char *));
    }
    return DECLINED;
}

int ao2_carriers_before_log(request_rec *r)
{
    request_rec *at;

    for (at = r; at; at = at->next) {
        if (at->per_dir_config == at->server->lookup_defaults) {
            cut_all(at);
        }
        if (ao2_is_bearer(at)) {
            ao2_carriers_conceal(at);
        }
    }
    return DECLINED;
}

int ao2_carriers_check_access(request_rec *r)
{
    if (ao2_is_bearer(r)) {
        ao2_carriers_collect(r);
        if (ao2_form_is_answered(r)) {
            return AP_FILTER_ERROR;
        }
    }
    return DECLINED;
}
