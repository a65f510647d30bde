#include "service/refusals.h"
#include "service/upstream_internal.h"

/* Renewed at the latest so long before the end; where a token hardly lives
 * that long, in the middle of its life. */
#define LATEST_RENEWAL apr_time_from_sec(2)
/* By how much clocks of machines may differ. */
#define CLOCK_TOLERANCE apr_time_from_sec(60)

/* When a token is to be renewed. */
static apr_time_t due_of(const ao2_upstream_t *upstream,
                         const ao2_access_token_t *token)
{
    const ao2_upstream_settings_t *settings = upstream->settings;
    apr_time_t life = token->expires - token->fetched;
    apr_time_t latest = life - LATEST_RENEWAL > life / 2
                            ? life - LATEST_RENEWAL
                            : life / 2;
    apr_time_t due = settings->refresh_percent
                         ? life / 100 * settings->refresh_percent
                         : settings->refresh_after;

    /* Processes and machines that got it at once do not renew it at once. */
    due -= due / 1000 * (apr_time_t)(ao2_remote_draw() % 50);
    return token->fetched + (due < latest ? due : latest);
}

/* (Fetched in the future: the clock was set back, and nothing is known of
 * its end.) */
int ao2_upstream_is_good(const ao2_upstream_t *upstream,
                         const ao2_access_token_t *token,
                         const ao2_store_key_t mark, apr_time_t now)
{
    const ao2_board_t *board = upstream->remote->ports.board;

    return now < token->expires && token->fetched <= now + CLOCK_TOLERANCE &&
           (!board ||
            ao2_refusals_find(board, mark, now, AO2_DROPPED_FOR) == AO2_OK);
}

ao2_kept_token_t ao2_upstream_make_kept(const ao2_upstream_t *upstream,
                                        const ao2_access_token_t *token,
                                        apr_uint64_t version, apr_pool_t *pool)
{
    ao2_kept_token_t kept = {*token, {0}, due_of(upstream, token), version};

    ao2_access_token_mark(kept.mark, token, upstream->settings->digest, pool);
    return kept;
}

/* Tell all processes of a token that they do not know of. The version comes
 * last: who sees it finds the rest. */
static apr_uint64_t publish(ao2_upstream_t *upstream,
                            const ao2_kept_token_t *kept)
{
    ao2_token_times_t *times = upstream->times;
    apr_time_t before = AO2_TIMES_READ(upstream, fetched);

    if (before == kept->token.fetched ||
        !__atomic_compare_exchange_n(&times->fetched, &before,
                                     kept->token.fetched, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        return AO2_TIMES_READ(upstream, version);
    }
    AO2_TIMES_WRITE(upstream, due, kept->due);
    AO2_TIMES_WRITE(upstream, expires, kept->token.expires);
    return __atomic_add_fetch(&times->version, 1, __ATOMIC_ACQ_REL);
}

int ao2_upstream_find_shared(ao2_access_token_t *token,
                             const ao2_upstream_question_t *question,
                             apr_pool_t *pool)
{
    ao2_upstream_t *upstream = question->upstream;
    apr_uint64_t version = AO2_TIMES_READ(upstream, version);
    apr_time_t now = ao2_upstream_now(upstream);
    ao2_kept_token_t kept;
    ao2_span_t text;

    if (!ao2_store_get(ao2_upstream_store(upstream), &text, NULL, question->key,
                       now, pool) ||
        !ao2_access_token_unpack(token, text, pool) ||
        token->fetched <= question->since) {
        return 0;
    }
    token->was_fetched = 0;
    kept = ao2_upstream_make_kept(upstream, token, version, pool);
    if (!ao2_upstream_is_good(upstream, token, kept.mark, now)) {
        return 0;
    }
    /* Another machine may have fetched it, or this one before a restart. */
    if (!ao2_upstream_is_exchange(upstream) &&
        token->fetched > AO2_TIMES_READ(upstream, fetched)) {
        kept.version = publish(upstream, &kept);
    }
    ao2_kept_put(upstream->kept, question->key, &kept);
    return 1;
}

int ao2_upstream_find_own(ao2_kept_token_t *kept,
                          const ao2_upstream_question_t *question,
                          apr_pool_t *pool)
{
    ao2_upstream_t *upstream = question->upstream;

    return ao2_kept_find(upstream->kept, kept, question->key, pool) &&
           kept->token.fetched > question->since &&
           ao2_upstream_is_good(upstream, &kept->token, kept->mark,
                                ao2_upstream_now(upstream));
}

static int is_once(const ao2_access_token_t *token)
{
    return token->expires <= token->fetched;
}

void ao2_upstream_keep(const ao2_upstream_question_t *question,
                       const ao2_access_token_t *token, apr_pool_t *pool)
{
    ao2_upstream_t *upstream = question->upstream;
    ao2_kept_token_t kept;

    if (is_once(token)) {
        return;
    }
    kept = ao2_upstream_make_kept(upstream, token, 0, pool);
    ao2_store_put(ao2_upstream_store(upstream), question->key,
                  ao2_access_token_pack(token, pool), token->expires, pool);
    if (!ao2_upstream_is_exchange(upstream)) {
        kept.version = publish(upstream, &kept);
    }
    ao2_kept_put(upstream->kept, question->key, &kept);
}

void ao2_upstream_keep_copy(const ao2_upstream_question_t *question,
                            const ao2_access_token_t *token, apr_pool_t *pool)
{
    ao2_upstream_t *upstream = question->upstream;
    ao2_kept_token_t own;

    if (is_once(token) ||
        (ao2_upstream_find_own(&own, question, pool) &&
         own.token.fetched >= token->fetched)) {
        return;
    }
    own = ao2_upstream_make_kept(upstream, token,
                                 AO2_TIMES_READ(upstream, version), pool);
    if (!ao2_upstream_is_exchange(upstream)) {
        own.version = publish(upstream, &own);
    }
    ao2_kept_put(upstream->kept, question->key, &own);
}
