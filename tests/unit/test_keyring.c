#include "unit/support.h"

#include <apr_atomic.h>
#include <apr_thread_proc.h>
#include <stdio.h>
#include <unistd.h>

#include "service/issuer.h"
#include "service/pause.h"

/* The fakes: a server that counts its calls, and a clock that is set. */
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
    apr_time_t last_timeout; /* that a call was given */
} fake;

static ao2_code_t fake_get(ao2_http_t *self, ao2_http_answer_t *answer,
                           const ao2_http_request_t *request,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    const char *body = fake.body;

    (void)self;
    apr_atomic_inc32(&fake.calls);
    fake.last_timeout = request->timeout;
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

static apr_time_t fake_now(ao2_clock_t *self)
{
    (void)self;
    return fake.now;
}

static void fake_write(ao2_log_t *self, ao2_level_t level, ao2_code_t code,
                       const char *text)
{
    (void)self;
    (void)level;
    (void)code;
    apr_cpystrn(fake.last_told, text, sizeof(fake.last_told));
    fake.told++;
}

static ao2_http_t http = {fake_get, NULL};
static ao2_clock_t clock_port = {fake_now, NULL};
static ao2_log_t log_port = {fake_write, NULL};
static const ao2_keyring_ports_t ports = {&http, &clock_port, &log_port};
static ao2_http_way_t way = {1000000, 1000000, NULL, NULL, NULL, NULL, 1};

typedef struct {
    ao2_issuer_t issuer;
    ao2_verifier_t verifier;
    ao2_key_t *key;
    const char *jwks;
} setup_t;

static const char *jwks_of(const ao2_key_t *key, apr_pool_t *pool)
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

static ao2_key_t *new_key(const char *kid, apr_pool_t *pool)
{
    ao2_key_t *key;

    ao2_key_generate(&key, ao2_alg_find(ao2_span("ES256")), 0, kid, pool,
                     NULL);
    return key;
}

static setup_t *set_up(const char *urls, const char *files, apr_pool_t *pool)
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
    issuer->algorithms = ao2_alg_default();
    issuer->rules.issuer_name = "corp";
    issuer->rules.issuer_url = "https://i";
    issuer->rules.subject_claims = test_words("sub", pool);
    issuer->rules.client_claims = test_words("client_id", pool);
    issuer->rules.scope_claims = test_words("scope", pool);
    issuer->rules.skew = apr_time_from_sec(60);
    source->issuer_name = "corp";
    source->issuer_url = "https://i";
    source->static_keys = apr_array_make(pool, 1, sizeof(ao2_key_t *));
    source->files = test_words(files ? files : "", pool);
    source->urls = test_words(urls ? urls : "", pool);
    source->use_metadata = !urls && !files;
    source->ttl = apr_time_from_sec(3600);
    source->stale = apr_time_from_sec(86400);
    source->way = &way;
    setup->verifier.issuer = issuer;
    assert_int_equal(ao2_keyring_make(&setup->verifier.ring, source, &ports,
                                      pool, NULL),
                     AO2_OK);
    return setup;
}

static ao2_code_t call(const setup_t *setup, const ao2_key_t *key,
                       const char *claims, int *retry, apr_pool_t *pool)
{
    ao2_signer_t signer = {key, key->alg, NULL};
    const ao2_verifier_t *all[] = {&setup->verifier};
    ao2_check_t check = {all, 1, fake.now};
    ao2_principal_t *principal;
    const char *token;
    ao2_code_t code;
    char *text = apr_pstrdup(pool, claims);
    char *at;

    for (at = text; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    ao2_jws_sign(&token, ao2_span(text), &signer, pool, NULL);
    code = ao2_token_verify(&principal, retry, ao2_span(token), &check, pool,
                            NULL);
    assert_int_equal(!principal, code != AO2_OK);
    return code;
}

#define GOOD "{'iss':'https://i','exp':4000000000,'sub':'a'}"

static ao2_code_t ask(const setup_t *setup, const ao2_key_t *key,
                      apr_pool_t *pool)
{
    return call(setup, key, GOOD, NULL, pool);
}

static void loads_once(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    int i;

    assert_int_equal(fake.calls, 0);
    for (i = 0; i < 100; i++) {
        assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    }
    assert_int_equal(fake.calls, 1);
}

/* Nothing is fetched for a token that is refused before its key matters. */
static void no_call_for_strangers(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);

    assert_int_equal(call(setup, setup->key, "{'iss':'https://other'}", NULL,
                          *state), AO2_E_TOKEN_INVALID);
    setup->issuer.algorithms = ao2_alg_find(ao2_span("RS256"))->bit;
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 0);
    setup->issuer.algorithms = ao2_alg_default();
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

