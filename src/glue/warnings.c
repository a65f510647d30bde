#include "glue/warnings.h"

#include <http_core.h>

#include "base/text.h"

APLOG_USE_MODULE(api_oauth2);

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
static void tell_unset(const server_rec *server)
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

/* One line a server, however many sections say it. */
static void tell_any_audience(const server_rec *server)
{
    const apr_array_header_t *uses = ao2_server_of(server)->uses;
    const ao2_use_t *first = NULL;
    int count = 0;
    int i;

    for (i = 0; i < uses->nelts; i++) {
        const ao2_use_t *use = &APR_ARRAY_IDX(uses, i, ao2_use_t);

        if (use->kind == AO2_USE_ANY) {
            first = first ? first : use;
            count++;
        }
    }
    if (first) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                     "%s:%d: ApiAudience any%s: tokens that the issuer made "
                     "for other services count here as well; name the "
                     "audience if they have one", first->file, first->line,
                     count > 1 ? ", as in other places" : "");
    }
}

/* Whether a line of this server names it: for issuers that of ApiAccept,
 * since a Require alone lets nobody in. */
static int is_named(const server_rec *server, ao2_use_kind_t kind,
                    const char *name)
{
    const apr_array_header_t *uses = ao2_server_of(server)->uses;
    int i;

    for (i = 0; i < uses->nelts; i++) {
        const ao2_use_t *use = &APR_ARRAY_IDX(uses, i, ao2_use_t);

        if (use->kind == kind && strcmp(use->name, name) == 0 &&
            (kind != AO2_USE_ISSUER ||
             strcmp(use->label, "ApiAccept") == 0)) {
            return 1;
        }
    }
    return 0;
}

static apr_hash_t *objects_of(const server_rec *server, ao2_use_kind_t kind)
{
    const ao2_server_t *conf = ao2_server_of(server);

    return kind == AO2_USE_ISSUER ? conf->issuers : conf->upstreams;
}

/* A server without any ApiAccept accepts the one issuer there is. */
static int has_use(const server_rec *server, ao2_use_kind_t kind,
                   const char *name, const void *object)
{
    apr_hash_t *objects = objects_of(server, kind);

    return apr_hash_get(objects, name, APR_HASH_KEY_STRING) == object &&
           (is_named(server, kind, name) ||
            (kind == AO2_USE_ISSUER && apr_hash_count(objects) == 1));
}

static int is_used(const server_rec *main_server, ao2_use_kind_t kind,
                   const char *name, const void *object)
{
    const server_rec *server;

    for (server = main_server; server; server = server->next) {
        if (has_use(server, kind, name, object)) {
            return 1;
        }
    }
    return 0;
}

/* Objects of the server itself: what a virtual host has from the main one is
 * told there. A .htaccess may name an issuer, too: who may write one is not
 * known here. */
static void tell_unused(const server_rec *main_server,
                        const server_rec *server, ao2_use_kind_t kind,
                        apr_pool_t *temp)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(temp, objects_of(server, kind)); at;
         at = apr_hash_next(at)) {
        const void *name;
        void *object;

        apr_hash_this(at, &name, NULL, &object);
        if ((server != main_server &&
             apr_hash_get(objects_of(main_server, kind), name,
                          APR_HASH_KEY_STRING) == object) ||
            is_used(main_server, kind, name, object)) {
            continue;
        }
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                     kind == AO2_USE_ISSUER
                         ? "<ApiIssuer %s> is not used: no ApiAccept names "
                           "it, and it is not the only one; unless a "
                           ".htaccess does, its tokens are accepted nowhere"
                         : "<ApiUpstream %s> is not used: no "
                           "ApiUpstreamToken names it",
                     (const char *)name);
    }
}

static void tell_registry(const server_rec *server, apr_pool_t *temp)
{
    const ao2_server_t *conf = ao2_server_of(server);
    apr_hash_index_t *at;

    if (!conf->registry || !conf->registry->issuers) {
        return;
    }
    for (at = apr_hash_first(temp, conf->registry->issuers); at;
         at = apr_hash_next(at)) {
        const void *name;

        apr_hash_this(at, &name, NULL, NULL);
        if (!apr_hash_get(conf->issuers, name, APR_HASH_KEY_STRING)) {
            ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                         "ApiRegistry: clients of the issuer \"%s\" stand in "
                         "it, and there is no <ApiIssuer> of that NAME: none "
                         "of their tokens leads to an application",
                         ao2_text_for_log(ao2_span(name), 80, temp));
        }
    }
}

void ao2_warnings_tell(const server_rec *main_server, apr_pool_t *temp)
{
    const server_rec *server;

    for (server = main_server; server; server = server->next) {
        tell_unset(server);
        tell_any_audience(server);
        tell_unused(main_server, server, AO2_USE_ISSUER, temp);
        tell_unused(main_server, server, AO2_USE_UPSTREAM, temp);
        tell_registry(server, temp);
    }
}
