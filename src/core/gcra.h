/**
 * @file core/gcra.h
 * The arithmetic of rate limits: the generic cell rate algorithm (ITU-T
 * I.371), which keeps one number a limit.
 *
 * The number is the "theoretical arrival time", here *due*: nanoseconds
 * since the epoch at which the allowance will be full again. A request
 * moves it on by one interval; it is admitted when that leaves it at most
 * burst intervals ahead of now. 0, for never used, is full.
 *
 * The interval is per / requests, rounded up to a whole nanosecond: at most
 * a thousandth fewer requests than said, never one more.
 *
 * Layer core. Pure functions on values, which the caller keeps wherever
 * they are shared; safe from any thread.
 */
#ifndef AO2_CORE_GCRA_H
#define AO2_CORE_GCRA_H

#include <apr_time.h>

/** One limit of a plan. */
typedef struct {
    apr_int64_t requests; /**< that come back per window */
    apr_int64_t burst;    /**< that may come at once */
    apr_int64_t window_sec;
    apr_int64_t interval_ns; /**< in which one comes back */
} ao2_limit_t;

/** What a limit says at one moment. */
typedef struct {
    apr_int64_t due_ns;    /**< to be kept */
    apr_int64_t remaining; /**< whole requests left now */
    /** Until the next one comes back when none is left, else until full;
     *  seconds, rounded up. */
    apr_int64_t reset_sec;
    /** Until a request would be admitted, rounded up; 0: now. */
    apr_int64_t retry_sec;
} ao2_quota_t;

/**
 * Check and complete a limit.
 * @param requests  at least 1; at most 1,000,000 a second
 * @param window    whole seconds, at most 366 days; microseconds
 * @param burst     0: as many as @a requests; else at most what comes back
 *                  in ten years
 * @return NULL, or what is wrong as a static part of a sentence
 */
const char *ao2_limit_make(ao2_limit_t *limit, apr_int64_t requests,
                           apr_time_t window, apr_int64_t burst);

/**
 * What @a limit says to a request at @a now, and whether it is admitted.
 * A due time more than a minute further ahead than any request can have
 * moved it comes from a clock that has been set back: it is taken as "all
 * used up now".
 * @param quota  when admitted, the state with the request counted; else
 *               without, its due_ns to be kept all the same
 * @return 1 when admitted
 */
int ao2_limit_take(ao2_quota_t *quota, const ao2_limit_t *limit,
                   apr_int64_t due_ns, apr_time_t now);

/** The same without counting anything; quota->retry_sec tells whether a
 *  request would be admitted. */
void ao2_limit_look(ao2_quota_t *quota, const ao2_limit_t *limit,
                    apr_int64_t due_ns, apr_time_t now);

/** The due time once a request that was admitted is taken back. */
apr_int64_t ao2_limit_give_back(const ao2_limit_t *limit, apr_int64_t due_ns);

/**
 * Ask all limits of a plan: all must admit, and then each counts.
 * @param quotas  @a count of them; when one refuses, none has counted
 * @return -1 when admitted, else the index of the limit that refuses for
 *         the longest time
 */
int ao2_limits_take(ao2_quota_t *quotas, const ao2_limit_t *limits, int count,
                    const apr_int64_t *due_ns, apr_time_t now);

#endif
