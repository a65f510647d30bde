#include "glue/identity.h"

#include <http_protocol.h>
#include <http_request.h>

#include <apr_strings.h>

#include "base/text.h"
#include "core/access.h"
#include "glue/authenticate.h"
#include "glue/carriers.h"
#include "glue/environment.h"
#include "mod_api_oauth2.h"

APLOG_USE_MODULE(api_oauth2);

void ao2_identity_drop(apr_table_t *fields, const char *name)
{
    const apr_array_header_t *all = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const void *)all->elts;
    ao2_span_t wanted = ao2_span(name);
    int i;

    for (i = all->nelts - 1; i >= 0; i--) {
        if (ao2_text_same_field(ao2_span(entry[i].key), wanted)) {
            apr_table_unset(fields, entry[i].key);
            /* One call may have taken out several entries. */
            i = all->nelts < i ? all->nelts : i;
        }
    }
}

static int is_identity(const apr_array_header_t *names, ao2_span_t field)
{
    int i;

    for (i = 0; i < names->nelts; i++) {
        if (ao2_text_same_field(field,
                                ao2_span(APR_ARRAY_IDX(names, i,
                                                       const char *)))) {
            return 1;
        }
    }
    return 0;
}

/* More than a list may use: mod_proxy takes semicolons for commas. */
#define SEPARATORS ",; \t\v\f\""

/* "Connection: X-User" would have mod_proxy drop our X-User as hop-by-hop. */
static const char *clean_connection(request_rec *r,
                                    const apr_array_header_t *names,
                                    const char *value)
{
    const char *clean = NULL;
    char *last;
    char *word;

    for (word = apr_strtok(apr_pstrdup(r->pool, value), SEPARATORS, &last);
         word; word = apr_strtok(NULL, SEPARATORS, &last)) {
        if (!is_identity(names, ao2_span(word))) {
            clean = clean ? apr_pstrcat(r->pool, clean, ", ", word, NULL)
                          : word;
        }
    }
    return clean;
}

static void scrub(request_rec *r)
{
    const apr_array_header_t *names =
        ao2_server_of(r->server)->identity_headers;
    int i;

    for (i = 0; i < names->nelts; i++) {
        ao2_identity_drop(r->headers_in,
                          APR_ARRAY_IDX(names, i, const char *));
    }
}

int ao2_identity_scrub(request_rec *r)
{
    const apr_array_header_t *names =
        ao2_server_of(r->server)->identity_headers;
    const char *connection;
    const char *clean;

    if (names->nelts == 0) {
        return DECLINED;
    }
    scrub(r);
    connection = apr_table_get(r->headers_in, "Connection");
    if (connection) {
        clean = clean_connection(r, names, connection);
        if (!clean) {
            apr_table_unset(r->headers_in, "Connection");
        }
        else if (strlen(clean) != strlen(connection)) {
            apr_table_setn(r->headers_in, "Connection", clean);
        }
    }
    return DECLINED;
}

/* A field loses the spaces at its ends on the way, and " root" becomes
 * "root". */
static const char *keep_spaces(const char *value, apr_pool_t *pool)
{
    apr_size_t length = strlen(value);
    int before = length > 0 && value[0] == ' ';
    int behind = length > 1 && value[length - 1] == ' ';

    if (!before && !behind) {
        return value;
    }
    return apr_pstrcat(pool, before ? "%20" : "",
                       apr_pstrmemdup(pool, value + before,
                                      length - (apr_size_t)(before + behind)),
                       behind ? "%20" : "", NULL);
}

/* One line a request: who holds such a token must not fill the log. */
static void warn_too_long(request_rec *r, const char *claim,
                          const ao2_principal_t *principal)
{
    request_rec *top = r;
    ao2_state_t *state;

    while (ao2_state_parent(top)) {
        top = ao2_state_parent(top);
    }
    state = ao2_state_of(top);
    if (!state->warned_too_long) {
        state->warned_too_long = 1;
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ApiPassClaim %s: the value is over the limits and is "
                      "not passed on (token %s)", claim,
                      principal->token_id);
    }
}

