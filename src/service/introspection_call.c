#include "service/introspection_call.h"

#include <apr_strings.h>

#include "base/json.h"
#include "core/form.h"
#include "core/jws.h"
#include "core/trace.h"
#include "service/signature_check.h"

#define JSON_TYPE "application/json"
#define JWT_TYPE "application/token-introspection+jwt"

static ao2_code_t unavailable(ao2_fail_t *fail, const char *text)
{
    return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "introspection: %s",
                    text);
}

static ao2_code_t find_url(const char **url,
                           const ao2_introspection_t *self,
                           const ao2_errand_t *errand, ao2_fail_t *fail)
{
    ao2_metadata_t metadata;
    ao2_code_t code;

    *url = self->settings->url;
    if (*url) {
        return AO2_OK;
    }
    code = ao2_discovery_get(&metadata, self->ways.discovery, 0, errand, fail);
    if (code != AO2_OK) {
        return code;
    }
    *url = metadata.introspection_endpoint;
    return *url ? AO2_OK
                : unavailable(fail, "the metadata has no "
                                    "\"introspection_endpoint\"");
}

/* token, token_type_hint, then what the configuration adds. */
static ao2_code_t make_request(ao2_http_request_t *request,
                               const ao2_introspection_settings_t *settings,
                               const ao2_inquiry_t *inquiry,
                               const ao2_errand_t *errand, ao2_fail_t *fail)
{
    apr_pool_t *pool = errand->pool;
    apr_array_header_t *form = apr_array_make(pool, 8, sizeof(char *));
    apr_array_header_t *fields = apr_array_make(pool, 2, sizeof(char *));
    ao2_auth_context_t context = {settings->rules->issuer_url
                                      ? settings->rules->issuer_url
                                      : request->url,
                                  ao2_remote_now(errand->remote)};
    ao2_code_t code;
    int i;

    ao2_form_add(form, "token", inquiry->token);
    ao2_form_add(form, "token_type_hint", ao2_span("access_token"));
    for (i = 0; i + 1 < settings->params->nelts; i += 2) {
        ao2_form_add(form, APR_ARRAY_IDX(settings->params, i, const char *),
                     ao2_span(APR_ARRAY_IDX(settings->params, i + 1,
                                            const char *)));
    }
    code = ao2_client_auth_apply(&settings->auth, &context, form, fields,
                                 fail);
    if (inquiry->trace) {
        APR_ARRAY_PUSH(fields, const char *) = apr_pstrcat(
            pool, AO2_TRACE_FIELD ": ", inquiry->trace, NULL);
    }
    request->form = ao2_form_text(form, pool);
    request->fields = fields;
    request->accept = JSON_TYPE ", " JWT_TYPE ";q=0.9";
    request->max_body = AO2_MAX_ANSWER;
    return code;
}

static int holds(const json_t *value, const char *text)
{
    size_t i;

    if (ao2_span_is(ao2_json_text(value), text)) {
        return 1;
    }
    for (i = 0; i < json_array_size(value); i++) {
        if (ao2_span_is(ao2_json_text(json_array_get(value, i)), text)) {
            return 1;
        }
    }
    return 0;
}

/* RFC 9701 section 5: the answer stands in a claim of its own, so that it
 * cannot be taken for an access token, nor an access token for it. */
static ao2_code_t open_signed(json_t **claims, ao2_span_t text,
                              const ao2_introspection_t *self,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_introspection_settings_t *settings = self->settings;
    const char *issuer = settings->rules->issuer_url;
    json_t *payload;
    ao2_jws_t *jws;
    ao2_signature_trace_t trace;
    ao2_fail_t why = {0};

    if (!self->ways.ring || !issuer || !settings->auth.client_id) {
        return unavailable(fail, "the answer is signed, and there are no "
                                 "keys, no issuer or no client id to check "
                                 "it with");
    }
    if (ao2_jws_parse(&jws, text, pool, &why) != AO2_OK ||
        ao2_json_parse(&payload, jws->payload, AO2_MAX_DOCUMENT_DEPTH,
                       AO2_E_TOKEN_INVALID, pool, &why) != AO2_OK ||
        ao2_check_signature(jws, settings->algorithms, self->ways.ring,
                            &trace, &why) != AO2_OK) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "introspection: the signed answer: %s", why.detail);
    }
    if (!ao2_type_is(jws->typ, "token-introspection+jwt") ||
        !ao2_span_is(ao2_json_text(json_object_get(payload, "iss")),
                     issuer) ||
        !holds(json_object_get(payload, "aud"), settings->auth.client_id)) {
        return unavailable(fail, "the signed answer is of another type, from "
                                 "another issuer, or for another client");
    }
    *claims = json_object_get(payload, "token_introspection");
    return json_is_object(*claims)
               ? AO2_OK
               : unavailable(fail, "the signed answer holds no "
                                   "\"token_introspection\"");
}

