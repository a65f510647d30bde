#include "core/registry_internal.h"

#include <apr_strings.h>

#include "base/text.h"

static ao2_plan_t *reserve_plan(int *pmade, ao2_registry_build_t *build,
                                const char *name)
{
    ao2_registry_t *registry = &build->registry;
    ao2_plan_t *plan = apr_hash_get(registry->plans, name,
                                    APR_HASH_KEY_STRING);

    *pmade = !plan;
    if (!plan) {
        plan = apr_pcalloc(registry->pool, sizeof(*plan));
        plan->name = ao2_build_copy(build, name);
        apr_hash_set(registry->plans, plan->name, APR_HASH_KEY_STRING, plan);
    }
    return plan;
}

ao2_plan_t *ao2_build_find_plan(ao2_registry_build_t *build,
                                const char *name)
{
    int made;
    ao2_plan_t *plan = reserve_plan(&made, build, name);

    if (made) {
        ao2_build_want(build, plan, "plan",
                       apr_pstrcat(build->scratch, "plan ",
                                   ao2_build_shown(build, name), NULL));
    }
    return plan;
}

static ao2_code_t read_limit(ao2_limit_t *limit, const ao2_limit_row_t *row,
                             int index, ao2_fail_t *fail)
{
    apr_time_t window;
    const char *wrong;

    if (!ao2_text_duration(&window, row->window)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "limit %d: the window must be a duration such as "
                        "10s, 1mi, 1h or 30d", index + 1);
    }
    wrong = ao2_limit_make(limit, row->requests, window, row->burst);
    return wrong ? ao2_fail(fail, AO2_E_MISCONFIGURED, "limit %d: %s",
                            index + 1, wrong)
                 : AO2_OK;
}

/* Two limits of one window would be one that never counts. */
static ao2_code_t check_windows(const ao2_limit_t *limits, int count,
                                ao2_fail_t *fail)
{
    int i;
    int j;

    for (i = 0; i < count; i++) {
        for (j = 0; j < i; j++) {
            if (limits[i].window_sec == limits[j].window_sec) {
                return ao2_fail(fail, AO2_E_MISCONFIGURED,
                                "limits %d and %d have the same window",
                                j + 1, i + 1);
            }
        }
    }
    return AO2_OK;
}

static int find_quota(const ao2_limit_t *limits, int count)
{
    int longest = 0;
    int i;

    for (i = 1; i < count; i++) {
        if (limits[i].window_sec > limits[longest].window_sec) {
            longest = i;
        }
    }
    return count > 1 ? longest : -1;
}

/* What the RateLimit fields say of a limit, made once. */
static void describe(ao2_plan_t *plan, const char **labels, int index,
                     apr_pool_t *pool)
{
    const char *name = apr_pstrcat(pool, plan->name, "-",
                                   plan->windows[index], NULL);

    labels[index] = ao2_text_quote(ao2_text_percent(ao2_span(name), 0, pool),
                                   pool);
    plan->policy = apr_psprintf(
        pool, "%s%s%s;q=%" APR_INT64_T_FMT ";w=%" APR_INT64_T_FMT,
        plan->policy ? plan->policy : "", plan->policy ? ", " : "",
        labels[index], plan->limits[index].requests,
        plan->limits[index].window_sec);
}

ao2_code_t ao2_plan_fill(ao2_plan_t *plan, const ao2_limit_row_t *rows,
                         int count, apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_size_t places = (apr_size_t)count + 1;
    const char **windows;
    const char **labels;
    ao2_limit_t *limits;
    int i;

    if (count > AO2_MAX_PLAN_LIMITS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "more than %d limits",
                        AO2_MAX_PLAN_LIMITS);
    }
    limits = apr_pcalloc(pool, places * sizeof(*limits));
    windows = apr_pcalloc(pool, places * sizeof(*windows));
    labels = apr_pcalloc(pool, places * sizeof(*labels));
    for (i = 0; i < count; i++) {
        if (read_limit(&limits[i], &rows[i], i, fail) != AO2_OK) {
            return AO2_E_MISCONFIGURED;
        }
        windows[i] = apr_pstrdup(pool, rows[i].window);
    }
    plan->count = count;
    plan->limits = limits;
    plan->windows = windows;
    plan->labels = labels;
    plan->quota = find_quota(limits, count);
    for (i = 0; i < count; i++) {
        describe(plan, labels, i, pool);
    }
    return check_windows(limits, count, fail);
}

ao2_code_t ao2_build_plan(ao2_registry_build_t *build, const char *name,
                          const ao2_limit_row_t *limits, int count,
                          ao2_fail_t *fail)
{
    ao2_registry_t *registry = &build->registry;
    ao2_plan_t *plan;
    int made;

    if (ao2_build_check_name(name, 0, "a plan's name", fail) != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    plan = reserve_plan(&made, build, name);
    if (!made && !ao2_build_came(build, plan)) {
        return ao2_build_twice(build, "plan", name, fail);
    }
    if (registry->last_plan) {
        registry->last_plan->next = plan;
    }
    else {
        registry->first_plan = plan;
    }
    registry->last_plan = plan;
    registry->counts.plans++;
    return ao2_plan_fill(plan, limits, count, registry->pool, fail);
}
