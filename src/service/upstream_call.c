#include "service/upstream_internal.h"

#include <apr_strings.h>

#include "core/form.h"

/* How long a refresh token that we were given is kept: servers let them
 * live for hours or months, and do not say so. */
#define REFRESH_KEPT apr_time_from_sec(90 * 24 * 3600L)

/* One errand. */
typedef struct {
    ao2_upstream_t *upstream;
    ao2_span_t subject;
    const ao2_errand_t *errand;
    const char *url;
    ao2_errand_end_t how; /* it went */
    int grant_refused;    /* the last call: invalid_grant */
} job_t;

static ao2_code_t unavailable(ao2_fail_t *fail, const char *text)
{
    return ao2_fail(fail, AO2_E_UPSTREAM_TOKEN_UNAVAILABLE, "%s", text);
}

static ao2_code_t find_url(job_t *job, ao2_fail_t *fail)
{
    const ao2_upstream_t *upstream = job->upstream;
    ao2_metadata_t metadata;
    ao2_fail_t why = {0};

    job->url = upstream->settings->endpoint;
    if (job->url) {
        return AO2_OK;
    }
    if (ao2_discovery_get(&metadata, upstream->discovery, 0, job->errand,
                          &why) != AO2_OK) {
        return unavailable(fail, why.detail);
    }
    job->url = metadata.token_endpoint;
    return job->url ? AO2_OK
                    : unavailable(fail, "the metadata has no "
                                        "\"token_endpoint\"");
}

/* --- refresh tokens ---------------------------------------------------- */

/* The newest one that anybody was given; absent: none. The cache may have
 * lost it, and another process may have had a newer one. */
static ao2_access_token_t find_refresh(const ao2_upstream_t *upstream,
                                       apr_pool_t *pool)
{
    ao2_kept_token_t own = {0};
    ao2_access_token_t shared;
    ao2_span_t text;

    if (upstream->refresh) {
        ao2_kept_find(upstream->refresh, &own, upstream->refresh_key, pool);
    }
    if (upstream->refresh &&
        ao2_store_get(ao2_upstream_store(upstream), &text, NULL,
                      upstream->refresh_key, ao2_upstream_now(upstream),
                      pool) &&
        ao2_access_token_unpack(&shared, text, pool) &&
        shared.fetched >= own.token.fetched) {
        return shared;
    }
    return own.token;
}

static void keep_refresh(const ao2_upstream_t *upstream, ao2_span_t value,
                         apr_pool_t *pool)
{
    apr_time_t now = ao2_upstream_now(upstream);
    ao2_kept_token_t kept = {0};

    kept.token.value = value;
    kept.token.fetched = now;
    kept.token.expires = now + REFRESH_KEPT;
    ao2_kept_put(upstream->refresh, upstream->refresh_key, &kept);
    ao2_store_put(ao2_upstream_store(upstream), upstream->refresh_key,
                  ao2_access_token_pack(&kept.token, pool), kept.token.expires,
                  pool);
}

static void forget_refresh(const ao2_upstream_t *upstream,
                           const ao2_access_token_t *refresh,
                           apr_pool_t *pool)
{
    ao2_kept_drop(upstream->refresh, upstream->refresh_key, refresh->fetched);
    ao2_store_drop(ao2_upstream_store(upstream), upstream->refresh_key, pool);
}

/* --- one call ---------------------------------------------------------- */

static ao2_code_t make_request(ao2_http_request_t *request, const job_t *job,
                               ao2_span_t refresh, ao2_fail_t *fail)
{
    const ao2_upstream_settings_t *settings = job->upstream->settings;
    apr_pool_t *pool = job->errand->pool;
    apr_array_header_t *form = apr_array_make(pool, 8, sizeof(char *));
    apr_array_header_t *fields = apr_array_copy(pool, settings->fields);
    const char *audience = settings->discovery.issuer_url
                               ? settings->discovery.issuer_url
                               : job->url;
    apr_time_t now = ao2_upstream_now(job->upstream);
    ao2_token_grant_context_t grant = {job->subject, refresh, audience, now};
    ao2_auth_context_t auth = {audience, now};
    ao2_code_t code =
        ao2_token_grant_apply(&settings->grant, &grant, form, fail);

    if (code == AO2_OK) {
        code =
            ao2_client_auth_apply(&settings->auth, &auth, form, fields, fail);
    }
    request->url = job->url;
    request->form = ao2_form_text(form, pool);
    request->fields = fields;
    request->accept = "application/json";
    request->max_body = AO2_MAX_ANSWER;
    return code;
}

/* Whether an error is about us, and not about the token of some caller:
 * that one must not be able to have the endpoint left alone. */
