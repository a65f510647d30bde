#include "glue/directive.h"
#include "glue/issuer_draft.h"

#include <http_main.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "adapter/secret.h"
#include "base/file.h"
#include "base/text.h"
#include "core/keyset.h"

APLOG_USE_MODULE(api_oauth2);

const char *ao2_issuer_introspection(cmd_parms *cmd, void *dir, int argc,
                                     char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "auto, off or a URL");
    }
    draft->introspection_off = strcasecmp(argv[0], "off") == 0;
    draft->introspection_said = 0;
    draft->issuer.introspection.url = NULL;
    if (draft->introspection_off || strcasecmp(argv[0], "auto") == 0) {
        return NULL;
    }
    if (ao2_text_check_url(argv[0], 1)) {
        return ao2_directive_bad(cmd, argv[0], "auto, off or a URL");
    }
    draft->introspection_said = 1;
    draft->issuer.introspection.url = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

const char *ao2_issuer_param(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[])
{
    static const char *const ours[] = {"token", "client_id", "client_secret",
                                       "client_assertion",
                                       "client_assertion_type"};
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    size_t i;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 2 || !argv[0][0]) {
        return ao2_directive_count(cmd, "NAME VALUE");
    }
    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strcmp(argv[0], ours[i]) == 0) {
            return ao2_directive_bad(cmd, argv[0], "a parameter that is not "
                                                   "sent anyway");
        }
    }
    APR_ARRAY_PUSH(draft->params, const char *) = apr_pstrdup(cmd->pool,
                                                              argv[0]);
    APR_ARRAY_PUSH(draft->params, const char *) = apr_pstrdup(cmd->pool,
                                                              argv[1]);
    return NULL;
}

const char *ao2_issuer_concurrency(cmd_parms *cmd, void *dir, int argc,
                                   char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    apr_int64_t number;
    char *end;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "one number");
    }
    number = apr_strtoi64(argv[0], &end, 10);
    if (!apr_isdigit(argv[0][0]) || *end || number < 1 ||
        number > AO2_MAX_CONCURRENCY) {
        return ao2_directive_bad(cmd, argv[0],
                                 apr_psprintf(cmd->temp_pool,
                                              "a number from 1 to %d",
                                              AO2_MAX_CONCURRENCY));
    }
    draft->issuer.concurrency = (int)number;
    return NULL;
}

/* What each method takes behind its name. */
static const struct {
    ao2_auth_method_t method;
    int fewest;
    int most;
    const char *usage;
} methods[] = {
    {AO2_AUTH_NONE, 0, 1, "none [CLIENT-ID]"},
    {AO2_AUTH_BASIC, 2, 2, "client_secret_basic CLIENT-ID SECRET-SOURCE"},
    {AO2_AUTH_POST, 2, 2, "client_secret_post CLIENT-ID SECRET-SOURCE"},
    {AO2_AUTH_SECRET_JWT, 2, 2, "client_secret_jwt CLIENT-ID SECRET-SOURCE"},
    {AO2_AUTH_PRIVATE_KEY_JWT, 2, 2,
     "private_key_jwt[:ALG] CLIENT-ID file:KEY"},
    {AO2_AUTH_TLS, 1, 1, "tls_client_auth CLIENT-ID"},
    {AO2_AUTH_BEARER, 1, 1, "bearer SECRET-SOURCE"},
};

static const char *read_secret(cmd_parms *cmd, ao2_issuer_draft_t *draft,
                               const char *source)
{
    const char *warning;
    ao2_fail_t fail = {0};

    if (ao2_secret_read(&draft->auth_secret, &warning, source, ap_server_root,
                        cmd->pool, &fail) != AO2_OK) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, fail.detail);
    }
    if (warning) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0,
                     cmd->server, "ApiClientAuth in %s: %s",
                     draft->issuer.label, warning);
    }
    return NULL;
}

/* A PEM private key, or a JWK. */
static const char *read_private_key(cmd_parms *cmd,
                                    ao2_issuer_draft_t *draft)
{
    ao2_span_t text = draft->auth_secret;
    ao2_client_auth_t *auth = &draft->issuer.introspection.auth;
    ao2_keyset_t *set = ao2_keyset_make(cmd->temp_pool);
    ao2_key_t *key = NULL;
    ao2_fail_t fail = {0};

    if (text.ptr[0] == '{') {
        if (ao2_keyset_parse(set, text, AO2_FOR_SIGN, 0, cmd->pool, &fail)
            == AO2_OK) {
            auth->key = set->keys[0];
        }
    }
    else if (ao2_key_read_pem(&key, text, NULL, NULL, cmd->pool, &fail)
             == AO2_OK) {
        auth->key = key;
    }
    if (!auth->key || !auth->key->is_private) {
        return apr_psprintf(cmd->pool, "%s: the key is no private key: %s",
                            cmd->cmd->name, fail.detail);
    }
    return NULL;
}

