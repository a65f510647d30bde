#include "service/status_parts.h"

#include <apr_strings.h>

#include "service/limits.h"

/* Subscriptions that are told. */
#define MOST_BUSY 10
/* Subscriptions that are looked at for them: a page must not take seconds. */
#define MOST_LOOKED_AT 100000

/* One limit of one subscription. */
typedef struct {
    const ao2_subscription_t *subscription;
    int limit;
    ao2_quota_t quota;
    double used; /* 0 to 1 */
} busy_t;

/* The busiest so far, in their order. */
typedef struct {
    busy_t list[MOST_BUSY];
    int count;
} busiest_t;

static json_t *counts_of(const ao2_registry_t *registry)
{
    ao2_registry_counts_t counts = ao2_registry_count(registry);
    json_t *object = json_object();

    ao2_status_set(object, "plans", json_integer(counts.plans));
    ao2_status_set(object, "apis", json_integer(counts.apis));
    ao2_status_set(object, "applications",
                   json_integer(counts.applications));
    ao2_status_set(object, "clients", json_integer(counts.clients));
    ao2_status_set(object, "tokens", json_integer(counts.tokens));
    ao2_status_set(object, "subscriptions",
                   json_integer(counts.subscriptions));
    return object;
}

static json_t *registry_of(const ao2_registry_told_t *told, apr_time_t now,
                           apr_pool_t *pool)
{
    json_t *object = told->whole ? counts_of(told->whole) : json_object();

    ao2_status_set(object, "source", json_string(told->kind));
    ao2_status_set(object, "path", ao2_status_text(told->path, pool));
    ao2_status_set(object, "read", ao2_status_time(told->read));
    ao2_status_set(object, "age",
                   told->read ? json_integer(apr_time_sec(now - told->read))
                              : json_null());
    ao2_status_set(object, "version", json_integer(told->version));
    ao2_status_set(object, "faulty", json_boolean(told->fault != NULL));
    ao2_status_set(object, "fault", ao2_status_text(told->fault, pool));
    ao2_status_set(object, "fault_at",
                   ao2_status_time(told->fault ? told->fault_at : 0));
    return object;
}

static const char *limits_of(const ao2_plan_t *plan, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < plan->count; i++) {
        const ao2_limit_t *limit = &plan->limits[i];

        text = apr_psprintf(pool, "%s%s%" APR_INT64_T_FMT "/%s", text,
                            i ? ", " : "", limit->requests,
                            plan->windows[i]);
        if (limit->burst != limit->requests) {
            text = apr_psprintf(pool, "%s:%" APR_INT64_T_FMT, text,
                                limit->burst);
        }
    }
    return text;
}

/* A plan and what came of asking it; @a limits NULL: they are not known. */
static json_t *plan_of(const char *name, const char *limits,
                       const ao2_row_t *row, apr_pool_t *pool)
{
    json_t *object = json_object();

    ao2_status_set(object, "name", ao2_status_text(name, pool));
    ao2_status_set(object, "limits", ao2_status_text(limits, pool));
    ao2_status_set(object, "admitted",
                   json_integer(row ? (json_int_t)ao2_row_sum(row, 0) : 0));
    ao2_status_set(object, "refused",
                   json_integer(row ? (json_int_t)ao2_row_sum(row, 1) : 0));
    return object;
}

static const ao2_row_t *row_of(const ao2_counters_t *counters,
                               const char *plan)
{
    ao2_found_row_t row;
    apr_uint32_t at;

    for (at = 0; counters && at < AO2_ROWS; at++) {
        if (ao2_counters_at(counters, at, &row) &&
            row.metric == AO2_METRIC_PLANS &&
            strcmp(ao2_counters_text(counters, row.labels[0]), plan) == 0) {
            return row.row;
        }
    }
    return NULL;
}

/* Those of the registry, or where it is not known as a whole those that were
 * asked. */
static json_t *plans_of(const ao2_registry_t *registry,
                        const ao2_counters_t *counters, apr_pool_t *pool)
{
    json_t *list = json_array();
    const ao2_plan_t *plan = registry ? ao2_registry_plans(registry) : NULL;
    ao2_found_row_t row;
    apr_uint32_t at;

    for (; plan; plan = plan->next) {
        json_array_append_new(list, plan_of(plan->name,
                                            limits_of(plan, pool),
                                            row_of(counters, plan->name),
                                            pool));
    }
    for (at = 0; !registry && counters && at < AO2_ROWS; at++) {
        if (ao2_counters_at(counters, at, &row) &&
            row.metric == AO2_METRIC_PLANS) {
            json_array_append_new(
                list, plan_of(ao2_counters_text(counters, row.labels[0]),
                              NULL, row.row, pool));
        }
    }
    return list;
}

