#include "service/discovery.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>

struct ao2_discovery {
    const ao2_discovery_settings_t *settings;
    const ao2_remote_t *remote;
    ao2_store_key_t key;
    apr_thread_mutex_t *mutex; /* guards what follows */
    apr_pool_t *known_pool;    /* of known; cleared with it */
    ao2_metadata_t known;
    apr_time_t expires; /* of known; 0: nothing is */
};

ao2_code_t ao2_discovery_make(ao2_discovery_t **pdiscovery,
                              const ao2_discovery_settings_t *settings,
                              const ao2_remote_t *remote, apr_pool_t *pool,
                              ao2_fail_t *fail)
{
    ao2_discovery_t *discovery = apr_pcalloc(pool, sizeof(*discovery));

    *pdiscovery = NULL;
    discovery->settings = settings;
    discovery->remote = remote;
    ao2_store_key(discovery->key, AO2_KIND_METADATA, remote->settings.digest,
                  ao2_span(""));
    if (apr_thread_mutex_create(&discovery->mutex, APR_THREAD_MUTEX_DEFAULT,
                                pool) != APR_SUCCESS ||
        apr_pool_create(&discovery->known_pool, pool) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    *pdiscovery = discovery;
    return AO2_OK;
}

static int read_known(ao2_metadata_t *metadata, ao2_discovery_t *discovery,
                      apr_time_t now, apr_pool_t *pool)
{
    int known;

    apr_thread_mutex_lock(discovery->mutex);
    known = now < discovery->expires &&
            discovery->expires - now <= discovery->settings->ttl;
    if (known) {
        *metadata = ao2_metadata_copy(&discovery->known, pool);
    }
    apr_thread_mutex_unlock(discovery->mutex);
    return known;
}

static void keep(ao2_discovery_t *discovery, const ao2_metadata_t *metadata,
                 apr_time_t expires)
{
    apr_thread_mutex_lock(discovery->mutex);
    apr_pool_clear(discovery->known_pool);
    discovery->known = ao2_metadata_copy(metadata, discovery->known_pool);
    discovery->expires = expires;
    apr_thread_mutex_unlock(discovery->mutex);
}

static ao2_code_t parse(ao2_metadata_t *metadata, ao2_span_t text,
                        const ao2_discovery_t *discovery, apr_pool_t *pool,
                        ao2_fail_t *fail)
{
    return ao2_metadata_parse(metadata, text, discovery->settings->issuer_url,
                              discovery->settings->allow_http, pool, fail);
}

/* One place. @param text  the document */
static ao2_code_t ask_place(ao2_span_t *text, const char *place,
                            const ao2_discovery_t *discovery,
                            const ao2_errand_t *errand, ao2_fail_t *fail)
{
    ao2_http_answer_t answer;
    ao2_metadata_t metadata;
    ao2_code_t code = ao2_errand_get(errand, &answer, place, fail);

    if (code == AO2_OK) {
        code = parse(&metadata, answer.body, discovery, errand->pool, fail);
    }
    *text = answer.body;
    return code;
}

/* Where metadata may be is not agreed on: the second place counts where the
 * first has nothing of use, or does not answer in half of the time. */
static ao2_code_t ask(ao2_span_t *text, const ao2_discovery_t *discovery,
                      const ao2_errand_t *errand, ao2_fail_t *fail)
{
    const char *place = discovery->settings->metadata_url;
    const char *places[2];
    ao2_errand_t half = *errand;
    ao2_fail_t oauth = {0};
    ao2_fail_t openid = {0};

    if (place) {
        return ask_place(text, place, discovery, errand, &oauth) == AO2_OK
                   ? AO2_OK
                   : ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "%.*s: %s",
                              (int)strcspn(place, "?"), place, oauth.detail);
    }
    half.deadline -= (errand->deadline - apr_time_now()) / 2;
    ao2_metadata_places(places, discovery->settings->issuer_url,
                        errand->pool);
    if (ask_place(text, places[0], discovery, &half, &oauth) == AO2_OK ||
        ask_place(text, places[1], discovery, errand, &openid) == AO2_OK) {
        return AO2_OK;
    }
    return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                    "no metadata: oauth-authorization-server: %s; "
                    "openid-configuration: %s",
                    oauth.detail, openid.detail);
}

/* What the owner of a flight does. */
typedef struct {
    ao2_discovery_t *discovery;
    const ao2_errand_t *errand;
    int fresh;
} work_t;

static ao2_code_t work(void *context, ao2_flight_result_t *result,
                       apr_pool_t *pool, ao2_fail_t *fail)
{
    work_t *job = context;
    const ao2_remote_t *remote = job->discovery->remote;
    ao2_store_t *store = remote->ports.store;
    apr_time_t now = ao2_remote_now(remote);
    ao2_code_t code;

    if (!job->fresh && ao2_store_get(store, &result->value, NULL,
                                     job->discovery->key, now, pool)) {
        return AO2_OK;
    }
    code = ask(&result->value, job->discovery, job->errand, fail);
    if (code == AO2_OK) {
        ao2_store_put(store, job->discovery->key, result->value,
                      now + job->discovery->settings->ttl, pool);
    }
    return code;
}

ao2_code_t ao2_discovery_get(ao2_metadata_t *metadata,
                             ao2_discovery_t *discovery, int fresh,
                             const ao2_errand_t *errand, ao2_fail_t *fail)
{
    const ao2_remote_t *remote = discovery->remote;
    apr_time_t now = ao2_remote_now(remote);
    work_t job = {discovery, errand, fresh};
    /* Who has an errand has a place to wait at. */
    ao2_flight_call_t call = {{0}, work, &job, ao2_remote_patience(remote),
                              AO2_E_ISSUER_UNAVAILABLE, NULL, NULL};
    ao2_flight_result_t result;
    ao2_code_t code;

    if (!fresh && read_known(metadata, discovery, now, errand->pool)) {
        return AO2_OK;
    }
    memcpy(call.key, discovery->key, sizeof(call.key));
    code = ao2_flight_run(remote->ports.flight, &result, &call, errand->pool,
                          fail);
    if (code == AO2_OK) {
        code = parse(metadata, result.value, discovery, errand->pool, fail);
    }
    if (code == AO2_OK) {
        keep(discovery, metadata, now + discovery->settings->ttl);
    }
    return code;
}
