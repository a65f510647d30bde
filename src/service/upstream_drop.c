#include "core/gcra.h"
#include "service/refusals.h"
#include "service/upstream_internal.h"

/* How often tokens may be dropped: where a backend refuses all of them, its
 * requests must not become as many calls to the token endpoint. */
static const ao2_limit_t drop_limit = {1, 20, 1, APR_INT64_C(1000000000)};

static int is_within_limit(ao2_upstream_t *upstream, apr_time_t now)
{
    apr_int64_t *drops = &upstream->remote->party->token.drops;
    apr_int64_t before = __atomic_load_n(drops, __ATOMIC_RELAXED);
    ao2_quota_t quota;

    do {
        if (!ao2_limit_take(&quota, &drop_limit, before, now)) {
            return 0;
        }
    } while (!__atomic_compare_exchange_n(drops, &before, quota.due_ns, 0,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return 1;
}

/* A token counts once, however many requests it failed. */
static int may_drop(ao2_upstream_t *upstream, const ao2_kept_token_t *token,
                    apr_time_t now)
{
    apr_uint64_t *last = &upstream->remote->party->token.last_drop;
    apr_uint64_t mine;

    if (ao2_upstream_is_exchange(upstream)) {
        return 1;
    }
    memcpy(&mine, token->mark, sizeof(mine));
    if (__atomic_exchange_n(last, mine, __ATOMIC_RELAXED) == mine ||
        is_within_limit(upstream, now)) {
        return 1;
    }
    __atomic_store_n(last, 0, __ATOMIC_RELAXED);
    return 0;
}

/* The token that is kept for that, good or not. */
static int find_any(ao2_kept_token_t *found,
                    const ao2_upstream_question_t *question, apr_time_t now,
                    apr_pool_t *pool)
{
    ao2_upstream_t *upstream = question->upstream;
    ao2_access_token_t token;
    ao2_span_t text;

    if (ao2_kept_find(upstream->kept, found, question->key, pool)) {
        return 1;
    }
    if (!ao2_store_get(ao2_upstream_store(upstream), &text, NULL, question->key,
                       now, pool) ||
        !ao2_access_token_unpack(&token, text, pool)) {
        return 0;
    }
    *found = ao2_upstream_make_kept(upstream, &token, 0, pool);
    return 1;
}

int ao2_upstream_drop(ao2_upstream_t *upstream, ao2_span_t value,
                      ao2_span_t subject, apr_pool_t *pool)
{
    ao2_board_t *board = upstream->remote->ports.board;
    apr_time_t now = ao2_upstream_now(upstream);
    ao2_upstream_question_t question = {upstream, subject, {0}, 0};
    ao2_kept_token_t found;

    ao2_upstream_key(question.key, upstream, subject);
    if (!find_any(&found, &question, now, pool)) {
        return ao2_upstream_is_exchange(upstream) ||
               is_within_limit(upstream, now);
    }
    if (!ao2_span_equal(found.token.value, value) ||
        !ao2_upstream_is_good(upstream, &found.token, found.mark, now)) {
        return 1;
    }
    if (!may_drop(upstream, &found, now)) {
        return 0;
    }
    if (board) {
        ao2_refusals_note(board, found.mark, AO2_E_TOKEN_REVOKED, now,
                          now + AO2_DROPPED_FOR);
    }
    else {
        ao2_kept_drop(upstream->kept, question.key, found.token.fetched);
        ao2_store_drop(ao2_upstream_store(upstream), question.key, pool);
    }
    return 1;
}