static void renewed_ahead(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    int i;

    ask(setup, setup->key, *state);
    /* Before 75 % nobody renews; after the ttl a tick has. */
    fake.now += apr_time_from_sec(2699);
    ao2_keyring_tick(setup->verifier.ring);
    assert_int_equal(fake.calls, 1);
    fake.now += apr_time_from_sec(902);
    ao2_keyring_tick(setup->verifier.ring);
    assert_int_equal(fake.calls, 2);
    for (i = 0; i < 10; i++) {
        ao2_keyring_tick(setup->verifier.ring);
        ask(setup, setup->key, *state);
    }
    assert_int_equal(fake.calls, 2);
    /* With the background lost, a request renews. */
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(fake.calls, 3);
}

static void max_age_shortens(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);

    fake.max_age = apr_time_from_sec(60);
    ask(setup, setup->key, *state);
    fake.now += apr_time_from_sec(61);
    ask(setup, setup->key, *state);
    assert_int_equal(fake.calls, 2);
    fake.max_age = 0;
    fake.now += apr_time_from_sec(61);
    ask(setup, setup->key, *state);
    fake.now += apr_time_from_sec(5);
    ask(setup, setup->key, *state);
    assert_int_equal(fake.calls, 3);
}

/* Whatever a server answers, good keys stay until they are stale. */
static void bad_answers(void **state)
{
    static const char *const bodies[] = {
        "<html>", "{\"keys\":[]}", "{}", "", "{\"keys\":[{\"kty\":\"oct\"}]}"};
    setup_t *setup = set_up("https://i/k", NULL, *state);
    size_t i;

    ask(setup, setup->key, *state);
    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        fake.body = bodies[i];
        fake.now += apr_time_from_sec(3700);
        assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    }
    fake.body = setup->jwks;
    fake.status = 500;
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    fake.broken = 1;
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_true(fake.told > 0);
    fake.now += apr_time_from_sec(86400 + 3600);
    assert_int_equal(ask(setup, setup->key, *state),
                     AO2_E_ISSUER_UNAVAILABLE);
    fake.broken = 0;
    fake.status = 200;
    fake.now += apr_time_from_sec(3);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

static void failing_is_left_alone(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    int retry = 0;
    int i;

    fake.broken = 1;
    for (i = 0; i < 50; i++) {
        assert_int_equal(call(setup, setup->key, GOOD, &retry, *state),
                         AO2_E_ISSUER_UNAVAILABLE);
        assert_true(retry >= 1);
    }
    assert_int_equal(fake.calls, 3);
    fake.now += apr_time_from_msec(700);
    ask(setup, setup->key, *state);
    assert_int_equal(fake.calls, 4);
    fake.broken = 0;
    fake.now += apr_time_from_sec(3);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

static void unknown_kids(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_key_t *other;
    int i;

    ask(setup, setup->key, *state);
    for (i = 0; i < 1000; i++) {
        setup->key->kid = apr_psprintf(*state, "x%d", i);
        assert_int_equal(ask(setup, setup->key, *state),
                         AO2_E_TOKEN_INVALID);
    }
    assert_int_equal(fake.calls, 2);
    /* A rotated key works at once when the pause is over. */
    other = new_key("k2", *state);
    fake.body = jwks_of(other, *state);
    assert_int_equal(ask(setup, other, *state), AO2_E_TOKEN_INVALID);
    fake.now += AO2_KEYRING_UNKNOWN_PAUSE;
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    setup->key->kid = "k1";
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 3);
    fake.broken = 1;
    fake.now += AO2_KEYRING_UNKNOWN_PAUSE;
    assert_int_equal(ask(setup, setup->key, *state),
                     AO2_E_ISSUER_UNAVAILABLE);
}

