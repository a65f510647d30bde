#include "service/upstream_internal.h"

#include "service/refusals.h"

/* Calls to one endpoint at once. */
#define CONCURRENCY 32
/* Copies of tokens for callers that one process has: sets of four. */
#define CALLER_SETS 256
/* For how long a caller's token that was refused is not shown again. */
#define REFUSED_FOR apr_time_from_sec(10)

static int has_refresh(const ao2_upstream_t *upstream)
{
    return upstream->settings->grant.type == AO2_GRANT_PASSWORD ||
           upstream->settings->grant.type == AO2_GRANT_REFRESH_TOKEN;
}

static ao2_code_t open_parts(ao2_upstream_t *upstream, const ao2_ports_t *ports,
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_upstream_settings_t *settings = upstream->settings;
    ao2_remote_settings_t remote = {settings->label, settings->digest,
                                    &settings->way, CONCURRENCY};
    ao2_code_t code =
        ao2_remote_make(&upstream->remote, &remote, ports, pool, fail);

    if (code == AO2_OK && !settings->endpoint) {
        code = ao2_discovery_make(&upstream->discovery, &settings->discovery,
                                  upstream->remote, pool, fail);
    }
    if (code == AO2_OK) {
        code = ao2_kept_tokens_make(
            &upstream->kept,
            ao2_upstream_is_exchange(upstream) ? CALLER_SETS : 1, pool, fail);
    }
    if (code == AO2_OK && has_refresh(upstream)) {
        code = ao2_kept_tokens_make(&upstream->refresh, 1, pool, fail);
    }
    return code;
}

ao2_code_t ao2_upstream_make(ao2_upstream_t **pupstream,
                             const ao2_upstream_settings_t *settings,
                             const ao2_ports_t *ports, apr_pool_t *pool,
                             ao2_fail_t *fail)
{
    ao2_upstream_t *upstream = apr_pcalloc(pool, sizeof(*upstream));
    ao2_code_t code;

    *pupstream = NULL;
    upstream->settings = settings;
    code = open_parts(upstream, ports, pool, fail);
    if (code != AO2_OK) {
        return code;
    }
    upstream->times = ao2_store_is_there(ports->store)
                          ? &upstream->remote->party->token
                          : &upstream->own;
    ao2_store_key(upstream->key, AO2_KIND_UPSTREAM_TOKEN, settings->digest,
                  ao2_span(""));
    ao2_store_key(upstream->refresh_key, AO2_KIND_REFRESH_TOKEN,
                  settings->digest, ao2_span(""));
    *pupstream = upstream;
    return AO2_OK;
}

void ao2_upstream_key(ao2_store_key_t key, const ao2_upstream_t *upstream,
                      ao2_span_t subject)
{
    if (ao2_upstream_is_exchange(upstream)) {
        ao2_store_key(key, AO2_KIND_UPSTREAM_TOKEN, upstream->settings->digest,
                      subject);
    }
    else {
        memcpy(key, upstream->key, AO2_CACHE_KEY);
    }
}

static ao2_code_t fetch(ao2_access_token_t *token,
                        const ao2_upstream_question_t *question,
                        apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_upstream_t *upstream = question->upstream;
    apr_time_t asked = ao2_upstream_now(upstream);
    ao2_token_answer_t answer;
    ao2_code_t code =
        ao2_upstream_call(&answer, upstream, question->subject, pool, fail);

    if (code != AO2_OK) {
        return code;
    }
    token->value = answer.access_token;
    token->fetched = asked;
    token->expires =
        asked + (answer.has_lifetime ? answer.lifetime
                                     : upstream->settings->default_lifetime);
    token->was_fetched = 1;
    ao2_upstream_keep(question, token, pool);
    return AO2_OK;
}

/* What the owner of a flight does. */
static ao2_code_t work(void *context, ao2_flight_result_t *result,
                       apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_upstream_question_t *question = context;
    ao2_access_token_t token = {0};
    ao2_kept_token_t own;
    ao2_code_t code = AO2_OK;

    if (ao2_upstream_find_own(&own, question, pool)) {
        token = own.token;
        token.was_fetched = 0;
    }
    else if (!ao2_upstream_find_shared(&token, question, pool)) {
        code = fetch(&token, question, pool, fail);
    }
    if (code == AO2_OK) {
        result->value = ao2_access_token_pack(&token, pool);
    }
    return code;
}

