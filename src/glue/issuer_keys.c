#include "glue/directive.h"
#include "glue/issuer_draft.h"

#include <http_main.h>

#include <apr_strings.h>

#include "adapter/secret.h"
#include "base/file.h"
#include "base/text.h"

APLOG_USE_MODULE(api_oauth2);

/* RFC 7518 section 3.2 with the shortest hash that HS* has. */
#define SHORTEST_SECRET 32

const char *ao2_issuer_jwks(cmd_parms *cmd, void *dir, int argc,
                            char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    int i;

    (void)dir;
    if (!draft) {
        return error;
    }
    error = ao2_directive_list(cmd, argc, "URLs or file:PATH");
    if (error) {
        return error;
    }
    for (i = 0; i < argc; i++) {
        const char *path = ao2_directive_path(cmd, argv[i]);

        if (path) {
            APR_ARRAY_PUSH(draft->files, const char *) = path;
        }
        else if (!ao2_text_check_url(argv[i], 1)) {
            APR_ARRAY_PUSH(draft->urls, const char *) =
                apr_pstrdup(cmd->pool, argv[i]);
        }
        else {
            return ao2_directive_bad(cmd, argv[i],
                                     "an https URL or file:PATH");
        }
    }
    return NULL;
}

static const char *key_error(cmd_parms *cmd, const char *subject,
                             const ao2_fail_t *fail)
{
    return apr_psprintf(cmd->pool, "%s: %s: %s", cmd->cmd->name, subject,
                        fail->detail);
}

static int is_kid(const char *text)
{
    return *text && strlen(text) <= AO2_MAX_KID;
}

const char *ao2_issuer_public_key(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    const char *path = argc ? ao2_directive_path(cmd, argv[0]) : NULL;
    const char *kid = NULL;
    const ao2_alg_t *alg = NULL;
    ao2_key_t *key;
    ao2_span_t pem;
    ao2_fail_t fail = {0};
    int i;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (!path) {
        return argc ? ao2_directive_bad(cmd, argv[0], "file:PATH")
                    : ao2_directive_count(cmd, "file:PATH [kid=ID] "
                                               "[alg=ALG]");
    }
    for (i = 1; i < argc; i++) {
        const char *id = ao2_directive_option(argv[i], "kid");
        const char *name = ao2_directive_option(argv[i], "alg");

        if (id && is_kid(id)) {
            kid = apr_pstrdup(cmd->pool, id);
        }
        else if (name && ao2_alg_find(ao2_span(name))) {
            alg = ao2_alg_find(ao2_span(name));
        }
        else {
            return ao2_directive_bad(cmd, argv[i], "kid=ID and alg=ALG with "
                                                   "a signature algorithm");
        }
    }
    if (ao2_file_read(&pem, NULL, path, AO2_MAX_KEY_FILE, cmd->temp_pool,
                      &fail) != AO2_OK ||
        ao2_key_read_pem(&key, pem, kid, alg, cmd->pool, &fail) != AO2_OK) {
        return key_error(cmd, path, &fail);
    }
    APR_ARRAY_PUSH(draft->static_keys, const ao2_key_t *) = key;
    return NULL;
}

static const char *add_secret(cmd_parms *cmd, ao2_issuer_draft_t *draft,
                              const ao2_key_t *key)
{
    if (key->secret.len < SHORTEST_SECRET) {
        return apr_psprintf(cmd->pool, "%s: the secret has %d bytes: at "
                            "least %d are needed, for HS384 48, for HS512 64",
                            cmd->cmd->name, (int)key->secret.len,
                            SHORTEST_SECRET);
    }
    APR_ARRAY_PUSH(draft->static_keys, const ao2_key_t *) = key;
    return NULL;
}

/* A JWK or JWK Set starts with a brace. A broken one must not become a
 * secret by that, so that raw bytes that start so are refused. */
static const char *add_secrets(cmd_parms *cmd, ao2_issuer_draft_t *draft,
                               ao2_span_t bytes, const char *kid)
{
    ao2_keyset_t *set = ao2_keyset_make(cmd->temp_pool);
    ao2_fail_t fail = {0};
    const char *error = NULL;
    ao2_key_t *key;
    int i;

    if (bytes.ptr[0] == '{' &&
        ao2_keyset_parse(set, bytes, AO2_FOR_VERIFY, 1, cmd->pool, &fail)
            == AO2_OK) {
        for (i = 0; i < set->count && !error; i++) {
            error = set->keys[i]->kind == AO2_KEY_SECRET
                        ? add_secret(cmd, draft, set->keys[i])
                        : "ApiSharedSecret: the JWK is no \"oct\" key";
        }
        return error;
    }
    if (bytes.ptr[0] == '{') {
        return key_error(cmd, "the JWK", &fail);
    }
    if (ao2_key_from_secret(&key, bytes, kid, cmd->pool, &fail) != AO2_OK) {
        return key_error(cmd, "the secret", &fail);
    }
    return add_secret(cmd, draft, key);
}

const char *ao2_issuer_shared_secret(cmd_parms *cmd, void *dir, int argc,
                                     char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    const char *kid = NULL;
    const char *warning;
    ao2_span_t bytes;
    ao2_fail_t fail = {0};

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc < 1 || argc > 2) {
        return ao2_directive_count(cmd, "file:PATH, env:NAME, exec:COMMAND "
                                        "or the secret itself, and [kid=ID]");
    }
    if (argc == 2) {
        kid = ao2_directive_option(argv[1], "kid");
        if (!kid || !is_kid(kid)) {
            /* The word may be a part of a secret: it is not repeated. */
            return ao2_directive_count(cmd, "[kid=ID] as its second "
                                            "argument");
        }
        kid = apr_pstrdup(cmd->pool, kid);
    }
    if (ao2_secret_read(&bytes, &warning, argv[0], ap_server_root, cmd->pool,
                        &fail) != AO2_OK) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, fail.detail);
    }
    if (warning) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, cmd->server,
                     "ApiSharedSecret in <ApiIssuer %s>: %s",
                     draft->issuer.name, warning);
    }
    draft->has_secret = 1;
    return add_secrets(cmd, draft, bytes, kid);
}
