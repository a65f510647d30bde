#include "glue/caches.h"

#include <http_core.h>

#include <apr_strings.h>

#include "adapter/httpd_log.h"
#include "adapter/socache_cache.h"
#include "base/text.h"

APLOG_USE_MODULE(api_oauth2);

#define SHMCB_SIZE "(8M)"
#define SHMCB_FILE "api-oauth2-cache"

/* A cache as it lives, for all servers that chose the same. */
typedef struct {
    const ao2_cache_choice_t *choice;
    ao2_socache_t *socache; /* of the parent */
    ao2_cache_t *cache;     /* of a child; NULL: could not be made */
} use_t;

typedef struct {
    ao2_cache_t *cache;
    const ao2_span_t *secret;
    ao2_store_t *store;
} made_t;

/* In the main server's record, from post_config on. */
typedef struct ao2_caches {
    const ao2_cache_choice_t *fallback; /* where no ApiCache stands */
    apr_array_header_t *uses;           /* of use_t */
} caches_t;

int ao2_caches_pre_config(apr_pool_t *conf, apr_pool_t *log,
                          apr_pool_t *temp)
{
    (void)log;
    (void)temp;
    ao2_socache_name_mutex(conf);
    return OK;
}

const char *ao2_caches_shmcb_args(const char *text, apr_pool_t *pool)
{
    const char *bracket = strrchr(text, '(');
    size_t length = strlen(text);
    const char *path = bracket ? apr_pstrmemdup(pool, text,
                                                (apr_size_t)(bracket - text))
                               : text;
    const char *size = bracket ? bracket : SHMCB_SIZE;
    apr_int64_t bytes;

    if (bracket ? text[length - 1] != ')' : strchr(text, ')') != NULL) {
        return NULL;
    }
    size = apr_pstrmemdup(pool, size + 1, strlen(size) - 2);
    if (!ao2_text_size(&bytes, size) || bytes < AO2_SHMCB_LEAST) {
        return NULL;
    }
    path = *path ? ap_server_root_relative(pool, path)
                 : ap_runtime_dir_relative(pool, SHMCB_FILE);
    return path ? apr_psprintf(pool, "%s(%" APR_INT64_T_FMT ")", path, bytes)
                : NULL;
}

static const ao2_cache_choice_t *make_fallback(apr_pool_t *pool)
{
    ao2_cache_choice_t *choice = apr_pcalloc(pool, sizeof(*choice));

    choice->kind = ao2_socache_is_there("shmcb") ? AO2_CACHE_SOCACHE
                                                 : AO2_CACHE_NONE;
    choice->provider = "shmcb";
    choice->args = ao2_caches_shmcb_args("", pool);
    return choice;
}

/* Whether anything of a server would be kept in the cache that it did not
 * choose itself. */
static int needs_fallback(const server_rec *server)
{
    const ao2_server_t *conf = ao2_server_of(server);

    return !conf->cache && (apr_hash_count(conf->issuers) > 0 ||
                            apr_hash_count(conf->upstreams) > 0);
}

static void config_error(const ao2_cache_choice_t *choice,
                         const server_rec *server, const char *text)
{
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, server,
                 "%s:%d: ApiCache: %s", choice->file, choice->line, text);
}

static int check_socache(const ao2_cache_choice_t *choice,
                         const server_rec *server, apr_pool_t *temp)
{
    const char *wrong;

    if (!ao2_socache_is_there(choice->provider)) {
        config_error(choice, server,
                     apr_psprintf(temp, "\"%.80s\" is not allowed here: none, "
                                  "shmcb, or the name of a socache provider, "
                                  "whose module is loaded (mod_socache_%.80s)",
                                  choice->provider, choice->provider));
        return 1;
    }
    wrong = ao2_socache_check(choice->provider, choice->args, temp);
    if (wrong) {
        config_error(choice, server,
                     apr_pstrcat(temp, choice->provider, ": ", wrong, NULL));
        return 1;
    }
    return 0;
}