static void metadata(void **state)
{
    setup_t *setup = set_up(NULL, NULL, *state);

    fake.metadata = "{\"issuer\":\"https://i\","
                    "\"jwks_uri\":\"https://i/jwks\"}";
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(fake.calls, 2);
    /* The key set may have moved: renewal looks at metadata too. */
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(fake.calls, 4);
    setup = set_up(NULL, NULL, *state);
    fake.metadata = "{\"issuer\":\"https://j\","
                    "\"jwks_uri\":\"https://i/jwks\"}";
    assert_int_equal(ask(setup, setup->key, *state),
                     AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(fake.calls, 2);
    /* What ails either place is told. */
    assert_non_null(strstr(fake.last_told, "oauth-authorization-server: the "
                                           "metadata's \"issuer\""));
    assert_non_null(strstr(fake.last_told, "openid-configuration: the "
                                           "metadata's \"issuer\""));
}

/* All calls of one load share the total timeout. */
static void one_deadline(void **state)
{
    setup_t *setup = set_up(NULL, NULL, *state);
    ao2_http_way_t hasty = way;

    setup->issuer.source.way = &hasty;
    hasty.total_timeout = apr_time_from_msec(200);
    fake.slow_ms = 150;
    assert_int_equal(ask(setup, setup->key, *state),
                     AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(fake.calls, 2);
    assert_in_range(fake.last_timeout, 1, apr_time_from_msec(50));
    hasty.total_timeout = apr_time_from_msec(100);
    assert_int_equal(ask(setup, setup->key, *state),
                     AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(fake.calls, 3);
    assert_non_null(strstr(fake.last_told, "openid-configuration"));
    hasty.total_timeout = apr_time_from_sec(2);
    fake.metadata = "{\"issuer\":\"https://i\","
                    "\"jwks_uri\":\"https://i/jwks\"}";
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

/* Of a file that is not there yet. */
static const char *fresh_path(apr_pool_t *pool)
{
    static int count;

    return apr_psprintf(pool, "/tmp/ao2-keys-%ld-%d", (long)getpid(),
                        count++);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void key_files(void **state)
{
    const char *path = fresh_path(*state);
    ao2_key_t *key = new_key("f1", *state);
    ao2_key_t *other = new_key("f2", *state);
    setup_t *setup;

    write_file(path, jwks_of(key, *state));
    setup = set_up(NULL, path, *state);
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(ask(setup, other, *state), AO2_E_TOKEN_INVALID);
    fake.now += apr_time_from_sec(2);
    write_file(path, jwks_of(other, *state));
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_E_TOKEN_INVALID);
    fake.now += apr_time_from_sec(2);
    write_file(path, "{");
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(fake.told, 1);
    assert_int_equal(fake.calls, 0);
    unlink(path);
    fake.now += apr_time_from_sec(2);
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    write_file(path, jwks_of(key, *state));
    fake.now += apr_time_from_sec(2);
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(fake.told, 1);
    unlink(path);
}

static ao2_code_t make_again(setup_t *setup, apr_pool_t *pool)
{
    return ao2_keyring_make(&setup->verifier.ring, &setup->issuer.source,
                            &ports, pool, NULL);
}

/* A process that starts while a file is bad has the keys that were there
 * when the configuration was read, and takes up the file once it is good. */
static void key_file_bad_at_start(void **state)
{
    const char *path = fresh_path(*state);
    ao2_key_t *key = new_key("f1", *state);
    ao2_key_t *other = new_key("f2", *state);
    setup_t *setup;

    write_file(path, jwks_of(key, *state));
    setup = set_up(NULL, path, *state);
    write_file(path, "{");
    assert_int_equal(make_again(setup, *state), AO2_E_MISCONFIGURED);
    write_file(path, jwks_of(key, *state));
    assert_int_equal(ao2_key_source_check(&setup->issuer.source, *state,
                                          *state, NULL), AO2_OK);
    write_file(path, "{");
    assert_int_equal(make_again(setup, *state), AO2_OK);
    assert_non_null(strstr(fake.last_told, path));
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    fake.now += apr_time_from_sec(2);
    write_file(path, jwks_of(other, *state));
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_E_TOKEN_INVALID);
    unlink(path);
}

/* A bad file does not keep the keys of a server from being renewed. */
static void key_file_beside_url(void **state)
{
    const char *path = fresh_path(*state);
    ao2_key_t *key = new_key("f1", *state);
    ao2_key_t *other = new_key("k2", *state);
    setup_t *setup;

    write_file(path, jwks_of(key, *state));
    setup = set_up("https://i/k", path, *state);
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(fake.calls, 1);
    write_file(path, "{");
    fake.body = jwks_of(other, *state);
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(fake.calls, 2);
    write_file(path, jwks_of(new_key("f3", *state), *state));
    fake.now += apr_time_from_sec(2);
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_E_TOKEN_INVALID);
    unlink(path);
}

static void too_many_sources(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_key_source_t *source = &setup->issuer.source;
    const char *path = fresh_path(*state);
    apr_array_header_t *files = apr_array_make(*state, 17, sizeof(char *));
    int i;

    write_file(path, setup->jwks);
    for (i = 0; i < 16; i++) {
        APR_ARRAY_PUSH(files, const char *) = path;
    }
    source->files = files;
    assert_int_equal(ao2_key_source_check(source, *state, *state, NULL),
                     AO2_OK);
    APR_ARRAY_PUSH(files, const char *) = path;
    assert_int_equal(ao2_key_source_check(source, *state, *state, NULL),
                     AO2_E_MISCONFIGURED);
    unlink(path);
}

/* Many callers at once, and how many of them got @a wanted. */
typedef struct {
    const setup_t *setup;
    const ao2_key_t *key;
    ao2_code_t wanted;
    volatile apr_uint32_t got;
} crowd_t;

#define CROWD 100

static void *APR_THREAD_FUNC one_caller(apr_thread_t *thread, void *data)
{
    crowd_t *crowd = data;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    if (ask(crowd->setup, crowd->key, pool) == crowd->wanted) {
        apr_atomic_inc32(&crowd->got);
    }
    apr_pool_destroy(pool);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void send_crowd(const setup_t *setup, const ao2_key_t *key,
                       ao2_code_t wanted, apr_pool_t *pool)
{
    crowd_t crowd = {setup, key, wanted, 0};
    apr_thread_t *threads[CROWD];
    apr_status_t rv;
    int i;

    for (i = 0; i < CROWD; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, one_caller,
                                           &crowd, pool), APR_SUCCESS);
    }
    for (i = 0; i < CROWD; i++) {
        apr_thread_join(&rv, threads[i]);
    }
    assert_int_equal(crowd.got, CROWD);
}

static void many_threads(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);

    fake.slow_ms = 100;
    send_crowd(setup, setup->key, AO2_OK, *state);
    assert_int_equal(fake.calls, 1);
    assert_int_equal(fake.told, 0);
}

