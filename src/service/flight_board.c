#include "service/flight_board.h"

#include <string.h>

#include <apr_strings.h>

static void halves(apr_uint64_t key[2], const ao2_flight_call_t *call)
{
    memcpy(key, call->key, 2 * sizeof(apr_uint64_t));
}

static int has_key(const ao2_flight_place_t *place,
                   const ao2_flight_call_t *call)
{
    apr_uint64_t key[2];

    halves(key, call);
    return place->key[0] == key[0] && place->key[1] == key[1];
}

static int is_gone(const ao2_flight_place_t *place, ao2_board_t *board,
                   apr_time_t now)
{
    return now >= place->deadline ||
           !board->shared->lives(board->shared, place->owner);
}

/* The owner is written last: a place whose writer was killed before is
 * free. */
static void claim(ao2_seat_t *seat, ao2_flight_place_t *place,
                  ao2_board_t *board, const ao2_flight_call_t *call,
                  apr_time_t now)
{
    place->owner = 0;
    halves(place->key, call);
    place->sequence++;
    place->ended = 0;
    place->deadline = now + call->patience;
    __atomic_store_n(&place->owner, board->shared->me, __ATOMIC_RELEASE);
    seat->state = AO2_SEAT_OWNER;
    seat->place = place;
    seat->sequence = place->sequence;
}

/* Where a new flight may go: a free place, else the one that ended first,
 * else one whose owner is gone. */
static ao2_flight_place_t *find_room(ao2_flight_place_t *bucket,
                                     ao2_board_t *board, apr_time_t now)
{
    ao2_flight_place_t *oldest = NULL;
    int i;

    for (i = 0; i < AO2_FLIGHT_PLACES; i++) {
        ao2_flight_place_t *place = &bucket[i];

        if (place->owner == 0 && (!oldest || place->ended < oldest->ended)) {
            oldest = place;
        }
    }
    for (i = 0; !oldest && i < AO2_FLIGHT_PLACES; i++) {
        if (is_gone(&bucket[i], board, now)) {
            oldest = &bucket[i];
        }
    }
    return oldest;
}

void ao2_seat_take(ao2_seat_t *seat, ao2_board_t *board,
                   const ao2_flight_call_t *call)
{
    unsigned number = call->key[16] % AO2_FLIGHT_BUCKETS;
    ao2_flight_place_t *bucket = board->flights + number * AO2_FLIGHT_PLACES;
    apr_time_t now = apr_time_now();
    ao2_flight_place_t *room;
    int i;

    seat->lock = (int)(number % AO2_SHARED_LOCKS);
    seat->state = AO2_SEAT_ALONE;
    seat->place = NULL;
    board->shared->lock(board->shared, seat->lock);
    for (i = 0; i < AO2_FLIGHT_PLACES; i++) {
        if (bucket[i].owner != 0 && has_key(&bucket[i], call)) {
            seat->state = AO2_SEAT_WAITING;
            seat->place = &bucket[i];
            seat->sequence = bucket[i].sequence;
            break;
        }
    }
    if (seat->state == AO2_SEAT_ALONE) {
        room = find_room(bucket, board, now);
        if (room) {
            claim(seat, room, board, call, now);
        }
    }
    board->shared->unlock(board->shared, seat->lock);
}

static void read_result(ao2_seat_t *seat, ao2_flight_result_t *result,
                        apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_flight_place_t *place = seat->place;

    seat->state = AO2_SEAT_ENDED;
    if (place->code != AO2_OK) {
        ao2_fail(fail, (ao2_code_t)place->code, "%s", place->detail);
    }
    else if (place->has_value) {
        result->value.ptr = apr_pstrmemdup(pool, place->value,
                                           place->length);
        result->value.len = place->length;
    }
    else {
        seat->state = AO2_SEAT_LOST;
    }
}

void ao2_seat_look(ao2_seat_t *seat, ao2_board_t *board,
                   const ao2_flight_call_t *call,
                   ao2_flight_result_t *result, apr_pool_t *pool,
                   ao2_fail_t *fail)
{
    ao2_flight_place_t *place = seat->place;
    apr_time_t now = apr_time_now();

    board->shared->lock(board->shared, seat->lock);
    if (place->sequence != seat->sequence || !has_key(place, call)) {
        seat->state = AO2_SEAT_LOST;
    }
    else if (place->owner == 0) {
        if (place->ended) {
            read_result(seat, result, pool, fail);
        }
        else {
            seat->state = AO2_SEAT_LOST;
        }
    }
    else if (is_gone(place, board, now)) {
        claim(seat, place, board, call, now);
    }
    board->shared->unlock(board->shared, seat->lock);
}

void ao2_seat_end(const ao2_seat_t *seat, ao2_board_t *board, ao2_code_t code,
                  const ao2_flight_result_t *result, const ao2_fail_t *fail)
{
    ao2_flight_place_t *place = seat->place;

    board->shared->lock(board->shared, seat->lock);
    /* Another may have taken over from an owner that was late. */
    if (place->sequence == seat->sequence &&
        place->owner == board->shared->me) {
        place->code = (int)code;
        apr_cpystrn(place->detail, fail->detail, sizeof(place->detail));
        place->has_value = result->value.ptr &&
                           result->value.len <= AO2_FLIGHT_VALUE;
        if (place->has_value) {
            memcpy(place->value, result->value.ptr, result->value.len);
            place->length = (apr_uint32_t)result->value.len;
        }
        place->ended = apr_time_now();
        __atomic_store_n(&place->owner, 0, __ATOMIC_RELEASE);
    }
    board->shared->unlock(board->shared, seat->lock);
}
