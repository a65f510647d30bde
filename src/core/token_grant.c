#include "core/token_grant.h"

#include <apr_strings.h>

#include "core/assertion.h"
#include "core/form.h"

static const char *const types[] = {
    "client_credentials",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
};

static void add_each(apr_array_header_t *form, const char *name,
                     const apr_array_header_t *values)
{
    int i;

    for (i = 0; i < values->nelts; i++) {
        ao2_form_add(form, name, ao2_span(APR_ARRAY_IDX(values, i,
                                                        const char *)));
    }
}

/* What the access token is wanted for, whatever the grant. */
static void add_wishes(apr_array_header_t *form,
                       const ao2_token_grant_t *grant)
{
    const apr_array_header_t *params = grant->params;
    int i;

    if (grant->scopes->nelts) {
        ao2_form_add(form, "scope",
                     ao2_span(apr_array_pstrcat(form->pool, grant->scopes,
                                                ' ')));
    }
    add_each(form, "audience", grant->audiences);
    add_each(form, "resource", grant->resources);
    for (i = 0; i + 1 < params->nelts; i += 2) {
        ao2_form_add(form, APR_ARRAY_IDX(params, i, const char *),
                     ao2_span(APR_ARRAY_IDX(params, i + 1, const char *)));
    }
}

static ao2_code_t add_assertion(apr_array_header_t *form,
                                const ao2_token_grant_t *grant,
                                const ao2_token_grant_context_t *context,
                                ao2_fail_t *fail)
{
    ao2_assertion_t assertion = {grant->issuer,     grant->subject,
                                 context->audience, grant->key,
                                 grant->alg,        context->now};
    const char *token;
    ao2_code_t code = ao2_assertion_sign(&token, &assertion, form->pool,
                                         fail);

    if (code == AO2_OK) {
        ao2_form_add(form, "assertion", ao2_span(token));
    }
    return code;
}

static void add_exchange(apr_array_header_t *form,
                         const ao2_token_grant_t *grant,
                         const ao2_token_grant_context_t *context)
{
    ao2_form_add(form, "subject_token", context->subject_token);
    ao2_form_add(form, "subject_token_type", ao2_span(grant->subject_type));
    if (grant->requested_type) {
        ao2_form_add(form, "requested_token_type",
                     ao2_span(grant->requested_type));
    }
}

ao2_code_t ao2_token_grant_apply(const ao2_token_grant_t *grant,
                                 const ao2_token_grant_context_t *context,
                                 apr_array_header_t *form, ao2_fail_t *fail)
{
    ao2_grant_type_t type = context->refresh_token.ptr
                                ? AO2_GRANT_REFRESH_TOKEN
                                : grant->type;
    ao2_code_t code = AO2_OK;

    ao2_form_add(form, "grant_type", ao2_span(types[type]));
    switch (type) {
    case AO2_GRANT_CLIENT_CREDENTIALS:
        break;
    case AO2_GRANT_PASSWORD:
        ao2_form_add(form, "username", ao2_span(grant->user));
        ao2_form_add(form, "password", grant->secret);
        break;
    case AO2_GRANT_REFRESH_TOKEN:
        ao2_form_add(form, "refresh_token", context->refresh_token.ptr
                                                ? context->refresh_token
                                                : grant->secret);
        break;
    case AO2_GRANT_JWT_BEARER:
        code = add_assertion(form, grant, context, fail);
        break;
    case AO2_GRANT_TOKEN_EXCHANGE:
        add_exchange(form, grant, context);
        break;
    }
    add_wishes(form, grant);
    return code;
}