/* Those who wait for somebody else's fetch hear what came of it. */
static void many_threads_unknown(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_key_t *other = new_key("k2", *state);

    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    fake.slow_ms = 100;
    fake.broken = 1;
    send_crowd(setup, other, AO2_E_ISSUER_UNAVAILABLE, *state);
    assert_in_range(fake.calls, 2, 4);
    fake.broken = 0;
    fake.now += apr_time_from_sec(3);
    fake.calls = 0;
    send_crowd(setup, other, AO2_E_TOKEN_INVALID, *state);
    assert_int_equal(fake.calls, 1);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

/* Nobody waits longer for somebody else's fetch than for an own one. */
static void waiting_is_bounded(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_http_way_t hasty = way;
    crowd_t crowd = {setup, setup->key, AO2_E_ISSUER_UNAVAILABLE, 0};
    apr_thread_t *first;
    apr_time_t start;
    apr_status_t rv;

    hasty.total_timeout = apr_time_from_msec(100);
    setup->issuer.source.way = &hasty;
    fake.slow_ms = 1000;
    assert_int_equal(apr_thread_create(&first, NULL, one_caller, &crowd,
                                       *state), APR_SUCCESS);
    while (apr_atomic_read32(&fake.calls) == 0) {
        usleep(1000);
    }
    start = apr_time_now();
    assert_int_equal(ask(setup, setup->key, *state),
                     AO2_E_ISSUER_UNAVAILABLE);
    assert_true(apr_time_now() - start < apr_time_from_msec(700));
    apr_thread_join(&rv, first);
    assert_int_equal(crowd.got, 0);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loads_once),      TEST(no_call_for_strangers),
        TEST(renewed_ahead),   TEST(max_age_shortens),
        TEST(bad_answers),     TEST(failing_is_left_alone),
        TEST(unknown_kids),    TEST(metadata),
        TEST(one_deadline),    TEST(key_files),
        TEST(key_file_bad_at_start),
        TEST(key_file_beside_url),
        TEST(too_many_sources),
        TEST(many_threads),
        TEST(many_threads_unknown),
        TEST(waiting_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
