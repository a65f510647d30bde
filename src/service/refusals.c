#include "service/refusals.h"

#include <string.h>

/* A note: the time in milliseconds above, the code below. */
#define CODE_BITS 12
/* By how much a note may be ahead of one who took the time before it. */
#define CLOCK_TOLERANCE apr_time_from_sec(60)

static apr_uint64_t make_note(ao2_code_t code, apr_time_t until)
{
    return (apr_uint64_t)apr_time_as_msec(until) << CODE_BITS |
           (apr_uint64_t)code;
}

static apr_time_t until_of(apr_uint64_t note)
{
    return apr_time_from_msec((apr_time_t)(note >> CODE_BITS));
}

/* Key and set: the set is chosen by bytes that the key does not hold. */
static ao2_refused_token_t *set_of(const ao2_board_t *board,
                                   apr_uint64_t key[2],
                                   const unsigned char *bytes)
{
    apr_uint64_t choice;

    memcpy(key, bytes, 2 * sizeof(apr_uint64_t));
    memcpy(&choice, bytes + 2 * sizeof(apr_uint64_t), sizeof(choice));
    return board->refusals + choice % AO2_REFUSAL_SETS * AO2_REFUSAL_WAYS;
}

/* The note of an entry, when it is that of the key; else 0. */
static apr_uint64_t read_note(const ao2_refused_token_t *entry,
                              const apr_uint64_t key[2])
{
    apr_uint64_t note = __atomic_load_n(&entry->note, __ATOMIC_RELAXED);

    return (__atomic_load_n(&entry->check[0], __ATOMIC_RELAXED) ^ note)
                       == key[0] &&
                   (__atomic_load_n(&entry->check[1], __ATOMIC_RELAXED)
                    ^ note) == key[1]
               ? note
               : 0;
}

static void write_note(ao2_refused_token_t *entry, const apr_uint64_t key[2],
                       apr_uint64_t note)
{
    __atomic_store_n(&entry->check[0], key[0] ^ note, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->check[1], key[1] ^ note, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->note, note, __ATOMIC_RELAXED);
}

void ao2_refusals_note(ao2_board_t *board,
                       const unsigned char bytes[AO2_REFUSAL_KEY],
                       ao2_code_t code, apr_time_t now, apr_time_t until)
{
    apr_uint64_t key[2];
    ao2_refused_token_t *set = set_of(board, key, bytes);
    ao2_refused_token_t *chosen = &set[0];
    int i;

    if (until <= now) {
        return;
    }
    for (i = 0; i < AO2_REFUSAL_WAYS; i++) {
        if (read_note(&set[i], key)) {
            chosen = &set[i];
            break;
        }
        if (__atomic_load_n(&set[i].note, __ATOMIC_RELAXED) <
            __atomic_load_n(&chosen->note, __ATOMIC_RELAXED)) {
            chosen = &set[i];
        }
    }
    write_note(chosen, key, make_note(code, until));
}

/* The columns of AO2_METRIC_LOOKUPS. */
enum { HIT, MISS };

static void note_lookup(const ao2_board_t *board, int column)
{
    const ao2_counters_t *counters = &board->counters;
    ao2_label_t label = ao2_counters_label(counters, AO2_LABEL_WORD,
                                           "refused", AO2_MOST_WORDS);

    ao2_count(ao2_counters_row(counters, AO2_METRIC_LOOKUPS, label,
                               AO2_LABEL_NONE),
              column);
}

ao2_code_t ao2_refusals_find(const ao2_board_t *board,
                             const unsigned char bytes[AO2_REFUSAL_KEY],
                             apr_time_t now, apr_time_t longest)
{
    apr_uint64_t key[2];
    const ao2_refused_token_t *set = set_of(board, key, bytes);
    int i;

    for (i = 0; i < AO2_REFUSAL_WAYS; i++) {
        apr_uint64_t note = read_note(&set[i], key);

        if (note && now < until_of(note) &&
            until_of(note) - now <= longest + CLOCK_TOLERANCE) {
            note_lookup(board, HIT);
            return (ao2_code_t)(note & ((1u << CODE_BITS) - 1));
        }
    }
    note_lookup(board, MISS);
    return AO2_OK;
}
