#include "service/introspection.h"

#include "service/introspection_call.h"
#include "service/refusals.h"

ao2_code_t ao2_introspection_make(ao2_introspection_t **pintrospection,
                                  const ao2_introspection_settings_t *settings,
                                  const ao2_introspection_ways_t *ways,
                                  apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_introspection_t *introspection = apr_pcalloc(
        pool, sizeof(*introspection));

    *pintrospection = NULL;
    if (!settings->url && !ways->discovery) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no metadata to ask");
    }
    introspection->settings = settings;
    introspection->ways = *ways;
    *pintrospection = introspection;
    return AO2_OK;
}

/* By how much an answer may be ahead of one who took the time before it. */
#define CLOCK_TOLERANCE apr_time_from_sec(60)

/* A token to which the issuer answered strangely is not asked about again
 * for so long. */
#define STRANGE_FOR apr_time_from_sec(1)

/* One question. */
typedef struct {
    ao2_introspection_t *introspection;
    ao2_span_t token;
    ao2_store_key_t key;
    int was_shared;
    const char *trace;
} question_t;

static ao2_store_t *store_of(const ao2_introspection_t *introspection)
{
    return introspection->ways.remote->ports.store;
}

/* An answer that is kept. One that would count for longer than any may is of
 * a clock that was set back since. */
static int find_answer(ao2_span_t *text, apr_time_t *expires,
                       const question_t *question, apr_time_t now,
                       apr_pool_t *pool)
{
    const ao2_introspection_t *introspection = question->introspection;

    return ao2_store_get(store_of(introspection), text, expires,
                         question->key, now, pool) &&
           *expires - now <= introspection->settings->ttl + CLOCK_TOLERANCE;
}

/* Until when a positive answer may be reused: never past its expiry. */
static apr_time_t reuse_until(const ao2_introspection_settings_t *settings,
                              const ao2_principal_t *principal,
                              apr_time_t asked)
{
    apr_time_t until = asked + settings->ttl;

    return principal->expires < until ? principal->expires : until;
}

/* The claims as text make the principal. */
static ao2_code_t read_claims(ao2_principal_t **pprincipal,
                              const question_t *question, ao2_span_t text,
                              apr_time_t now, apr_pool_t *pool,
                              ao2_fail_t *fail)
{
    ao2_token_rules_t rules = *question->introspection->settings->rules;
    ao2_token_context_t context = {&rules, question->token, now, NULL};
    json_t *claims;
    ao2_code_t code = ao2_json_parse(&claims, text, AO2_MAX_DOCUMENT_DEPTH,
                                     AO2_E_ISSUER_UNAVAILABLE, pool, fail);

    /* The issuer itself vouches for what it leaves out. */
    rules.allow_no_expiry = 1;
    rules.allow_no_issuer = 1;
    return code == AO2_OK ? ao2_principal_make(pprincipal, claims, &context,
                                               pool, fail)
                          : code;
}

static void note_refusal(const question_t *question, ao2_code_t code,
                         apr_time_t now)
{
    const ao2_introspection_t *introspection = question->introspection;
    ao2_board_t *board = introspection->ways.remote->ports.board;
    apr_time_t ttl = introspection->settings->negative_ttl;

    if (code == AO2_E_ISSUER_UNAVAILABLE && ttl > STRANGE_FOR) {
        ttl = STRANGE_FOR;
    }
    if (board) {
        ao2_refusals_note(board, question->key, code, now, now + ttl);
    }
}

static ao2_code_t refused_before(const question_t *question, apr_time_t now,
                                 ao2_fail_t *fail)
{
    const ao2_board_t *board =
        question->introspection->ways.remote->ports.board;
    apr_time_t longest = question->introspection->settings->negative_ttl;
    ao2_code_t code = board ? ao2_refusals_find(board, question->key, now,
                                                longest)
                            : AO2_OK;

    return code == AO2_OK ? code
                          : ao2_fail(fail, code, "refused a moment ago, and "
                                     "not asked about again yet");
}

