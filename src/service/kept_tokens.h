/**
 * @file service/kept_tokens.h
 * Access tokens of which one process has a copy: a few, or one for each of
 * the callers that come most.
 *
 * Layer service. Bounded in number; a value is wiped when it goes. Any
 * thread may call; the lock is this process's own.
 */
#ifndef AO2_SERVICE_KEPT_TOKENS_H
#define AO2_SERVICE_KEPT_TOKENS_H

#include "base/fail.h"
#include "service/access_token.h"

typedef struct ao2_kept_tokens ao2_kept_tokens_t;

/** A token that is kept. */
typedef struct {
    ao2_access_token_t token;
    ao2_store_key_t mark;  /**< see ao2_access_token_mark() */
    apr_time_t due;        /**< to be renewed from then on */
    apr_uint64_t version;  /**< that was announced when it was taken */
} ao2_kept_token_t;

/** Make room. @param sets  of four tokens each
 *  @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_kept_tokens_make(ao2_kept_tokens_t **pkept, int sets,
                                apr_pool_t *pool, ao2_fail_t *fail);

/** Find a copy. @param found  its value lives in @a pool
 *  @return 1 when there is one, else 0 */
int ao2_kept_find(ao2_kept_tokens_t *kept, ao2_kept_token_t *found,
                  const ao2_store_key_t key, apr_pool_t *pool);

/** Keep a copy, instead of the one that is there; where four others have
 *  its place, instead of the one that expires first. Without memory nothing
 *  is kept. */
void ao2_kept_put(ao2_kept_tokens_t *kept, const ao2_store_key_t key,
                  const ao2_kept_token_t *token);

/** Take a copy out, if it is the one that was fetched then. */
void ao2_kept_drop(ao2_kept_tokens_t *kept, const ao2_store_key_t key,
                   apr_time_t fetched);

/** Another version was announced. @return 1 for the one who is to look for
 *  it, else 0 */
int ao2_kept_note_version(ao2_kept_tokens_t *kept, const ao2_store_key_t key,
                          apr_uint64_t version);

/** Put off renewing it. */
void ao2_kept_postpone(ao2_kept_tokens_t *kept, const ao2_store_key_t key,
                       apr_time_t due);

#endif
