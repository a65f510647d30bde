#include "glue/runtime.h"

#include <http_core.h>
#include <mod_watchdog.h>

#include <apr_atomic.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <curl/curl.h>

#include "adapter/curl_http.h"
#include "adapter/httpd_log.h"
#include "adapter/shared_memory.h"
#include "adapter/system_clock.h"
#include "glue/caches.h"
#include "glue/database.h"
#include "glue/upstream.h"
#include "mod_api_oauth2.h"
#include "service/registry_file.h"

APLOG_USE_MODULE(api_oauth2);

#define TICK apr_time_from_sec(1)
#define WATCHDOG "_api_oauth2_"
#define RETAINED "mod_api_oauth2-memory-%s-%" APR_SIZE_T_FMT "-%" APR_SIZE_T_FMT
#define TOKEN_CACHE (16 * 1024 * 1024)
#define REGISTRY_TTL apr_time_from_sec(5)
/* Parties that a new configuration may bring, before memory is made anew. */
#define SPARE_PARTIES 64

/* Kept in the parent's own pool, over graceful restarts. */
typedef struct {
    ao2_shared_memory_t *memory;
    apr_pool_t *pool;
    apr_size_t parties;
} retained_t;

/* What one child works with; in every server's record. */
typedef struct {
    ao2_shared_memory_t *memory; /* made before the fork */
    apr_size_t parties;
    apr_uint32_t ready;            /* atomic: verifiers may be used */
    apr_array_header_t *verifiers; /* of ao2_verifier_t * */
    apr_array_header_t *upstreams; /* of ao2_upstream_t * */
    apr_array_header_t *registries; /* of ao2_registry_source_t * */
    ao2_board_t board;
    ao2_ports_t ports;
    ao2_figures_t figures;
} runtime_t;

static runtime_t *runtime_of(const server_rec *server)
{
    return ao2_server_of(server)->runtime;
}

static apr_status_t tick(int state, void *data, apr_pool_t *pool)
{
    runtime_t *runtime = data;
    int i;

    (void)pool;
    if (state != AP_WATCHDOG_STATE_RUNNING ||
        !apr_atomic_read32(&runtime->ready)) {
        return APR_SUCCESS;
    }
    for (i = 0; i < runtime->verifiers->nelts; i++) {
        ao2_verifier_tick(APR_ARRAY_IDX(runtime->verifiers, i,
                                        ao2_verifier_t *));
    }
    for (i = 0; i < runtime->upstreams->nelts; i++) {
        ao2_upstream_tick(APR_ARRAY_IDX(runtime->upstreams, i,
                                        ao2_upstream_t *));
    }
    for (i = 0; i < runtime->registries->nelts; i++) {
        ao2_registry_source_t *registry = APR_ARRAY_IDX(
            runtime->registries, i, ao2_registry_source_t *);

        registry->tick(registry);
    }
    return APR_SUCCESS;
}

static void start_background(apr_pool_t *conf, runtime_t *runtime,
                             server_rec *main_server)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;

    if (!get || !add) {
        return;
    }
    if (get(&watchdog, WATCHDOG, 0, 0, conf) != APR_SUCCESS ||
        add(watchdog, TICK, runtime, tick) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     "no background work: keys and tokens are renewed by "
                     "requests");
    }
}

/* The digests of all objects that call somebody; what virtual hosts share
 * stands there more than once, which does no harm. */
static apr_array_header_t *collect_digests(server_rec *main_server,
                                           apr_pool_t *temp)
{
    apr_array_header_t *digests = apr_array_make(temp, 8,
                                                 sizeof(unsigned char *));
    apr_hash_index_t *at;
    server_rec *server;

    for (server = main_server; server; server = server->next) {
        for (at = apr_hash_first(temp, ao2_server_of(server)->issuers); at;
             at = apr_hash_next(at)) {
            void *value;

            apr_hash_this(at, NULL, NULL, &value);
            APR_ARRAY_PUSH(digests, const unsigned char *) =
                ((ao2_verifier_t *)value)->issuer->digest;
        }
        for (at = apr_hash_first(temp, ao2_server_of(server)->upstreams); at;
             at = apr_hash_next(at)) {
            void *value;

            apr_hash_this(at, NULL, NULL, &value);
            APR_ARRAY_PUSH(digests, const unsigned char *) =
                ((ao2_upstream_object_t *)value)->settings.digest;
        }
    }
    return digests;
}

