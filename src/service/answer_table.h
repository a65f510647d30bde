/**
 * @file service/answer_table.h
 * Answers of a database by their questions, bounded in memory: for
 * service/answers.c alone.
 *
 * Layer service. Whoever calls holds the table's mutex.
 */
#ifndef AO2_SERVICE_ANSWER_TABLE_H
#define AO2_SERVICE_ANSWER_TABLE_H

#include <apr_pools.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_time.h>

#include "base/span.h"

typedef struct ao2_answer_table ao2_answer_table_t;

/** A question, and what was said to it last. */
typedef struct ao2_answer {
    struct ao2_answer *next; /**< in its bucket */
    struct ao2_answer *before; /**< in the ring that the hand goes round */
    struct ao2_answer *after;
    ao2_answer_table_t *table;
    apr_uint64_t current; /**< number of the ask that callers wait for; 0:
                               none */
    int outstanding;     /**< asks that were not answered yet */
    int waiting;         /**< callers */
    int used;            /**< since the hand came by */
    apr_uint64_t number; /**< of the ask that the columns are of */
    apr_time_t since;    /**< when that was; 0: nothing was said yet */
    char *columns;       /**< NULL: none */
    apr_size_t length;   /**< of the columns */
    apr_uint64_t hash;
    int which;           /**< statement */
    apr_size_t key_length;
    char key[];          /**< the values, each ended by a NUL */
} ao2_answer_t;

struct ao2_answer_table {
    apr_thread_mutex_t *mutex; /**< guards all that follows */
    apr_thread_cond_t *answered;
    ao2_answer_t **buckets;
    apr_size_t bucket_count; /**< a power of two */
    apr_size_t budget;       /**< bytes */
    apr_size_t bytes;        /**< of all entries */
    apr_size_t entries;
    ao2_answer_t *hand;
};

/** Make an empty table; @a table is all zero. @return 1, or 0: no mutex */
int ao2_answer_table_make(ao2_answer_table_t *table, apr_size_t budget,
                          apr_pool_t *pool);

/** Free all entries. */
void ao2_answer_table_clear(ao2_answer_table_t *table);

/** The entry of a question, made when there is none, perhaps instead of
 *  others. @return NULL: no memory */
ao2_answer_t *ao2_answer_get(ao2_answer_table_t *table, apr_uint64_t hash,
                             int which, ao2_span_t key);

/** Replace what was said, unless that is of a later ask. @return 1 when that
 *  was done; 0 also where there is no memory */
int ao2_answer_keep(ao2_answer_t *answer, ao2_span_t columns,
                    apr_uint64_t number);

#endif
