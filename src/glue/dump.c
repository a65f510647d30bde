#include "glue/dump.h"

#include <http_core.h>

#include <apr_strings.h>

#include "glue/caches.h"
#include "glue/mask.h"

#define ASKED "DUMP_API_OAUTH2"

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

static json_t *carriers_of(const apr_array_header_t *carriers,
                           apr_pool_t *pool)
{
    static const char *const kinds[] = {"header", "cookie", "query", "form"};
    json_t *list = json_array();
    int i;

    if (!carriers) {
        json_array_append_new(list, json_string("header:Authorization"));
    }
    for (i = 0; carriers && i < carriers->nelts; i++) {
        const ao2_carrier_t *carrier = &APR_ARRAY_IDX(carriers, i,
                                                      ao2_carrier_t);

        json_array_append_new(list, ao2_dump_text(
                                  apr_pstrcat(pool, kinds[carrier->kind], ":",
                                              carrier->name, NULL), pool));
    }
    return list;
}

static json_t *claims_of(const apr_array_header_t *passed, apr_pool_t *pool)
{
    json_t *list = json_array();
    int i;

    for (i = 0; passed && i < passed->nelts; i++) {
        const ao2_pass_t *pass = &APR_ARRAY_IDX(passed, i, ao2_pass_t);

        json_array_append_new(list, ao2_dump_text(
                                  apr_pstrcat(pool, pass->claim,
                                              pass->is_header ? " header "
                                                              : " env ",
                                              pass->name, NULL), pool));
    }
    return list;
}

/* What is accepted where nothing is said: the one issuer there is. */
static json_t *accept_of(const ao2_dir_t *dir, const ao2_server_t *server,
                         apr_pool_t *pool)
{
    const void *name;
    json_t *list;

    if (dir->accept || apr_hash_count(server->issuers) != 1) {
        return ao2_dump_words(dir->accept, pool);
    }
    apr_hash_this(apr_hash_first(pool, server->issuers), &name, NULL, NULL);
    list = json_array();
    json_array_append_new(list, ao2_dump_text(name, pool));
    return list;
}

static json_t *api_of(const ao2_api_name_t *api, apr_pool_t *pool)
{
    json_t *list;

    if (!api || !api->name) {
        return json_null();
    }
    list = json_array();
    json_array_append_new(list, ao2_dump_text(api->name, pool));
    json_array_append_new(list, ao2_dump_text(api->version, pool));
    return list;
}

static json_t *settings_of(const ao2_dir_t *dir, const ao2_server_t *server,
                           apr_pool_t *pool)
{
    static const char *const bodies[] = {"problem", "message", "fault",
                                         "none"};
    static const char *const modes[] = {"required", "optional", "off"};
    json_t *object = json_object();

#define AO2_VALUE(member) ao2_number(dir->member, AO2_FALLBACK_##member)
    set(object, "ApiAccept", accept_of(dir, server, pool));
    set(object, "ApiAudience", dir->any_audience == 1
                                   ? json_string("any")
                                   : ao2_dump_words(dir->audiences, pool));
    set(object, "ApiTokenFrom", carriers_of(dir->carriers, pool));
    set(object, "ApiForwardToken", ao2_dump_flag(AO2_VALUE(forward_token)));
    set(object, "ApiPassClaim", claims_of(dir->pass_claims, pool));
    set(object, "ApiName", api_of(dir->api, pool));
    set(object, "ApiSubscription", json_string(modes[AO2_VALUE(
                                       subscription)]));
    set(object, "ApiErrorBody", json_string(bodies[AO2_VALUE(error_body)]));
    set(object, "ApiErrorDetail", ao2_dump_flag(AO2_VALUE(error_detail)));
    set(object, "ApiPreflight",
        json_string(AO2_VALUE(preflight) == AO2_PREFLIGHT_PASS ? "pass"
                                                               : "protect"));
    set(object, "ApiAnonymous", ao2_dump_flag(AO2_VALUE(anonymous)));
    set(object, "ApiUpstreamToken",
        dir->upstream && *dir->upstream ? ao2_dump_text(dir->upstream, pool)
                                        : json_null());
#undef AO2_VALUE
    return object;
}

