#include "glue/lifecycle.h"

#include <http_core.h>

#include <apr_strings.h>

#include "base/text.h"
#include "glue/caches.h"
#include "glue/database.h"
#include "glue/upstream.h"
#include "glue/warnings.h"

APLOG_USE_MODULE(api_oauth2);

/* Whether nobody is asked for a subscription there, as far as its section
 * and the server say. */
static int is_off(const server_rec *server, const ao2_dir_t *dir)
{
    const ao2_dir_t *base = ap_get_module_config(server->lookup_defaults,
                                                 &api_oauth2_module);
    int mode = dir->subscription >= 0 ? dir->subscription
                                      : base->subscription;

    return mode == AO2_SUBSCRIPTION_OFF;
}

static int has_issuer(const ao2_server_t *conf, const char *name)
{
    return strcmp(name, AO2_API_TOKEN_ISSUER) == 0
               ? conf->registry != NULL
               : apr_hash_get(conf->issuers, name, APR_HASH_KEY_STRING)
                     != NULL;
}

static int has_plan(const ao2_registry_object_t *registry, const char *name)
{
    return !registry->plans ||
           apr_hash_get(registry->plans, name, APR_HASH_KEY_STRING);
}

/* What is missing, as a part of a sentence; NULL: nothing. */
static const char *missing(const server_rec *server, const ao2_use_t *use,
                           apr_pool_t *temp)
{
    const ao2_server_t *conf = ao2_server_of(server);
    const char *name = ao2_text_for_log(ao2_span(use->name), 80, temp);

    if (use->kind == AO2_USE_ISSUER) {
        return has_issuer(conf, use->name)
                   ? NULL
                   : apr_psprintf(temp, "\"%s\" is not allowed here: the "
                                  "NAME of an <ApiIssuer> of this server, or "
                                  "apitoken where there is an ApiRegistry",
                                  name);
    }
    if (use->kind == AO2_USE_UPSTREAM) {
        return ao2_upstream_find(server, use->name)
                   ? NULL
                   : apr_psprintf(temp, "\"%s\" is not allowed here: the "
                                  "NAME of an <ApiUpstream> of this server, "
                                  "or off", name);
    }
    if (use->kind == AO2_USE_ANY ||
        (use->kind == AO2_USE_API && is_off(server, use->dir))) {
        return NULL;
    }
    if (!conf->registry) {
        return "there is no ApiRegistry in this server";
    }
    return use->kind == AO2_USE_PLAN && !has_plan(conf->registry, use->name)
               ? apr_psprintf(temp, "there is no plan \"%s\" in the "
                              "ApiRegistry of this server", name)
               : NULL;
}

static int check_uses(const server_rec *server, apr_pool_t *temp)
{
    const ao2_server_t *conf = ao2_server_of(server);
    int upstreams = 0;
    int bad = 0;
    int i;

    for (i = 0; i < conf->uses->nelts; i++) {
        const ao2_use_t *use = &APR_ARRAY_IDX(conf->uses, i, ao2_use_t);
        const char *what = missing(server, use, temp);

        upstreams |= use->kind == AO2_USE_UPSTREAM;
        if (what) {
            ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, server,
                         "%s:%d: %s: %s", use->file, use->line,
                         use->label, what);
            bad = 1;
        }
    }
    if (upstreams && !ap_find_linked_module("mod_proxy.c")) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                     "ApiUpstreamToken has no effect: mod_proxy is not "
                     "loaded");
    }
    return bad;
}

/* Since this module watches their directives, httpd would take AuthType and
 * Require for known where nobody is there to obey them. */
static int check_modules(const server_rec *server)
{
    static const char *const needed[] = {"mod_authn_core.c",
                                         "mod_authz_core.c"};
    int bad = 0;
    size_t i;

    for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!ap_find_linked_module(needed[i])) {
            ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, server,
                         "mod_api_oauth2 needs %s, which is not loaded",
                         needed[i]);
            bad = 1;
        }
    }
    return bad;
}

int ao2_lifecycle_check_config(apr_pool_t *conf, apr_pool_t *log,
                               apr_pool_t *temp, server_rec *main_server)
{
    const server_rec *server;
    int bad = 0;

    (void)conf;
    (void)log;
    bad |= check_modules(main_server);
    bad |= ao2_caches_check(temp, main_server);
    bad |= ao2_database_check(main_server);
    for (server = main_server; server; server = server->next) {
        bad |= check_uses(server, temp);
    }
    ao2_warnings_tell(main_server, temp);
    return bad ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