/* Keep a good answer. What is wrong with another is the caller's to say. */
static void keep_answer(const question_t *question, ao2_span_t text,
                        apr_time_t now, apr_pool_t *pool)
{
    const ao2_introspection_t *introspection = question->introspection;
    ao2_principal_t *principal;
    ao2_code_t code = read_claims(&principal, question, text, now, pool,
                                  NULL);
    apr_time_t until;

    if (code == AO2_E_TOKEN_INVALID || code == AO2_E_TOKEN_EXPIRED) {
        note_refusal(question, code, now);
    }
    if (code != AO2_OK) {
        return;
    }
    until = reuse_until(introspection->settings, principal, now);
    if (until > now) {
        ao2_store_put(store_of(introspection), question->key, text, until,
                      pool);
    }
}

/* What the owner of a flight does. */
static ao2_code_t work(void *context, ao2_flight_result_t *result,
                       apr_pool_t *pool, ao2_fail_t *fail)
{
    question_t *question = context;
    const ao2_introspection_t *introspection = question->introspection;
    const ao2_remote_t *remote = introspection->ways.remote;
    const ao2_inquiry_t inquiry = {question->token, question->trace};
    apr_time_t now = ao2_remote_now(remote);
    apr_time_t expires;
    int is_strange;
    ao2_code_t code;

    if (find_answer(&result->value, &expires, question, now, pool)) {
        question->was_shared = 1;
        return AO2_OK;
    }
    result->value.ptr = NULL;
    result->value.len = 0;
    code = refused_before(question, now, fail);
    if (code != AO2_OK) {
        return code;
    }
    code = ao2_introspection_call(&result->value, &is_strange, introspection,
                                  &inquiry, pool, fail);
    if (code != AO2_OK) {
        if (is_strange) {
            note_refusal(question, code, now);
        }
        return code;
    }
    if (!result->value.ptr) {
        note_refusal(question, AO2_E_TOKEN_INVALID, now);
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "the issuer says that the token is not active");
    }
    keep_answer(question, result->value, now, pool);
    return AO2_OK;
}

static ao2_code_t ask(ao2_span_t *text, question_t *question,
                      apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_remote_t *remote = question->introspection->ways.remote;
    ao2_wait_t wait;
    ao2_flight_call_t call = {{0}, work, question,
                              ao2_remote_patience(remote),
                              AO2_E_ISSUER_UNAVAILABLE, ao2_wait_goes_on,
                              &wait};
    ao2_flight_result_t result;
    ao2_code_t code;

    memcpy(call.key, question->key, sizeof(call.key));
    ao2_wait_begin(&wait, remote, AO2_TARGET_ANSWERS);
    code = ao2_flight_run(remote->ports.flight, &result, &call, pool, fail);
    ao2_wait_end(&wait);
    *text = result.value;
    return code;
}

ao2_code_t ao2_introspect(ao2_introspection_answer_t *answer,
                          ao2_introspection_t *introspection,
                          ao2_span_t token, const char *trace,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_remote_t *remote = introspection->ways.remote;
    apr_time_t now = ao2_remote_now(remote);
    question_t question = {introspection, token, {0}, 0, trace};
    apr_time_t expires = 0;
    ao2_span_t text;
    ao2_code_t code = AO2_OK;

    memset(answer, 0, sizeof(*answer));
    ao2_store_key(question.key, AO2_KIND_INTROSPECTION,
                  remote->settings.digest, token);
    if (find_answer(&text, &expires, &question, now, pool)) {
        question.was_shared = 1;
    }
    else {
        expires = 0;
        code = refused_before(&question, now, fail);
        if (code == AO2_OK) {
            code = ask(&text, &question, pool, fail);
        }
    }
    if (code == AO2_OK) {
        code = read_claims(&answer->principal, &question, text, now, pool,
                           fail);
    }
    if (code == AO2_E_ISSUER_UNAVAILABLE) {
        answer->retry_after_sec = ao2_remote_retry_after(remote,
                                                         AO2_TARGET_ANSWERS);
    }
    if (code == AO2_OK) {
        answer->was_shared = question.was_shared;
        answer->until = expires ? expires
                                : reuse_until(introspection->settings,
                                              answer->principal, now);
    }
    return code;
}
