#include "adapter/socache_cache.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <ap_provider.h>
#include <ap_socache.h>
#include <http_config.h>
#include <http_log.h>
#include <http_main.h>
#include <util_mutex.h>

#include <apr_strings.h>

extern module AP_MODULE_DECLARE_DATA api_oauth2_module;
APLOG_USE_MODULE(api_oauth2);

#define MUTEX "api-oauth2-cache"
/* At most 16 characters; also the begin of a file's name. */
#define NAME "api-oauth2"
/* The number changes with the types below: another version of the module may
 * come with a restart. */
#define RETAINED "mod_api_oauth2-caches-1"
/* Loads of the configuration that something is kept without being used: the
 * children of the last ones may still be at work with it. */
#define KEPT_UNUSED 2

/* Most values are answers of a few hundred bytes. */
#define USUAL_VALUE 512
/* An entry that ends sooner is refused by providers that count in seconds. */
#define SHORTEST_LIFE apr_time_from_sec(2)

/*
 * What outlives a configuration. A new configuration and the children of the
 * old one use the same memory or file at the same time: they must use the
 * same lock.
 */
typedef struct kept {
    struct kept *next;
    const char *name; /* provider, its version, arguments */
    apr_pool_t *pool;
    apr_global_mutex_t *mutex;
    ap_socache_instance_t *instance; /* NULL: not kept */
    int unused;
} kept_t;

typedef struct {
    kept_t *first;
    unsigned count; /* of all that there ever were */
} retained_t;

struct ao2_socache {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* NULL: none is needed */
    server_rec *server;
    apr_size_t max_value;
};

typedef struct {
    ao2_cache_t port;
    ao2_socache_t base;
} cache_t;

void ao2_socache_name_mutex(apr_pool_t *conf)
{
    /* A semaphore of POSIX stays locked when its holder is killed. */
#if APR_USE_POSIXSEM_SERIALIZE && APR_HAS_PROC_PTHREAD_SERIALIZE
    ap_mutex_register(conf, MUTEX, NULL, APR_LOCK_PROC_PTHREAD, 0);
#elif APR_USE_POSIXSEM_SERIALIZE
    ap_mutex_register(conf, MUTEX, NULL, APR_LOCK_FCNTL, 0);
#else
    ap_mutex_register(conf, MUTEX, NULL, APR_LOCK_DEFAULT, 0);
#endif
}

static const ap_socache_provider_t *find(const char *provider)
{
    return ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, provider,
                              AP_SOCACHE_PROVIDER_VERSION);
}

int ao2_socache_is_there(const char *provider)
{
    return find(provider) != NULL;
}

const char *ao2_socache_check(const char *provider, const char *args,
                              apr_pool_t *temp)
{
    ap_socache_instance_t *instance;

    return find(provider)->create(&instance, args, temp, temp);
}

static retained_t *retained(void)
{
    retained_t *found = ap_retained_data_get(RETAINED);

    return found ? found
                 : ap_retained_data_create(RETAINED, sizeof(retained_t));
}

void ao2_socache_sweep(void)
{
    kept_t **at = &retained()->first;

    while (*at) {
        kept_t *kept = *at;

        kept->unused++;
        if (kept->unused > KEPT_UNUSED) {
            *at = kept->next;
            apr_pool_destroy(kept->pool);
        }
        else {
            at = &kept->next;
        }
    }
}

/* Limits of the providers of httpd, with room for what they add; for others
 * a size that each may be expected to take. */
static apr_size_t longest(const char *provider, const char *args)
{
    const char *bracket = args ? strrchr(args, '(') : NULL;
    apr_int64_t size = bracket ? apr_atoi64(bracket + 1) : 0;

    if (strcmp(provider, "dbm") == 0) {
        return 900;
    }
    if (strcmp(provider, "memcache") == 0) {
        return 512 * 1024;
    }
    /* Its parts get smaller with the whole. */
    if (strcmp(provider, "shmcb") == 0 && size < 512 * 1024) {
        return AO2_SHMCB_LEAST / 32;
    }
    return 16 * 1024;
}

