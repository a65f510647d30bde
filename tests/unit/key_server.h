/**
 * @file tests/unit/key_server.h
 * A key server that counts its calls, a clock that is set, and an issuer
 * whose keys come from there.
 */
#ifndef AO2_TESTS_KEY_SERVER_H
#define AO2_TESTS_KEY_SERVER_H

#include "unit/support.h"

#include <apr_atomic.h>
#include <apr_thread_proc.h>
#include <stdio.h>
#include <unistd.h>

#include "core/jws.h"
#include "service/token.h"

static struct {
    volatile apr_uint32_t calls;
    int status;
    int broken; /* no answer at all */
    int slow_ms;
    apr_time_t max_age;
    const char *body;
    const char *metadata; /* for well-known places; NULL: 404 */
    apr_time_t now;
    int told;
    char last_told[400];
    apr_time_t first_timeout; /* that the first call was given */
    apr_time_t last_timeout;
} fake;

static inline ao2_code_t fake_call(ao2_http_t *self,
                                   ao2_http_answer_t *answer,
                                   const ao2_http_request_t *request,
                                   apr_pool_t *pool, ao2_fail_t *fail)
{
    const char *body = fake.body;

    (void)self;
    apr_atomic_inc32(&fake.calls);
    fake.last_timeout = request->timeout;
    if (!fake.first_timeout) {
        fake.first_timeout = request->timeout;
    }
    usleep((useconds_t)fake.slow_ms * 1000);
    if (fake.broken) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "refused");
    }
    memset(answer, 0, sizeof(*answer));
    answer->status = fake.status;
    answer->media_type = "text/plain";
    answer->max_age = fake.max_age;
    if (strstr(request->url, "well-known")) {
        body = fake.metadata ? fake.metadata : "<html>";
    }
    answer->body = ao2_span(apr_pstrdup(pool, body));
    return AO2_OK;
}

static inline apr_time_t fake_now(ao2_clock_t *self)
{
    (void)self;
    return fake.now;
}

static inline void fake_write(ao2_log_t *self, ao2_level_t level,
                              ao2_code_t code, const char *text)
{
    (void)self;
    (void)level;
    (void)code;
    apr_cpystrn(fake.last_told, text, sizeof(fake.last_told));
    fake.told++;
}

static ao2_http_t http = {fake_call, NULL};
static ao2_clock_t clock_port = {fake_now, NULL};
static ao2_log_t log_port = {fake_write, NULL};
static ao2_http_way_t way = {1000000, 1000000, NULL, NULL, NULL, NULL, 1};

typedef struct {
    ao2_issuer_t issuer;
    ao2_ports_t ports;
    ao2_verifier_t verifier;
    ao2_key_t *key;
    const char *jwks;
} setup_t;

static inline const char *jwks_of(const ao2_key_t *key, apr_pool_t *pool)
{
    json_t *jwk;
    char *text;
    const char *copy;

    ao2_key_write(&jwk, key, 0, pool, NULL);
    text = json_dumps(jwk, JSON_COMPACT);
    copy = apr_psprintf(pool, "{\"keys\":[%s]}", text);
    free(text);
    return copy;
}

static inline ao2_key_t *new_key(const char *kid, apr_pool_t *pool)
{
    ao2_key_t *key;

    ao2_key_generate(&key, ao2_alg_find(ao2_span("ES256")), 0, kid, pool, NULL);
    return key;
}

/* Nothing is shared with other processes. */
static inline void make_ports(ao2_ports_t *ports, apr_pool_t *pool)
{
    ao2_span_t none = {NULL, 0};

    ports->http = &http;
    ports->clock = &clock_port;
    ports->log = &log_port;
    assert_int_equal(ao2_flight_make(&ports->flight, NULL, pool, NULL),
                     AO2_OK);
    assert_int_equal(ao2_store_make(&ports->store, NULL, none, NULL, pool,
                                    NULL),
                     AO2_OK);
}

static inline ao2_code_t open_again(setup_t *setup, apr_pool_t *pool)
{
    return ao2_verifier_open(&setup->verifier, &setup->ports, pool, NULL);
}

static inline setup_t *set_up(const char *urls, const char *files,
                              apr_pool_t *pool)
{
    setup_t *setup = apr_pcalloc(pool, sizeof(*setup));
    ao2_issuer_t *issuer = &setup->issuer;
    ao2_key_source_t *source = &issuer->source;

    memset(&fake, 0, sizeof(fake));
    fake.now = apr_time_from_sec(1700000000);
    fake.status = 200;
    fake.max_age = -1;
    setup->key = new_key("k1", pool);
    setup->jwks = jwks_of(setup->key, pool);
    fake.body = setup->jwks;
    issuer->name = "corp";
    issuer->label = "<ApiIssuer corp>";
    issuer->way = way;
    issuer->concurrency = 32;
    issuer->algorithms = ao2_alg_default();
    issuer->rules.issuer_name = "corp";
    issuer->rules.issuer_url = "https://i";
    issuer->rules.subject_claims = test_words("sub", pool);
    issuer->rules.client_claims = test_words("client_id", pool);
    issuer->rules.scope_claims = test_words("scope", pool);
    issuer->rules.skew = apr_time_from_sec(60);
    source->issuer_name = "corp";
    issuer->discovery.issuer_url = "https://i";
    issuer->discovery.ttl = apr_time_from_sec(3600);
    source->static_keys = apr_array_make(pool, 1, sizeof(ao2_key_t *));
    source->files = test_words(files ? files : "", pool);
    source->urls = test_words(urls ? urls : "", pool);
    source->use_metadata = !urls && !files;
    source->ttl = apr_time_from_sec(3600);
    source->stale = apr_time_from_sec(86400);
    setup->verifier.issuer = issuer;
    make_ports(&setup->ports, pool);
    assert_int_equal(open_again(setup, pool), AO2_OK);
    return setup;
}

static inline ao2_code_t call(const setup_t *setup, const ao2_key_t *key,
                              const char *claims, int *retry, apr_pool_t *pool)
{
    ao2_signer_t signer = {key, key->alg, NULL};
    const ao2_verifier_t *all[] = {&setup->verifier};
    ao2_check_t check = {all, 1, fake.now, NULL};
    ao2_verdict_t verdict;
    const char *token;
    ao2_code_t code;
    char *text = apr_pstrdup(pool, claims);
    char *at;

    for (at = text; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    ao2_jws_sign(&token, ao2_span(text), &signer, pool, NULL);
    code = ao2_token_verify(&verdict, ao2_span(token), &check, pool, NULL);
    assert_int_equal(!verdict.principal, code != AO2_OK);
    if (retry) {
        *retry = verdict.retry_after_sec;
    }
    return code;
}

#define GOOD "{'iss':'https://i','exp':4000000000,'sub':'a'}"

static inline ao2_code_t ask(const setup_t *setup, const ao2_key_t *key,
                             apr_pool_t *pool)
{
    return call(setup, key, GOOD, NULL, pool);
}

#endif
