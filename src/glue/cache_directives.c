#include "glue/caches.h"
#include "glue/directive.h"

#include <http_main.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "adapter/secret.h"

APLOG_USE_MODULE(api_oauth2);

/* As long as an AES-128 key: what can be guessed protects nothing. */
#define SHORTEST_SECRET 16

#define ALLOWED "none, shmcb, shmcb:PATH(SIZE) with a SIZE of 64K or more, " \
    "or PROVIDER:ARGS"

/* The name in front of the first colon, where it may be one. */
static const char *provider_name(apr_pool_t *pool, const char *word)
{
    size_t length = strcspn(word, ":");
    size_t i;

    for (i = 0; i < length; i++) {
        if (!apr_isalnum(word[i]) && word[i] != '_' && word[i] != '-') {
            return NULL;
        }
    }
    return length ? apr_pstrmemdup(pool, word, length) : NULL;
}

static const char *set_socache(cmd_parms *cmd, ao2_cache_choice_t *choice,
                               int argc, char *const argv[])
{
    const char *colon = strchr(argv[0], ':');

    if (argc > 1) {
        return ao2_directive_bad(cmd, argv[1], "nothing follows this cache");
    }
    choice->kind = AO2_CACHE_SOCACHE;
    choice->args = colon && colon[1] ? apr_pstrdup(cmd->pool, colon + 1)
                                     : NULL;
    if (strcmp(choice->provider, "shmcb") == 0) {
        choice->args = ao2_caches_shmcb_args(choice->args ? choice->args : "",
                                             cmd->pool);
        return choice->args ? NULL
                            : ao2_directive_bad(cmd, argv[0], ALLOWED);
    }
    return NULL;
}

const char *ao2_set_cache(cmd_parms *cmd, void *dir, int argc,
                          char *const argv[])
{
    ao2_cache_choice_t *choice = apr_pcalloc(cmd->pool, sizeof(*choice));
    const char *error = NULL;

    (void)dir;
    if (argc < 1) {
        return ao2_directive_count(cmd, ALLOWED);
    }
    choice->file = cmd->directive->filename;
    choice->line = cmd->directive->line_num;
    choice->provider = provider_name(cmd->pool, argv[0]);
    if (!choice->provider) {
        return ao2_directive_bad(cmd, argv[0], ALLOWED);
    }
    if (strcasecmp(argv[0], "none") != 0) {
        error = set_socache(cmd, choice, argc, argv);
    }
    else if (argc > 1) {
        error = ao2_directive_bad(cmd, argv[1], "nothing follows none");
    }
    if (!error) {
        ao2_server_of(cmd->server)->cache = choice;
    }
    return error;
}

const char *ao2_set_cache_secret(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[])
{
    ao2_span_t *secret = apr_palloc(cmd->pool, sizeof(*secret));
    const char *warning;
    ao2_fail_t fail = {0};

    (void)dir;
    if (argc != 1) {
        return ao2_directive_count(cmd, "file:PATH, env:NAME, exec:COMMAND "
                                        "or the secret itself");
    }
    if (ao2_secret_read(secret, &warning, argv[0], ap_server_root, cmd->pool,
                        &fail) != AO2_OK) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, fail.detail);
    }
    if (secret->len < SHORTEST_SECRET) {
        return apr_psprintf(cmd->pool, "%s: the secret has %d bytes: at "
                            "least %d are needed", cmd->cmd->name,
                            (int)secret->len, SHORTEST_SECRET);
    }
    if (warning) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, cmd->server,
                     "ApiCacheSecret: %s", warning);
    }
    ao2_server_of(cmd->server)->cache_secret = secret;
    return NULL;
}
