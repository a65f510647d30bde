/**
 * @file service/gate.h
 * At most so many calls to one party at once, all processes together; and
 * whether it seems to hang.
 *
 * Layer service. One gate a party and process; any thread may call. Times
 * are microseconds, by apr_time_now().
 */
#ifndef AO2_SERVICE_GATE_H
#define AO2_SERVICE_GATE_H

#include <apr_pools.h>

#include "base/fail.h"
#include "service/board.h"

typedef struct ao2_gate ao2_gate_t;

/**
 * Make a gate. @param limit  1 to AO2_MAX_CONCURRENCY, the same in all
 * processes that share @a party
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_gate_make(ao2_gate_t **pgate, ao2_party_t *party,
                         ao2_shared_t *shared, int limit, apr_pool_t *pool,
                         ao2_fail_t *fail);

/**
 * Come in to call, waiting at most @a patience for a place, and not at all
 * when the party seems to hang. Places of processes that are gone are free.
 * @param patience  also what a call may take
 * @return the place for ao2_gate_leave(); -1: none in time
 */
int ao2_gate_enter(ao2_gate_t *gate, apr_time_t patience);

/** Take a place, if one is free, without calling from it.
 *  @return as ao2_gate_enter() */
int ao2_gate_take(ao2_gate_t *gate);

/** Note that a call was answered. @param took  how long it lasted; 0: no
 *  measure of how long calls take */
void ao2_gate_answered(ao2_gate_t *gate, apr_time_t took);

/**
 * Whether the party seems to hang: somebody is calling, and no call has been
 * answered for four times as long as answers lately took; for an eighth of
 * @a total at least, and for half of it where nothing was answered ever.
 * @param total  what a call may take
 */
int ao2_gate_hangs(ao2_gate_t *gate, apr_time_t total);

/** Go. */
void ao2_gate_leave(ao2_gate_t *gate, int place);

/** How many are in now, over all processes. */
int ao2_gate_count(const ao2_gate_t *gate);

#endif