/* A graceful restart may bring another version of this module: memory that
 * it would lay out in another way is none of its own. */
static const char *retained_name(apr_pool_t *temp)
{
    return apr_psprintf(temp, RETAINED, API_OAUTH2_VERSION,
                        sizeof(ao2_party_t), ao2_board_size(0));
}

/* The memory of before the restart, as long as it has room: what it knows
 * of parties is known on. */
static retained_t *get_memory(const apr_array_header_t *digests,
                              apr_pool_t *process, ao2_fail_t *fail)
{
    const char *name = retained_name(digests->pool);
    retained_t *retained = ap_retained_data_get(name);
    apr_size_t parties = (apr_size_t)digests->nelts + SPARE_PARTIES;
    ao2_shared_memory_t *memory = NULL;
    apr_pool_t *pool = NULL;

    if (!retained) {
        retained = ap_retained_data_create(name, sizeof(*retained));
    }
    if (retained->memory &&
        ao2_board_has_room(ao2_shared_memory_start(retained->memory),
                           retained->parties, digests)) {
        return retained;
    }
    if (apr_pool_create(&pool, process) != APR_SUCCESS ||
        ao2_shared_memory_make(&memory, ao2_board_size(parties), pool, fail)
            != AO2_OK) {
        return NULL;
    }
    ao2_shared_memory_keep(memory, pool);
    /* Children of before keep their mapping until they end. */
    if (retained->pool) {
        ao2_shared_memory_close(retained->memory);
        apr_pool_destroy(retained->pool);
    }
    retained->memory = memory;
    retained->pool = pool;
    retained->parties = parties;
    return retained;
}

static void set_defaults(apr_pool_t *conf, server_rec *main_server)
{
    ao2_server_t *outer = ao2_server_of(main_server);
    server_rec *server;

    if (!outer->token_cache) {
        outer->token_cache = apr_pcalloc(conf, sizeof(ao2_token_cache_t));
        outer->token_cache->bytes = TOKEN_CACHE;
    }
    for (server = main_server->next; server; server = server->next) {
        ao2_server_t *inner = ao2_server_of(server);

        if (!inner->token_cache) {
            inner->token_cache = outer->token_cache;
        }
    }
}

static apr_status_t destroy(void *pool)
{
    apr_pool_destroy(pool);
    return APR_SUCCESS;
}

/* Read once, before the fork: children share the memory. What is wrong with
 * it was said when the configuration was read. */
static void read_registry(ao2_registry_object_t *object, apr_pool_t *conf)
{
    apr_pool_t *pool;

    if (!object || !object->path || object->first ||
        apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return;
    }
    apr_pool_cleanup_register(conf, pool, destroy, apr_pool_cleanup_null);
    ao2_registry_file_read(&object->first, &object->first_stamp, object->path,
                           pool, NULL);
}

int ao2_runtime_post_config(apr_pool_t *conf, apr_pool_t *log,
                            apr_pool_t *temp, server_rec *main_server)
{
    runtime_t *runtime = apr_pcalloc(conf, sizeof(*runtime));
    ao2_fail_t fail = {0};
    retained_t *retained;
    server_rec *server;

    (void)log;
    runtime->verifiers = apr_array_make(conf, 4, sizeof(ao2_verifier_t *));
    runtime->upstreams = apr_array_make(conf, 4, sizeof(ao2_upstream_t *));
    runtime->registries = apr_array_make(conf, 1,
                                         sizeof(ao2_registry_source_t *));
    for (server = main_server; server; server = server->next) {
        ao2_server_of(server)->runtime = runtime;
    }
    set_defaults(conf, main_server);
    ao2_caches_post_config(conf, main_server);
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    retained = get_memory(collect_digests(main_server, temp),
                          main_server->process->pool, &fail);
    if (!retained) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, main_server,
                     "AO2-%03d misconfigured: %s",
                     ao2_error_of(fail.code)->number,
                     fail.detail);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (server = main_server; server; server = server->next) {
        read_registry(ao2_server_of(server)->registry, conf);
    }
    runtime->memory = retained->memory;
    runtime->parties = retained->parties;
    start_background(conf, runtime, main_server);
    return OK;
}

