#include "glue/config.h"

#include <apr_strings.h>

void *ao2_dir_create(apr_pool_t *pool, char *path)
{
    ao2_dir_t *dir = apr_pcalloc(pool, sizeof(*dir));

    (void)path;
#define AO2_NUMBER(member, fallback) dir->member = -1;
#define AO2_POINTER(type, member)
#define AO2_LIST(member)
#include "glue/dir_settings.def"
#undef AO2_NUMBER
#undef AO2_POINTER
#undef AO2_LIST
    return dir;
}

static apr_array_header_t *append(apr_pool_t *pool, apr_array_header_t *outer,
                                  apr_array_header_t *inner)
{
    if (!outer || !inner) {
        return inner ? inner : outer;
    }
    return apr_array_append(pool, outer, inner);
}

void *ao2_dir_merge(apr_pool_t *pool, void *outer, void *inner)
{
    ao2_dir_t *merged = apr_pcalloc(pool, sizeof(*merged));
    ao2_dir_t *base = outer;
    ao2_dir_t *add = inner;

#define AO2_NUMBER(member, fallback) \
    merged->member = add->member >= 0 ? add->member : base->member;
#define AO2_POINTER(type, member) \
    merged->member = add->member ? add->member : base->member;
#define AO2_LIST(member) \
    merged->member = append(pool, base->member, add->member);
#include "glue/dir_settings.def"
#undef AO2_NUMBER
#undef AO2_POINTER
#undef AO2_LIST
    /* "any" and a list of audiences are two spellings of one setting. */
    if (add->audiences) {
        merged->any_audience = 0;
    }
    else if (add->any_audience == 1) {
        merged->audiences = NULL;
    }
    /* As mod_authz_core does by default: inner Require lines replace outer
     * ones. Where AuthMerging joins them this asks for a token too often,
     * never too seldom. A section that says AuthType Bearer starts anew: the
     * "Require all granted" of the <Directory> that its files lie in does
     * not open it. */
    merged->required_methods = add->required_methods || add->is_bearer
                                   ? add->required_methods
                                   : base->required_methods;
    merged->has_require = add->has_require || base->has_require;
    merged->is_bearer = add->is_bearer || base->is_bearer;
    return merged;
}

void *ao2_server_create(apr_pool_t *pool, server_rec *server)
{
    ao2_server_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)server;
    conf->issuers = apr_hash_make(pool);
    conf->upstreams = apr_hash_make(pool);
    conf->uses = apr_array_make(pool, 4, sizeof(ao2_use_t));
    conf->identity_headers = apr_array_make(pool, 4, sizeof(char *));
    conf->query_names = apr_array_make(pool, 4, sizeof(char *));
    return conf;
}

/* The registry is in the database of the same server: where a virtual host
 * has one of its own, so is its registry. */
static ao2_registry_object_t *own_registry(apr_pool_t *pool,
                                           ao2_registry_object_t *registry,
                                           const ao2_server_t *add)
{
    if (!registry || registry->path || registry == add->registry ||
        (!add->dbd_driver && !add->dbd_params && !add->dbd_first)) {
        return registry;
    }
    return apr_pmemdup(pool, registry, sizeof(*registry));
}

void *ao2_server_merge(apr_pool_t *pool, void *outer, void *inner)
{
    ao2_server_t *merged = apr_pcalloc(pool, sizeof(*merged));
    ao2_server_t *base = outer;
    ao2_server_t *add = inner;

#define AO2_TABLE(member) \
    merged->member = apr_hash_overlay(pool, add->member, base->member);
#define AO2_LIST(member) \
    merged->member = append(pool, base->member, add->member);
#define AO2_POINTER(type, member) \
    merged->member = add->member ? add->member : base->member;
#define AO2_OWN(type, member) merged->member = add->member;
#include "glue/server_settings.def"
#undef AO2_TABLE
#undef AO2_LIST
#undef AO2_POINTER
#undef AO2_OWN
    merged->registry = own_registry(pool, merged->registry, add);
    return merged;
}

const ao2_dir_t *ao2_dir_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &api_oauth2_module);
}

ao2_server_t *ao2_server_of(const server_rec *server)
{
    return ap_get_module_config(server->module_config, &api_oauth2_module);
}

int ao2_carrier_same(const ao2_carrier_t *a, const ao2_carrier_t *b)
{
    return a->kind == b->kind &&
           (a->kind == AO2_CARRIER_HEADER ? strcasecmp(a->name, b->name)
                                          : strcmp(a->name, b->name)) == 0;
}