static void warn_of_memcache(const server_rec *server)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                 "ApiCache memcache: a memcached server that hangs holds up "
                 "every request that asks it, without limit");
}

/* Whether what is kept leaves the hands of this server. */
static int check_secret(const ao2_cache_choice_t *choice,
                        const server_rec *server, apr_pool_t *temp)
{
    if (strcmp(choice->provider, "shmcb") == 0 ||
        ao2_server_of(server)->cache_secret) {
        return 0;
    }
    if (choice->kind == AO2_CACHE_REDIS ||
        strcmp(choice->provider, "memcache") == 0) {
        config_error(choice, server,
                     apr_psprintf(temp, "%s needs ApiCacheSecret: others can "
                                  "read and write what is kept there",
                                  choice->provider));
        return 1;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                 "ApiCache %s without ApiCacheSecret: who can read what is "
                 "kept there can read tokens, who can write it can make them",
                 choice->provider);
    return 0;
}

static int check_choice(const ao2_cache_choice_t *choice,
                        const server_rec *server, apr_pool_t *temp)
{
    if (choice->kind == AO2_CACHE_NONE) {
        return 0;
    }
    if ((choice->kind == AO2_CACHE_SOCACHE &&
         check_socache(choice, server, temp)) ||
        check_secret(choice, server, temp)) {
        return 1;
    }
    if (strcmp(choice->provider, "memcache") == 0) {
        warn_of_memcache(server);
    }
    return 0;
}

int ao2_caches_check(apr_pool_t *temp, server_rec *main_server)
{
    const ao2_server_t *first = ao2_server_of(main_server);
    const server_rec *server;
    int fallback = 0;
    int bad = 0;

    for (server = main_server; server; server = server->next) {
        const ao2_server_t *conf = ao2_server_of(server);

        fallback |= needs_fallback(server);
        if (conf->cache && (server == main_server ||
                            conf->cache != first->cache)) {
            bad |= check_choice(conf->cache, server, temp);
        }
    }
    if (fallback && !ao2_socache_is_there("shmcb")) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0,
                     main_server, "mod_socache_shmcb is not loaded: no cache "
                     "is shared between processes; load it, or say "
                     "\"ApiCache none\"");
    }
    return bad;
}

static int is_same(const ao2_cache_choice_t *a, const ao2_cache_choice_t *b)
{
    return a == b ||
           (a->kind == AO2_CACHE_SOCACHE && b->kind == AO2_CACHE_SOCACHE &&
            strcmp(a->provider, b->provider) == 0 &&
            strcmp(a->args ? a->args : "", b->args ? b->args : "") == 0);
}

static use_t *find_use(const caches_t *caches,
                       const ao2_cache_choice_t *choice)
{
    int i;

    for (i = 0; i < caches->uses->nelts; i++) {
        use_t *use = &APR_ARRAY_IDX(caches->uses, i, use_t);

        if (is_same(use->choice, choice)) {
            return use;
        }
    }
    return NULL;
}

/* What a server uses; NULL: nothing. */
static const ao2_cache_choice_t *choice_of(const caches_t *caches,
                                           const server_rec *server)
{
    const ao2_cache_choice_t *choice = ao2_server_of(server)->cache;

    if (!choice && needs_fallback(server)) {
        choice = caches->fallback;
    }
    return choice && choice->kind != AO2_CACHE_NONE ? choice : NULL;
}

static void log_failure(const use_t *use, const ao2_fail_t *fail,
                        const server_rec *server)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, "AO2-%03d %s: ApiCache %s: "
                 "%s: nothing is kept there", ao2_error_of(fail->code)->number,
                 ao2_error_of(fail->code)->id, use->choice->provider,
                 fail->detail);
}

/* A cache that cannot be had is no reason not to serve. */
static void open_use(caches_t *caches, const ao2_cache_choice_t *choice,
                     server_rec *main_server, apr_pool_t *conf)
{
    use_t *use = apr_array_push(caches->uses);
    ao2_fail_t fail = {0};

    use->choice = choice;
    if (choice->kind == AO2_CACHE_SOCACHE &&
        ao2_socache_open(&use->socache, choice->provider, choice->args,
                         main_server, conf, &fail) != AO2_OK) {
        log_failure(use, &fail, main_server);
    }
}