static int is_about_us(const job_t *job, int status, const char *error)
{
    if (!ao2_upstream_is_exchange(job->upstream)) {
        return 1;
    }
    return error ? strcmp(error, "invalid_client") == 0 ||
                       strcmp(error, "unauthorized_client") == 0
                 : status == 401;
}

/* RFC 6749 section 5.2, and what servers in distress say. */
static ao2_code_t check_status(job_t *job, const ao2_http_answer_t *answer,
                               ao2_fail_t *fail)
{
    int status = answer->status;
    const char *error;

    if (status == 200) {
        return AO2_OK;
    }
    error = ao2_token_answer_error(answer->body, job->errand->pool);
    if (status < 400 || status >= 500 || status == 429 || status == 408) {
        return ao2_fail(fail, AO2_E_UPSTREAM_TOKEN_UNAVAILABLE,
                        "answered with status %d%s%s", status,
                        error ? ", " : "", error ? error : "");
    }
    job->how =
        is_about_us(job, status, error) ? AO2_ERRAND_REFUSED : AO2_ERRAND_DONE;
    job->grant_refused = error && strcmp(error, "invalid_grant") == 0;
    return ao2_fail(fail, AO2_E_UPSTREAM_TOKEN_REFUSED,
                    "refused with status %d%s%s", status, error ? ", " : "",
                    error ? error : "");
}

/* @param refresh  absent: the grant itself */
static ao2_code_t call(ao2_token_answer_t *answer, job_t *job,
                       ao2_span_t refresh, ao2_fail_t *fail)
{
    ao2_http_request_t request = {0};
    ao2_http_answer_t raw;
    ao2_fail_t why = {0};
    ao2_code_t code = make_request(&request, job, refresh, fail);

    job->how = AO2_ERRAND_FAILED;
    job->grant_refused = 0;
    if (code != AO2_OK) {
        return code;
    }
    if (ao2_errand_call(job->errand, &raw, &request, &why) != AO2_OK) {
        return unavailable(fail, why.detail);
    }
    code = check_status(job, &raw, fail);
    if (code == AO2_OK) {
        code = ao2_token_answer_read(answer, raw.body, raw.media_type,
                                     job->errand->pool, fail);
    }
    if (code == AO2_OK) {
        job->how = AO2_ERRAND_DONE;
    }
    return code;
}

/* A refresh token that is not accepted any more is no reason to fail while
 * the grant that led to it stands. */
static ao2_code_t run(ao2_token_answer_t *answer, job_t *job, ao2_fail_t *fail)
{
    ao2_upstream_t *upstream = job->upstream;
    apr_pool_t *pool = job->errand->pool;
    ao2_span_t none = {NULL, 0};
    ao2_fail_t why = {0};
    ao2_access_token_t refresh;
    ao2_code_t code = find_url(job, fail);

    if (code != AO2_OK) {
        return code;
    }
    refresh = find_refresh(upstream, pool);
    code = call(answer, job, refresh.value, &why);
    if (refresh.value.ptr && job->grant_refused) {
        forget_refresh(upstream, &refresh, pool);
        if (!ao2_span_equal(refresh.value, upstream->settings->grant.secret)) {
            memset(&why, 0, sizeof(why));
            code = call(answer, job, none, &why);
        }
    }
    if (code != AO2_OK) {
        return ao2_fail(fail, code, "%s", why.detail);
    }
    if (upstream->refresh && answer->refresh_token.ptr) {
        keep_refresh(upstream, answer->refresh_token, pool);
    }
    return AO2_OK;
}

ao2_code_t ao2_upstream_call(ao2_token_answer_t *answer,
                             ao2_upstream_t *upstream, ao2_span_t subject,
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    job_t job = {upstream, subject, NULL, NULL, AO2_ERRAND_FAILED, 0};
    ao2_errand_t errand;
    ao2_fail_t why = {0};
    ao2_code_t code;

    memset(answer, 0, sizeof(*answer));
    if (ao2_errand_begin(&errand, upstream->remote, AO2_TARGET_ANSWERS, pool,
                         &why) != AO2_OK) {
        return ao2_fail(fail,
                        ao2_remote_is_refused(upstream->remote)
                            ? AO2_E_UPSTREAM_TOKEN_REFUSED
                            : AO2_E_UPSTREAM_TOKEN_UNAVAILABLE,
                        "%s", why.detail);
    }
    job.errand = &errand;
    code = run(answer, &job, fail);
    ao2_errand_end(&errand, job.how);
    if (code != AO2_OK && fail) {
        ao2_remote_note_trouble(upstream->remote, fail);
    }
    return code;
}
