#include "tools/htapi.h"

#include <stdio.h>
#include <stdlib.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "base/json.h"
#include "base/text.h"
#include "core/principal.h"
#include "core/jws.h"

/** What is asked of a token; as an <ApiIssuer> would. */
typedef struct {
    ao2_token_rules_t rules;
    unsigned algorithms;
    ao2_keyset_t *keys;
    apr_time_t now;
} check_t;

static int read_algorithms(check_t *check, const ao2_line_t *line)
{
    apr_array_header_t *words = ao2_line_all(line, "alg");
    int i;

    check->algorithms = words->nelts ? 0 : ao2_alg_default();
    if (!words->nelts && ao2_line_option(line, "secret")) {
        check->algorithms |= ao2_alg_hmac();
    }
    for (i = 0; i < words->nelts; i++) {
        const ao2_alg_t *alg = ao2_alg_find(
            ao2_span(APR_ARRAY_IDX(words, i, const char *)));

        if (!alg) {
            return ao2_line_wrong(line, "--alg: no such signature algorithm");
        }
        check->algorithms |= ao2_alg_allows(alg);
    }
    return AO2_EXIT_DONE;
}

static int read_rules(check_t *check, const ao2_line_t *line)
{
    static const char *const subject[] = {"sub"};
    static const char *const client[] = {"client_id", "azp", "cid"};
    static const char *const scope[] = {"scope", "scp"};
    const char *skew = ao2_line_option(line, "skew");
    apr_int64_t now = apr_time_sec(apr_time_now());
    apr_array_header_t *types = ao2_line_all(line, "type");

    check->rules.issuer_name = "-";
    check->rules.issuer_url = ao2_line_option(line, "issuer");
    check->rules.subject_claims = ao2_text_list(1, subject, line->pool);
    check->rules.client_claims = ao2_text_list(3, client, line->pool);
    check->rules.scope_claims = ao2_text_list(2, scope, line->pool);
    check->rules.types = types->nelts ? types : NULL;
    if (ao2_line_number(&now, line, "now", apr_time_sec(AO2_TIME_FOREVER))
        != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    check->now = apr_time_from_sec(now);
    if (!ao2_text_duration(&check->rules.skew, skew ? skew : "60s")) {
        return ao2_line_wrong(line, "--skew takes a duration");
    }
    return read_algorithms(check, line);
}

/* Raw bytes, or a JWK or JWK Set of "oct" keys, as ApiSharedSecret takes. */
static ao2_code_t add_secrets(ao2_keyset_t *keys, const char *path,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t text;
    ao2_key_t *key;
    ao2_code_t code = ao2_input_read(&text, path, AO2_MAX_KEY_FILE, pool,
                                     fail);

    if (code != AO2_OK) {
        return code;
    }
    if (text.ptr[0] == '{') {
        return ao2_keyset_parse(keys, text, AO2_FOR_VERIFY, 1, pool, fail);
    }
    if (text.ptr[text.len - 1] == '\n') {
        text.len--;
    }
    code = ao2_key_from_secret(&key, text, NULL, pool, fail);
    return code == AO2_OK ? ao2_keyset_add(keys, key, fail) : code;
}

static ao2_code_t read_keys(check_t *check, const ao2_line_t *line,
                            ao2_fail_t *fail)
{
    const char *jwks = ao2_line_option(line, "jwks");
    const char *secret = ao2_line_option(line, "secret");
    ao2_code_t code = AO2_OK;

    check->keys = ao2_keyset_make(line->pool);
    if (jwks) {
        code = ao2_input_keys(&check->keys, jwks, AO2_FOR_VERIFY, 0,
                              line->pool, fail);
    }
    if (code == AO2_OK && secret) {
        code = add_secrets(check->keys, secret, line->pool, fail);
    }
    return code;
}

static ao2_code_t check_claims(json_t **pclaims, const ao2_jws_t *jws,
                               ao2_span_t token, const check_t *check,
                               const ao2_line_t *line, ao2_fail_t *fail)
{
    apr_array_header_t *audiences = ao2_line_all(line, "audience");
    ao2_token_context_t context = {&check->rules, token, check->now,
                                   NULL};
    ao2_principal_t *principal;
    ao2_code_t code = ao2_json_parse(pclaims, jws->payload,
                                     AO2_MAX_TOKEN_DEPTH,
                                     AO2_E_TOKEN_INVALID, line->pool, fail);

    if (code == AO2_OK) {
        code = ao2_token_check_type(jws->typ, &check->rules, fail);
    }
    if (code == AO2_OK) {
        code = ao2_principal_make(&principal, *pclaims, &context, line->pool,
                                  fail);
    }
    if (code == AO2_OK && audiences->nelts) {
        code = ao2_token_check_audience(*pclaims, audiences, fail);
    }
    return code;
}

static ao2_code_t check_signature(ao2_jws_t **pjws, ao2_span_t token,
                                  const check_t *check,
                                  const ao2_line_t *line, ao2_fail_t *fail)
{
    const ao2_key_t *found[AO2_MAX_CANDIDATES];
    ao2_code_t code = ao2_jws_parse(pjws, token, line->pool, fail);

    if (code != AO2_OK) {
        return code;
    }
    if ((check->algorithms & (*pjws)->alg->bit) == 0) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID, "%s is not allowed",
                        (*pjws)->alg->name);
    }
    return ao2_jws_verify_any(
        *pjws, found,
        ao2_keyset_select(found, check->keys, (*pjws)->alg, (*pjws)->kid),
        fail);
}