void ao2_caches_post_config(apr_pool_t *conf, server_rec *main_server)
{
    caches_t *caches = apr_pcalloc(conf, sizeof(*caches));
    server_rec *server;

    caches->fallback = make_fallback(conf);
    caches->uses = apr_array_make(conf, 2, sizeof(use_t));
    ao2_server_of(main_server)->caches = caches;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return;
    }
    ao2_socache_sweep();
    for (server = main_server; server; server = server->next) {
        const ao2_cache_choice_t *choice = choice_of(caches, server);

        if (choice && !find_use(caches, choice)) {
            open_use(caches, choice, main_server, conf);
        }
    }
}

static void make_cache(use_t *use, apr_pool_t *child, server_rec *main_server)
{
    ao2_fail_t fail = {0};
    ao2_code_t code = AO2_OK;

    if (use->choice->kind == AO2_CACHE_REDIS) {
        code = ao2_redis_cache_make(&use->cache, &use->choice->redis,
                                    ao2_httpd_log_make(main_server, child),
                                    child, &fail);
    }
    else if (use->socache) {
        code = ao2_socache_cache_make(&use->cache, use->socache, child,
                                      &fail);
    }
    if (code != AO2_OK) {
        log_failure(use, &fail, main_server);
    }
}

static ao2_store_t *make_store(ao2_cache_t *cache, const ao2_span_t *secret,
                               server_rec *server, apr_pool_t *child)
{
    static const ao2_span_t none = {NULL, 0};
    ao2_store_t *store;
    ao2_fail_t fail = {0};

    if (ao2_store_make(&store, cache, secret ? *secret : none,
                       ao2_httpd_log_make(server, child), child, &fail)
        != AO2_OK) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, "AO2-%03d %s: "
                     "ApiCache: %s: no cache is shared",
                     ao2_error_of(fail.code)->number,
                     ao2_error_of(fail.code)->id, fail.detail);
        ao2_store_make(&store, NULL, none, NULL, child, NULL);
    }
    return store;
}

/* One store for all servers with the same cache and the same secret. */
static ao2_store_t *get_store(apr_array_header_t *made, ao2_cache_t *cache,
                              server_rec *server, apr_pool_t *child)
{
    const ao2_span_t *secret = ao2_server_of(server)->cache_secret;
    made_t *one;
    int i;

    for (i = 0; i < made->nelts; i++) {
        one = &APR_ARRAY_IDX(made, i, made_t);
        if (one->cache == cache && one->secret == secret) {
            return one->store;
        }
    }
    one = apr_array_push(made);
    one->cache = cache;
    one->secret = secret;
    one->store = make_store(cache, secret, server, child);
    return one->store;
}

void ao2_caches_child_init(apr_pool_t *child, server_rec *main_server)
{
    caches_t *caches = ao2_server_of(main_server)->caches;
    apr_array_header_t *made = apr_array_make(child, 2, sizeof(made_t));
    server_rec *server;
    int i;

    for (i = 0; i < caches->uses->nelts; i++) {
        make_cache(&APR_ARRAY_IDX(caches->uses, i, use_t), child,
                   main_server);
    }
    for (server = main_server; server; server = server->next) {
        const ao2_cache_choice_t *choice = choice_of(caches, server);

        ao2_cache_t *cache = choice ? find_use(caches, choice)->cache : NULL;

        ao2_server_of(server)->store = get_store(made, cache, server, child);
        ao2_server_of(server)->cache_name = cache ? choice->provider : NULL;
    }
}

ao2_store_t *ao2_caches_store_of(const server_rec *server)
{
    return ao2_server_of(server)->store;
}

const char *ao2_caches_name_of(const server_rec *server)
{
    return ao2_server_of(server)->cache_name;
}
