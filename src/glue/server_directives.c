#include "glue/directive.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/text.h"

/* Less is no cache. */
#define SMALLEST_TOKEN_CACHE (64 * 1024)
/* There is room for so many in memory. */
#define MOST_CLIENTS 1000

const char *ao2_set_token_cache(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    ao2_server_t *server = ao2_server_of(cmd->server);
    apr_int64_t bytes = 0;

    (void)dir;
    if (argc != 1) {
        return ao2_directive_count(cmd, "a size, or off");
    }
    if (strcasecmp(argv[0], "off") != 0 &&
        (!ao2_text_size(&bytes, argv[0]) || bytes < SMALLEST_TOKEN_CACHE)) {
        return ao2_directive_bad(cmd, argv[0], "a size such as 16M, at least "
                                               "64K, or off");
    }
    server->token_cache = apr_pcalloc(cmd->pool, sizeof(ao2_token_cache_t));
    server->token_cache->bytes = (apr_size_t)bytes;
    return NULL;
}

const char *ao2_set_revocations(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    ao2_server_t *server = ao2_server_of(cmd->server);
    const char *path;
    ao2_fail_t fail = {0};

    (void)dir;
    if (argc != 1) {
        return ao2_directive_count(cmd, "file:PATH");
    }
    path = ao2_directive_path(cmd, argv[0]);
    if (!path) {
        return ao2_directive_bad(cmd, argv[0], "file:PATH");
    }
    if (ao2_revocations_check_file(path, &fail) != AO2_OK) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, fail.detail);
    }
    server->revocations = apr_pcalloc(cmd->pool,
                                      sizeof(ao2_revocation_file_t));
    server->revocations->path = path;
    return NULL;
}

const char *ao2_set_metrics_clients(cmd_parms *cmd, void *dir, int argc,
                                    char *const argv[])
{
    apr_uint32_t *clients = apr_pcalloc(cmd->pool, sizeof(*clients));
    apr_int64_t number;
    char *end;

    (void)dir;
    if (argc != 1) {
        return ao2_directive_count(cmd, "a number");
    }
    number = apr_strtoi64(argv[0], &end, 10);
    if (!apr_isdigit(argv[0][0]) || *end || number > MOST_CLIENTS) {
        return ao2_directive_bad(cmd, argv[0], "a number from 0 to "
                                               APR_STRINGIFY(MOST_CLIENTS));
    }
    *clients = (apr_uint32_t)number;
    ao2_server_of(cmd->server)->metrics_clients = clients;
    return NULL;
}
