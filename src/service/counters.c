#include "service/counters.h"

#include <string.h>

/* Guards the taking of rows and labels. */
#define LOCK 1
/* Places that are looked at for a row or a label, one behind the other. */
#define PROBES 64
/* Rows that are left to "other". */
#define RESERVED 64
/* Labels that have no place of their own. */
#define FIRST_LABEL 2u
#define LABEL_BITS 12

static const apr_uint64_t bounds[AO2_BUCKETS] = {
    1000,      2500,       5000,       10000,      25000,
    50000,     100000,     250000,     500000,     1000000,
    2500000,   5000000,    10000000,   25000000,   100000000,
    250000000, 500000000,  1000000000, 2500000000, 10000000000};

static ao2_census_t *own_census(const ao2_counters_t *counters)
{
    return &counters->memory->census[counters->shared->place];
}

void ao2_counters_open(ao2_counters_t *counters,
                       ao2_counters_memory_t *memory, ao2_shared_t *shared)
{
    apr_time_t never = 0;
    ao2_census_t *census;

    counters->memory = memory;
    counters->shared = shared;
    __atomic_compare_exchange_n(&memory->since, &never, apr_time_now(), 0,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    /* Whoever had the place before is gone, and its figures with it. */
    census = own_census(counters);
    __atomic_store_n(&census->flights, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&census->waiting, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&census->entries, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&census->bytes, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&census->member, shared->me, __ATOMIC_RELEASE);
}

ao2_census_t *ao2_counters_census(const ao2_counters_t *counters)
{
    return counters ? own_census(counters) : NULL;
}

/* FNV-1a. Names that collide on purpose end up in "other". */
static apr_uint32_t hash_of(ao2_label_kind_t kind, const char *text,
                            apr_size_t *length)
{
    apr_uint32_t hash = 2166136261u + (apr_uint32_t)kind;
    const char *at;

    for (at = text; *at; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    }
    *length = (apr_size_t)(at - text);
    return hash ^ hash >> 15;
}

/* A label that is sought. */
typedef struct {
    ao2_label_kind_t kind;
    const char *text;
    apr_size_t length;
    apr_uint32_t hash;
} sought_t;

static apr_uint32_t place_of(const sought_t *sought, apr_uint32_t probe)
{
    return FIRST_LABEL + (sought->hash + probe) % (AO2_LABELS - FIRST_LABEL);
}

/* Its number; 0 when it is not there: then *free is where it may go, or 0. */
static ao2_label_t find_label(const ao2_counters_memory_t *memory,
                              const sought_t *sought, ao2_label_t *free)
{
    apr_uint32_t probe;

    *free = 0;
    for (probe = 0; probe < PROBES; probe++) {
        ao2_label_t at = place_of(sought, probe);
        const ao2_label_place_t *place = &memory->labels[at];
        apr_uint32_t kind = __atomic_load_n(&place->kind, __ATOMIC_ACQUIRE);

        if (kind == 0) {
            *free = at;
            return 0;
        }
        if (kind == (apr_uint32_t)sought->kind + 1 &&
            place->length == sought->length &&
            memcmp(place->text, sought->text, sought->length) == 0) {
            return at;
        }
    }
    return 0;
}

/* With the lock. */
static ao2_label_t take_label(ao2_counters_memory_t *memory,
                              const sought_t *sought, apr_uint32_t most)
{
    apr_uint32_t *count = &memory->label_counts[sought->kind];
    ao2_label_t free;
    ao2_label_t found = find_label(memory, sought, &free);
    ao2_label_place_t *place = &memory->labels[free];

    if (found || !free || *count >= most) {
        return found;
    }
    memcpy(place->text, sought->text, sought->length + 1);
    place->length = (apr_uint32_t)sought->length;
    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&place->kind, (apr_uint32_t)sought->kind + 1,
                     __ATOMIC_RELEASE);
    return free;
}

static int is_full(const ao2_counters_memory_t *memory,
                   ao2_label_kind_t kind, apr_uint32_t most)
{
    return __atomic_load_n(&memory->label_counts[kind], __ATOMIC_RELAXED)
           >= most;
}

ao2_label_t ao2_counters_label(const ao2_counters_t *counters,
                               ao2_label_kind_t kind, const char *text,
                               apr_uint32_t most)
{
    sought_t sought = {kind, text, 0, 0};
    ao2_shared_t *shared;
    ao2_label_t found;
    ao2_label_t free;

    if (!text) {
        return AO2_LABEL_NONE;
    }
    sought.hash = hash_of(kind, text, &sought.length);
    if (!counters || sought.length > AO2_MAX_LABEL) {
        return AO2_LABEL_OTHER;
    }
    found = find_label(counters->memory, &sought, &free);
    if (!found && free && !is_full(counters->memory, kind, most)) {
        shared = counters->shared;
        shared->lock(shared, LOCK);
        found = take_label(counters->memory, &sought, most);
        shared->unlock(shared, LOCK);
    }
    return found ? found : AO2_LABEL_OTHER;
}

const char *ao2_counters_text(const ao2_counters_t *counters,
                              ao2_label_t label)
{
    if (label < FIRST_LABEL || label >= AO2_LABELS) {
        return label == AO2_LABEL_NONE ? "-" : "other";
    }
    return counters->memory->labels[label].text;
}

