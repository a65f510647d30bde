#include "service/board.h"

#include <apr_general.h>
#include <string.h>

/* Which lock guards the taking of parties, and the secret; flights spread
 * over all. */
#define PARTY_LOCK 0
#define SECRET_WORDS 2

static apr_size_t align(apr_size_t size)
{
    return (size + 63) & ~(apr_size_t)63;
}

static apr_size_t flights_size(void)
{
    return align(sizeof(ao2_flight_place_t) * AO2_FLIGHT_BUCKETS *
                 AO2_FLIGHT_PLACES);
}

static apr_size_t refusals_size(void)
{
    return align(sizeof(ao2_refused_token_t) * AO2_REFUSAL_SETS *
                 AO2_REFUSAL_WAYS);
}

static apr_size_t limits_size(void)
{
    return align(sizeof(ao2_used_limit_t) * AO2_LIMIT_SETS * AO2_LIMIT_WAYS);
}

static apr_size_t secret_size(void)
{
    return align(sizeof(apr_uint64_t) * SECRET_WORDS);
}

static apr_size_t counters_size(void)
{
    return align(sizeof(ao2_counters_memory_t));
}

static apr_size_t recent_size(void)
{
    return align(sizeof(ao2_recent_memory_t));
}

apr_size_t ao2_board_size(apr_size_t parties)
{
    return align(sizeof(ao2_party_t) * parties) + flights_size() +
           refusals_size() + limits_size() + secret_size() +
           counters_size() + recent_size();
}

static void lay_out(ao2_board_t *board, void *memory, apr_size_t parties)
{
    char *at = memory;

    board->flights = (void *)at;
    at += flights_size();
    board->refusals = (void *)at;
    at += refusals_size();
    board->limits = (void *)at;
    at += limits_size();
    board->secret = (void *)at;
    at += secret_size();
    board->counters.memory = (void *)at;
    at += counters_size();
    board->recent = (void *)at;
    at += recent_size();
    board->parties = (void *)at;
    board->party_count = parties;
}

/* The first process does. A machine without random numbers has a secret
 * that everybody knows. */
static void draw_secret(ao2_board_t *board)
{
    apr_uint64_t drawn[SECRET_WORDS] = {0};

    board->shared->lock(board->shared, PARTY_LOCK);
    if (!board->secret[0]) {
        apr_generate_random_bytes((unsigned char *)drawn, sizeof(drawn));
        board->secret[1] = drawn[1];
        __atomic_store_n(&board->secret[0], drawn[0], __ATOMIC_RELEASE);
    }
    board->shared->unlock(board->shared, PARTY_LOCK);
}

void ao2_board_open(ao2_board_t *board, ao2_shared_t *shared,
                    apr_size_t parties)
{
    board->shared = shared;
    lay_out(board, shared->memory, parties);
    draw_secret(board);
    ao2_counters_open(&board->counters, board->counters.memory, shared);
}

static int is_party(const ao2_party_t *party,
                    const unsigned char digest[AO2_PARTY_DIGEST])
{
    return memcmp(party->digest, digest, AO2_PARTY_DIGEST) == 0;
}

static int has_party(const ao2_board_t *board, const unsigned char *digest)
{
    apr_size_t i;

    for (i = 0; i < board->party_count && board->parties[i].taken; i++) {
        if (is_party(&board->parties[i], digest)) {
            return 1;
        }
    }
    return 0;
}

int ao2_board_has_room(void *memory, apr_size_t parties,
                       const apr_array_header_t *digests)
{
    ao2_board_t board = {0};
    apr_size_t taken = 0;
    int i;

    lay_out(&board, memory, parties);
    while (taken < parties && board.parties[taken].taken) {
        taken++;
    }
    for (i = 0; i < digests->nelts; i++) {
        taken += !has_party(&board, APR_ARRAY_IDX(digests, i,
                                                  const unsigned char *));
    }
    return taken <= parties;
}

ao2_party_t *ao2_board_party(ao2_board_t *board,
                             const unsigned char digest[AO2_PARTY_DIGEST])
{
    ao2_party_t *found = NULL;
    apr_size_t i;

    board->shared->lock(board->shared, PARTY_LOCK);
    for (i = 0; i < board->party_count && !found; i++) {
        ao2_party_t *party = &board->parties[i];

        if (!__atomic_load_n(&party->taken, __ATOMIC_ACQUIRE)) {
            memcpy(party->digest, digest, AO2_PARTY_DIGEST);
            __atomic_store_n(&party->taken, 1, __ATOMIC_RELEASE);
            found = party;
        }
        else if (is_party(party, digest)) {
            found = party;
        }
    }
    board->shared->unlock(board->shared, PARTY_LOCK);
    return found;
}
