#include "service/identity_cache.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_thread_mutex.h>

#include "base/siphash.h"

/* A power of two. */
#define STRIPES 64
/* What one entry is expected to take, for the number of buckets. */
#define USUAL_ENTRY 1024
/* One entry may take this part of its stripe. */
#define LARGEST_PART 4
/* What was kept so long after now is of a clock that was set back since. */
#define CLOCK_TOLERANCE apr_time_from_sec(60)

typedef struct entry {
    struct entry *next; /* in its bucket */
    struct entry *before; /* in the ring that the hand goes round */
    struct entry *after;
    ao2_identity_key_t key;
    ao2_principal_t *principal;
    const ao2_verifier_t *verifier;
    apr_time_t since;
    apr_time_t until;
    apr_uint32_t epoch;
    int jwt_as_opaque;
    int used; /* since the hand came by */
} entry_t;

typedef struct {
    apr_thread_mutex_t *mutex; /* guards what follows */
    entry_t **buckets;
    entry_t *hand;
    apr_size_t bytes;
    ao2_identity_counts_t counts;
} stripe_t;

struct ao2_identity_cache {
    apr_uint64_t secret[2];
    apr_size_t budget; /* of one stripe */
    apr_size_t buckets; /* of one stripe: a power of two */
    ao2_census_t *census; /* NULL: nobody wants to know */
    ao2_row_t *evictions; /* the same */
    stripe_t stripes[STRIPES];
};

static apr_size_t bytes_of(const ao2_principal_t *principal)
{
    return sizeof(entry_t) + principal->bytes;
}

static apr_status_t free_all(void *data)
{
    ao2_identity_cache_t *cache = data;
    int i;

    for (i = 0; i < STRIPES; i++) {
        entry_t *entry = cache->stripes[i].hand;

        if (entry) {
            entry->before->after = NULL;
        }
        while (entry) {
            entry_t *after = entry->after;

            ao2_principal_release(entry->principal);
            free(entry);
            entry = after;
        }
        cache->stripes[i].hand = NULL;
    }
    return APR_SUCCESS;
}

ao2_code_t ao2_identity_cache_make(ao2_identity_cache_t **pcache,
                                   apr_size_t bytes, apr_pool_t *pool,
                                   ao2_fail_t *fail)
{
    ao2_identity_cache_t *cache = apr_pcalloc(pool, sizeof(*cache));
    apr_size_t wanted = bytes / STRIPES / USUAL_ENTRY;
    int i;

    *pcache = NULL;
    cache->budget = bytes / STRIPES;
    for (cache->buckets = 8; cache->buckets < wanted; cache->buckets *= 2) {
    }
    if (apr_generate_random_bytes((unsigned char *)cache->secret,
                                  sizeof(cache->secret)) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no random bytes");
    }
    for (i = 0; i < STRIPES; i++) {
        stripe_t *stripe = &cache->stripes[i];

        stripe->buckets = apr_pcalloc(pool, cache->buckets
                                                * sizeof(entry_t *));
        if (apr_thread_mutex_create(&stripe->mutex, APR_THREAD_MUTEX_DEFAULT,
                                    pool) != APR_SUCCESS) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
        }
    }
    apr_pool_cleanup_register(pool, cache, free_all, apr_pool_cleanup_null);
    *pcache = cache;
    return AO2_OK;
}

void ao2_identity_count_in(ao2_identity_cache_t *cache,
                           const ao2_counters_t *counters)
{
    ao2_label_t process = ao2_counters_label(counters, AO2_LABEL_WORD,
                                             "process", AO2_MOST_WORDS);

    cache->census = ao2_counters_census(counters);
    cache->evictions = ao2_counters_row(counters, AO2_METRIC_EVICTIONS,
                                        process, AO2_LABEL_NONE);
}

void ao2_identity_key(ao2_identity_key_t *key,
                      const ao2_identity_cache_t *cache, ao2_span_t token)
{
    ao2_siphash(key->half, cache->secret, token);
}

static stripe_t *stripe_of(ao2_identity_cache_t *cache,
                           const ao2_identity_key_t *key)
{
    return &cache->stripes[key->half[1] % STRIPES];
}

static entry_t **bucket_of(ao2_identity_cache_t *cache, stripe_t *stripe,
                           const ao2_identity_key_t *key)
{
    return &stripe->buckets[key->half[0] & (cache->buckets - 1)];
}

