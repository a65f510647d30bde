/**
 * @file core/registry_find.h
 * What a request asks a registry in SQL, and the rows that the answers are.
 *
 * Nothing here talks to a database. A database may compare more loosely than
 * we do: what it finds and was not asked for is not there.
 *
 * Layer core. Pure functions; safe from any thread.
 */
#ifndef AO2_CORE_REGISTRY_FIND_H
#define AO2_CORE_REGISTRY_FIND_H

#include "core/registry_sql.h"
#include "core/subscription.h"

/** A statement with %s for each value; static. */
typedef struct {
    const char *text;
    int values;  /**< that it takes */
    int columns; /**< of each row of the answer */
} ao2_sql_statement_t;

/** The statements, as the functions below take their answers. */
enum {
    AO2_FIND_CLIENT, /**< issuer, client id */
    AO2_FIND_TOKEN,  /**< digest as ao2_text_hex() writes it */
    AO2_FIND_CALL,   /**< application ("": none), API, version */
    AO2_FIND_PLAN,   /**< name */
    AO2_FIND_COUNT
};
extern const ao2_sql_statement_t ao2_find_statements[AO2_FIND_COUNT];

/** The most values that one of them takes. */
#define AO2_FIND_MOST_VALUES 3

/*
 * Rows out of an answer: the columns of all rows, each ended by a NUL; NULL
 * and "" are one. Rows live in @a pool; their texts are borrowed from
 * @a answer. AO2_OK with NULL where there is no such row;
 * AO2_E_MISCONFIGURED with a detail where the schema does not allow it.
 */
ao2_code_t ao2_find_client(const ao2_client_t **pclient, ao2_span_t answer,
                           const char *issuer, const char *client_id,
                           apr_pool_t *pool, ao2_fail_t *fail);
ao2_code_t ao2_find_token(const ao2_api_token_t **ptoken, ao2_span_t answer,
                          const unsigned char digest[AO2_DIGEST_LEN],
                          apr_pool_t *pool, ao2_fail_t *fail);
ao2_code_t ao2_find_plan(const ao2_plan_t **pplan, ao2_span_t answer,
                         const char *name, apr_pool_t *pool,
                         ao2_fail_t *fail);
/** Fill in api and subscription of a call whose other members are set. */
ao2_code_t ao2_find_call(ao2_call_t *call, ao2_span_t answer,
                         apr_pool_t *pool, ao2_fail_t *fail);

#endif