static const char *use_key(cmd_parms *cmd, ao2_client_auth_t *auth,
                           const char *alg)
{
    auth->alg = alg ? ao2_alg_find(ao2_span(alg))
                    : ao2_client_auth_alg(auth->key);
    if (!auth->alg || !ao2_key_fits(auth->key, auth->alg)) {
        return apr_psprintf(cmd->pool, "%s: the key does not fit the "
                            "algorithm%s%s (a secret for client_secret_jwt "
                            "has at least 32 bytes)", cmd->cmd->name,
                            alg ? " " : "", alg ? alg : "");
    }
    return NULL;
}

static const char *use_secret(cmd_parms *cmd, ao2_issuer_draft_t *draft,
                              const char *alg)
{
    ao2_client_auth_t *auth = &draft->issuer.introspection.auth;
    ao2_fail_t fail = {0};
    const char *error;
    ao2_key_t *key;

    switch (auth->method) {
    case AO2_AUTH_SECRET_JWT:
        if (ao2_key_from_secret(&key, draft->auth_secret, NULL, cmd->pool,
                                &fail) != AO2_OK) {
            return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name,
                                fail.detail);
        }
        auth->key = key;
        return use_key(cmd, auth, alg);
    case AO2_AUTH_PRIVATE_KEY_JWT:
        error = read_private_key(cmd, draft);
        return error ? error : use_key(cmd, auth, alg);
    case AO2_AUTH_BASIC:
    case AO2_AUTH_POST:
    case AO2_AUTH_BEARER:
        auth->secret = draft->auth_secret;
        break;
    case AO2_AUTH_NONE:
    case AO2_AUTH_TLS:
        break;
    }
    return NULL;
}

/* The row of a method, and what stands behind a colon. */
static int find_method(cmd_parms *cmd, const char *word, const char **alg)
{
    size_t length = strcspn(word, ":");
    int method = ao2_auth_method_find(apr_pstrmemdup(cmd->temp_pool, word,
                                                     length));

    *alg = word[length] ? word + length + 1 : NULL;
    if (method >= 0 && *alg && method != AO2_AUTH_PRIVATE_KEY_JWT &&
        method != AO2_AUTH_SECRET_JWT) {
        return -1;
    }
    return method;
}

static int is_text(const char *text)
{
    const char *at;

    for (at = text; *at; at++) {
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e) {
            return 0;
        }
    }
    return at > text;
}

const char *ao2_issuer_client_auth(cmd_parms *cmd, void *dir, int argc,
                                   char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    ao2_client_auth_t auth = {0};
    const char *alg = NULL;
    int method = argc ? find_method(cmd, argv[0], &alg) : -1;
    int has_id;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (method < 0) {
        return ao2_directive_bad(cmd, argc ? argv[0] : "",
                                 "client_secret_basic, client_secret_post, "
                                 "client_secret_jwt[:ALG], "
                                 "private_key_jwt[:ALG], tls_client_auth, "
                                 "bearer or none");
    }
    if (argc - 1 < methods[method].fewest || argc - 1 > methods[method].most) {
        return ao2_directive_count(cmd, methods[method].usage);
    }
    has_id = method != AO2_AUTH_BEARER && argc > 1;
    if (has_id && !is_text(argv[1])) {
        return ao2_directive_bad(cmd, argv[1], "a client id of printable "
                                               "ASCII");
    }
    auth.method = (ao2_auth_method_t)method;
    auth.is_set = 1;
    auth.client_id = has_id ? apr_pstrdup(cmd->pool, argv[1]) : NULL;
    draft->issuer.introspection.auth = auth;
    if (method == AO2_AUTH_NONE || method == AO2_AUTH_TLS) {
        return NULL;
    }
    if (method == AO2_AUTH_PRIVATE_KEY_JWT &&
        strncmp(argv[2], "file:", 5) != 0) {
        return ao2_directive_count(cmd, methods[method].usage);
    }
    error = read_secret(cmd, draft, argv[argc - 1]);
    return error ? error : use_secret(cmd, draft, alg);
}
