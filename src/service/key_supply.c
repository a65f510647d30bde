#include "service/key_supply.h"

/* max-age=0 must not mean a call a second. */
#define SHORTEST_TTL apr_time_from_sec(10)

struct ao2_key_supply {
    const ao2_key_source_t *source;
    ao2_discovery_t *discovery;
    const ao2_remote_t *remote;
    ao2_key_times_t *times; /* shared, where documents are */
    ao2_key_times_t own;
    ao2_store_key_t key;
};

ao2_code_t ao2_key_supply_make(ao2_key_supply_t **psupply,
                               const ao2_key_source_t *source,
                               ao2_discovery_t *discovery,
                               const ao2_remote_t *remote, apr_pool_t *pool,
                               ao2_fail_t *fail)
{
    ao2_key_supply_t *supply = apr_pcalloc(pool, sizeof(*supply));

    *psupply = NULL;
    if (source->use_metadata && !discovery) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no metadata to ask");
    }
    supply->source = source;
    supply->discovery = discovery;
    supply->remote = remote;
    supply->times = ao2_store_is_there(remote->ports.store)
                        ? &remote->party->keys
                        : &supply->own;
    ao2_store_key(supply->key, AO2_KIND_KEYS, remote->settings.digest,
                  ao2_span(""));
    *psupply = supply;
    return AO2_OK;
}

#define READ(supply, member) \
    __atomic_load_n(&(supply)->times->member, __ATOMIC_ACQUIRE)
#define WRITE(supply, member, value) \
    __atomic_store_n(&(supply)->times->member, value, __ATOMIC_RELEASE)

apr_uint64_t ao2_key_supply_version(const ao2_key_supply_t *supply)
{
    return READ(supply, version);
}

int ao2_key_supply_serves(const ao2_key_supply_t *supply, apr_time_t now)
{
    return now < READ(supply, expires);
}

int ao2_key_supply_pauses(const ao2_key_supply_t *supply, apr_time_t now)
{
    return ao2_pause_holds(&supply->remote->party->pauses[AO2_TARGET_KEYS],
                           now);
}

int ao2_key_supply_is_due(const ao2_key_supply_t *supply, apr_time_t now)
{
    apr_time_t due = READ(supply, due);

    /* It is never so far ahead but where the clock was set back. */
    return (now >= due || due - now > supply->source->ttl) &&
           !ao2_key_supply_pauses(supply, now);
}

int ao2_key_supply_may_seek(const ao2_key_supply_t *supply, apr_time_t now)
{
    apr_time_t since = now - READ(supply, unknown);

    return since < 0 || since >= AO2_KEYS_UNKNOWN_PAUSE;
}

void ao2_key_supply_sought(ao2_key_supply_t *supply, apr_time_t now)
{
    WRITE(supply, unknown, now);
}

apr_time_t ao2_key_supply_fetched(const ao2_key_supply_t *supply)
{
    return READ(supply, fetched);
}

void ao2_key_supply_times(const ao2_key_supply_t *supply,
                          ao2_key_times_t *times)
{
    times->version = READ(supply, version);
    times->fetched = READ(supply, fetched);
    times->due = READ(supply, due);
    times->expires = READ(supply, expires);
    times->unknown = READ(supply, unknown);
}

static apr_time_t last_use(const ao2_key_supply_t *supply,
                           const ao2_documents_t *documents)
{
    return documents->fetched + supply->source->ttl + supply->source->stale;
}

/* Another process was faster with newer ones. (Much newer ones are of a
 * clock that was set back since.) */
static int is_outdated(const ao2_key_supply_t *supply,
                       const ao2_documents_t *documents)
{
    apr_time_t newer = READ(supply, fetched) - documents->fetched;

    return newer > 0 && newer < apr_time_from_sec(60);
}

/* Tell all processes. The version comes last: who sees it finds the rest. */
static void publish(ao2_key_supply_t *supply,
                    const ao2_documents_t *documents)
{
    apr_time_t ttl = supply->source->ttl;
    apr_time_t said = documents->max_age;

    if (is_outdated(supply, documents)) {
        return;
    }
    if (said >= 0 && said < SHORTEST_TTL) {
        said = SHORTEST_TTL;
    }
    if (said >= 0 && said < ttl) {
        ttl = said;
    }
    WRITE(supply, due, documents->fetched +
                           ttl * (apr_time_t)(75 + ao2_remote_draw() % 26)
                               / 100);
    WRITE(supply, expires, last_use(supply, documents));
    WRITE(supply, fetched, documents->fetched);
    WRITE(supply, version, documents->version);
}

