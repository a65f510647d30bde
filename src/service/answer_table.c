#include "service/answer_table.h"

#include <stdlib.h>
#include <string.h>

/* What one entry is expected to take, for the number of buckets. */
#define USUAL_ENTRY 512

int ao2_answer_table_make(ao2_answer_table_t *table, apr_size_t budget,
                          apr_pool_t *pool)
{
    table->budget = budget;
    table->bucket_count = 8;
    while (table->bucket_count < budget / USUAL_ENTRY) {
        table->bucket_count *= 2;
    }
    table->buckets = apr_pcalloc(pool, table->bucket_count *
                                           sizeof(ao2_answer_t *));
    return apr_thread_mutex_create(&table->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pool) == APR_SUCCESS &&
           apr_thread_cond_create(&table->answered, pool) == APR_SUCCESS;
}

static apr_size_t bytes_of(const ao2_answer_t *answer)
{
    return sizeof(*answer) + answer->key_length + answer->length;
}

static ao2_answer_t **bucket_of(const ao2_answer_table_t *table,
                                apr_uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static void take_out(ao2_answer_t *answer)
{
    ao2_answer_table_t *table = answer->table;
    ao2_answer_t **at = bucket_of(table, answer->hash);

    while (*at != answer) {
        at = &(*at)->next;
    }
    *at = answer->next;
    if (table->hand == answer) {
        table->hand = answer->after == answer ? NULL : answer->after;
    }
    answer->before->after = answer->after;
    answer->after->before = answer->before;
    table->bytes -= bytes_of(answer);
    table->entries--;
    free(answer->columns);
    free(answer);
}

void ao2_answer_table_clear(ao2_answer_table_t *table)
{
    while (table->hand) {
        take_out(table->hand);
    }
}

/* The hand goes round: what was used since it came by last stays once more,
 * the first that was not goes; never one that somebody waits for. */
static void make_room(ao2_answer_table_t *table, apr_size_t bytes)
{
    apr_size_t steps = 2 * table->entries;

    while (steps-- > 0 && table->bytes + bytes > table->budget) {
        ao2_answer_t *answer = table->hand;

        table->hand = answer->after;
        if (answer->used || answer->outstanding || answer->waiting) {
            answer->used = 0;
            continue;
        }
        take_out(answer);
    }
}

/* Behind the hand: it comes by here last. */
static void put_in(ao2_answer_table_t *table, ao2_answer_t *answer)
{
    ao2_answer_t **bucket = bucket_of(table, answer->hash);

    answer->next = *bucket;
    *bucket = answer;
    if (!table->hand) {
        answer->before = answer;
        answer->after = answer;
        table->hand = answer;
    }
    else {
        answer->after = table->hand;
        answer->before = table->hand->before;
        answer->before->after = answer;
        answer->after->before = answer;
    }
    table->bytes += bytes_of(answer);
    table->entries++;
}

ao2_answer_t *ao2_answer_get(ao2_answer_table_t *table, apr_uint64_t hash,
                             int which, ao2_span_t key)
{
    ao2_answer_t *answer = *bucket_of(table, hash);

    while (answer &&
           (answer->which != which || answer->key_length != key.len ||
            memcmp(answer->key, key.ptr, key.len) != 0)) {
        answer = answer->next;
    }
    if (answer) {
        return answer;
    }
    make_room(table, sizeof(*answer) + key.len);
    answer = calloc(1, sizeof(*answer) + key.len);
    if (answer) {
        answer->table = table;
        answer->hash = hash;
        answer->which = which;
        answer->key_length = key.len;
        memcpy(answer->key, key.ptr, key.len);
        put_in(table, answer);
    }
    return answer;
}

int ao2_answer_keep(ao2_answer_t *answer, ao2_span_t columns,
                    apr_uint64_t number)
{
    ao2_answer_table_t *table = answer->table;
    char *copy = NULL;

    if (number <= answer->number) {
        return 0;
    }
    if (columns.len) {
        copy = malloc(columns.len);
        if (!copy) {
            return 0;
        }
        memcpy(copy, columns.ptr, columns.len);
    }
    make_room(table, columns.len);
    table->bytes -= bytes_of(answer);
    free(answer->columns);
    answer->columns = copy;
    answer->length = columns.len;
    answer->number = number;
    table->bytes += bytes_of(answer);
    return 1;
}
