#include "unit/world.h"

#include "core/api_token.h"
#include "service/token.h"

#define NOW apr_time_from_sec(1700000000)

/* What the issuers say, and what they were asked. */
static struct {
    int calls;
    int status;
    int broken;
    int too_long;
    const char *type;
    const char *body;
    const char *form;   /* of the last request */
    const char *fields;
    apr_time_t now;
} fake;

static ao2_code_t fake_call(ao2_http_t *self, ao2_http_answer_t *answer,
                            const ao2_http_request_t *request,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    static char form[8192];
    static char fields[8192];

    (void)self;
    (void)pool;
    fake.calls++;
    memset(answer, 0, sizeof(*answer));
    if (fake.broken) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "refused");
    }
    apr_cpystrn(form, request->form.ptr, sizeof(form));
    fake.form = form;
    apr_cpystrn(fields, request->fields->nelts
                            ? APR_ARRAY_IDX(request->fields, 0, const char *)
                            : "", sizeof(fields));
    fake.fields = fields;
    answer->status = fake.status;
    if (fake.too_long) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "too long");
    }
    answer->media_type = fake.type;
    answer->max_age = -1;
    answer->body = ao2_span(fake.body);
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
    (void)text;
}

static ao2_http_t http = {fake_call, NULL};
static ao2_clock_t clock_port = {fake_now, NULL};
static ao2_log_t log_port = {fake_write, NULL};

typedef struct {
    world_t world;
    ao2_ports_t ports;
    ao2_issuer_t issuer;
    ao2_verifier_t verifier;
    apr_pool_t *pool;
} setup_t;

#define ACTIVE "{\"active\":true,\"sub\":\"alice\",\"client_id\":\"app\"}"

static setup_t *set_up(apr_pool_t *pool)
{
    static unsigned char number;
    setup_t *setup = apr_pcalloc(pool, sizeof(*setup));
    ao2_issuer_t *issuer = &setup->issuer;
    ao2_span_t none = {NULL, 0};
    ao2_http_way_t way = {1000000, 1000000, NULL, NULL, NULL, NULL, 1};

    memset(&fake, 0, sizeof(fake));
    fake.now = NOW;
    fake.status = 200;
    fake.type = "application/json";
    fake.body = ACTIVE;
    world_start(&setup->world, pool);
    setup->pool = pool;
    setup->ports.http = &http;
    setup->ports.clock = &clock_port;
    setup->ports.log = &log_port;
    setup->ports.board = &setup->world.board;
    setup->ports.flight = setup->world.flight;
    ao2_store_make(&setup->ports.store, NULL, none, NULL, pool, NULL);
    issuer->name = "corp";
    issuer->label = "<ApiIssuer corp>";
    issuer->digest[0] = ++number;
    issuer->rules.issuer_name = "corp";
    issuer->rules.issuer_url = "https://i";
    issuer->rules.subject_claims = test_words("sub", pool);
    issuer->rules.client_claims = test_words("client_id", pool);
    issuer->rules.scope_claims = test_words("scope", pool);
    issuer->rules.skew = apr_time_from_sec(60);
    issuer->format = AO2_FORMAT_OPAQUE;
    issuer->source.static_keys = apr_array_make(pool, 1, sizeof(ao2_key_t *));
    issuer->source.files = test_words("", pool);
    issuer->source.urls = test_words("", pool);
    issuer->introspects = 1;
    issuer->introspection.url = "https://i/introspect";
    issuer->introspection.params = test_words("", pool);
    issuer->introspection.ttl = apr_time_from_sec(300);
    issuer->introspection.negative_ttl = apr_time_from_sec(10);
    issuer->introspection.rules = &issuer->rules;
    issuer->concurrency = 4;
    issuer->way = way;
    setup->verifier.issuer = issuer;
    assert_int_equal(ao2_verifier_open(&setup->verifier, &setup->ports, pool,
                                       NULL),
                     AO2_OK);
    return setup;
}

static ao2_code_t ask(setup_t *setup, const char *token,
                      ao2_verdict_t *verdict)
{
    const ao2_verifier_t *all[] = {&setup->verifier};
    ao2_check_t check = {all, 1, fake.now, NULL};
    ao2_verdict_t own;
    ao2_fail_t fail = {0};

    verdict = verdict ? verdict : &own;
    return ao2_token_verify(verdict, ao2_span(token), &check, setup->pool,
                            &fail);
}

