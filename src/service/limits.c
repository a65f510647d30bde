#include "service/limits.h"

#include <string.h>

#include <apr_strings.h>

#include "base/siphash.h"

/* Plans that have figures of their own. */
#define MOST_PLANS 128

/* The columns of AO2_METRIC_PLANS. */
enum { ADMITTED, REFUSED };

/* A limit's key: plan and window in one hash, who in the other's secret.
 * Nobody can choose names that push out the entries of others. */
static void make_key(apr_uint64_t key[2], const ao2_board_t *board,
                     const ao2_plan_t *plan, int index, ao2_span_t who)
{
    apr_uint64_t plan_key[2];

    ao2_siphash(plan_key, board->secret, ao2_span(plan->labels[index]));
    ao2_siphash(key, plan_key, who);
}

static ao2_used_limit_t *set_of(const ao2_board_t *board,
                                const apr_uint64_t key[2])
{
    return board->limits + key[1] % AO2_LIMIT_SETS * AO2_LIMIT_WAYS;
}

static int has_key(const ao2_used_limit_t *entry, const apr_uint64_t key[2])
{
    return __atomic_load_n(&entry->key[0], __ATOMIC_ACQUIRE) == key[0] &&
           __atomic_load_n(&entry->key[1], __ATOMIC_ACQUIRE) == key[1];
}

static apr_int64_t due_of(const ao2_used_limit_t *entry)
{
    return __atomic_load_n(&entry->due_ns, __ATOMIC_ACQUIRE);
}

/*
 * The entry of a key, and its due time as it was while the entry had that
 * key: looked at before and after. An entry that is given to another key
 * gets another due time, so that a change that was meant for the old one
 * does not happen.
 */
static ao2_used_limit_t *find(const ao2_board_t *board,
                              const apr_uint64_t key[2], apr_int64_t *due_ns)
{
    ao2_used_limit_t *set = set_of(board, key);
    int i;

    *due_ns = 0;
    for (i = 0; i < AO2_LIMIT_WAYS; i++) {
        if (has_key(&set[i], key)) {
            *due_ns = due_of(&set[i]);
            if (*due_ns != 0 && has_key(&set[i], key)) {
                return &set[i];
            }
        }
    }
    *due_ns = 0;
    return NULL;
}

/* Free, or full again, or the one that will be so first. */
static ao2_used_limit_t *find_room(ao2_used_limit_t *set)
{
    ao2_used_limit_t *first = &set[0];
    int i;

    for (i = 1; i < AO2_LIMIT_WAYS; i++) {
        if (due_of(&set[i]) < due_of(first)) {
            first = &set[i];
        }
    }
    return first;
}

/*
 * With the lock of the set: two new entries of one set must not choose the
 * same room. Due 0 first, so that nobody takes the old due
 * time for that of the new key. @return 0 when somebody else was faster
 */
static int insert(ao2_board_t *board, const apr_uint64_t key[2],
                  apr_int64_t due_ns)
{
    int lock = (int)(key[1] % AO2_LIMIT_SETS % AO2_SHARED_LOCKS);
    apr_int64_t other;
    int inserted = 0;

    board->shared->lock(board->shared, lock);
    if (!find(board, key, &other)) {
        ao2_used_limit_t *entry = find_room(set_of(board, key));

        __atomic_store_n(&entry->due_ns, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&entry->key[0], key[0], __ATOMIC_RELEASE);
        __atomic_store_n(&entry->key[1], key[1], __ATOMIC_RELEASE);
        __atomic_store_n(&entry->due_ns, due_ns, __ATOMIC_RELEASE);
        inserted = 1;
    }
    board->shared->unlock(board->shared, lock);
    return inserted;
}

static int exchange(ao2_used_limit_t *entry, apr_int64_t from, apr_int64_t to)
{
    return from == to ||
           __atomic_compare_exchange_n(&entry->due_ns, &from, to, 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static int take(ao2_board_t *board, ao2_quota_t *quota,
                const ao2_limit_t *limit, const apr_uint64_t key[2],
                apr_time_t now)
{
    for (;;) {
        apr_int64_t due_ns;
        ao2_used_limit_t *entry = find(board, key, &due_ns);
        int admitted = ao2_limit_take(quota, limit, due_ns, now);

        if (entry ? exchange(entry, due_ns, quota->due_ns)
                  : !admitted || insert(board, key, quota->due_ns)) {
            return admitted;
        }
    }
}

static void give_back(ao2_board_t *board, const ao2_limit_t *limit,
                      const apr_uint64_t key[2])
{
    for (;;) {
        apr_int64_t due_ns;
        ao2_used_limit_t *entry = find(board, key, &due_ns);

        if (!entry || exchange(entry, due_ns,
                               ao2_limit_give_back(limit, due_ns))) {
            return;
        }
    }
}

/* The limit that keeps the request waiting for the longest time. */
static int longest(const ao2_quota_t *quotas, int count)
{
    int found = 0;
    int i;

    for (i = 1; i < count; i++) {
        if (quotas[i].retry_sec > quotas[found].retry_sec) {
            found = i;
        }
    }
    return found;
}

void ao2_limits_left(const ao2_board_t *board, ao2_quota_t *quotas,
                     const ao2_plan_t *plan, ao2_span_t who, apr_time_t now)
{
    int i;

    for (i = 0; i < plan->count; i++) {
        apr_uint64_t key[2];
        apr_int64_t due_ns;

        make_key(key, board, plan, i, who);
        find(board, key, &due_ns);
        ao2_limit_look(&quotas[i], &plan->limits[i], due_ns, now);
    }
}

/* Each part is ended by a NUL, which no name holds. */
ao2_span_t ao2_limits_owner(const ao2_subscription_t *subscription,
                            apr_pool_t *pool)
{
    static const char kind[] = "subscription";
    const char *application = subscription->application->id;
    const ao2_api_t *api = subscription->api;
    ao2_span_t who;

    who.ptr = apr_psprintf(pool, "%s%c%s%c%s%c%s", kind, 0, application, 0,
                           api->name, 0, api->version);
    who.len = sizeof(kind) + strlen(application) + strlen(api->name)
              + strlen(api->version) + 3;
    return who;
}

static void note_asked(const ao2_board_t *board, const ao2_plan_t *plan,
                       int column)
{
    const ao2_counters_t *counters = &board->counters;
    ao2_label_t label = ao2_counters_label(counters, AO2_LABEL_PLAN,
                                           plan->name, MOST_PLANS);

    ao2_count(ao2_counters_row(counters, AO2_METRIC_PLANS, label,
                               AO2_LABEL_NONE),
              column);
}

int ao2_limits_use(ao2_board_t *board, ao2_quota_t *quotas,
                   const ao2_plan_t *plan, ao2_span_t who, apr_time_t now)
{
    apr_uint64_t keys[AO2_LIMITS_MOST][2];
    int taken;
    int i;

    for (taken = 0; taken < plan->count; taken++) {
        make_key(keys[taken], board, plan, taken, who);
        if (!take(board, &quotas[taken], &plan->limits[taken], keys[taken],
                  now)) {
            break;
        }
    }
    note_asked(board, plan, taken == plan->count ? ADMITTED : REFUSED);
    if (taken == plan->count) {
        return -1;
    }
    for (i = 0; i < taken; i++) {
        give_back(board, &plan->limits[i], keys[i]);
    }
    ao2_limits_left(board, quotas, plan, who, now);
    return longest(quotas, plan->count);
}
