#include "glue/database.h"

#include "adapter/dbd_threads.h"
#include "adapter/httpd_log.h"
#include "adapter/system_clock.h"
#include "glue/directive.h"
#include "service/registry_database.h"

APLOG_USE_MODULE(api_oauth2);

#define LABEL "ApiRegistry dbd"

const char *ao2_watch_dbd(cmd_parms *cmd, void *dir, const char *value)
{
    char *server = (char *)ao2_server_of(cmd->server);

    (void)dir;
    *(const char **)(server + (apr_size_t)cmd->info) = value;
    return DECLINE_CMD;
}

const char *ao2_watch_dbd_first(cmd_parms *cmd, void *dir, const char *value)
{
    ao2_server_t *server = ao2_server_of(cmd->server);

    (void)dir;
    if (!server->dbd_first) {
        server->dbd_first = apr_array_make(cmd->pool, 1, sizeof(char *));
    }
    APR_ARRAY_PUSH(server->dbd_first, const char *) = value;
    return DECLINE_CMD;
}

static int has_mod_dbd(void)
{
    return ap_find_linked_module("mod_dbd.c") != NULL;
}

static void say(const server_rec *server, int level, const char *text)
{
    const ao2_registry_object_t *registry = ao2_server_of(server)->registry;

    ap_log_error(APLOG_MARK, level | APLOG_STARTUP, 0, server, "%s:%d: "
                 LABEL ": %s", registry->config_file, registry->config_line,
                 text);
}

/* mod_dbd connects when a process starts, unless it is told not to, and
 * waits for its server. */
static int connects_first(const ao2_server_t *conf)
{
    return !(conf->dbd_min && strcmp(conf->dbd_min, "0") == 0) &&
           !(conf->dbd_persist && strcasecmp(conf->dbd_persist, "off") == 0);
}

static int check_registry(const server_rec *server)
{
    const ao2_server_t *conf = ao2_server_of(server);

    if (!has_mod_dbd()) {
        say(server, APLOG_ERR, "mod_dbd is not loaded: LoadModule dbd_module "
                               "modules/mod_dbd.so, or a2enmod dbd");
        return 1;
    }
    if (!conf->dbd_driver || !conf->dbd_params) {
        say(server, APLOG_ERR, "DBDriver and DBDParams must say in this "
                               "server which database it is in");
        return 1;
    }
    if (connects_first(conf)) {
        say(server, APLOG_WARNING, "without DBDMin 0 mod_dbd waits for the "
                                   "database before a process serves "
                                   "anybody");
    }
    return 0;
}

static int speaks_of_database(const ao2_server_t *conf)
{
    return conf->dbd_driver || conf->dbd_params || conf->dbd_min ||
           conf->dbd_persist || conf->dbd_first;
}

/* Since this module looks at them, httpd would take these directives for
 * known where nobody is there to obey them. */
static int check_known(const server_rec *server)
{
    while (server && !speaks_of_database(ao2_server_of(server))) {
        server = server->next;
    }
    if (!server || has_mod_dbd()) {
        return 0;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, server,
                 "DBDriver and its like: mod_dbd is not loaded");
    return 1;
}

int ao2_database_check(server_rec *main_server)
{
    const ao2_registry_object_t *first =
        ao2_server_of(main_server)->registry;
    const server_rec *server;
    int bad = check_known(main_server);

    for (server = main_server; server; server = server->next) {
        const ao2_registry_object_t *registry =
            ao2_server_of(server)->registry;

        /* Virtual hosts share that of the main server. */
        if (registry && !registry->path &&
            (server == main_server || registry != first)) {
            bad |= check_registry(server);
        }
    }
    return bad;
}

ao2_code_t ao2_database_open(ao2_registry_source_t **psource,
                             server_rec *server, apr_time_t ttl,
                             apr_pool_t *child, ao2_fail_t *fail)
{
    const ao2_server_t *conf = ao2_server_of(server);
    ao2_dbd_target_t target = {conf->dbd_driver, conf->dbd_params,
                               conf->dbd_first};
    ao2_answers_settings_t settings = {0};
    ao2_code_t code = ao2_dbd_threads_make(&settings.database, &target, child,
                                           fail);

    *psource = NULL;
    if (code != AO2_OK) {
        return code;
    }
    settings.clock = ao2_system_clock();
    settings.log = ao2_httpd_log_make(server, child);
    settings.label = LABEL;
    settings.ttl = ttl;
    settings.patience = apr_time_from_msec(AO2_MAX_REGISTRY_WAIT_MSEC);
    settings.bytes = AO2_MAX_REGISTRY_ANSWERS;
    return ao2_registry_database_open(psource, &settings, child, fail);
}
