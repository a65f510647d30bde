#include "service/upstream_internal.h"

#include <apr_strings.h>

/* A background that has not been heard of for so long is none. */
#define BACKGROUND_LOST apr_time_from_sec(5)
/* A failed renewal is tried again after an eighth of what is left. */
#define AGAIN_SOONEST apr_time_from_sec(1)
#define AGAIN_LATEST apr_time_from_sec(30)
/* The same trouble is told so often. */
#define TELL_AGAIN apr_time_from_sec(60)

static void tell(ao2_upstream_t *upstream, const ao2_fail_t *fail,
                 apr_time_t now)
{
    apr_time_t told = __atomic_load_n(&upstream->told, __ATOMIC_RELAXED);
    ao2_log_t *log = upstream->remote->ports.log;
    char text[2 * AO2_MAX_DETAIL];

    if ((told && now >= told && now - told < TELL_AGAIN) ||
        !__atomic_compare_exchange_n(&upstream->told, &told, now, 0,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        return;
    }
    apr_snprintf(text, sizeof(text),
                 "%s: %s; the token of before is used until it expires",
                 upstream->settings->label, fail->detail);
    log->write(log, AO2_LEVEL_WARNING, fail->code, text);
}

/* When to try once more: the nearer the end, the sooner. */
static apr_time_t again_at(apr_time_t expires, apr_time_t now)
{
    apr_time_t wait = (expires - now) / 8;

    if (wait < AGAIN_SOONEST) {
        wait = AGAIN_SOONEST;
    }
    if (wait > AGAIN_LATEST) {
        wait = AGAIN_LATEST;
    }
    return now + wait / 100 * (apr_time_t)(80 + ao2_remote_draw() % 41);
}

/* Unless somebody is at it. What others renewed meanwhile will do. */
static void renew(ao2_upstream_question_t *question, apr_time_t expires,
                  apr_pool_t *pool)
{
    ao2_upstream_t *upstream = question->upstream;
    ao2_flight_call_t call = ao2_upstream_make_call(question, NULL);
    ao2_flight_result_t result;
    ao2_fail_t fail = {0};
    apr_time_t now;

    if (ao2_remote_is_left_alone(upstream->remote, AO2_TARGET_ANSWERS) ||
        ao2_flight_try(upstream->remote->ports.flight, &result, &call, pool,
                       &fail) == AO2_OK) {
        return;
    }
    now = ao2_upstream_now(upstream);
    ao2_kept_postpone(upstream->kept, question->key, again_at(expires, now));
    if (!ao2_upstream_is_exchange(upstream)) {
        AO2_TIMES_WRITE(upstream, due, again_at(expires, now));
    }
    tell(upstream, &fail, now);
}

static int has_background(const ao2_upstream_t *upstream, apr_time_t now)
{
    apr_time_t beat = __atomic_load_n(&upstream->beat, __ATOMIC_RELAXED);

    return beat && now - beat < BACKGROUND_LOST &&
           beat - now < BACKGROUND_LOST;
}

/* Take the token that another process announced; one thread looks for it. */
static int catch_up(ao2_upstream_question_t *question, apr_uint64_t version,
                    apr_pool_t *pool)
{
    ao2_kept_tokens_t *kept = question->upstream->kept;
    ao2_access_token_t newer;
    ao2_kept_token_t own;

    if (!ao2_kept_find(kept, &own, question->key, pool) ||
        !ao2_kept_note_version(kept, question->key, version)) {
        return 0;
    }
    question->since = own.token.fetched;
    return ao2_upstream_find_shared(&newer, question, pool);
}

void ao2_upstream_look_ahead(ao2_upstream_question_t *question,
                             const ao2_kept_token_t *kept, apr_time_t now,
                             apr_pool_t *pool)
{
    ao2_upstream_t *upstream = question->upstream;
    apr_uint64_t version = AO2_TIMES_READ(upstream, version);

    if (ao2_upstream_is_exchange(upstream)) {
        if (now >= kept->due) {
            question->since = kept->token.fetched;
            renew(question, kept->token.expires, pool);
        }
        return;
    }
    if (has_background(upstream, now)) {
        return;
    }
    question->since = kept->token.fetched;
    if (kept->version != version && catch_up(question, version, pool)) {
        return;
    }
    if (now >= AO2_TIMES_READ(upstream, due)) {
        renew(question, kept->token.expires, pool);
    }
}

void ao2_upstream_tick(ao2_upstream_t *upstream)
{
    apr_time_t now = ao2_upstream_now(upstream);
    apr_time_t fetched = AO2_TIMES_READ(upstream, fetched);
    apr_time_t expires = AO2_TIMES_READ(upstream, expires);
    apr_uint64_t version = AO2_TIMES_READ(upstream, version);
    ao2_upstream_question_t question = {upstream, {NULL, 0}, {0}, fetched};
    apr_pool_t *pool;

    __atomic_store_n(&upstream->beat, now, __ATOMIC_RELAXED);
    if (ao2_upstream_is_exchange(upstream) || now >= expires ||
        AO2_TIMES_READ(upstream, used) + APR_USEC_PER_SEC < fetched ||
        apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return;
    }
    memcpy(question.key, upstream->key, sizeof(question.key));
    catch_up(&question, version, pool);
    question.since = fetched;
    if (now >= AO2_TIMES_READ(upstream, due)) {
        renew(&question, expires, pool);
    }
    apr_pool_destroy(pool);
    __atomic_store_n(&upstream->beat, ao2_upstream_now(upstream),
                     __ATOMIC_RELAXED);
}
