/**
 * @file tests/unit/token_server.h
 * A token endpoint that counts its calls, a cache and a clock, in memory
 * that forked processes share; and an upstream that uses them.
 */
#ifndef AO2_TESTS_TOKEN_SERVER_H
#define AO2_TESTS_TOKEN_SERVER_H

#include "unit/world.h"

#include <sys/mman.h>

#include "service/upstream.h"

#define NOW apr_time_from_sec(1700000000)
#define SEC(number) apr_time_from_sec(number)
#define ENTRIES 64
#define LONGEST 2048

/* All members are read and written as the tests go, one thread at a time,
 * but for those that say so. */
static struct server {
    int calls; /* atomic */
    int gets;  /* atomic: look-ups in the cache */
    int slow_ms;
    int status;
    int broken;            /* no answer at all */
    const char *type;
    const char *body;      /* NULL: a token with a new number */
    const char *error;     /* for one grant_type, as "refresh_token" */
    const char *members;   /* of the token's answer, behind the token */
    apr_time_t now;        /* atomic */
    int told;
    char last_told[400];
    char form[LONGEST];
    char field[LONGEST];   /* the first one */
    int locked;            /* atomic: guards the cache and the form */
    int deaf;              /* the cache takes nothing */
    struct {
        unsigned char key[AO2_CACHE_KEY];
        apr_size_t length;
        char value[LONGEST];
    } entries[ENTRIES];
} *server;

static inline void server_lock(void)
{
    while (__atomic_exchange_n(&server->locked, 1, __ATOMIC_ACQUIRE)) {
        usleep(10);
    }
}

static inline void server_unlock(void)
{
    __atomic_store_n(&server->locked, 0, __ATOMIC_RELEASE);
}

static inline const char *server_answer(const char *form, int number,
                                        int *status, apr_pool_t *pool)
{
    const char *grant = strstr(form, "grant_type=");

    if (server->error && strncmp(grant + 11, server->error,
                                 strlen(server->error)) == 0) {
        *status = 400;
        return "{\"error\":\"invalid_grant\"}";
    }
    return server->body ? server->body
                        : apr_psprintf(pool, "{\"access_token\":\"token-%d\","
                                       "\"token_type\":\"Bearer\"%s}",
                                       number, server->members);
}

static inline ao2_code_t server_call(ao2_http_t *self,
                                     ao2_http_answer_t *answer,
                                     const ao2_http_request_t *request,
                                     apr_pool_t *pool, ao2_fail_t *fail)
{
    const char *form = request->form.ptr ? request->form.ptr : "grant_type=";
    int number;

    (void)self;
    server_lock();
    number = told_add(&server->calls, 1);
    apr_cpystrn(server->form, form, LONGEST);
    apr_cpystrn(server->field, request->fields && request->fields->nelts
                                   ? APR_ARRAY_IDX(request->fields, 0,
                                                   const char *)
                                   : "", LONGEST);
    server_unlock();
    usleep((useconds_t)server->slow_ms * 1000);
    if (server->broken) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "no answer");
    }
    memset(answer, 0, sizeof(*answer));
    answer->status = server->status;
    answer->media_type = server->type;
    answer->max_age = -1;
    answer->body = ao2_span(server_answer(form, number, &answer->status,
                                          pool));
    return AO2_OK;
}

static inline int cache_find(const unsigned char *key)
{
    int i;

    for (i = 0; i < ENTRIES; i++) {
        if (server->entries[i].length &&
            memcmp(server->entries[i].key, key, AO2_CACHE_KEY) == 0) {
            return i;
        }
    }
    return -1;
}

static inline int cache_get(ao2_cache_t *self, ao2_span_t *value,
                            const unsigned char key[AO2_CACHE_KEY],
                            apr_pool_t *pool)
{
    int i;

    (void)self;
    told_add(&server->gets, 1);
    server_lock();
    i = cache_find(key);
    if (i >= 0) {
        value->len = server->entries[i].length;
        value->ptr = apr_pmemdup(pool, server->entries[i].value, value->len);
    }
    server_unlock();
    return i >= 0;
}

static inline int cache_put(ao2_cache_t *self,
                            const unsigned char key[AO2_CACHE_KEY],
                            ao2_span_t value, apr_time_t expires,
                            apr_pool_t *pool)
{
    int i;

    (void)self;
    (void)expires;
    (void)pool;
    if (server->deaf) {
        return 0;
    }
    server_lock();
    i = cache_find(key);
    for (i = i < 0 ? 0 : i; server->entries[i].length &&
                            memcmp(server->entries[i].key, key,
                                   AO2_CACHE_KEY) != 0; i++) {
        assert_true(i + 1 < ENTRIES);
    }
    memcpy(server->entries[i].key, key, AO2_CACHE_KEY);
    memcpy(server->entries[i].value, value.ptr, value.len);
    server->entries[i].length = value.len;
    server_unlock();
    return 1;
}

