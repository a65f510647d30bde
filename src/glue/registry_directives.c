#include "glue/directive.h"

#include <apr_strings.h>

#include "base/text.h"
#include "service/registry_file.h"

/* Longest name of an API and of a version. */
#define LONGEST AO2_MAX_NAME

/* For lines that name a plan, wherever they stand. */
static apr_hash_t *plan_names(const ao2_registry_t *registry,
                              apr_pool_t *pool)
{
    apr_hash_t *names = apr_hash_make(pool);
    const ao2_plan_t *plan;

    for (plan = ao2_registry_plans(registry); plan; plan = plan->next) {
        const char *name = apr_pstrdup(pool, plan->name);

        apr_hash_set(names, name, APR_HASH_KEY_STRING, name);
    }
    return names;
}

/* More of them are not looked at. */
#define MOST_ISSUERS 64

/* For who is registered here, and whose tokens are accepted nowhere. */
static apr_hash_t *issuer_names(const ao2_registry_t *registry,
                                apr_pool_t *pool)
{
    apr_hash_t *names = apr_hash_make(pool);
    const ao2_application_t *application = ao2_registry_applications(registry);
    const ao2_client_t *client;

    for (; application; application = application->next) {
        for (client = application->clients; client; client = client->next) {
            if (apr_hash_count(names) < MOST_ISSUERS &&
                !apr_hash_get(names, client->issuer, APR_HASH_KEY_STRING)) {
                const char *name = apr_pstrdup(pool, client->issuer);

                apr_hash_set(names, name, APR_HASH_KEY_STRING, name);
            }
        }
    }
    return names;
}

/* Read once and let go: a big one must not stay in the configuration's
 * memory. */
static const char *check_file(cmd_parms *cmd, ao2_registry_object_t *object)
{
    const ao2_registry_t *registry;
    apr_pool_t *pool;
    ao2_fail_t fail = {0};
    ao2_code_t code;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return "no memory";
    }
    code = ao2_registry_file_read(&registry, NULL, object->path, pool, &fail);
    if (code == AO2_OK) {
        object->plans = plan_names(registry, cmd->pool);
        object->issuers = issuer_names(registry, cmd->pool);
    }
    apr_pool_destroy(pool);
    return code == AO2_OK ? NULL
                          : apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name,
                                         fail.detail);
}

const char *ao2_set_registry(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[])
{
    ao2_registry_object_t *object = apr_pcalloc(cmd->pool, sizeof(*object));
    const char *path = argc == 1 ? ao2_directive_path(cmd, argv[0]) : NULL;
    const char *error = NULL;

    (void)dir;
    if (argc != 1) {
        return ao2_directive_count(cmd, "file:PATH or dbd");
    }
    object->path = path;
    object->config_file = cmd->directive->filename;
    object->config_line = cmd->directive->line_num;
    if (path) {
        error = check_file(cmd, object);
    }
    else if (strcasecmp(argv[0], "dbd") != 0) {
        error = ao2_directive_bad(cmd, argv[0], "file:PATH or dbd");
    }
    if (!error) {
        ao2_server_of(cmd->server)->registry = object;
    }
    return error;
}

const char *ao2_set_registry_ttl(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[])
{
    apr_time_t *ttl = apr_palloc(cmd->pool, sizeof(*ttl));

    (void)dir;
    if (argc != 1) {
        return ao2_directive_count(cmd, "one duration");
    }
    if (!ao2_text_duration(ttl, argv[0])) {
        return ao2_directive_bad(cmd, argv[0], "a duration such as 500ms, "
                                               "5s or 1mi");
    }
    ao2_server_of(cmd->server)->registry_ttl = ttl;
    return NULL;
}

static int is_name(const char *text)
{
    return *text && strlen(text) <= LONGEST;
}

const char *ao2_directive_api(const ao2_api_name_t **papi, apr_pool_t *pool,
                              int argc, const char *const *argv)
{
    ao2_api_name_t *api = apr_pcalloc(pool, sizeof(*api));
    int i;

    for (i = 0; i < argc; i++) {
        if (!is_name(argv[i])) {
            return apr_psprintf(pool, "a name and a version have 1 to %d "
                                "bytes", LONGEST);
        }
    }
    api->name = apr_pstrdup(pool, argv[0]);
    api->version = argc > 1 ? apr_pstrdup(pool, argv[1]) : "";
    api->label = *api->version ? apr_pstrcat(pool, api->name, "/",
                                             api->version, NULL)
                               : api->name;
    *papi = api;
    return NULL;
}

const char *ao2_set_api_name(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[])
{
    ao2_dir_t *conf = dir;
    ao2_use_t use = {.kind = AO2_USE_API, .label = "ApiName", .name = "",
                     .dir = conf};
    const char *error;

    if (argc < 1 || argc > 2) {
        return ao2_directive_count(cmd, "NAME [VERSION], or off");
    }
    if (argc == 1 && strcasecmp(argv[0], "off") == 0) {
        conf->api = apr_pcalloc(cmd->pool, sizeof(ao2_api_name_t));
        return NULL;
    }
    error = ao2_directive_api(&conf->api, cmd->pool, argc,
                              (const char *const *)argv);
    if (error) {
        return ao2_directive_bad(cmd, argv[0], error);
    }
    ao2_directive_note_use(cmd, &use);
    return NULL;
}

/* "plan=NAME", for callers without a subscription. */
static const char *set_plan(cmd_parms *cmd, ao2_dir_t *conf, const char *word)
{
    const char *plan = ao2_directive_option(word, "plan");
    ao2_use_t use = {.kind = AO2_USE_PLAN, .label = "ApiSubscription"};

    if (conf->subscription != AO2_SUBSCRIPTION_OPTIONAL || !plan ||
        !is_name(plan)) {
        return ao2_directive_bad(cmd, word, "plan=NAME of a plan, and only "
                                            "behind optional");
    }
    conf->plan_of_others = apr_pstrdup(cmd->pool, plan);
    use.name = conf->plan_of_others;
    ao2_directive_note_use(cmd, &use);
    return NULL;
}

const char *ao2_set_subscription(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[])
{
    static const char *const words[] = {"required", "optional", "off"};
    ao2_dir_t *conf = dir;
    int i;

    if (argc < 1 || argc > 2) {
        return ao2_directive_count(cmd, "one of required, optional "
                                        "[plan=NAME], off");
    }
    for (i = AO2_SUBSCRIPTION_REQUIRED; i <= AO2_SUBSCRIPTION_OFF; i++) {
        if (strcasecmp(argv[0], words[i]) == 0) {
            conf->subscription = i;
            conf->plan_of_others = "";
            return argc > 1 ? set_plan(cmd, conf, argv[1]) : NULL;
        }
    }
    return ao2_directive_bad(cmd, argv[0], "required, optional or off");
}
