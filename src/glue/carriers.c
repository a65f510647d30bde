#include "glue/carriers.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

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
        if (all[i].kind == carrier->kind &&
            (carrier->kind == AO2_CARRIER_HEADER
                 ? strcasecmp(all[i].name, carrier->name)
                 : strcmp(all[i].name, carrier->name)) == 0) {
            return 1;
        }
    }
    return 0;
}

/* @a text with its first @a old replaced by @a with. */
static char *replace(apr_pool_t *pool, const char *text, const char *old,
                     const char *with)
{
    const char *at = text ? strstr(text, old) : NULL;

    if (!at) {
        return (char *)text;
    }
    return apr_pstrcat(pool,
                       apr_pstrmemdup(pool, text, (apr_size_t)(at - text)),
                       with, at + strlen(old), NULL);
}

/*
 * Everything that the query was copied into before now: what access logs
 * print (the_request, unparsed_uri) and what mod_rewrite and mod_proxy put
 * together for the backend.
 */
static void cut_query(request_rec *r, const char *rest)
{
    const char *old = apr_pstrcat(r->pool, "?", r->args, NULL);
    const char *with = rest ? apr_pstrcat(r->pool, "?", rest, NULL) : "";

    r->the_request = replace(r->pool, r->the_request, old, with);
    r->unparsed_uri = replace(r->pool, r->unparsed_uri, old, with);
    if (r->filename && strncmp(r->filename, "proxy:", 6) == 0) {
        r->filename = replace(r->pool, r->filename, old, with);
    }
    r->parsed_uri.query = (char *)rest;
    r->args = (char *)rest;
}

static ao2_code_t from_query(request_rec *r, const ao2_carrier_t *carrier,
                             ao2_credential_t *found, ao2_fail_t *fail)
{
    const char *args = r->args;
    const char *rest;
    ao2_code_t code = ao2_credential_query(found, &rest, args, carrier->name,
                                           r->pool, fail);
    request_rec *up;

    if (rest == args) {
        return code;
    }
    /* The log prints the first request_rec of a chain. */
    for (up = r; up; up = ao2_state_parent(up)) {
        if (up->args && strcmp(up->args, args) == 0) {
            cut_query(up, rest);
        }
    }
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
        return ao2_form_credential(r, carrier->name, !forwards(r), found,
                                   fail);
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
    ao2_credential_t found = {0};
    const char *value = apr_table_get(r->headers_in, carrier->name);

    if (!value) {
        return;
    }
    /* Another scheme in Authorization is none of ours and is left alone. */
    if (!needs_scheme(carrier) ||
        ao2_credential_field(&found, value, 1, NULL) != AO2_OK ||
        found.count > 0) {
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

void ao2_carriers_strip(request_rec *r)
{
    ao2_state_t *state = ao2_state_of(r);
    int count;
    const ao2_carrier_t *all = carriers_of(r, &count);
    int i;

    if (state->stripped || forwards(r)) {
        return;
    }
    state->stripped = 1;
    for (i = 0; i < count; i++) {
        if (all[i].kind == AO2_CARRIER_HEADER) {
            strip_field(r, &all[i]);
        }
        else if (all[i].kind == AO2_CARRIER_COOKIE) {
            strip_cookie(r, all[i].name);
        }
    }
}

void ao2_carriers_forward(request_rec *r)
{
    const ao2_state_t *state = ao2_state_of(r);

    if (!forwards(r) || !state->principal ||
        state->carrier.kind == AO2_CARRIER_HEADER) {
        return;
    }
    apr_table_setn(r->headers_in, "Authorization",
                   apr_pstrcat(r->pool, "Bearer ",
                               apr_pstrmemdup(r->pool,
                                              state->credential.token.ptr,
                                              state->credential.token.len),
                               NULL));
}

int ao2_carriers_check_access(request_rec *r)
{
    if (ao2_is_bearer(r)) {
        ao2_carriers_collect(r);
    }
    return DECLINED;
}