static void insert(busiest_t *busiest, const busy_t *busy)
{
    int at = busiest->count < MOST_BUSY ? busiest->count : MOST_BUSY - 1;

    if (busiest->count == MOST_BUSY &&
        busy->used <= busiest->list[at].used) {
        return;
    }
    while (at > 0 && busiest->list[at - 1].used < busy->used) {
        busiest->list[at] = busiest->list[at - 1];
        at--;
    }
    busiest->list[at] = *busy;
    if (busiest->count < MOST_BUSY) {
        busiest->count++;
    }
}

/* The limit of a subscription that is used up most. */
static void look_at(busiest_t *busiest, const ao2_board_t *board,
                    const ao2_subscription_t *subscription, apr_time_t now,
                    apr_pool_t *temp)
{
    const ao2_plan_t *plan = subscription->plan;
    ao2_quota_t quotas[AO2_LIMITS_MOST];
    busy_t busy = {subscription, 0, {0, 0, 0, 0}, 0};
    int i;

    if (!plan || plan->count == 0) {
        return;
    }
    ao2_limits_left(board, quotas, plan,
                    ao2_limits_owner(subscription, temp), now);
    for (i = 0; i < plan->count; i++) {
        double used = 1 - (double)quotas[i].remaining
                              / (double)plan->limits[i].burst;

        if (used > busy.used) {
            busy.used = used;
            busy.limit = i;
            busy.quota = quotas[i];
        }
    }
    if (busy.used > 0) {
        insert(busiest, &busy);
    }
}

/* @return how many subscriptions were looked at */
static int find_busiest(busiest_t *busiest, const ao2_registry_t *registry,
                        const ao2_board_t *board, apr_time_t now,
                        apr_pool_t *pool)
{
    const ao2_application_t *application = ao2_registry_applications(
        registry);
    int looked_at = 0;
    apr_pool_t *temp;

    if (apr_pool_create(&temp, pool) != APR_SUCCESS) {
        return 0;
    }
    for (; application && looked_at < MOST_LOOKED_AT;
         application = application->next) {
        const ao2_subscription_t *subscription;

        for (subscription = application->subscriptions; subscription;
             subscription = subscription->next) {
            look_at(busiest, board, subscription, now, temp);
            looked_at++;
        }
        apr_pool_clear(temp);
    }
    apr_pool_destroy(temp);
    return looked_at;
}

static json_t *busy_of(const busy_t *busy, apr_pool_t *pool)
{
    const ao2_subscription_t *subscription = busy->subscription;
    const ao2_plan_t *plan = subscription->plan;
    json_t *object = json_object();

    ao2_status_set(object, "application",
                   ao2_status_text(subscription->application->id, pool));
    ao2_status_set(object, "api",
                   ao2_status_text(subscription->api->name, pool));
    ao2_status_set(object, "version",
                   ao2_status_text(subscription->api->version, pool));
    ao2_status_set(object, "plan", ao2_status_text(plan->name, pool));
    ao2_status_set(object, "window",
                   ao2_status_text(plan->windows[busy->limit], pool));
    ao2_status_set(object, "left", json_integer(busy->quota.remaining));
    ao2_status_set(object, "of",
                   json_integer(plan->limits[busy->limit].burst));
    ao2_status_set(object, "reset_in", json_integer(busy->quota.reset_sec));
    return object;
}

static json_t *busiest_of(json_t *registry, const ao2_registry_t *whole,
                          const ao2_status_sources_t *sources,
                          apr_pool_t *pool)
{
    json_t *list = json_array();
    busiest_t busiest = {.count = 0};
    int i;

    if (whole && sources->board) {
        int looked_at = find_busiest(&busiest, whole, sources->board,
                                     sources->now, pool);

        ao2_status_set(registry, "looked_at", json_integer(looked_at));
    }
    for (i = 0; i < busiest.count; i++) {
        json_array_append_new(list, busy_of(&busiest.list[i], pool));
    }
    return list;
}

void ao2_status_add_registry(json_t *model,
                             const ao2_status_sources_t *sources,
                             apr_pool_t *pool)
{
    const ao2_counters_t *counters = sources->board
                                         ? &sources->board->counters
                                         : NULL;
    ao2_registry_told_t told = {0};
    json_t *registry = json_null();

    if (sources->registry) {
        sources->registry->tell(sources->registry, &told, pool);
        registry = registry_of(&told, sources->now, pool);
    }
    ao2_status_set(model, "plans", plans_of(told.whole, counters, pool));
    ao2_status_set(model, "busiest",
                   busiest_of(registry, told.whole, sources, pool));
    ao2_status_set(model, "registry", registry);
}
