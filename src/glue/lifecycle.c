#include "glue/lifecycle.h"

#include <http_core.h>

#include "base/text.h"
#include "glue/caches.h"
#include "glue/upstream.h"

APLOG_USE_MODULE(api_oauth2);

static int check_accept(const server_rec *server, apr_pool_t *temp)
{
    const ao2_server_t *conf = ao2_server_of(server);
    int bad = 0;
    int i;

    for (i = 0; i < conf->accept_uses->nelts; i++) {
        const ao2_name_use_t *use = &APR_ARRAY_IDX(conf->accept_uses, i,
                                                   ao2_name_use_t);

        if (strcmp(use->name, AO2_API_TOKEN_ISSUER) == 0
                ? !conf->registry
                : !apr_hash_get(conf->issuers, use->name,
                                APR_HASH_KEY_STRING)) {
            ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, server,
                         "%s:%d: ApiAccept: \"%s\" is not allowed here: the "
                         "NAME of an <ApiIssuer> of this server, or apitoken "
                         "where there is an ApiRegistry", use->file,
                         use->line,
                         ao2_text_for_log(ao2_span(use->name), 80, temp));
            bad = 1;
        }
    }
    return bad;
}

static int check_upstreams(const server_rec *server, apr_pool_t *temp)
{
    const ao2_server_t *conf = ao2_server_of(server);
    int bad = 0;
    int i;

    for (i = 0; i < conf->upstream_uses->nelts; i++) {
        const ao2_name_use_t *use = &APR_ARRAY_IDX(conf->upstream_uses, i,
                                                   ao2_name_use_t);

        if (!ao2_upstream_find(server, use->name)) {
            ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, server,
                         "%s:%d: ApiUpstreamToken: \"%s\" is not allowed "
                         "here: the NAME of an <ApiUpstream> of this server, "
                         "or off", use->file, use->line,
                         ao2_text_for_log(ao2_span(use->name), 80, temp));
            bad = 1;
        }
    }
    if (i > 0 && !ap_find_linked_module("mod_proxy.c")) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                     "ApiUpstreamToken has no effect: mod_proxy is not "
                     "loaded");
    }
    return bad;
}

static int speaks_of_audience(const ao2_dir_t *dir)
{
    return dir->audiences || dir->any_audience >= 0;
}

static const ao2_dir_t *section(const apr_array_header_t *all, int index)
{
    return ap_get_module_config(APR_ARRAY_IDX(all, index, ap_conf_vector_t *),
                                &api_oauth2_module);
}

/*
 * Which sections meet is only known with a request. It is certain that
 * something is missing where a section says AuthType Bearer and none
 * anywhere says an audience, or which issuer.
 */
static void warn_unset(const server_rec *server)
{
    core_server_config *core = ap_get_core_module_config(
        server->module_config);
    const apr_array_header_t *all[] = {core->sec_url, core->sec_dir};
    const ao2_dir_t *base = ap_get_module_config(server->lookup_defaults,
                                                 &api_oauth2_module);
    int bearer = 0;
    int audience = speaks_of_audience(base);
    int accept = base->accept != NULL ||
                 apr_hash_count(ao2_server_of(server)->issuers) == 1;
    int k;
    int i;

    for (k = 0; k < 2; k++) {
        for (i = 0; all[k] && i < all[k]->nelts; i++) {
            const ao2_dir_t *dir = section(all[k], i);

            bearer |= dir && dir->is_bearer;
            audience |= dir && speaks_of_audience(dir);
            accept |= dir && dir->accept;
        }
    }
    if (bearer && !audience) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                     "AuthType Bearer without ApiAudience: every request "
                     "that needs a token is answered 500; name the audience, "
                     "or say \"ApiAudience any\"");
    }
    if (bearer && !accept) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                     "AuthType Bearer without ApiAccept, and there is not "
                     "exactly one <ApiIssuer>: every request that needs a "
                     "token is answered 500");
    }
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
    for (server = main_server; server; server = server->next) {
        bad |= check_accept(server, temp);
        bad |= check_upstreams(server, temp);
        warn_unset(server);
    }
    return bad ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
