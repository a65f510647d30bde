#include "core/gcra.h"

#include <stddef.h>

#define NS_PER_SEC ((apr_int64_t)1000000000)
#define NS_PER_USEC 1000
#define SECONDS_PER_DAY ((apr_int64_t)24 * 60 * 60)
#define LONGEST_WINDOW_SEC (366 * SECONDS_PER_DAY)
#define FASTEST_PER_SEC 1000000
/* Two of these behind LATEST are still an apr_int64_t. */
#define LONGEST_BURST_NS (3660 * SECONDS_PER_DAY * NS_PER_SEC)
#define LATEST_NS (APR_INT64_MAX - 3 * LONGEST_BURST_NS)
#define CLOCK_TOLERANCE_NS (60 * NS_PER_SEC)

const char *ao2_limit_make(ao2_limit_t *limit, apr_int64_t requests,
                           apr_time_t window, apr_int64_t burst)
{
    apr_int64_t window_sec = apr_time_sec(window);

    if (window_sec < 1 || apr_time_from_sec(window_sec) != window ||
        window_sec > LONGEST_WINDOW_SEC) {
        return "the window must be 1 second to 366 days, in whole seconds";
    }
    if (requests < 1 || requests > window_sec * FASTEST_PER_SEC) {
        return "the requests must be 1 or more, and at most 1000000 a second";
    }
    limit->requests = requests;
    limit->window_sec = window_sec;
    limit->interval_ns = (window_sec * NS_PER_SEC + requests - 1) / requests;
    limit->burst = burst ? burst : requests;
    if (burst < 0 || limit->burst > LONGEST_BURST_NS / limit->interval_ns) {
        return "the burst must be 1 or more, and at most what ten years "
               "bring";
    }
    return NULL;
}

static apr_int64_t nanoseconds(apr_time_t now)
{
    if (now < 0) {
        return 0;
    }
    return now > LATEST_NS / NS_PER_USEC ? LATEST_NS : now * NS_PER_USEC;
}

static apr_int64_t seconds_up(apr_int64_t ns)
{
    return ns <= 0 ? 0 : (ns - 1) / NS_PER_SEC + 1;
}

/* How far @a due_ns lies ahead: the part of the allowance that is used. */
static apr_int64_t used(const ao2_limit_t *limit, apr_int64_t due_ns,
                        apr_int64_t now_ns)
{
    apr_int64_t all = limit->burst * limit->interval_ns;

    if (due_ns <= now_ns) {
        return 0;
    }
    return due_ns - now_ns > all + CLOCK_TOLERANCE_NS ? all
                                                      : due_ns - now_ns;
}

static void describe(ao2_quota_t *quota, const ao2_limit_t *limit,
                     apr_int64_t used_ns, apr_int64_t now_ns)
{
    apr_int64_t left_ns = limit->burst * limit->interval_ns - used_ns;
    apr_int64_t wait_ns = limit->interval_ns - left_ns;

    quota->due_ns = now_ns + used_ns;
    quota->remaining = left_ns > 0 ? left_ns / limit->interval_ns : 0;
    quota->retry_sec = seconds_up(wait_ns);
    quota->reset_sec = quota->remaining ? seconds_up(used_ns)
                                        : quota->retry_sec;
}

void ao2_limit_look(ao2_quota_t *quota, const ao2_limit_t *limit,
                    apr_int64_t due_ns, apr_time_t now)
{
    apr_int64_t now_ns = nanoseconds(now);

    describe(quota, limit, used(limit, due_ns, now_ns), now_ns);
}

int ao2_limit_take(ao2_quota_t *quota, const ao2_limit_t *limit,
                   apr_int64_t due_ns, apr_time_t now)
{
    ao2_limit_look(quota, limit, due_ns, now);
    if (quota->retry_sec) {
        return 0;
    }
    ao2_limit_look(quota, limit, quota->due_ns + limit->interval_ns, now);
    return 1;
}

apr_int64_t ao2_limit_give_back(const ao2_limit_t *limit, apr_int64_t due_ns)
{
    return due_ns > limit->interval_ns ? due_ns - limit->interval_ns : 0;
}

int ao2_limits_take(ao2_quota_t *quotas, const ao2_limit_t *limits, int count,
                    const apr_int64_t *due_ns, apr_time_t now)
{
    int refusing = -1;
    int i;

    for (i = 0; i < count; i++) {
        ao2_limit_look(&quotas[i], &limits[i], due_ns[i], now);
        if (quotas[i].retry_sec &&
            (refusing < 0 ||
             quotas[i].retry_sec > quotas[refusing].retry_sec)) {
            refusing = i;
        }
    }
    for (i = 0; i < count && refusing < 0; i++) {
        ao2_limit_take(&quotas[i], &limits[i], due_ns[i], now);
    }
    return refusing;
}