/* Write the claims of one kind into @a table; what all of them may take is
 * bounded. */
static void pass_claims(apr_table_t *table, request_rec *r,
                        const ao2_principal_t *principal, int headers)
{
    const apr_array_header_t *all = ao2_dir_of(r)->pass_claims;
    apr_size_t total = 0;
    int i;

    for (i = 0; all && i < all->nelts; i++) {
        const ao2_pass_t *pass = &APR_ARRAY_IDX(all, i, ao2_pass_t);
        int too_long = 0;
        const char *value;

        if (pass->is_header != headers) {
            continue;
        }
        value = ao2_claim_value(principal->claims, pass->claim, &too_long,
                                r->pool);
        if (value && headers) {
            value = keep_spaces(value, r->pool);
        }
        if (value && strlen(value) > AO2_MAX_CLAIM_VALUES - total) {
            too_long = 1;
        }
        if (too_long) {
            warn_too_long(r, pass->claim, principal);
        }
        else if (value) {
            total += strlen(value);
            apr_table_setn(table, pass->name, value);
        }
    }
}

/* Values are those of the principal, which the request holds. */
void ao2_identity_set_env(request_rec *r, const ao2_principal_t *principal)
{
    const ao2_variable_t all[] = {
        {API_OAUTH2_ENV_SUBJECT, principal->subject},
        {API_OAUTH2_ENV_CLIENT, principal->client},
        {API_OAUTH2_ENV_SCOPE, principal->scope},
        {API_OAUTH2_ENV_ISSUER, principal->issuer_name},
        {API_OAUTH2_ENV_TOKEN_ID, principal->token_id},
        {API_OAUTH2_ENV_EXPIRES, principal->expires_text},
    };

    ao2_environment_set(r, "OAUTH2_", all, sizeof(all) / sizeof(all[0]));
    /* Where mod_cache keeps answers, it decides by the Authorization field,
     * which the application does not get to see. */
    apr_table_setn(r->subprocess_env, "no-cache", "1");
    pass_claims(r->subprocess_env, r, principal, 0);
}

int ao2_identity_fixup(request_rec *r)
{
    const ao2_state_t *state = ao2_state_find(r);
    const ao2_principal_t *principal;

    if (!ao2_is_bearer(r) || (state && state->principal)) {
        return DECLINED;
    }
    principal = ao2_state_principal(r);
    if (principal) {
        ao2_identity_set_env(r, principal);
    }
    return DECLINED;
}

static void set_fields(request_rec *r, const apr_table_t *fields)
{
    const apr_array_header_t *all = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const void *)all->elts;
    int i;

    for (i = 0; i < all->nelts; i++) {
        apr_table_setn(r->headers_in, entry[i].key, entry[i].val);
    }
}

int ao2_identity_prepare(request_rec *r)
{
    const ao2_state_t *granted;

    /* The redirected request prepares for itself. */
    if (r->handler && strcmp(r->handler, "redirect-handler") == 0) {
        return DECLINED;
    }
    if (r->main) {
        /* What it gets is not for the request whose fields it may share. */
        r->headers_in = apr_table_copy(r->pool, r->headers_in);
    }
    /* Again: of a main request, RequestHeader, MergeTrailers. */
    scrub(r);
    if (!ao2_is_bearer(r)) {
        return DECLINED;
    }
    ao2_carriers_collect(r);
    ao2_authenticate_again(r);
    granted = ao2_state_granted(r);
    ao2_carriers_hand_over(r, granted);
    if (granted && granted->principal && ao2_dir_of(r)->pass_claims) {
        apr_table_t *fields = apr_table_make(r->pool, 4);

        pass_claims(fields, r, granted->principal, 1);
        set_fields(r, fields);
        ao2_state_of(r)->fields = fields;
    }
    return DECLINED;
}

int ao2_identity_proxy(request_rec *r)
{
    const ao2_state_t *state = ao2_state_find(r);

    if (state && state->fields) {
        set_fields(r, state->fields);
    }
    return DECLINED;
}