/* One row: what the issuer answers, and what it means. */
static void answers(void **state)
{
    static const struct {
        int status;
        const char *type;
        const char *body;
        ao2_code_t code;
    } rows[] = {
        {200, "application/json", ACTIVE, AO2_OK},
        {200, "application/json",
         "{\"active\":true,\"client_id\":\"app\",\"exp\":1700000600,"
         "\"iss\":\"https://i\"}", AO2_OK},
        {200, "application/json", "{\"active\":false}", AO2_E_TOKEN_INVALID},
        {200, "application/json",
         "{\"active\":true,\"sub\":\"a\",\"exp\":1699999000}",
         AO2_E_TOKEN_EXPIRED},
        {200, "application/json",
         "{\"active\":true,\"sub\":\"a\",\"nbf\":1700001000}",
         AO2_E_TOKEN_NOT_YET_VALID},
        {200, "application/json",
         "{\"active\":true,\"sub\":\"a\",\"iss\":\"https://x\"}",
         AO2_E_TOKEN_INVALID},
        {200, "application/json", "{\"active\":true}", AO2_E_TOKEN_INVALID},
        {200, "application/json", "{\"active\":\"true\",\"sub\":\"a\"}",
         AO2_E_ISSUER_UNAVAILABLE},
        {200, "application/json", "{\"active\":1,\"sub\":\"a\"}",
         AO2_E_ISSUER_UNAVAILABLE},
        {200, "application/json", "{\"sub\":\"a\"}",
         AO2_E_ISSUER_UNAVAILABLE},
        {200, "application/json", "{\"active\":true,\"active\":true}",
         AO2_E_ISSUER_UNAVAILABLE},
        {200, "application/json", "<html>", AO2_E_ISSUER_UNAVAILABLE},
        {200, "application/json", "", AO2_E_ISSUER_UNAVAILABLE},
        {200, "text/html", ACTIVE, AO2_E_ISSUER_UNAVAILABLE},
        {200, "", ACTIVE, AO2_E_ISSUER_UNAVAILABLE},
        {204, "application/json", ACTIVE, AO2_E_ISSUER_UNAVAILABLE},
        {302, "application/json", ACTIVE, AO2_E_ISSUER_UNAVAILABLE},
        {400, "application/json", ACTIVE, AO2_E_ISSUER_UNAVAILABLE},
        {401, "application/json", ACTIVE, AO2_E_ISSUER_UNAVAILABLE},
        {403, "application/json", ACTIVE, AO2_E_ISSUER_UNAVAILABLE},
        {500, "application/json", ACTIVE, AO2_E_ISSUER_UNAVAILABLE},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup_t *setup = set_up(*state);
        ao2_verdict_t verdict;

        fake.status = rows[i].status;
        fake.type = rows[i].type;
        fake.body = rows[i].body;
        if (ask(setup, "opaque-token", &verdict) != rows[i].code ||
            !verdict.principal != (rows[i].code != AO2_OK) ||
            (rows[i].code == AO2_E_ISSUER_UNAVAILABLE) !=
                (verdict.retry_after_sec > 0)) {
            fail_msg("row %d", (int)i);
        }
    }
}

static void until(void **state)
{
    setup_t *setup = set_up(*state);
    ao2_verdict_t verdict;

    assert_int_equal(ask(setup, "opaque-1", &verdict), AO2_OK);
    assert_true(verdict.until == NOW + apr_time_from_sec(300));
    fake.body = "{\"active\":true,\"sub\":\"a\",\"exp\":1700000100}";
    assert_int_equal(ask(setup, "opaque-2", &verdict), AO2_OK);
    assert_true(verdict.until == NOW + apr_time_from_sec(100));
}

/* A flood of the same junk costs one call; junk that no issuer can have
 * made costs none. */
static void refused_again(void **state)
{
    setup_t *setup = set_up(*state);
    int i;

    fake.body = "{\"active\":false}";
    for (i = 0; i < 100; i++) {
        assert_int_equal(ask(setup, "junk-token", NULL), AO2_E_TOKEN_INVALID);
    }
    assert_int_equal(fake.calls, 1);
    assert_int_equal(ask(setup, "other-junk", NULL), AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 2);
    assert_int_equal(ask(setup, "short", NULL), AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 2);
    fake.now += apr_time_from_sec(10);
    fake.body = ACTIVE;
    assert_int_equal(ask(setup, "junk-token", NULL), AO2_OK);
    assert_int_equal(fake.calls, 3);
}

static void formats(void **state)
{
    static const char jwt[] = "eyJhbGciOiJSUzI1NiJ9."
                              "eyJpc3MiOiJodHRwczovL2kifQ.c2ln";
    setup_t *setup = set_up(*state);

    /* What looks like a JWT is opaque where all tokens are. */
    assert_int_equal(ask(setup, jwt, NULL), AO2_OK);
    assert_int_equal(fake.calls, 1);
    setup->issuer.format = AO2_FORMAT_ANY;
    setup->issuer.rules.issuer_url = "https://other";
    assert_int_equal(ask(setup, jwt, NULL), AO2_E_TOKEN_INVALID);
    assert_int_equal(ask(setup, "opaque-token", NULL), AO2_OK);
    setup->issuer.format = AO2_FORMAT_JWT;
    assert_int_equal(ask(setup, "opaque-token-2", NULL),
                     AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 2);
}

