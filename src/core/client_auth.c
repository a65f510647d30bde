#include "core/client_auth.h"

#include <apr_base64.h>
#include <apr_strings.h>

#include "core/assertion.h"
#include "core/form.h"

#define ASSERTION_TYPE \
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* In the order of ao2_auth_method_t. */
static const char *const names[] = {
    "none", "client_secret_basic", "client_secret_post", "client_secret_jwt",
    "private_key_jwt", "tls_client_auth", "bearer"};

const char *ao2_auth_method_name(ao2_auth_method_t method)
{
    return names[method];
}

int ao2_auth_method_find(const char *name)
{
    int i;

    for (i = AO2_AUTH_NONE; i <= AO2_AUTH_BEARER; i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

const ao2_alg_t *ao2_client_auth_alg(const ao2_key_t *key)
{
    int i;

    if (key->alg) {
        return key->alg;
    }
    for (i = 0; ao2_alg_at(i); i++) {
        if (ao2_key_fits(key, ao2_alg_at(i))) {
            return ao2_alg_at(i);
        }
    }
    return NULL;
}

/* Both parts are form-encoded before they are joined (RFC 6749 section
 * 2.3.1): a colon in the client id must not end it. */
static const char *basic(const ao2_client_auth_t *auth, apr_pool_t *pool)
{
    const char *pair = apr_pstrcat(
        pool, ao2_form_encode(ao2_span(auth->client_id), pool), ":",
        ao2_form_encode(auth->secret, pool), NULL);
    int length = (int)strlen(pair);
    char *encoded = apr_palloc(pool,
                               (apr_size_t)apr_base64_encode_len(length));

    apr_base64_encode(encoded, pair, length);
    return apr_pstrcat(pool, "Authorization: Basic ", encoded, NULL);
}

static ao2_code_t add_assertion(const ao2_client_auth_t *auth,
                                const ao2_auth_context_t *context,
                                apr_array_header_t *form, ao2_fail_t *fail)
{
    ao2_assertion_t assertion = {auth->client_id,   auth->client_id,
                                 context->audience, auth->key,
                                 auth->alg,         context->now};
    const char *token;
    ao2_code_t code = ao2_assertion_sign(&token, &assertion, form->pool,
                                         fail);

    if (code == AO2_OK) {
        ao2_form_add(form, "client_assertion_type", ao2_span(ASSERTION_TYPE));
        ao2_form_add(form, "client_assertion", ao2_span(token));
    }
    return code;
}

static void add_id(const ao2_client_auth_t *auth, apr_array_header_t *form)
{
    if (auth->client_id) {
        ao2_form_add(form, "client_id", ao2_span(auth->client_id));
    }
}

ao2_code_t ao2_client_auth_apply(const ao2_client_auth_t *auth,
                                 const ao2_auth_context_t *context,
                                 apr_array_header_t *form,
                                 apr_array_header_t *fields, ao2_fail_t *fail)
{
    apr_pool_t *pool = fields->pool;

    switch (auth->method) {
    case AO2_AUTH_BASIC:
        APR_ARRAY_PUSH(fields, const char *) = basic(auth, pool);
        break;
    case AO2_AUTH_BEARER:
        APR_ARRAY_PUSH(fields, const char *) = apr_pstrcat(
            pool, "Authorization: Bearer ",
            apr_pstrmemdup(pool, auth->secret.ptr, auth->secret.len), NULL);
        break;
    case AO2_AUTH_POST:
        add_id(auth, form);
        ao2_form_add(form, "client_secret", auth->secret);
        break;
    case AO2_AUTH_SECRET_JWT:
    case AO2_AUTH_PRIVATE_KEY_JWT:
        return add_assertion(auth, context, form, fail);
    case AO2_AUTH_NONE:
    case AO2_AUTH_TLS:
        add_id(auth, form);
        break;
    }
    return AO2_OK;
}
