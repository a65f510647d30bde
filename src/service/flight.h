/**
 * @file service/flight.h
 * One call for all who wait for the same answer, over the threads of a
 * process and all processes.
 *
 * Layer service. One flight control a process; any thread may call. Waiting
 * processes look at shared memory; a killed owner is replaced by one of
 * them.
 */
#ifndef AO2_SERVICE_FLIGHT_H
#define AO2_SERVICE_FLIGHT_H

#include <apr_pools.h>

#include "base/fail.h"
#include "base/span.h"
#include "service/board.h"

/** Bytes of a key. Keys are digests: their bytes are spread evenly. */
#define AO2_FLIGHT_KEY 32

typedef struct ao2_flight ao2_flight_t;

/** Whoever waits asks this often whether it may go on. */
#define AO2_FLIGHT_LOOK apr_time_from_msec(50)

/** What a call brought. */
typedef struct {
    ao2_span_t value; /**< in the pool that was given */
} ao2_flight_result_t;

/**
 * The work of an owner. It looks into the caches first: another may have
 * ended between the caller's own look and this one. A value that may be
 * longer than AO2_FLIGHT_VALUE it puts into the shared cache.
 * @return AO2_OK or the failure that all who wait get
 */
typedef ao2_code_t ao2_flight_fn(void *context, ao2_flight_result_t *result,
                                 apr_pool_t *pool, ao2_fail_t *fail);

typedef struct {
    unsigned char key[AO2_FLIGHT_KEY];
    ao2_flight_fn *work;
    void *context;
    apr_time_t patience; /**< microseconds: longer than the work may take */
    ao2_code_t late;     /**< the failure of who waits longer than that, or
                              gives up */
    int (*goes_on)(void *wait); /**< whether to wait on, while others do the
                                     work; must not wait itself. NULL: yes */
    void *wait;
} ao2_flight_call_t;

/**
 * Make the control of this process.
 * @param board  borrowed for the pool's life; NULL: this process alone
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_flight_make(ao2_flight_t **pflight, ao2_board_t *board,
                           apr_pool_t *pool, ao2_fail_t *fail);

/**
 * Do the work, or wait for who does it already and take that result.
 * @return what the work returned, or call->late
 */
ao2_code_t ao2_flight_run(ao2_flight_t *flight, ao2_flight_result_t *result,
                          const ao2_flight_call_t *call, apr_pool_t *pool,
                          ao2_fail_t *fail);

/**
 * Do the work unless somebody does it already; never waits.
 * @return as ao2_flight_run(); AO2_OK with an absent value when somebody
 *         else is at it
 */
ao2_code_t ao2_flight_try(ao2_flight_t *flight, ao2_flight_result_t *result,
                          const ao2_flight_call_t *call, apr_pool_t *pool,
                          ao2_fail_t *fail);

#endif