ao2_flight_call_t ao2_upstream_make_call(ao2_upstream_question_t *question,
                                         ao2_wait_t *wait)
{
    ao2_flight_call_t call = {{0}, work, question,
                              ao2_remote_patience(question->upstream->remote),
                              AO2_E_UPSTREAM_TOKEN_UNAVAILABLE,
                              wait ? ao2_wait_goes_on : NULL, wait};

    memcpy(call.key, question->key, sizeof(call.key));
    return call;
}

/* About when: it is written once a second, for all processes to read. */
static void note_use(ao2_upstream_t *upstream, apr_time_t now)
{
    apr_time_t used = AO2_TIMES_READ(upstream, used);

    if (now < used || now - used >= APR_USEC_PER_SEC) {
        AO2_TIMES_WRITE(upstream, used, now);
    }
}

/* A caller's token that was refused a moment ago. */
static ao2_code_t refused_before(const ao2_upstream_question_t *question,
                                 apr_time_t now, ao2_fail_t *fail)
{
    const ao2_board_t *board = question->upstream->remote->ports.board;
    ao2_code_t code =
        board ? ao2_refusals_find(board, question->key, now, REFUSED_FOR)
              : AO2_OK;

    return code == AO2_OK ? code
                          : ao2_fail(fail, code, "the caller's token was "
                                     "refused a moment ago");
}

static ao2_code_t ask(ao2_access_token_t *token,
                      ao2_upstream_question_t *question, apr_pool_t *pool,
                      ao2_fail_t *fail)
{
    const ao2_remote_t *remote = question->upstream->remote;
    ao2_board_t *board = remote->ports.board;
    apr_time_t now = ao2_remote_now(remote);
    ao2_wait_t wait;
    ao2_flight_call_t call = ao2_upstream_make_call(question, &wait);
    ao2_flight_result_t result;
    ao2_code_t code = ao2_upstream_is_exchange(question->upstream)
                          ? refused_before(question, now, fail)
                          : AO2_OK;

    if (code != AO2_OK) {
        return code;
    }
    ao2_wait_begin(&wait, remote, AO2_TARGET_ANSWERS);
    code = ao2_flight_run(remote->ports.flight, &result, &call, pool, fail);
    ao2_wait_end(&wait);
    if (code == AO2_E_UPSTREAM_TOKEN_REFUSED && board &&
        ao2_upstream_is_exchange(question->upstream) &&
        !ao2_remote_is_refused(remote)) {
        ao2_refusals_note(board, question->key, code, now, now + REFUSED_FOR);
    }
    if (code == AO2_OK && !ao2_access_token_unpack(token, result.value, pool)) {
        code = ao2_fail(fail, AO2_E_UPSTREAM_TOKEN_UNAVAILABLE,
                        "what another process got is not readable");
    }
    return code;
}

static ao2_code_t get(ao2_access_token_t *token,
                      ao2_upstream_question_t *question, apr_pool_t *pool,
                      ao2_fail_t *fail)
{
    ao2_upstream_t *upstream = question->upstream;
    apr_time_t now = ao2_upstream_now(upstream);
    ao2_kept_token_t own;
    ao2_code_t code;

    note_use(upstream, now);
    if (ao2_upstream_find_own(&own, question, pool)) {
        *token = own.token;
        token->was_fetched = 0;
        ao2_upstream_look_ahead(question, &own, now, pool);
        return AO2_OK;
    }
    if (ao2_upstream_find_shared(token, question, pool)) {
        return AO2_OK;
    }
    code = ask(token, question, pool, fail);
    if (code == AO2_OK) {
        ao2_upstream_keep_copy(question, token, pool);
    }
    return code;
}

ao2_code_t ao2_upstream_token(ao2_upstream_token_t *token,
                              ao2_upstream_t *upstream, ao2_span_t subject,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_upstream_question_t question = {upstream, subject, {0}, 0};
    ao2_access_token_t found = {0};
    ao2_fail_t why = {0};
    ao2_code_t code;

    memset(token, 0, sizeof(*token));
    if (ao2_upstream_is_exchange(upstream) && !subject.ptr) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "%s: ApiGrant token_exchange needs the token of a "
                        "caller",
                        upstream->settings->label);
    }
    ao2_upstream_key(question.key, upstream, subject);
    code = get(&found, &question, pool, &why);
    if (code == AO2_E_UPSTREAM_TOKEN_UNAVAILABLE) {
        token->retry_after_sec =
            ao2_remote_retry_after(upstream->remote, AO2_TARGET_ANSWERS);
    }
    if (code != AO2_OK) {
        return ao2_fail(fail, code, "%s: %s", upstream->settings->label,
                        why.detail);
    }
    token->value = found.value;
    token->expires = found.expires;
    token->was_fetched = found.was_fetched;
    return AO2_OK;
}
