#include "unit/key_server.h"

#include "service/identity_cache.h"

#define NOW apr_time_from_sec(1700000000)

/* Two issuer objects, the second one with the first one's URL. */
typedef struct {
    ao2_issuer_t issuers[3];
    ao2_verifier_t verifiers[3];
    const ao2_verifier_t *all[3];
    ao2_identity_cache_t *cache;
    ao2_check_t check;
    apr_pool_t *pool;
} world_t;

static void start(world_t *world, apr_size_t bytes, apr_pool_t *pool)
{
    static const char *const urls[] = {"https://a", "https://a", "https://b"};
    int i;

    memset(world, 0, sizeof(*world));
    world->pool = pool;
    for (i = 0; i < 3; i++) {
        world->issuers[i].rules.issuer_url = urls[i];
        world->verifiers[i].issuer = &world->issuers[i];
        world->all[i] = &world->verifiers[i];
    }
    world->check.verifiers = world->all;
    world->check.count = 3;
    world->check.now = NOW;
    assert_int_equal(ao2_identity_cache_make(&world->cache, bytes, pool,
                                             NULL),
                     AO2_OK);
}

static ao2_verdict_t verdict_of(const world_t *world, int verifier,
                                const char *token, const char *user)
{
    ao2_token_rules_t rules = {0};
    ao2_token_context_t context = {&rules, ao2_span(token), NOW, NULL};
    ao2_verdict_t verdict = {0};
    json_t *claims = ao2_json_own(json_pack("{s:s}", "sub", user),
                                  world->pool);

    rules.issuer_name = "corp";
    rules.allow_no_expiry = 1;
    rules.allow_no_issuer = 1;
    rules.subject_claims = test_words("sub", world->pool);
    rules.client_claims = test_words("client_id", world->pool);
    rules.scope_claims = test_words("scope", world->pool);
    assert_int_equal(ao2_principal_make(&verdict.principal, claims, &context,
                                        world->pool, NULL),
                     AO2_OK);
    verdict.verifier = world->all[verifier];
    verdict.until = NOW + apr_time_from_sec(60);
    return verdict;
}

static void keep(world_t *world, int verifier, const char *token,
                 const char *user)
{
    ao2_verdict_t verdict = verdict_of(world, verifier, token, user);
    ao2_identity_key_t key;

    ao2_identity_key(&key, world->cache, ao2_span(token));
    ao2_identity_keep(world->cache, &key, &verdict, NOW);
}

/* The user, as long as the pool lives; NULL: not found. */
static const char *find(world_t *world, const char *token)
{
    ao2_verdict_t verdict;
    ao2_identity_key_t key;

    ao2_identity_key(&key, world->cache, ao2_span(token));
    if (!ao2_identity_find(world->cache, &verdict, &key, &world->check)) {
        return NULL;
    }
    ao2_principal_release_with(verdict.principal, world->pool);
    return verdict.principal->user;
}

static void tokens(void **state)
{
    ao2_identity_counts_t counts;
    world_t world;

    start(&world, 1024 * 1024, *state);
    assert_null(find(&world, "one"));
    keep(&world, 0, "one", "alice");
    keep(&world, 2, "two", "bob");
    assert_string_equal(find(&world, "one"), "alice");
    assert_string_equal(find(&world, "two"), "bob");
    assert_null(find(&world, "on"));
    assert_null(find(&world, "one "));
    keep(&world, 0, "one", "carol");
    assert_string_equal(find(&world, "one"), "carol");
    ao2_identity_counts(world.cache, &counts);
    assert_int_equal(counts.entries, 2);
    assert_int_equal(counts.hits, 3);
    assert_int_equal(counts.misses, 3);
}

/* What an issuer object said counts only where that object is accepted, and
 * only where it is the one that would be asked. */
static void objects(void **state)
{
    world_t world;

    start(&world, 1024 * 1024, *state);
    keep(&world, 1, "one", "second");
    world.check.count = 1;
    assert_null(find(&world, "one"));
    world.check.verifiers = world.all + 1;
    assert_string_equal(find(&world, "one"), "second");
    /* The first speaks for the same issuer, and was not asked. */
    world.check.verifiers = world.all;
    world.check.count = 2;
    assert_null(find(&world, "one"));
    keep(&world, 0, "one", "first");
    assert_string_equal(find(&world, "one"), "first");
    world.check.verifiers = world.all + 1;
    assert_string_equal(find(&world, "one"), "second");
    /* Of two that may both say yes, either does. */
    keep(&world, 2, "two", "third");
    world.check.verifiers = world.all;
    world.check.count = 3;
    assert_string_equal(find(&world, "two"), "third");
}

static void times(void **state)
{
    ao2_verdict_t verdict;
    ao2_identity_key_t key;
    world_t world;

    start(&world, 1024 * 1024, *state);
    keep(&world, 0, "one", "alice");
    world.check.now = NOW + apr_time_from_sec(60) - 1;
    assert_string_equal(find(&world, "one"), "alice");
    world.check.now++;
    assert_null(find(&world, "one"));
    world.check.now = NOW;
    assert_null(find(&world, "one"));
    verdict = verdict_of(&world, 0, "two", "bob");
    verdict.until = NOW;
    ao2_identity_key(&key, world.cache, ao2_span("two"));
    ao2_identity_keep(world.cache, &key, &verdict, NOW);
    world.check.now = 0;
    assert_null(find(&world, "two"));
}