static apr_uint32_t key_of(ao2_metric_t metric, ao2_label_t first,
                           ao2_label_t second)
{
    return (apr_uint32_t)metric << 2 * LABEL_BITS | first << LABEL_BITS |
           second;
}

/* The row's index; AO2_ROWS when it is not there: then *free is where it may
 * go, or AO2_ROWS. */
static apr_uint32_t find_row(const ao2_counters_memory_t *memory,
                             apr_uint32_t key, apr_uint32_t *free)
{
    apr_uint32_t start = key * 2654435769u >> 16;
    apr_uint32_t probe;

    *free = AO2_ROWS;
    for (probe = 0; probe < PROBES; probe++) {
        apr_uint32_t at = (start + probe) % AO2_ROWS;
        apr_uint32_t taken = __atomic_load_n(&memory->keys[at],
                                             __ATOMIC_ACQUIRE);

        if (taken == key) {
            return at;
        }
        if (taken == 0) {
            *free = at;
            return AO2_ROWS;
        }
    }
    return AO2_ROWS;
}

static apr_uint32_t take_row(const ao2_counters_t *counters,
                             apr_uint32_t key, apr_uint32_t most)
{
    ao2_counters_memory_t *memory = counters->memory;
    ao2_shared_t *shared = counters->shared;
    apr_uint32_t free;
    apr_uint32_t found;

    shared->lock(shared, LOCK);
    found = find_row(memory, key, &free);
    if (found == AO2_ROWS && free < AO2_ROWS && memory->row_count < most) {
        memory->row_count++;
        __atomic_store_n(&memory->keys[free], key, __ATOMIC_RELEASE);
        found = free;
    }
    shared->unlock(shared, LOCK);
    return found;
}

ao2_row_t *ao2_counters_row(const ao2_counters_t *counters,
                            ao2_metric_t metric, ao2_label_t first,
                            ao2_label_t second)
{
    apr_uint32_t key = key_of(metric, first, second);
    apr_uint32_t free;
    apr_uint32_t found;

    if (!counters) {
        return NULL;
    }
    found = find_row(counters->memory, key, &free);
    if (found == AO2_ROWS) {
        found = take_row(counters, key, AO2_ROWS - RESERVED);
    }
    if (found == AO2_ROWS) {
        key = key_of(metric, AO2_LABEL_OTHER, AO2_LABEL_OTHER);
        found = take_row(counters, key, AO2_ROWS);
    }
    return found == AO2_ROWS ? NULL : &counters->memory->rows[found];
}

int ao2_counters_at(const ao2_counters_t *counters, apr_uint32_t index,
                    ao2_found_row_t *found)
{
    apr_uint32_t key = __atomic_load_n(&counters->memory->keys[index],
                                       __ATOMIC_ACQUIRE);
    apr_uint32_t mask = (1u << LABEL_BITS) - 1;

    found->metric = (ao2_metric_t)(key >> 2 * LABEL_BITS);
    found->labels[0] = key >> LABEL_BITS & mask;
    found->labels[1] = key & mask;
    found->row = &counters->memory->rows[index];
    return key != 0 && found->metric < AO2_METRICS;
}

apr_uint64_t ao2_row_sum(const ao2_row_t *row, int column)
{
    apr_uint64_t sum = 0;
    int stripe;

    for (stripe = 0; stripe < AO2_STRIPES; stripe++) {
        sum += __atomic_load_n(&row->cells[stripe][column],
                               __ATOMIC_RELAXED);
    }
    return sum;
}

apr_uint64_t ao2_bucket_bound(int bucket)
{
    return bounds[bucket];
}

void ao2_observe(ao2_row_t *row, apr_uint64_t ns)
{
    int bucket = 0;

    if (!row) {
        return;
    }
    while (bucket < AO2_BUCKETS && ns > bounds[bucket]) {
        bucket++;
    }
    ao2_count_more(row, bucket, 1);
    ao2_count_more(row, AO2_COLUMN_SUM, ns);
}

void ao2_counters_present(const ao2_counters_t *counters,
                          ao2_present_t *present)
{
    const ao2_census_t *census = counters->memory->census;
    ao2_shared_t *shared = counters->shared;
    int i;

    memset(present, 0, sizeof(*present));
    /* The lowest free place is taken first: behind the last, none ever was. */
    for (i = 0; i < AO2_MAX_MEMBERS; i++) {
        ao2_member_t who = __atomic_load_n(&census[i].member,
                                           __ATOMIC_ACQUIRE);

        if (who == 0) {
            break;
        }
        if (!shared->lives(shared, who)) {
            continue;
        }
        present->processes++;
        present->flights += __atomic_load_n(&census[i].flights,
                                            __ATOMIC_RELAXED);
        present->waiting += __atomic_load_n(&census[i].waiting,
                                            __ATOMIC_RELAXED);
        present->entries += __atomic_load_n(&census[i].entries,
                                            __ATOMIC_RELAXED);
        present->bytes += __atomic_load_n(&census[i].bytes, __ATOMIC_RELAXED);
    }
}