static inline void cache_drop(ao2_cache_t *self,
                              const unsigned char key[AO2_CACHE_KEY],
                              apr_pool_t *pool)
{
    int i;

    (void)self;
    (void)pool;
    server_lock();
    i = cache_find(key);
    if (i >= 0) {
        server->entries[i].length = 0;
    }
    server_unlock();
}

static inline apr_time_t server_now(ao2_clock_t *self)
{
    (void)self;
    return __atomic_load_n(&server->now, __ATOMIC_SEQ_CST);
}

static inline void server_pass(apr_time_t time)
{
    __atomic_add_fetch(&server->now, time, __ATOMIC_SEQ_CST);
}

static inline void server_told(ao2_log_t *self, ao2_level_t level,
                               ao2_code_t code, const char *text)
{
    (void)self;
    (void)level;
    (void)code;
    server->told++;
    apr_cpystrn(server->last_told, text, sizeof(server->last_told));
}

static ao2_http_t http = {server_call, NULL};
static ao2_clock_t clock_port = {server_now, NULL};
static ao2_log_t log_port = {server_told, NULL};
static ao2_cache_t cache = {"fake", LONGEST, cache_get, cache_put, cache_drop,
                            NULL};

typedef struct {
    world_t world;
    ao2_ports_t ports;
    ao2_upstream_settings_t settings;
    ao2_upstream_t *upstream;
    apr_pool_t *pool;
} setup_t;

/* One more process, as far as copies go. */
static inline ao2_upstream_t *open_upstream(const setup_t *setup)
{
    ao2_upstream_t *upstream;

    assert_int_equal(ao2_upstream_make(&upstream, &setup->settings,
                                       &setup->ports, setup->pool, NULL),
                     AO2_OK);
    return upstream;
}

static inline void set_up_server(void)
{
    server = mmap(NULL, sizeof(*server), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(server, MAP_FAILED);
    server->now = NOW;
    server->status = 200;
    server->type = "application/json";
    server->members = ",\"expires_in\":60";
}

static inline void set_up_grant(ao2_upstream_settings_t *settings,
                                ao2_grant_type_t type, apr_pool_t *pool)
{
    settings->grant.type = type;
    settings->grant.user = "user";
    settings->grant.secret = ao2_span("first");
    settings->grant.subject_type = "t:s";
    settings->grant.scopes = test_words("a b", pool);
    settings->grant.audiences = test_words("", pool);
    settings->grant.resources = test_words("", pool);
    settings->grant.params = test_words("", pool);
}

/* @param shared  whether there is a cache */
static inline setup_t *set_up(ao2_grant_type_t type, int shared,
                              apr_pool_t *pool)
{
    setup_t *setup = apr_pcalloc(pool, sizeof(*setup));
    ao2_upstream_settings_t *settings = &setup->settings;
    ao2_http_way_t way = {SEC(10), SEC(10), NULL, NULL, NULL, NULL, 1};
    ao2_span_t none = {NULL, 0};

    set_up_server();
    world_start(&setup->world, pool);
    setup->pool = pool;
    setup->ports.http = &http;
    setup->ports.clock = &clock_port;
    setup->ports.log = &log_port;
    setup->ports.board = &setup->world.board;
    setup->ports.flight = setup->world.flight;
    ao2_store_make(&setup->ports.store, shared ? &cache : NULL, none, NULL,
                   pool, NULL);
    set_up_grant(settings, type, pool);
    settings->label = "<ApiUpstream pizza>";
    settings->digest[0] = 1;
    settings->auth.method = AO2_AUTH_BASIC;
    settings->auth.client_id = "me";
    settings->auth.secret = ao2_span("pass");
    settings->fields = test_words("", pool);
    settings->endpoint = "https://as/token";
    settings->way = way;
    settings->refresh_percent = 75;
    settings->default_lifetime = SEC(300);
    setup->upstream = open_upstream(setup);
    return setup;
}

/* The token that is given out; a failure as its id. */
static inline const char *ask_for(const setup_t *setup,
                                  ao2_upstream_t *upstream,
                                  const char *subject)
{
    ao2_upstream_token_t token;
    ao2_fail_t fail = {0};
    ao2_code_t code = ao2_upstream_token(&token, upstream,
                                         ao2_span(subject), setup->pool,
                                         &fail);

    if (code != AO2_OK) {
        assert_null(token.value.ptr);
        assert_int_equal(token.retry_after_sec > 0,
                         code == AO2_E_UPSTREAM_TOKEN_UNAVAILABLE);
        return code == AO2_E_UPSTREAM_TOKEN_REFUSED ? "refused"
                                                    : ao2_error_of(code)->id;
    }
    assert_int_equal(strlen(token.value.ptr), token.value.len);
    return token.value.ptr;
}

static inline const char *ask(const setup_t *setup)
{
    return ask_for(setup, setup->upstream, NULL);
}

static inline int drop(const setup_t *setup, ao2_upstream_t *upstream,
                       const char *value)
{
    ao2_span_t none = {NULL, 0};

    return ao2_upstream_drop(upstream, ao2_span(value), none, setup->pool);
}

#define UNAVAILABLE "upstream_token_unavailable"

#endif
