#include "service/status.h"

#include <string.h>

#include <apr_strings.h>

#include "base/page.h"
#include "service/exposition.h"
#include "service/keys_shown.h"
#include "service/status_parts.h"

json_t *ao2_status_time(apr_time_t time)
{
    return time ? json_integer(apr_time_sec(time)) : json_null();
}

json_t *ao2_status_text(const char *text, apr_pool_t *pool)
{
    return text ? json_string(ao2_page_visible(text, pool)) : json_null();
}

static json_t *seconds(apr_time_t from, apr_time_t to)
{
    return from && to ? json_integer(apr_time_sec(to) - apr_time_sec(from))
                      : json_null();
}

static json_t *key_list(const ao2_keys_shown_t *shown, apr_pool_t *pool)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < shown->count && i < AO2_KEYS_SHOWN; i++) {
        json_t *key = json_object();
        const char *kid = apr_pstrmemdup(pool, shown->keys[i].kid,
                                         sizeof(shown->keys[i].kid) - 1);
        const char *alg = apr_pstrmemdup(pool, shown->keys[i].alg,
                                         sizeof(shown->keys[i].alg) - 1);

        ao2_status_set(key, "kid", ao2_status_text(*kid ? kid : NULL, pool));
        ao2_status_set(key, "alg", ao2_status_text(alg, pool));
        json_array_append_new(list, key);
    }
    return list;
}

static void add_keys(json_t *object, const ao2_verifier_t *verifier,
                     const ao2_status_sources_t *sources, apr_pool_t *pool)
{
    ao2_keys_shown_t shown;
    ao2_key_times_t times = {0};
    apr_time_t at;

    if (verifier->ring) {
        ao2_keyring_times(verifier->ring, &times);
    }
    ao2_keys_shown(&shown, verifier->remote);
    at = times.fetched ? times.fetched : shown.at;
    ao2_status_set(object, "key_count", json_integer(shown.count));
    ao2_status_set(object, "key_age", seconds(at, sources->now));
    ao2_status_set(object, "key_due_in", seconds(sources->now, times.due));
    ao2_status_set(object, "key_usable_for",
                   seconds(sources->now, times.expires));
    ao2_status_set(object, "keys", key_list(&shown, pool));
}

/* Names are those of one server: in another virtual host somebody else may
 * have the same. */
static int count_before(const apr_array_header_t *verifiers, int index)
{
    const char *name = APR_ARRAY_IDX(verifiers, index,
                                     ao2_verifier_t *)->issuer->name;
    int count = 0;
    int i;

    for (i = 0; i < index; i++) {
        count += strcmp(APR_ARRAY_IDX(verifiers, i,
                                      ao2_verifier_t *)->issuer->name,
                        name) == 0;
    }
    return count;
}

static const char *numbered(const char *text, int before, apr_pool_t *pool)
{
    return before ? apr_psprintf(pool, "%s#%d", text, before + 1) : text;
}

static json_t *issuer_of(const ao2_status_sources_t *sources, int index,
                         apr_pool_t *pool)
{
    static const char *const formats[] = {"any", "jwt", "opaque"};
    const ao2_verifier_t *verifier = APR_ARRAY_IDX(sources->verifiers, index,
                                                   ao2_verifier_t *);
    int before = count_before(sources->verifiers, index);
    const ao2_issuer_t *issuer = verifier->issuer;
    json_t *object = json_object();
    const char *target;

    ao2_status_set(object, "name",
        ao2_status_text(numbered(issuer->name, before, pool), pool));
    ao2_status_set(object, "url",
                   ao2_status_text(issuer->rules.issuer_url, pool));
    ao2_status_set(object, "format", json_string(formats[issuer->format]));
    ao2_status_set(object, "introspects", json_boolean(issuer->introspects));
    ao2_status_add_remote(object, verifier->remote, sources->now, pool);
    target = json_string_value(json_object_get(object, "target"));
    ao2_status_set(object, "target",
                   json_string(numbered(target, before, pool)));
    add_keys(object, verifier, sources, pool);
    return object;
}

static const char *name_in(const json_t *list, size_t index)
{
    return json_string_value(json_object_get(json_array_get(list, index),
                                             "name"));
}

/* Puts an object where its name belongs. */
static void add_by_name(json_t *list, json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    size_t at = json_array_size(list);

    while (at > 0 && strcmp(name_in(list, at - 1), name) > 0) {
        at--;
    }
    json_array_insert_new(list, at, object);
}

static json_t *upstreams_of(const ao2_status_sources_t *sources,
                            apr_pool_t *pool)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < sources->upstreams->nelts; i++) {
        add_by_name(list, ao2_upstream_status(
                              APR_ARRAY_IDX(sources->upstreams, i,
                                            ao2_upstream_t *),
                              sources->now, pool));
    }
    return list;
}