/* A no of one does not stop the next; who cannot be asked makes it unsure,
 * but turns nobody's yes into a no. */
static void several_issuers(void **state)
{
    enum { YES, NO, AWAY };
    static const struct {
        int says[2];
        ao2_code_t code;
    } rows[] = {
        {{YES, NO}, AO2_OK}, {{NO, YES}, AO2_OK}, {{AWAY, YES}, AO2_OK},
        {{YES, AWAY}, AO2_OK}, {{NO, NO}, AO2_E_TOKEN_INVALID},
        {{NO, AWAY}, AO2_E_ISSUER_UNAVAILABLE},
        {{AWAY, NO}, AO2_E_ISSUER_UNAVAILABLE},
    };
    size_t i;
    int k;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup_t *setups[2];
        const ao2_verifier_t *all[2];
        ao2_check_t check = {all, 2, NOW, NULL};
        ao2_verdict_t verdict;

        for (k = 0; k < 2; k++) {
            setups[k] = set_up(*state);
            all[k] = &setups[k]->verifier;
            /* Ask beforehand, so that each has its own answer noted. */
            if (rows[i].says[k] == NO) {
                fake.body = "{\"active\":false}";
                ask(setups[k], "opaque-token", NULL);
            }
            else if (rows[i].says[k] == AWAY) {
                ao2_pause_t *pause = &setups[k]->verifier.remote->party
                                          ->pauses[AO2_TARGET_ANSWERS];

                pause->failures = 9;
                pause->until = NOW + apr_time_from_sec(2);
            }
        }
        fake.body = ACTIVE;
        if (ao2_token_verify(&verdict, ao2_span("opaque-token"), &check,
                             *state, NULL) != rows[i].code) {
            fail_msg("row %d", (int)i);
        }
    }
}

/* Whoever can make an issuer say 400 must not keep others from asking;
 * refused credentials are not tried on every request. */
static void left_alone(void **state)
{
    setup_t *setup = set_up(*state);
    int i;

    fake.status = 401;
    for (i = 0; i < 10; i++) {
        assert_int_equal(ask(setup, "opaque-token", NULL),
                         AO2_E_ISSUER_UNAVAILABLE);
    }
    assert_int_equal(fake.calls, 1);
    for (i = 0; i < 10; i++) {
        fake.now += apr_time_from_sec(30);
        ask(setup, "opaque-token", NULL);
    }
    assert_int_equal(fake.calls, 11);
    fake.now += apr_time_from_sec(29);
    ask(setup, "opaque-token", NULL);
    assert_int_equal(fake.calls, 11);
    fake.status = 200;
    fake.now += apr_time_from_sec(1);
    assert_int_equal(ask(setup, "opaque-token", NULL), AO2_OK);
    fake.broken = 1;
    for (i = 0; i < 20; i++) {
        ask(setup, "opaque-token-2", NULL);
    }
    assert_int_equal(fake.calls, 15);
}

/* A token that the issuer cannot answer about is left alone for a second;
 * the issuer is not. */
static void strange_answers(void **state)
{
    static const struct {
        int status;
        int too_long;
        const char *body;
        int calls; /* for ten tokens, each asked about twice */
    } rows[] = {
        {400, 0, ACTIVE, 10},    {200, 0, "<html>", 10},
        {200, 1, ACTIVE, 10},    {200, 0, "{\"active\":1}", 10},
        {500, 0, ACTIVE, 3},     {500, 1, ACTIVE, 3},
        {302, 0, ACTIVE, 3},
    };
    char token[] = "opaque-token-0";
    size_t i;
    int k;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup_t *setup = set_up(*state);

        fake.status = rows[i].status;
        fake.too_long = rows[i].too_long;
        fake.body = rows[i].body;
        for (k = 0; k < 20; k++) {
            token[sizeof(token) - 2] = (char)('a' + k / 2);
            assert_int_equal(ask(setup, token, NULL),
                             AO2_E_ISSUER_UNAVAILABLE);
        }
        if (fake.calls != rows[i].calls) {
            fail_msg("row %d: %d calls", (int)i, fake.calls);
        }
        fake.status = 200;
        fake.too_long = 0;
        fake.body = ACTIVE;
        fake.now += apr_time_from_sec(2);
        assert_int_equal(ask(setup, token, NULL), AO2_OK);
    }
}