/* Whether anything in a section is ours. */
static int is_ours(const ao2_dir_t *dir)
{
    int found = dir->is_bearer;

#define AO2_NUMBER(member, fallback) found |= dir->member >= 0;
#define AO2_POINTER(type, member) found |= dir->member != NULL;
#define AO2_LIST(member) found |= dir->member != NULL;
#include "glue/dir_settings.def"
#undef AO2_NUMBER
#undef AO2_POINTER
#undef AO2_LIST
    return found;
}

/* A section with what the server says outside of sections. */
static void add_section(json_t *list, const char *kind,
                        const ap_conf_vector_t *section,
                        const server_rec *server, apr_pool_t *pool)
{
    const ao2_dir_t *dir = ap_get_module_config(section, &api_oauth2_module);
    const core_dir_config *core = ap_get_core_module_config(section);
    json_t *object;

    if (!dir || !core || !is_ours(dir)) {
        return;
    }
    dir = ao2_dir_merge(pool, ap_get_module_config(server->lookup_defaults,
                                                   &api_oauth2_module),
                        (void *)dir);
    object = json_object();
    set(object, "section", json_string(kind));
    set(object, "path", ao2_dump_text(core->d, pool));
    set(object, "AuthType Bearer", json_boolean(dir->is_bearer));
    set(object, "Require", json_boolean(dir->has_require));
    json_object_update_new(object, settings_of(dir, ao2_server_of(server),
                                               pool));
    json_array_append_new(list, object);
}

static json_t *sections_of(const server_rec *server, apr_pool_t *pool)
{
    const core_server_config *core = ap_get_core_module_config(
        server->module_config);
    json_t *list = json_array();
    int i;

    for (i = 0; core->sec_dir && i < core->sec_dir->nelts; i++) {
        add_section(list, "Directory",
                    APR_ARRAY_IDX(core->sec_dir, i, ap_conf_vector_t *),
                    server, pool);
    }
    for (i = 0; core->sec_url && i < core->sec_url->nelts; i++) {
        add_section(list, "Location",
                    APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *),
                    server, pool);
    }
    return list;
}

static void add_objects(json_t *object, const ao2_server_t *conf,
                        apr_pool_t *pool)
{
    json_t *issuers = json_array();
    json_t *upstreams = json_array();
    apr_hash_index_t *at;
    void *value;

    for (at = apr_hash_first(pool, conf->issuers); at;
         at = apr_hash_next(at)) {
        apr_hash_this(at, NULL, NULL, &value);
        json_array_append_new(issuers, ao2_dump_issuer(
                                  ((ao2_verifier_t *)value)->issuer, pool));
    }
    for (at = apr_hash_first(pool, conf->upstreams); at;
         at = apr_hash_next(at)) {
        apr_hash_this(at, NULL, NULL, &value);
        json_array_append_new(upstreams, ao2_dump_upstream(value, pool));
    }
    set(object, "ApiIssuer", issuers);
    set(object, "ApiUpstream", upstreams);
}

static json_t *server_of(const server_rec *server, apr_pool_t *pool)
{
    const ao2_server_t *conf = ao2_server_of(server);
    json_t *object = json_object();

    set(object, "name", ao2_dump_text(server->server_hostname, pool));
    set(object, "defined", ao2_dump_text(
        server->defn_name ? apr_psprintf(pool, "%s:%u", server->defn_name,
                                         server->defn_line_number)
                          : "main server", pool));
    add_objects(object, conf, pool);
    set(object, "ApiRegistry",
        conf->registry ? ao2_dump_text(conf->registry->path
                                           ? conf->registry->path : "dbd",
                                       pool)
                       : json_null());
    set(object, "ApiRevocations",
        ao2_dump_text(conf->revocations ? conf->revocations->path : NULL,
                      pool));
    set(object, "ApiCache", ao2_dump_text(conf->cache ? conf->cache->provider
                                                      : NULL, pool));
    set(object, "ApiCacheSecret",
        conf->cache_secret ? json_string(AO2_MASK) : json_null());
    set(object, "sections", sections_of(server, pool));
    return object;
}

void ao2_dump_test_config(apr_pool_t *temp, server_rec *main_server)
{
    json_t *servers;
    const server_rec *server;

    if (!ap_exists_config_define(ASKED)) {
        return;
    }
    servers = json_array();
    for (server = main_server; server; server = server->next) {
        json_array_append_new(servers, server_of(server, temp));
    }
    json_dumpf(servers, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(servers);
}