static ao2_code_t read_claims(json_t **claims, const ao2_http_answer_t *answer,
                              const ao2_introspection_t *self,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_fail_t why = {0};

    if (strcmp(answer->media_type, JWT_TYPE) == 0) {
        return open_signed(claims, answer->body, self, pool, fail);
    }
    if (strcmp(answer->media_type, JSON_TYPE) != 0) {
        return unavailable(fail, "the answer is no " JSON_TYPE);
    }
    return ao2_json_parse(claims, answer->body, AO2_MAX_DOCUMENT_DEPTH,
                          AO2_E_ISSUER_UNAVAILABLE, pool, &why) == AO2_OK
               ? AO2_OK
               : unavailable(fail, why.detail);
}

static ao2_code_t read_answer(ao2_span_t *text,
                              const ao2_http_answer_t *answer,
                              const ao2_introspection_t *self,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    json_t *claims;
    json_t *active;
    char *dumped;
    ao2_code_t code = read_claims(&claims, answer, self, pool,
                                  fail);

    if (code != AO2_OK) {
        return code;
    }
    active = json_object_get(claims, "active");
    if (!json_is_boolean(active)) {
        return unavailable(fail, "the answer has no boolean \"active\"");
    }
    if (json_is_false(active)) {
        return AO2_OK;
    }
    dumped = json_dumps(claims, JSON_COMPACT);
    if (!dumped) {
        return unavailable(fail, "no memory");
    }
    *text = ao2_span(apr_pstrdup(pool, dumped));
    free(dumped);
    return AO2_OK;
}

/* 401 and 403 speak of our own credentials. */
static ao2_code_t check_status(ao2_errand_end_t *how,
                               const ao2_http_answer_t *answer,
                               ao2_fail_t *fail)
{
    if (answer->status == 200) {
        *how = AO2_ERRAND_DONE;
        return AO2_OK;
    }
    if (answer->status == 401 || answer->status == 403) {
        *how = AO2_ERRAND_REFUSED;
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "introspection: our credentials (ApiClientAuth) are "
                        "refused with status %d", answer->status);
    }
    if (answer->status >= 400 && answer->status < 500 &&
        answer->status != 429) {
        *how = AO2_ERRAND_DONE;
    }
    return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                    "introspection: answered with status %d", answer->status);
}

/* A server that says 200, or 400, is there, whatever else it says: whoever
 * has a token to which it answers strangely must not be able to have it left
 * alone. */
static ao2_code_t run(ao2_http_answer_t *answer, ao2_errand_end_t *how,
                      const ao2_introspection_t *self,
                      const ao2_inquiry_t *inquiry,
                      const ao2_errand_t *errand, ao2_fail_t *fail)
{
    ao2_http_request_t request = {0};
    ao2_fail_t why = {0};
    ao2_code_t code = find_url(&request.url, self, errand, fail);

    *how = AO2_ERRAND_FAILED;
    if (code == AO2_OK) {
        code = make_request(&request, self->settings, inquiry, errand,
                            fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    if (ao2_errand_call(errand, answer, &request, &why) != AO2_OK) {
        if (answer->status == 200) {
            *how = AO2_ERRAND_DONE;
        }
        return unavailable(fail, why.detail);
    }
    return check_status(how, answer, fail);
}

ao2_code_t ao2_introspection_call(ao2_span_t *claims, int *is_strange,
                                  const ao2_introspection_t *self,
                                  const ao2_inquiry_t *inquiry,
                                  apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_errand_t errand;
    ao2_errand_end_t how;
    ao2_http_answer_t answer = {0};
    ao2_code_t code = ao2_errand_begin(&errand, self->ways.remote,
                                       AO2_TARGET_ANSWERS, pool, fail);

    claims->ptr = NULL;
    claims->len = 0;
    *is_strange = 0;
    if (code != AO2_OK) {
        return code;
    }
    code = run(&answer, &how, self, inquiry, &errand, fail);
    ao2_errand_end(&errand, how);
    /* Keys for a signed answer may have to be called for, from a place of
     * their own. */
    if (code == AO2_OK) {
        code = read_answer(claims, &answer, self, pool, fail);
    }
    if (code != AO2_OK && fail) {
        ao2_remote_note_trouble(self->ways.remote, fail);
    }
    *is_strange = code != AO2_OK && how == AO2_ERRAND_DONE;
    return code;
}