static int print_claims(json_t *claims, const ao2_line_t *line)
{
    char *text = json_dumps(claims, JSON_INDENT(2));
    int status = ao2_output(apr_pstrcat(line->pool, text ? text : "", "\n",
                                        NULL),
                            text ? strlen(text) + 1 : 1);

    free(text);
    return status;
}

static int verify(ao2_span_t token, const check_t *check,
                  const ao2_line_t *line)
{
    int signature_only = ao2_line_option(line, "signature-only") != NULL;
    json_t *claims = NULL;
    ao2_fail_t fail = {0};
    ao2_jws_t *jws;
    ao2_code_t code = check_signature(&jws, token, check, line, &fail);

    if (code == AO2_OK && !signature_only) {
        code = check_claims(&claims, jws, token, check, line, &fail);
    }
    if (code != AO2_OK) {
        fprintf(stderr, "%s: %s\n", ao2_error_of(code)->id, fail.detail);
        return AO2_EXIT_REFUSED;
    }
    return signature_only ? ao2_output(jws->payload.ptr, jws->payload.len)
                          : print_claims(claims, line);
}

int ao2_jwt_command_verify(ao2_line_t *line, int argc,
                           const char *const *argv)
{
    check_t check = {0};
    ao2_fail_t fail = {0};
    ao2_span_t token;
    const char *word;

    if (ao2_line_parse(line, "jwks= secret= issuer= audience=* alg=* type=* "
                             "skew= now= signature-only", argc, argv)
            != AO2_EXIT_DONE ||
        read_rules(&check, line) != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    if (line->words->nelts != 1 || (!ao2_line_option(line, "jwks") &&
                                    !ao2_line_option(line, "secret"))) {
        return ao2_line_wrong(line, "--jwks or --secret, and one TOKEN or -, "
                                    "are needed");
    }
    word = APR_ARRAY_IDX(line->words, 0, const char *);
    token = ao2_span(word);
    if (read_keys(&check, line, &fail) != AO2_OK ||
        (strcmp(word, "-") == 0 &&
         ao2_input_read(&token, "-", AO2_MAX_CREDENTIAL + 2, line->pool,
                        &fail) != AO2_OK)) {
        return ao2_line_wrong(line, "%s", fail.detail);
    }
    while (token.len && apr_isspace(token.ptr[token.len - 1])) {
        token.len--;
    }
    return verify(token, &check, line);
}
