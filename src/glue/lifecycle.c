#include "glue/lifecycle.h"

#include <http_core.h>
#include <mod_watchdog.h>

#include <apr_atomic.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <curl/curl.h>

#include "adapter/curl_http.h"
#include "adapter/httpd_log.h"
#include "adapter/system_clock.h"

APLOG_USE_MODULE(api_oauth2);

#define TICK apr_time_from_sec(1)
#define WATCHDOG "_api_oauth2_"

/** The key rings of one child, for the background thread. */
typedef struct {
    apr_uint32_t ready; /**< atomic: rings may be read */
    apr_array_header_t *rings; /**< of ao2_keyring_t * */
} child_t;

static int check_accept(const server_rec *server)
{
    const ao2_server_t *conf = ao2_server_of(server);
    int bad = 0;
    int i;

    for (i = 0; i < conf->accept_uses->nelts; i++) {
        const ao2_accept_use_t *use = &APR_ARRAY_IDX(conf->accept_uses, i,
                                                     ao2_accept_use_t);

        if (!apr_hash_get(conf->issuers, use->name, APR_HASH_KEY_STRING)) {
            ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, server,
                         "%s:%d: ApiAccept: \"%s\" is not allowed here: the "
                         "NAME of an <ApiIssuer> of this server", use->file,
                         use->line, use->name);
            bad = 1;
        }
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

int ao2_lifecycle_check_config(apr_pool_t *conf, apr_pool_t *log,
                               apr_pool_t *temp, server_rec *main_server)
{
    const server_rec *server;
    int bad = 0;

    (void)conf;
    (void)log;
    (void)temp;
    for (server = main_server; server; server = server->next) {
        bad |= check_accept(server);
        warn_unset(server);
    }
    return bad ? HTTP_INTERNAL_SERVER_ERROR : OK;
}

static apr_status_t tick(int state, void *data, apr_pool_t *pool)
{
    child_t *child = data;
    int i;

    (void)pool;
    if (state != AP_WATCHDOG_STATE_RUNNING ||
        !apr_atomic_read32(&child->ready)) {
        return APR_SUCCESS;
    }
    for (i = 0; i < child->rings->nelts; i++) {
        ao2_keyring_tick(APR_ARRAY_IDX(child->rings, i, ao2_keyring_t *));
    }
    return APR_SUCCESS;
}

/* The one record that post_config and child_init share, kept with the
 * configuration it belongs to. */
static child_t *child_of(server_rec *main_server)
{
    return ao2_server_of(main_server)->child;
}

int ao2_lifecycle_post_config(apr_pool_t *conf, apr_pool_t *log,
                              apr_pool_t *temp, server_rec *main_server)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    child_t *child = apr_pcalloc(conf, sizeof(*child));
    ap_watchdog_t *watchdog;

    (void)log;
    (void)temp;
    child->rings = apr_array_make(conf, 4, sizeof(ao2_keyring_t *));
    ao2_server_of(main_server)->child = child;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG ||
        !get || !add) {
        return OK;
    }
    if (get(&watchdog, WATCHDOG, 0, 0, conf) != APR_SUCCESS ||
        add(watchdog, TICK, child, tick) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     "no background work: keys are renewed by requests");
    }
    return OK;
}

static void add_ring(child_t *child, ao2_verifier_t *verifier,
                     ao2_http_t *http, server_rec *server, apr_pool_t *pool)
{
    ao2_keyring_ports_t ports = {http, ao2_system_clock(),
                                 ao2_httpd_log_make(server, pool)};
    ao2_fail_t fail = {0};

    if (ao2_keyring_make(&verifier->ring, &verifier->issuer->source, &ports,
                         pool, &fail) != AO2_OK) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, server,
                     "AO2-%03d %s: <ApiIssuer %s>: %s", (int)fail.code,
                     ao2_error_of(fail.code)->id, verifier->issuer->name,
                     fail.detail);
        return;
    }
    APR_ARRAY_PUSH(child->rings, ao2_keyring_t *) = verifier->ring;
}

static apr_status_t stop(void *data)
{
    child_t *child = data;

    apr_atomic_set32(&child->ready, 0);
    return APR_SUCCESS;
}

void ao2_lifecycle_child_init(apr_pool_t *pool, server_rec *main_server)
{
    child_t *child = child_of(main_server);
    ao2_http_t *http = NULL;
    ao2_fail_t fail = {0};
    server_rec *server;
    apr_hash_index_t *at;
    void *value;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        ao2_curl_http_make(&http, pool, &fail) != AO2_OK) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server,
                     "AO2-%03d misconfigured: libcurl cannot be set up: no "
                     "token can be checked", (int)AO2_E_MISCONFIGURED);
        return;
    }
    for (server = main_server; server; server = server->next) {
        for (at = apr_hash_first(pool, ao2_server_of(server)->issuers); at;
             at = apr_hash_next(at)) {
            ao2_verifier_t *verifier;

            apr_hash_this(at, NULL, NULL, &value);
            verifier = value;
            /* Virtual hosts share the objects of the main server. */
            if (!verifier->ring) {
                add_ring(child, verifier, http, server, pool);
            }
        }
    }
    apr_pool_pre_cleanup_register(pool, child, stop);
    apr_atomic_set32(&child->ready, 1);
}
