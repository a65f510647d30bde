/**
 * @file service/flight_board.h
 * The part of a flight that processes see of each other.
 *
 * Layer service, for flight.c alone.
 */
#ifndef AO2_SERVICE_FLIGHT_BOARD_H
#define AO2_SERVICE_FLIGHT_BOARD_H

#include "service/flight.h"

/** What a process has to do with a key. */
typedef enum {
    AO2_SEAT_OWNER,   /**< does the work, and ends the flight */
    AO2_SEAT_ALONE,   /**< does the work; there is no place to show it */
    AO2_SEAT_WAITING, /**< somebody else does it */
    AO2_SEAT_ENDED,   /**< result and code are there */
    AO2_SEAT_LOST     /**< ended, but the result is not to be had here */
} ao2_seat_state_t;

/** A seat at a flight. */
typedef struct {
    ao2_seat_state_t state;
    ao2_flight_place_t *place;
    int lock;
    apr_uint64_t sequence;
} ao2_seat_t;

/** Take a seat at the flight for a key: as its owner where nobody is. */
void ao2_seat_take(ao2_seat_t *seat, ao2_board_t *board,
                   const ao2_flight_call_t *call);

/**
 * Look how the flight is. An owner that is gone, or past its deadline, is
 * replaced by who looks. @param result, @param fail  filled when it ended
 */
void ao2_seat_look(ao2_seat_t *seat, ao2_board_t *board,
                   const ao2_flight_call_t *call,
                   ao2_flight_result_t *result, apr_pool_t *pool,
                   ao2_fail_t *fail);

/** End the flight of an owner. */
void ao2_seat_end(const ao2_seat_t *seat, ao2_board_t *board, ao2_code_t code,
                  const ao2_flight_result_t *result, const ao2_fail_t *fail);

#endif
