/**
 * @file service/board.h
 * How the memory that all processes share is laid out: remote parties,
 * flights, refused tokens, limits, figures, and what pages tell.
 *
 * Layer service. Sizes are fixed when the memory is made. Everything starts
 * as zero and is valid after every single store, so that a process may be
 * killed anywhere.
 */
#ifndef AO2_SERVICE_BOARD_H
#define AO2_SERVICE_BOARD_H

#include <apr_tables.h>
#include <apr_time.h>

#include "base/fail.h"
#include "port/shared.h"
#include "service/counters.h"
#include "service/notice.h"
#include "service/pause.h"
#include "service/recent.h"

/** Bytes that name a party: SHA-256 of all its settings. */
#define AO2_PARTY_DIGEST 32
/** Most calls to one party at once (ApiConcurrency). */
#define AO2_MAX_CONCURRENCY 512
/** Flights that are under way, or ended just now, in one bucket. */
#define AO2_FLIGHT_PLACES 16
/** Buckets of flights. */
#define AO2_FLIGHT_BUCKETS 128
/** The longest result that waiting processes get from memory; a longer one
 *  they take from the shared cache. */
#define AO2_FLIGHT_VALUE 4096
/** Refused tokens that are remembered: sets of four. */
#define AO2_REFUSAL_SETS 16384
#define AO2_REFUSAL_WAYS 4

/** How an issuer's key documents are. All members are atomics. */
typedef struct {
    apr_uint64_t version; /**< of the documents; 0: never had */
    apr_time_t fetched;
    apr_time_t due;       /**< renew from then on */
    apr_time_t expires;   /**< not to be used from then on */
    apr_time_t unknown;   /**< last fetch for an unknown kid */
} ao2_key_times_t;

/** How the token for a backend is. All members are atomics. */
typedef struct {
    apr_uint64_t version; /**< of the token that was announced; 0: none */
    apr_time_t fetched;
    apr_time_t due;       /**< renew from then on */
    apr_time_t expires;
    apr_time_t used;      /**< about when a request took it last */
    apr_int64_t drops;    /**< core/gcra.h: tokens dropped lately */
    apr_uint64_t last_drop; /**< part of that token's mark */
} ao2_token_times_t;

/** Limits of subscriptions that are not full: sets of sixteen. */
#define AO2_LIMIT_SETS 16384
#define AO2_LIMIT_WAYS 16

/** Keys of an issuer that pages name. */
#define AO2_KEYS_SHOWN 32

/** The keys of an issuer, as the process that loaded some last has them. */
typedef struct {
    apr_time_t at; /**< when it loaded them */
    apr_int64_t count;
    struct {
        char kid[64]; /**< cut; "": none */
        char alg[16]; /**< or the kind of key, where any that fits may be */
    } keys[AO2_KEYS_SHOWN];
} ao2_keys_shown_t;

/** The last failure with a party. */
typedef struct {
    apr_time_t at; /**< 0: never */
    char text[AO2_MAX_DETAIL + 8];
} ao2_trouble_t;

/** What is asked of a party: documents that anybody may have, or answers to
 *  those who show credentials. */
typedef enum {
    AO2_TARGET_KEYS,
    AO2_TARGET_ANSWERS
} ao2_target_t;
#define AO2_TARGETS 2

/** What all processes know of a remote party (an issuer, an upstream). All
 *  members are read and written as atomics. */
typedef struct {
    unsigned char digest[AO2_PARTY_DIGEST]; /**< written once */
    apr_uint32_t taken;                     /**< 0: free; 1: digest counts */
    ao2_pause_t pauses[AO2_TARGETS]; /**< what fails does not stop the rest */
    apr_uint32_t refusals;     /**< of our credentials, in a row */
    apr_time_t refused_until;  /**< it is left alone for that till then */
    ao2_member_t permits[AO2_MAX_CONCURRENCY]; /**< who has which place */
    apr_time_t began[AO2_MAX_CONCURRENCY]; /**< the call from there; 0: none */
    apr_time_t answered;       /**< the last answer to any call came */
    apr_time_t usual;          /**< what answers take, at most; 0: not known */
    ao2_key_times_t keys;
    ao2_token_times_t token;
    apr_time_t went_well;      /**< the last errand that did; 0: none */
    apr_time_t went_wrong;     /**< the last errand that did; 0: none */
    ao2_notice_t trouble_notice; /**< of what follows */
    ao2_trouble_t trouble;
    ao2_notice_t shown_notice; /**< of what follows */
    ao2_keys_shown_t shown;
} ao2_party_t;

/** One flight. The lock of its bucket guards it. */
typedef struct {
    apr_uint64_t key[2];
    ao2_member_t owner;     /**< 0: free, or ended */
    apr_uint64_t sequence;  /**< another number for each flight */
    apr_time_t deadline;    /**< the owner is given up then */
    apr_time_t ended;       /**< 0: not yet */
    int code;               /**< ao2_code_t */
    int has_value;          /**< else it is in the shared cache, if at all */
    apr_uint32_t length;
    char detail[AO2_MAX_DETAIL + 1];
    char value[AO2_FLIGHT_VALUE];
} ao2_flight_place_t;

/** A refused token: a torn read does not fit its own check. */
typedef struct {
    apr_uint64_t check[2]; /**< key ^ note */
    apr_uint64_t note;     /**< until when, and the failure; 0: free */
} ao2_refused_token_t;

/** How far one limit of one subscription is used up (core/gcra.h). */
typedef struct {
    apr_uint64_t key[2];
    apr_int64_t due_ns; /**< 0: free */
} ao2_used_limit_t;

/** The board as this process sees it. */
typedef struct {
    ao2_shared_t *shared;
    ao2_party_t *parties;
    apr_size_t party_count;
    ao2_flight_place_t *flights;
    ao2_refused_token_t *refusals;
    ao2_used_limit_t *limits;
    apr_uint64_t *secret; /**< two words: of the hashes of names that callers
                               choose; drawn once */
    ao2_counters_t counters;
    ao2_recent_memory_t *recent;
} ao2_board_t;

/** The bytes a board takes. @param parties  how many there may be, over all
 *  configurations that are in use at once */
apr_size_t ao2_board_size(apr_size_t parties);

/** Open the board in @a shared. @param parties as for ao2_board_size() */
void ao2_board_open(ao2_board_t *board, ao2_shared_t *shared,
                    apr_size_t parties);

/**
 * Whether the parties with these digests have a record or find room. Looks
 * alone: locks nothing, and needs no member of @a memory.
 * @param digests  of those parties, of const unsigned char *
 */
int ao2_board_has_room(void *memory, apr_size_t parties,
                       const apr_array_header_t *digests);

/**
 * The record of a party, made when there is none.
 * @return NULL when all are taken
 */
ao2_party_t *ao2_board_party(ao2_board_t *board,
                             const unsigned char digest[AO2_PARTY_DIGEST]);

#endif