/* A clock that goes back makes nothing last longer; those who took the time
 * a moment before still find what was kept. */
static void clock_goes_back(void **state)
{
    world_t world;

    start(&world, 1024 * 1024, *state);
    keep(&world, 0, "one", "alice");
    world.check.now = NOW - apr_time_from_sec(1);
    assert_string_equal(find(&world, "one"), "alice");
    world.check.now = NOW - apr_time_from_sec(3600);
    assert_null(find(&world, "one"));
    world.check.now = NOW;
    assert_null(find(&world, "one"));
}

/* What one took for opaque goes by its "iss" where somebody takes JWTs. */
static void jwt_as_opaque(void **state)
{
    ao2_verdict_t verdict;
    ao2_identity_key_t key;
    world_t world;

    start(&world, 1024 * 1024, *state);
    verdict = verdict_of(&world, 2, "one", "alice");
    verdict.jwt_as_opaque = 1;
    ao2_identity_key(&key, world.cache, ao2_span("one"));
    ao2_identity_keep(world.cache, &key, &verdict, NOW);
    assert_null(find(&world, "one"));
    world.issuers[2].format = AO2_FORMAT_OPAQUE;
    assert_null(find(&world, "one"));
    world.check.verifiers = world.all + 2;
    world.check.count = 1;
    assert_string_equal(find(&world, "one"), "alice");
}

static void other_keys(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_verdict_t verdict;
    ao2_identity_key_t key;
    world_t world;

    start(&world, 1024 * 1024, *state);
    world.verifiers[0].ring = setup->verifier.ring;
    keep(&world, 0, "one", "alice");
    assert_string_equal(find(&world, "one"), "alice");
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_null(find(&world, "one"));
    verdict = verdict_of(&world, 0, "one", "alice");
    verdict.epoch = ao2_verifier_epoch(&world.verifiers[0]);
    ao2_identity_key(&key, world.cache, ao2_span("one"));
    ao2_identity_keep(world.cache, &key, &verdict, NOW);
    assert_string_equal(find(&world, "one"), "alice");
}

/* Ten times of what fits, each once, beside a few that are used again and
 * again: these stay, and the memory is bounded. */
static void flood(void **state)
{
    enum { HOT = 200, COLD = 40000 };
    ao2_identity_counts_t counts;
    world_t world;
    int asked = 0;
    int hits = 0;
    int i;

    start(&world, 2 * 1024 * 1024, *state);
    for (i = 0; i < COLD; i++) {
        const char *hot = apr_psprintf(*state, "hot%d", i % HOT);
        apr_pool_t *pool;

        apr_pool_create(&pool, *state);
        world.pool = pool;
        if (i >= HOT) {
            asked++;
            hits += find(&world, hot) != NULL;
        }
        if (!find(&world, hot)) {
            keep(&world, 0, hot, "hot");
        }
        keep(&world, 0, apr_psprintf(pool, "cold%d", i), "cold");
        apr_pool_destroy(pool);
    }
    ao2_identity_counts(world.cache, &counts);
    assert_true(counts.bytes <= 2 * 1024 * 1024);
    assert_true(counts.evictions > COLD / 2);
    if (hits * 100 < asked * 95) {
        fail_msg("%d of %d", hits, asked);
    }
}

static void too_large(void **state)
{
    char *user = apr_pcalloc(*state, 20000);
    world_t world;

    start(&world, 64 * 1024, *state);
    memset(user, 'x', 19999);
    keep(&world, 0, "one", user);
    assert_null(find(&world, "one"));
    keep(&world, 0, "two", "short");
    assert_null(find(&world, "two"));
    start(&world, 1024 * 1024, *state);
    keep(&world, 0, "two", "short");
    assert_string_equal(find(&world, "two"), "short");
}

typedef struct {
    world_t *world;
    int number;
    int wrong;
} crowd_t;

/* Each thread keeps and finds tokens that others keep and find, too. */
static void *APR_THREAD_FUNC use(apr_thread_t *thread, void *data)
{
    crowd_t *crowd = data;
    world_t world = *crowd->world;
    int i;

    (void)thread;
    for (i = 0; i < 3000; i++) {
        const char *token;
        const char *user;
        apr_pool_t *pool;

        apr_pool_create(&pool, NULL);
        world.pool = pool;
        token = apr_psprintf(pool, "t%d", (i * 7 + crowd->number) % 500);
        user = find(&world, token);
        crowd->wrong += user && strcmp(user, token) != 0;
        if (!user) {
            keep(&world, 0, token, token);
        }
        apr_pool_destroy(pool);
    }
    return NULL;
}

static void threads(void **state)
{
    apr_thread_t *all[8];
    crowd_t crowds[8];
    ao2_identity_counts_t counts;
    world_t world;
    apr_status_t rv;
    int i;

    start(&world, 256 * 1024, *state);
    for (i = 0; i < 8; i++) {
        crowd_t crowd = {&world, i, 0};

        crowds[i] = crowd;
        apr_thread_create(&all[i], NULL, use, &crowds[i], *state);
    }
    for (i = 0; i < 8; i++) {
        apr_thread_join(&rv, all[i]);
        assert_int_equal(crowds[i].wrong, 0);
    }
    ao2_identity_counts(world.cache, &counts);
    assert_true(counts.hits > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tokens),          TEST(objects),       TEST(times),
        TEST(clock_goes_back), TEST(jwt_as_opaque), TEST(other_keys),
        TEST(flood),           TEST(too_large),     TEST(threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