static void request(void **state)
{
    setup_t *setup = set_up(*state);
    ao2_client_auth_t *auth = &setup->issuer.introspection.auth;

    setup->issuer.introspection.params = test_words("resource a&b", *state);
    auth->method = AO2_AUTH_BASIC;
    auth->client_id = "a:b";
    auth->secret = ao2_span("s cr&t");
    ask(setup, "opaque+/token=", NULL);
    assert_string_equal(fake.form, "token=opaque%2B%2Ftoken%3D&"
                                   "token_type_hint=access_token&"
                                   "resource=a%26b");
    /* base64 of a%3Ab:s+cr%26t */
    assert_string_equal(fake.fields,
                        "Authorization: Basic YSUzQWI6cytjciUyNnQ=");
    auth->method = AO2_AUTH_POST;
    ask(setup, "opaque-2", NULL);
    assert_non_null(strstr(fake.form, "&client_id=a%3Ab&"
                                      "client_secret=s+cr%26t"));
    assert_string_equal(fake.fields, "");
    auth->method = AO2_AUTH_BEARER;
    auth->secret = ao2_span("ours");
    ask(setup, "opaque-3", NULL);
    assert_string_equal(fake.fields, "Authorization: Bearer ours");
    auth->method = AO2_AUTH_TLS;
    ask(setup, "opaque-4", NULL);
    assert_non_null(strstr(fake.form, "&client_id=a%3Ab"));
    assert_null(strstr(fake.form, "secret"));
}

/* One entry, whatever the key. */
static struct {
    char bytes[1024];
    apr_size_t length;
} kept;

static int cache_get(ao2_cache_t *self, ao2_span_t *value,
                     const unsigned char key[AO2_CACHE_KEY],
                     apr_pool_t *pool)
{
    (void)self;
    (void)key;
    (void)pool;
    value->ptr = kept.bytes;
    value->len = kept.length;
    return kept.length > 0;
}

static int cache_put(ao2_cache_t *self,
                     const unsigned char key[AO2_CACHE_KEY],
                     ao2_span_t value, apr_time_t expires, apr_pool_t *pool)
{
    (void)self;
    (void)key;
    (void)expires;
    (void)pool;
    assert_true(value.len < sizeof(kept.bytes));
    memcpy(kept.bytes, value.ptr, value.len);
    kept.length = value.len;
    return 1;
}

/* A clock that goes back an hour makes neither a yes nor a no last longer:
 * what is kept then counts for nothing. */
static void clock_goes_back(void **state)
{
    ao2_cache_t cache = {"fake", 4096, cache_get, cache_put, NULL, NULL};
    setup_t *setup = set_up(*state);
    ao2_span_t none = {NULL, 0};
    ao2_verdict_t verdict;

    fake.body = "{\"active\":false}";
    assert_int_equal(ask(setup, "opaque-1", NULL), AO2_E_TOKEN_INVALID);
    fake.body = ACTIVE;
    assert_int_equal(ask(setup, "opaque-1", NULL), AO2_E_TOKEN_INVALID);
    fake.now = NOW - apr_time_from_sec(3600);
    assert_int_equal(ask(setup, "opaque-1", NULL), AO2_OK);
    assert_int_equal(fake.calls, 2);

    ao2_store_make(&setup->verifier.remote->ports.store, &cache, none, NULL,
                   *state, NULL);
    fake.now = NOW;
    assert_int_equal(ask(setup, "opaque-2", &verdict), AO2_OK);
    fake.now = NOW - apr_time_from_sec(1);
    assert_int_equal(ask(setup, "opaque-2", &verdict), AO2_OK);
    assert_true(verdict.was_shared);
    assert_int_equal(fake.calls, 3);
    fake.now = NOW - apr_time_from_sec(3600);
    fake.body = "{\"active\":false}";
    assert_int_equal(ask(setup, "opaque-2", NULL), AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 4);
}

/* A secret of our own clients is shown to no issuer. */
static void api_tokens(void **state)
{
    static const unsigned char random[AO2_API_TOKEN_RANDOM] = {1, 2, 3};
    setup_t *setup = set_up(*state);
    char *token = apr_pstrdup(*state, ao2_api_token_make(random, *state));

    assert_int_equal(ask(setup, token, NULL), AO2_E_TOKEN_INVALID);
    assert_int_equal(fake.calls, 0);
    /* Another checksum: it is something else. */
    token[AO2_API_TOKEN_LENGTH - 1] ^= 1;
    assert_int_equal(ask(setup, token, NULL), AO2_OK);
    assert_int_equal(fake.calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers), TEST(until), TEST(refused_again), TEST(formats),
        TEST(several_issuers), TEST(left_alone), TEST(strange_answers),
        TEST(request),
        TEST(clock_goes_back), TEST(api_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
