/**
 * @file service/answers.h
 * What a database said a moment ago, rows and "no such" alike, and one
 * question for all who wait for the same answer.
 *
 * An answer serves for a while (ttl), and is renewed in the background when
 * three quarters of that are over. Past it, callers wait for the next one, but
 * not for long (patience): a database that does not answer in time, or fails,
 * leaves the answer before in force for as long as AO2_MAX_REGISTRY_STALE_SEC
 * or the ttl say, whichever is longer. After three failures in a row the
 * database is left alone for a moment (service/pause.h), and nobody waits.
 *
 * Layer service. One a database and process, bounded in memory; any thread
 * may call.
 */
#ifndef AO2_SERVICE_ANSWERS_H
#define AO2_SERVICE_ANSWERS_H

#include "port/clock.h"
#include "port/database.h"
#include "port/log.h"

typedef struct ao2_answers ao2_answers_t;

/** What it works with. */
typedef struct {
    ao2_database_t *database;
    ao2_clock_t *clock;
    ao2_log_t *log;
    const char *label;   /**< for logs: "ApiRegistry dbd" */
    apr_time_t ttl;      /**< how long an answer serves */
    apr_time_t patience; /**< how long a caller waits */
    apr_size_t bytes;    /**< that all answers may take */
} ao2_answers_settings_t;

/** Figures since the process started. */
typedef struct {
    apr_uint64_t hits;   /**< an answer was there */
    apr_uint64_t asked;  /**< questions to the database */
    apr_uint64_t stale;  /**< an answer past its time had to do */
    apr_uint64_t failed; /**< there was none */
    apr_uint64_t entries; /**< now */
    apr_uint64_t bytes;   /**< now */
} ao2_answers_counts_t;

/**
 * Make it.
 * @param settings  copied; what it points to is borrowed for the pool's life.
 *                  Before that ends, the database must have stopped answering
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_answers_make(ao2_answers_t **panswers,
                            const ao2_answers_settings_t *settings,
                            apr_pool_t *pool, ao2_fail_t *fail);

/**
 * Get an answer: one that is there, or the database's.
 * @param columns  as of ao2_database_answer_t; lives in @a pool
 * @param which    of ao2_find_statements
 * @param values   as many as that takes
 * @return AO2_OK or AO2_E_REGISTRY_UNAVAILABLE
 */
ao2_code_t ao2_answers_get(ao2_answers_t *answers, ao2_span_t *columns,
                           int which, const char *const *values,
                           apr_pool_t *pool, ao2_fail_t *fail);

/** When to ask again after AO2_E_REGISTRY_UNAVAILABLE: 1 or more. */
int ao2_answers_retry_after_sec(const ao2_answers_t *answers);

void ao2_answers_counts(ao2_answers_t *answers, ao2_answers_counts_t *counts);

#endif