static void tell(server_rec *server, const char *what, const ao2_fail_t *fail)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, "AO2-%03d %s: %s: %s",
                 ao2_error_of(fail->code)->number,
                 ao2_error_of(fail->code)->id, what,
                 fail->detail);
}

/* Without a place among the processes nothing is shared with them; all
 * else works. */
static void join(runtime_t *runtime, server_rec *main_server,
                 apr_pool_t *child)
{
    ao2_shared_t *shared;
    ao2_fail_t fail = {0};

    if (ao2_shared_memory_join(&shared, runtime->memory, child, &fail)
        == AO2_OK) {
        ao2_board_open(&runtime->board, shared, runtime->parties);
        runtime->ports.board = &runtime->board;
        ao2_figures_open(&runtime->figures, &runtime->board.counters);
    }
    else {
        tell(main_server, "shared memory", &fail);
    }
}

static void open_verifiers(runtime_t *runtime, server_rec *server,
                           apr_pool_t *child)
{
    ao2_ports_t ports = runtime->ports;
    apr_hash_index_t *at;

    ports.store = ao2_caches_store_of(server);
    ports.log = ao2_httpd_log_make(server, child);
    for (at = apr_hash_first(child, ao2_server_of(server)->issuers); at;
         at = apr_hash_next(at)) {
        ao2_verifier_t *verifier;
        ao2_fail_t fail = {0};
        void *value;

        apr_hash_this(at, NULL, NULL, &value);
        verifier = value;
        /* Virtual hosts share the objects of the main server. */
        if (verifier->remote) {
            continue;
        }
        if (ao2_verifier_open(verifier, &ports, child, &fail) != AO2_OK) {
            tell(server, verifier->issuer->label, &fail);
            continue;
        }
        APR_ARRAY_PUSH(runtime->verifiers, ao2_verifier_t *) = verifier;
    }
}

static void open_upstreams(runtime_t *runtime, server_rec *server,
                           apr_pool_t *child)
{
    ao2_ports_t ports = runtime->ports;
    apr_hash_index_t *at;

    ports.store = ao2_caches_store_of(server);
    ports.log = ao2_httpd_log_make(server, child);
    for (at = apr_hash_first(child, ao2_server_of(server)->upstreams); at;
         at = apr_hash_next(at)) {
        ao2_upstream_object_t *object;
        ao2_fail_t fail = {0};
        void *value;

        apr_hash_this(at, NULL, NULL, &value);
        object = value;
        /* As above. */
        if (object->at_work) {
            continue;
        }
        if (ao2_upstream_make(&object->at_work, &object->settings, &ports,
                              child, &fail) != AO2_OK) {
            tell(server, object->settings.label, &fail);
            continue;
        }
        APR_ARRAY_PUSH(runtime->upstreams, ao2_upstream_t *) =
            object->at_work;
    }
}

static void count_caches(const runtime_t *runtime, const server_rec *server)
{
    const ao2_counters_t *counters = runtime->figures.counters;
    ao2_identity_cache_t *cache = ao2_server_of(server)->token_cache->cache;

    if (counters) {
        ao2_store_count_in(ao2_caches_store_of(server), counters);
    }
    if (counters && cache) {
        ao2_identity_count_in(cache, counters);
    }
}

static void open_caches(server_rec *server, apr_pool_t *child)
{
    ao2_server_t *conf = ao2_server_of(server);
    ao2_token_cache_t *tokens = conf->token_cache;
    ao2_revocation_file_t *file = conf->revocations;
    ao2_fail_t fail = {0};

    if (tokens->bytes && !tokens->cache &&
        ao2_identity_cache_make(&tokens->cache, tokens->bytes, child, &fail)
            != AO2_OK) {
        tell(server, "ApiTokenCache", &fail);
    }
    if (file && !file->list &&
        ao2_revocations_make(&file->list, file->path, ao2_system_clock(),
                             ao2_httpd_log_make(server, child), child, &fail)
            != AO2_OK) {
        tell(server, "ApiRevocations", &fail);
    }
}

