/**
 * @file service/limits.h
 * How much of their plans subscriptions, and callers without one, have used,
 * exactly, in all processes.
 *
 * Layer service. Without a lock but for the first use of a limit that was
 * full; any thread of any process may call. A limit that is full again needs
 * no memory. Where there is no room for one more, the limit that is next to
 * full is forgotten: who has it may use at most what was still used
 * of it once more.
 */
#ifndef AO2_SERVICE_LIMITS_H
#define AO2_SERVICE_LIMITS_H

#include "base/span.h"
#include "core/registry.h"
#include "service/board.h"

/** Most limits of a plan. */
#define AO2_LIMITS_MOST AO2_MAX_PLAN_LIMITS

/**
 * Take one request from all limits of a plan: all have to admit it, and
 * then each counts it.
 * @param who      whose allowance it is: any bytes; the plan's name counts
 *                 as well
 * @param quotas   receives plan->count of them: what is left
 * @return -1 when admitted, else the index of the limit that refuses for the
 *         longest time; then nothing was counted
 */
int ao2_limits_use(ao2_board_t *board, ao2_quota_t *quotas,
                   const ao2_plan_t *plan, ao2_span_t who, apr_time_t now);

/** Whose allowance that of a subscription is: its own, apart from all that
 *  others may be. @return in @a pool */
ao2_span_t ao2_limits_owner(const ao2_subscription_t *subscription,
                            apr_pool_t *pool);

/** What is left, without counting. */
void ao2_limits_left(const ao2_board_t *board, ao2_quota_t *quotas,
                     const ao2_plan_t *plan, ao2_span_t who, apr_time_t now);

#endif