static ao2_code_t start(ao2_socache_t *socache, const char *args,
                        apr_pool_t *pool, ao2_fail_t *fail)
{
    struct ap_socache_hints hints = {AO2_CACHE_KEY, USUAL_VALUE,
                                     apr_time_from_sec(60)};
    const char *wrong = socache->provider->create(&socache->instance, args,
                                                  pool, pool);
    apr_status_t rv;
    char text[120];

    if (wrong) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "%s", wrong);
    }
    rv = socache->provider->init(socache->instance, NAME, &hints,
                                 socache->server, pool);
    return rv == APR_SUCCESS
               ? AO2_OK
               : ao2_fail(fail, AO2_E_MISCONFIGURED, "%s",
                          apr_strerror(rv, text, sizeof(text)));
}

/* The same name is the same code: an instance is the private affair of its
 * module, which may be another one after an upgrade. */
static const char *name_of(const char *provider, const char *args,
                           apr_pool_t *pool)
{
    const module *owner = ap_find_linked_module(
        apr_pstrcat(pool, "mod_socache_", provider, ".c", NULL));

    return apr_psprintf(pool, "%s.%d.%d:%s", provider,
                        owner ? owner->version : 0,
                        owner ? owner->minor_version : 0, args ? args : "");
}

static ao2_code_t keep_new(kept_t **pkept, ao2_socache_t *socache,
                           const char *name, ao2_fail_t *fail)
{
    retained_t *all = retained();
    apr_pool_t *pool;
    kept_t *kept;
    char number[16];

    apr_pool_create(&pool, ap_pglobal);
    apr_pool_tag(pool, MUTEX);
    kept = apr_pcalloc(pool, sizeof(*kept));
    kept->pool = pool;
    kept->name = apr_pstrdup(pool, name);
    apr_snprintf(number, sizeof(number), "%u", all->count++);
    if (ap_global_mutex_create(&kept->mutex, NULL, MUTEX, number,
                               socache->server, pool, 0) != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no lock, see above");
    }
    kept->next = all->first;
    all->first = kept;
    *pkept = kept;
    return AO2_OK;
}

/* What a provider leaves in the pool of an instance is to be done by its own
 * code. httpd unloads that with each configuration, and may load it elsewhere
 * for the next, or not at all when that is broken. */
static void pin(const ap_socache_provider_t *provider)
{
    Dl_info info;

    if (dladdr(provider, &info)) {
        dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

/* Lock and, where it can be kept, instance of a provider that needs one. */
static ao2_code_t open_kept(ao2_socache_t *socache, const char *args,
                            apr_pool_t *conf, ao2_fail_t *fail)
{
    const char *name = name_of(socache->provider->name, args, conf);
    int lasts = strcmp(socache->provider->name, "shmcb") == 0;
    kept_t *kept = retained()->first;
    ao2_code_t code = AO2_OK;

    while (kept && strcmp(kept->name, name) != 0) {
        kept = kept->next;
    }
    if (!kept) {
        code = keep_new(&kept, socache, name, fail);
    }
    if (code == AO2_OK && (!lasts || !kept->instance)) {
        code = start(socache, args, lasts ? kept->pool : conf, fail);
        if (code == AO2_OK && lasts) {
            pin(socache->provider);
            kept->instance = socache->instance;
        }
    }
    if (code != AO2_OK) {
        return code;
    }
    kept->unused = 0;
    socache->mutex = kept->mutex;
    socache->instance = lasts ? kept->instance : socache->instance;
    return AO2_OK;
}

static void warn_of_semaphore(const ao2_socache_t *socache)
{
    if (socache->mutex &&
        apr_global_mutex_mech(socache->mutex) == APR_LOCK_POSIXSEM) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, socache->server,
                     "Mutex posixsem for " MUTEX ": a child that is killed "
                     "at the wrong moment locks it for ever; pthread, "
                     "sysvsem and file do not have that fault");
    }
}