static ao2_code_t open_file(ao2_registry_object_t *object,
                            server_rec *server, apr_time_t ttl,
                            apr_pool_t *child, ao2_fail_t *fail)
{
    ao2_registry_file_t file = {0};

    file.path = object->path;
    file.ttl = ttl;
    file.clock = ao2_system_clock();
    file.first = object->first;
    file.first_stamp = object->first_stamp;
    file.log = ao2_httpd_log_make(server, child);
    return ao2_registry_file_open(&object->source, &file, child, fail);
}

static void open_registry(runtime_t *runtime, server_rec *server,
                          apr_pool_t *child)
{
    ao2_server_t *conf = ao2_server_of(server);
    ao2_registry_object_t *object = conf->registry;
    apr_time_t ttl = conf->registry_ttl ? *conf->registry_ttl : REGISTRY_TTL;
    ao2_fail_t fail = {0};
    ao2_code_t code;

    if (!object || object->source) {
        return;
    }
    code = object->path
               ? open_file(object, server, ttl, child, &fail)
               : ao2_database_open(&object->source, server, ttl, child,
                                   &fail);
    if (code != AO2_OK) {
        tell(server, "ApiRegistry", &fail);
        return;
    }
    object->verifier = ao2_registry_verifier_make(object->source, child);
    ao2_verifier_count_in(object->verifier, runtime->ports.board);
    APR_ARRAY_PUSH(runtime->registries, ao2_registry_source_t *) =
        object->source;
}

static int open_ports(runtime_t *runtime, apr_pool_t *child,
                      ao2_fail_t *fail)
{
    runtime->ports.clock = ao2_system_clock();
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
           ao2_curl_http_make(&runtime->ports.http, child, fail) == AO2_OK &&
           ao2_flight_make(&runtime->ports.flight, runtime->ports.board,
                           child, fail) == AO2_OK;
}

static apr_status_t stop(void *data)
{
    runtime_t *runtime = data;

    apr_atomic_set32(&runtime->ready, 0);
    return APR_SUCCESS;
}

void ao2_runtime_child_init(apr_pool_t *child, server_rec *main_server)
{
    runtime_t *runtime = runtime_of(main_server);
    ao2_fail_t fail = {0};
    server_rec *server;

    join(runtime, main_server, child);
    ao2_caches_child_init(child, main_server);
    if (!open_ports(runtime, child, &fail)) {
        ao2_fail(&fail, AO2_E_MISCONFIGURED, "libcurl cannot be set up");
        tell(main_server, "no token can be checked", &fail);
        return;
    }
    for (server = main_server; server; server = server->next) {
        open_verifiers(runtime, server, child);
        open_upstreams(runtime, server, child);
        open_caches(server, child);
        count_caches(runtime, server);
        open_registry(runtime, server, child);
    }
    apr_pool_pre_cleanup_register(child, runtime, stop);
    apr_atomic_set32(&runtime->ready, 1);
}

ao2_board_t *ao2_runtime_board(const server_rec *server)
{
    return runtime_of(server)->ports.board;
}

const ao2_figures_t *ao2_runtime_figures(const server_rec *server)
{
    return &runtime_of(server)->figures;
}

void ao2_runtime_sources(const server_rec *server,
                         ao2_status_sources_t *sources)
{
    const runtime_t *runtime = runtime_of(server);

    memset(sources, 0, sizeof(*sources));
    sources->version = API_OAUTH2_VERSION;
    sources->now = apr_time_now();
    sources->board = runtime->ports.board;
    sources->verifiers = runtime->verifiers;
    sources->upstreams = runtime->upstreams;
    sources->registry = ao2_server_of(server)->registry
                            ? ao2_server_of(server)->registry->source
                            : NULL;
    sources->shared_cache = ao2_caches_name_of(server);
    sources->token_cache = ao2_server_of(server)->token_cache->bytes;
}