static int same_key(const ao2_identity_key_t *a, const ao2_identity_key_t *b)
{
    return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/* For the figures of all processes. */
static void note_entry(const ao2_identity_cache_t *cache,
                       const entry_t *entry, int change)
{
    ao2_census_t *census = cache->census;

    if (census) {
        ao2_census_add(&census->entries, change);
        ao2_census_add(&census->bytes,
                       change * (apr_int64_t)bytes_of(entry->principal));
    }
}

static void take_out(ao2_identity_cache_t *cache, stripe_t *stripe,
                     entry_t *entry)
{
    entry_t **at = bucket_of(cache, stripe, &entry->key);

    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    if (stripe->hand == entry) {
        stripe->hand = entry->after == entry ? NULL : entry->after;
    }
    entry->before->after = entry->after;
    entry->after->before = entry->before;
    stripe->bytes -= bytes_of(entry->principal);
    stripe->counts.entries--;
    note_entry(cache, entry, -1);
    ao2_principal_release(entry->principal);
    free(entry);
}

/* The hand goes round: what was used since it came by last stays once more,
 * the first that was not goes. */
static void make_room(ao2_identity_cache_t *cache, stripe_t *stripe,
                      apr_size_t bytes)
{
    while (stripe->hand && stripe->bytes + bytes > cache->budget) {
        entry_t *entry = stripe->hand;

        stripe->hand = entry->after;
        if (entry->used) {
            entry->used = 0;
            continue;
        }
        take_out(cache, stripe, entry);
        stripe->counts.evictions++;
        ao2_count(cache->evictions, 0);
    }
}

/* Behind the hand: it comes by here last. */
static void put_in(ao2_identity_cache_t *cache, stripe_t *stripe,
                   entry_t *entry)
{
    entry_t **bucket = bucket_of(cache, stripe, &entry->key);

    entry->next = *bucket;
    *bucket = entry;
    if (!stripe->hand) {
        entry->before = entry;
        entry->after = entry;
        stripe->hand = entry;
    }
    else {
        entry->after = stripe->hand;
        entry->before = stripe->hand->before;
        entry->before->after = entry;
        entry->after->before = entry;
    }
    stripe->bytes += bytes_of(entry->principal);
    stripe->counts.entries++;
    note_entry(cache, entry, 1);
}

static int is_current(const entry_t *entry, apr_time_t now)
{
    return now < entry->until && now >= entry->since - CLOCK_TOLERANCE &&
           entry->epoch == ao2_verifier_epoch(entry->verifier);
}

/* The entry of the verifier that comes first; what is over is taken out. */
static entry_t *look_up(ao2_identity_cache_t *cache, stripe_t *stripe,
                        const ao2_identity_key_t *key,
                        const ao2_check_t *check)
{
    entry_t *entry = *bucket_of(cache, stripe, key);
    entry_t *found = NULL;
    int best = check->count;

    while (entry) {
        entry_t *next = entry->next;

        if (same_key(&entry->key, key)) {
            int place = ao2_check_place(check, entry->verifier,
                                        entry->jwt_as_opaque);

            if (!is_current(entry, check->now)) {
                take_out(cache, stripe, entry);
            }
            else if (place < best) {
                best = place;
                found = entry;
            }
        }
        entry = next;
    }
    return found;
}

int ao2_identity_find(ao2_identity_cache_t *cache, ao2_verdict_t *verdict,
                      const ao2_identity_key_t *key,
                      const ao2_check_t *check)
{
    stripe_t *stripe = stripe_of(cache, key);
    entry_t *entry;

    apr_thread_mutex_lock(stripe->mutex);
    entry = look_up(cache, stripe, key, check);
    if (entry) {
        entry->used = 1;
        stripe->counts.hits++;
        ao2_principal_hold(entry->principal);
        memset(verdict, 0, sizeof(*verdict));
        verdict->principal = entry->principal;
        verdict->verifier = entry->verifier;
        verdict->until = entry->until;
        verdict->epoch = entry->epoch;
        verdict->jwt_as_opaque = entry->jwt_as_opaque;
    }
    else {
        stripe->counts.misses++;
    }
    apr_thread_mutex_unlock(stripe->mutex);
    return entry != NULL;
}

static entry_t *find_exact(ao2_identity_cache_t *cache, stripe_t *stripe,
                           const ao2_identity_key_t *key,
                           const ao2_verifier_t *verifier)
{
    entry_t *entry = *bucket_of(cache, stripe, key);

    while (entry && (entry->verifier != verifier ||
                     !same_key(&entry->key, key))) {
        entry = entry->next;
    }
    return entry;
}

void ao2_identity_keep(ao2_identity_cache_t *cache,
                       const ao2_identity_key_t *key,
                       const ao2_verdict_t *verdict, apr_time_t now)
{
    stripe_t *stripe = stripe_of(cache, key);
    apr_size_t bytes = bytes_of(verdict->principal);
    entry_t *entry;
    entry_t *old;

    if (now >= verdict->until || bytes > cache->budget / LARGEST_PART) {
        return;
    }
    entry = calloc(1, sizeof(*entry));
    if (!entry) {
        return;
    }
    entry->key = *key;
    entry->principal = verdict->principal;
    entry->verifier = verdict->verifier;
    entry->since = now;
    entry->until = verdict->until;
    entry->jwt_as_opaque = verdict->jwt_as_opaque;
    entry->epoch = verdict->epoch;
    ao2_principal_hold(verdict->principal);
    apr_thread_mutex_lock(stripe->mutex);
    old = find_exact(cache, stripe, key, verdict->verifier);
    if (old) {
        take_out(cache, stripe, old);
    }
    make_room(cache, stripe, bytes);
    put_in(cache, stripe, entry);
    apr_thread_mutex_unlock(stripe->mutex);
}

void ao2_identity_counts(ao2_identity_cache_t *cache,
                         ao2_identity_counts_t *counts)
{
    int i;

    memset(counts, 0, sizeof(*counts));
    for (i = 0; i < STRIPES; i++) {
        stripe_t *stripe = &cache->stripes[i];

        apr_thread_mutex_lock(stripe->mutex);
        counts->hits += stripe->counts.hits;
        counts->misses += stripe->counts.misses;
        counts->evictions += stripe->counts.evictions;
        counts->entries += stripe->counts.entries;
        counts->bytes += stripe->bytes;
        apr_thread_mutex_unlock(stripe->mutex);
    }
}