ao2_code_t ao2_socache_open(ao2_socache_t **psocache, const char *provider,
                            const char *args, server_rec *main_server,
                            apr_pool_t *conf, ao2_fail_t *fail)
{
    ao2_socache_t *socache = apr_pcalloc(conf, sizeof(*socache));
    ao2_code_t code;

    *psocache = NULL;
    socache->provider = find(provider);
    socache->server = main_server;
    socache->max_value = longest(provider, args);
    if (!socache->provider) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "mod_socache_%s is not loaded", provider);
    }
    if ((socache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) != 0) {
        code = open_kept(socache, args, conf, fail);
    }
    else {
        code = start(socache, args, conf, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    warn_of_semaphore(socache);
    *psocache = socache;
    return AO2_OK;
}

static int enter(const ao2_socache_t *base)
{
    return !base->mutex || apr_global_mutex_lock(base->mutex) == APR_SUCCESS;
}

static void leave(const ao2_socache_t *base)
{
    if (base->mutex) {
        apr_global_mutex_unlock(base->mutex);
    }
}

/* Where nothing is found some providers say so by other errors than
 * APR_NOTFOUND. */
static int get(ao2_cache_t *self, ao2_span_t *value,
               const unsigned char key[AO2_CACHE_KEY], apr_pool_t *pool)
{
    const ao2_socache_t *base = self->context;
    unsigned char *room = malloc(base->max_value);
    unsigned size = (unsigned)base->max_value;
    int found = 0;

    if (room && enter(base)) {
        found = base->provider->retrieve(base->instance, base->server, key,
                                         AO2_CACHE_KEY, room, &size, pool)
                    == APR_SUCCESS &&
                size <= base->max_value;
        leave(base);
    }
    if (found) {
        value->ptr = apr_pstrmemdup(pool, (const char *)room, size);
        value->len = size;
    }
    free(room);
    return found;
}

static int put(ao2_cache_t *self, const unsigned char key[AO2_CACHE_KEY],
               ao2_span_t value, apr_time_t expires, apr_pool_t *pool)
{
    const ao2_socache_t *base = self->context;
    apr_time_t soonest = apr_time_now() + SHORTEST_LIFE;
    int taken;

    if (value.len > base->max_value || !enter(base)) {
        return 0;
    }
    taken = base->provider->store(base->instance, base->server, key,
                                  AO2_CACHE_KEY,
                                  expires > soonest ? expires : soonest,
                                  (unsigned char *)value.ptr,
                                  (unsigned)value.len, pool) == APR_SUCCESS;
    leave(base);
    return taken;
}

static void drop(ao2_cache_t *self, const unsigned char key[AO2_CACHE_KEY],
                 apr_pool_t *pool)
{
    const ao2_socache_t *base = self->context;

    if (enter(base)) {
        base->provider->remove(base->instance, base->server, key,
                               AO2_CACHE_KEY, pool);
        leave(base);
    }
}

ao2_code_t ao2_socache_cache_make(ao2_cache_t **pcache,
                                  const ao2_socache_t *socache,
                                  apr_pool_t *child, ao2_fail_t *fail)
{
    cache_t *cache = apr_pcalloc(child, sizeof(*cache));
    apr_global_mutex_t **mutex = &cache->base.mutex;

    *pcache = NULL;
    cache->base = *socache;
    if (*mutex &&
        apr_global_mutex_child_init(mutex, apr_global_mutex_lockfile(*mutex),
                                    child) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the lock of %s cannot be used",
                        socache->provider->name);
    }
    cache->port.name = socache->provider->name;
    cache->port.max_value = socache->max_value;
    cache->port.get = get;
    cache->port.put = put;
    cache->port.drop = drop;
    cache->port.context = &cache->base;
    *pcache = &cache->port;
    return AO2_OK;
}
