#include "glue/directive.h"
#include "glue/section.h"

#include <http_main.h>

#include <apr_strings.h>

#include "adapter/secret.h"
#include "core/keyset.h"

APLOG_USE_MODULE(api_oauth2);

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

const char *ao2_section_secret(ao2_span_t *secret,
                               const ao2_section_t *section, cmd_parms *cmd,
                               const char *source)
{
    const char *warning;
    ao2_fail_t fail = {0};

    if (ao2_secret_read(secret, &warning, source, ap_server_root, cmd->pool,
                        &fail) != AO2_OK) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, fail.detail);
    }
    if (warning) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0,
                     cmd->server, "%s in %s: %s", cmd->cmd->name,
                     section->label, warning);
    }
    return NULL;
}

const char *ao2_section_private_key(const ao2_key_t **pkey, ao2_span_t text,
                                    cmd_parms *cmd)
{
    ao2_keyset_t *set = ao2_keyset_make(cmd->temp_pool);
    ao2_key_t *key = NULL;
    ao2_fail_t fail = {0};

    *pkey = NULL;
    if (text.ptr[0] == '{') {
        if (ao2_keyset_parse(set, text, AO2_FOR_SIGN, 0, cmd->pool, &fail)
            == AO2_OK) {
            *pkey = set->keys[0];
        }
    }
    else if (ao2_key_read_pem(&key, text, NULL, NULL, cmd->pool, &fail)
             == AO2_OK) {
        *pkey = key;
    }
    if (!*pkey || !(*pkey)->is_private) {
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

static const char *use_secret(cmd_parms *cmd, ao2_section_t *section,
                              const char *alg)
{
    ao2_client_auth_t *auth = section->auth;
    ao2_fail_t fail = {0};
    const char *error;
    ao2_key_t *key;

    switch (auth->method) {
    case AO2_AUTH_SECRET_JWT:
        if (ao2_key_from_secret(&key, section->auth_secret, NULL, cmd->pool,
                                &fail) != AO2_OK) {
            return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name,
                                fail.detail);
        }
        auth->key = key;
        return use_key(cmd, auth, alg);
    case AO2_AUTH_PRIVATE_KEY_JWT:
        error = ao2_section_private_key(&auth->key, section->auth_secret, cmd);
        return error ? error : use_key(cmd, auth, alg);
    case AO2_AUTH_BASIC:
    case AO2_AUTH_POST:
    case AO2_AUTH_BEARER:
        auth->secret = section->auth_secret;
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

const char *ao2_party_client_auth(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[])
{
    const char *error;
    ao2_section_t *section = ao2_section_of(cmd, &error);
    ao2_client_auth_t auth = {0};
    const char *alg = NULL;
    int method = argc ? find_method(cmd, argv[0], &alg) : -1;
    int has_id;

    (void)dir;
    if (!section) {
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
    if (has_id && !ao2_directive_is_printable(argv[1])) {
        return ao2_directive_bad(cmd, argv[1], "a client id of printable "
                                               "ASCII");
    }
    auth.method = (ao2_auth_method_t)method;
    auth.is_set = 1;
    auth.client_id = has_id ? apr_pstrdup(cmd->pool, argv[1]) : NULL;
    *section->auth = auth;
    if (method == AO2_AUTH_NONE || method == AO2_AUTH_TLS) {
        return NULL;
    }
    if (method == AO2_AUTH_PRIVATE_KEY_JWT &&
        strncmp(argv[2], "file:", 5) != 0) {
        return ao2_directive_count(cmd, methods[method].usage);
    }
    error = ao2_section_secret(&section->auth_secret, section, cmd,
                               argv[argc - 1]);
    return error ? error : use_secret(cmd, section, alg);
}