/* What the owner of a flight does. */
typedef struct {
    ao2_key_supply_t *supply;
    ao2_supply_t which;
    apr_time_t since;
} work_t;

/* Documents that somebody else fetched, as long as they will do. */
static int find_known(const work_t *job, ao2_documents_t *documents,
                      ao2_span_t *packed, apr_pool_t *pool)
{
    ao2_key_supply_t *supply = job->supply;
    apr_time_t now = ao2_remote_now(supply->remote);

    if (!ao2_store_get(supply->remote->ports.store, packed, NULL, supply->key,
                       now, pool) ||
        !ao2_documents_unpack(documents, *packed, pool)) {
        return 0;
    }
    return job->which == AO2_SUPPLY_KNOWN ? now < last_use(supply, documents)
                                          : documents->fetched > job->since;
}

static ao2_code_t fetch(ao2_key_supply_t *supply, ao2_documents_t *documents,
                        apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_errand_t errand;
    ao2_code_t code = ao2_errand_begin(&errand, supply->remote,
                                       AO2_TARGET_KEYS, pool, fail);

    if (code == AO2_OK) {
        code = ao2_documents_fetch(documents, supply->source,
                                   supply->discovery, &errand, fail);
        ao2_errand_end(&errand, code == AO2_OK ? AO2_ERRAND_DONE
                                                : AO2_ERRAND_FAILED);
        if (code != AO2_OK && fail) {
            ao2_remote_note_trouble(supply->remote, fail);
        }
    }
    return code;
}

static ao2_code_t work(void *context, ao2_flight_result_t *result,
                       apr_pool_t *pool, ao2_fail_t *fail)
{
    const work_t *job = context;
    ao2_key_supply_t *supply = job->supply;
    ao2_documents_t documents;
    ao2_code_t code;

    if (find_known(job, &documents, &result->value, pool)) {
        publish(supply, &documents);
        return AO2_OK;
    }
    code = fetch(supply, &documents, pool, fail);
    if (code != AO2_OK) {
        return code;
    }
    result->value = ao2_documents_pack(&documents, pool);
    ao2_store_put(supply->remote->ports.store, supply->key, result->value,
                  last_use(supply, &documents), pool);
    /* Whoever fetched because the cache dropped what others have does not
     * make them fetch in turn. */
    if (job->which != AO2_SUPPLY_KNOWN ||
        !ao2_key_supply_serves(supply, ao2_remote_now(supply->remote))) {
        publish(supply, &documents);
    }
    return AO2_OK;
}

ao2_code_t ao2_key_supply_get(ao2_documents_t *documents,
                              ao2_key_supply_t *supply, ao2_supply_t which,
                              apr_time_t since, apr_pool_t *pool,
                              ao2_fail_t *fail)
{
    ao2_flight_t *flight = supply->remote->ports.flight;
    work_t job = {supply, which, since};
    ao2_wait_t wait;
    ao2_flight_call_t call = {{0}, work, &job,
                              ao2_remote_patience(supply->remote),
                              AO2_E_ISSUER_UNAVAILABLE, ao2_wait_goes_on,
                              &wait};
    ao2_flight_result_t result;
    ao2_code_t code;

    memset(documents, 0, sizeof(*documents));
    if (which == AO2_SUPPLY_KNOWN &&
        find_known(&job, documents, &result.value, pool)) {
        if (ao2_key_supply_version(supply) != documents->version) {
            publish(supply, documents);
        }
        return AO2_OK;
    }
    memcpy(call.key, supply->key, sizeof(call.key));
    ao2_wait_begin(&wait, supply->remote, AO2_TARGET_KEYS);
    code = which == AO2_SUPPLY_RENEW
               ? ao2_flight_try(flight, &result, &call, pool, fail)
               : ao2_flight_run(flight, &result, &call, pool, fail);
    ao2_wait_end(&wait);
    if (code != AO2_OK || (which == AO2_SUPPLY_RENEW && !result.value.ptr)) {
        return code;
    }
    if (!ao2_documents_unpack(documents, result.value, pool)) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "documents from another process are not readable");
    }
    /* They came from another process, and there is no store to show it. */
    if (supply->times == &supply->own) {
        publish(supply, documents);
    }
    return AO2_OK;
}
