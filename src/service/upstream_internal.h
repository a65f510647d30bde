/**
 * @file service/upstream_internal.h
 * What the parts of an upstream share.
 *
 * Layer service, for upstream*.c alone.
 */
#ifndef AO2_SERVICE_UPSTREAM_INTERNAL_H
#define AO2_SERVICE_UPSTREAM_INTERNAL_H

#include "core/token_answer.h"
#include "service/kept_tokens.h"
#include "service/upstream.h"

struct ao2_upstream {
    const ao2_upstream_settings_t *settings;
    ao2_remote_t *remote;
    ao2_discovery_t *discovery; /* NULL: the endpoint is known */
    ao2_kept_tokens_t *kept;
    ao2_kept_tokens_t *refresh; /* NULL: the grant has none to keep */
    ao2_token_times_t *times;   /* shared, where the token is */
    ao2_token_times_t own;
    ao2_store_key_t key; /* of the token that is everybody's */
    ao2_store_key_t refresh_key;
    apr_time_t beat; /* atomic: background work was here */
    apr_time_t told; /* atomic: what is wrong was said */
};

#define AO2_TIMES_READ(upstream, member)                                       \
    __atomic_load_n(&(upstream)->times->member, __ATOMIC_ACQUIRE)
#define AO2_TIMES_WRITE(upstream, member, value)                               \
    __atomic_store_n(&(upstream)->times->member, value, __ATOMIC_RELEASE)

/** For how long it is known that a token was dropped. */
#define AO2_DROPPED_FOR apr_time_from_sec(3600)

/** One question. */
typedef struct {
    ao2_upstream_t *upstream;
    ao2_span_t subject;
    ao2_store_key_t key;
    apr_time_t since; /**< only what was fetched later is of use */
} ao2_upstream_question_t;

static inline int ao2_upstream_is_exchange(const ao2_upstream_t *upstream)
{
    return upstream->settings->grant.type == AO2_GRANT_TOKEN_EXCHANGE;
}

static inline ao2_store_t *ao2_upstream_store(const ao2_upstream_t *upstream)
{
    return upstream->remote->ports.store;
}

static inline apr_time_t ao2_upstream_now(const ao2_upstream_t *upstream)
{
    return ao2_remote_now(upstream->remote);
}

/** The key of the token for @a subject. */
void ao2_upstream_key(ao2_store_key_t key, const ao2_upstream_t *upstream,
                      ao2_span_t subject);

/* --- upstream_call.c: calls to a token endpoint ------------------------ */

/**
 * Ask for a token. Where there is a refresh token it is used, and if that
 * is not accepted the grant itself; a new refresh token is kept.
 * @param subject  the caller's token, for AO2_GRANT_TOKEN_EXCHANGE
 * @return AO2_OK, AO2_E_UPSTREAM_TOKEN_UNAVAILABLE or
 *         AO2_E_UPSTREAM_TOKEN_REFUSED
 */
ao2_code_t ao2_upstream_call(ao2_token_answer_t *answer,
                             ao2_upstream_t *upstream, ao2_span_t subject,
                             apr_pool_t *pool, ao2_fail_t *fail);

/* --- upstream_keep.c: in the shared cache and in this process ---------- */

/** Whether a token may go out: in its time, and not dropped. */
int ao2_upstream_is_good(const ao2_upstream_t *upstream,
                         const ao2_access_token_t *token,
                         const ao2_store_key_t mark, apr_time_t now);

/** What is kept of @a token, its value borrowed from it. */
ao2_kept_token_t ao2_upstream_make_kept(const ao2_upstream_t *upstream,
                                        const ao2_access_token_t *token,
                                        apr_uint64_t version, apr_pool_t *pool);

/** Find a good one in this process. @return 1 when found, else 0 */
int ao2_upstream_find_own(ao2_kept_token_t *kept,
                          const ao2_upstream_question_t *question,
                          apr_pool_t *pool);

/** Find a good one in the shared cache, and keep a copy of it.
 *  @return 1 when found, else 0 */
int ao2_upstream_find_shared(ao2_access_token_t *token,
                             const ao2_upstream_question_t *question,
                             apr_pool_t *pool);

/** Keep a token that came just now, for this process and all others. One
 *  that is to be used once is not kept. */
void ao2_upstream_keep(const ao2_upstream_question_t *question,
                       const ao2_access_token_t *token, apr_pool_t *pool);

/** Keep a copy of a token that another thread fetched, perhaps in another
 *  process. */
void ao2_upstream_keep_copy(const ao2_upstream_question_t *question,
                            const ao2_access_token_t *token, apr_pool_t *pool);

/* --- upstream.c -------------------------------------------------------- */

/** The flight of a question, which is borrowed: what is found, else
 *  fetched. @param wait  borrowed; NULL: nobody waits */
ao2_flight_call_t ao2_upstream_make_call(ao2_upstream_question_t *question,
                                         ao2_wait_t *wait);

/* --- upstream_renew.c: ahead of the end -------------------------------- */

/** While a good token goes out: do what background work would have done
 *  where there is none. @param kept  that token */
void ao2_upstream_look_ahead(ao2_upstream_question_t *question,
                             const ao2_kept_token_t *kept, apr_time_t now,
                             apr_pool_t *pool);

#endif