static json_t *issuers_of(const ao2_status_sources_t *sources,
                          apr_pool_t *pool)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < sources->verifiers->nelts; i++) {
        add_by_name(list, issuer_of(sources, i, pool));
    }
    return list;
}

static json_t *named(const char *name)
{
    json_t *object = json_object();

    ao2_status_set(object, "name", json_string(name));
    return object;
}

/* A cache with the figures of its rows. */
static json_t *cache_of(const ao2_counters_t *counters, const char *name,
                        apr_pool_t *pool)
{
    json_t *object = named(name);
    ao2_label_t label = ao2_counters_label(counters, AO2_LABEL_WORD, name,
                                           AO2_MOST_WORDS);
    const ao2_row_t *row = ao2_counters_row(counters, AO2_METRIC_LOOKUPS,
                                            label, AO2_LABEL_NONE);
    int column = 0;
    const char *word = ao2_metric_word(AO2_METRIC_LOOKUPS, column, pool);

    while (row && word) {
        ao2_status_set(object, word,
                       json_integer((json_int_t)ao2_row_sum(row, column)));
        word = ao2_metric_word(AO2_METRIC_LOOKUPS, ++column, pool);
    }
    return object;
}

static json_t *caches_of(const ao2_status_sources_t *sources,
                         const ao2_counters_t *counters,
                         const ao2_present_t *present, apr_pool_t *pool)
{
    json_t *list = json_array();
    json_t *process = cache_of(counters, "process", pool);
    json_t *shared = cache_of(counters, "shared", pool);
    const ao2_row_t *evictions = ao2_counters_row(
        counters, AO2_METRIC_EVICTIONS,
        ao2_counters_label(counters, AO2_LABEL_WORD, "process",
                           AO2_MOST_WORDS),
        AO2_LABEL_NONE);

    ao2_status_set(process, "entries", json_integer(present->entries));
    ao2_status_set(process, "bytes", json_integer(present->bytes));
    ao2_status_set(process, "bytes_allowed",
        json_integer((json_int_t)sources->token_cache * present->processes));
    ao2_status_set(process, "evictions",
        evictions ? json_integer((json_int_t)ao2_row_sum(evictions, 0))
                  : json_null());
    ao2_status_set(shared, "provider",
                   ao2_status_text(sources->shared_cache, pool));
    json_array_append_new(list, process);
    json_array_append_new(list, shared);
    json_array_append_new(list, cache_of(counters, "refused", pool));
    return list;
}

static json_t *flights_of(const ao2_counters_t *counters,
                          const ao2_present_t *present, apr_pool_t *pool)
{
    json_t *object = json_object();
    const ao2_row_t *row = ao2_counters_row(counters, AO2_METRIC_FLIGHTS,
                                            AO2_LABEL_NONE, AO2_LABEL_NONE);
    int column = 0;
    const char *word = ao2_metric_word(AO2_METRIC_FLIGHTS, column, pool);

    ao2_status_set(object, "running", json_integer(present->flights));
    ao2_status_set(object, "waiting", json_integer(present->waiting));
    while (row && word) {
        ao2_status_set(object, word,
                       json_integer((json_int_t)ao2_row_sum(row, column)));
        word = ao2_metric_word(AO2_METRIC_FLIGHTS, ++column, pool);
    }
    return object;
}

json_t *ao2_status_make(const ao2_status_sources_t *sources,
                        apr_pool_t *pool)
{
    const ao2_counters_t *counters = sources->board
                                         ? &sources->board->counters
                                         : NULL;
    json_t *model = ao2_json_own(json_object(), pool);
    ao2_present_t present = {0};

    if (counters) {
        ao2_counters_present(counters, &present);
    }
    ao2_status_set(model, "version", json_string(sources->version));
    ao2_status_set(model, "time", ao2_status_time(sources->now));
    ao2_status_set(model, "since",
        ao2_status_time(counters ? counters->memory->since : 0));
    ao2_status_set(model, "counting", json_boolean(counters != NULL));
    ao2_status_set(model, "processes", json_integer(present.processes));
    ao2_status_set(model, "issuers", issuers_of(sources, pool));
    ao2_status_set(model, "caches",
                   caches_of(sources, counters, &present, pool));
    ao2_status_set(model, "flights", flights_of(counters, &present, pool));
    ao2_status_add_registry(model, sources, pool);
    ao2_status_set(model, "upstreams", upstreams_of(sources, pool));
    ao2_status_set(model, "authentication", ao2_status_paths(counters, pool));
    ao2_status_set(model, "refusals",
                   ao2_status_refusals(sources->board, pool));
    ao2_status_set(model, "counters", ao2_status_counters(counters, pool));
    return model;
}
