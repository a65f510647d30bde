#include "unit/support.h"

#include "service/store.h"

#define NOW apr_time_from_sec(1700000000)
#define LATER (NOW + apr_time_from_sec(60))
#define ENTRIES 2048
#define MAX_VALUE 1000

/* A cache in memory that the tests can look into and spoil. */
typedef struct {
    ao2_cache_t port;
    struct {
        unsigned char key[AO2_CACHE_KEY];
        ao2_span_t value;
    } entries[ENTRIES];
    int count;
    int deaf;
    apr_pool_t *pool;
} fake_t;

static int find(const fake_t *fake, const unsigned char *key)
{
    int i;

    for (i = 0; i < fake->count; i++) {
        if (memcmp(fake->entries[i].key, key, AO2_CACHE_KEY) == 0) {
            return i;
        }
    }
    return -1;
}

static int fake_get(ao2_cache_t *self, ao2_span_t *value,
                    const unsigned char key[AO2_CACHE_KEY], apr_pool_t *pool)
{
    fake_t *fake = self->context;
    int i = find(fake, key);

    if (i < 0) {
        return 0;
    }
    value->len = fake->entries[i].value.len;
    value->ptr = apr_pmemdup(pool, fake->entries[i].value.ptr, value->len);
    return 1;
}

static int fake_put(ao2_cache_t *self, const unsigned char key[AO2_CACHE_KEY],
                    ao2_span_t value, apr_time_t expires, apr_pool_t *pool)
{
    fake_t *fake = self->context;
    int i = find(fake, key);

    (void)expires;
    (void)pool;
    assert_true(value.len <= MAX_VALUE);
    if (fake->deaf) {
        return 0;
    }
    if (i < 0) {
        i = fake->count++;
        assert_true(i < ENTRIES);
    }
    memcpy(fake->entries[i].key, key, AO2_CACHE_KEY);
    fake->entries[i].value.len = value.len;
    fake->entries[i].value.ptr = apr_pmemdup(fake->pool, value.ptr,
                                             value.len);
    return 1;
}

static void fake_drop(ao2_cache_t *self,
                      const unsigned char key[AO2_CACHE_KEY],
                      apr_pool_t *pool)
{
    fake_t *fake = self->context;
    int i = find(fake, key);

    (void)pool;
    if (i >= 0) {
        fake->entries[i] = fake->entries[--fake->count];
    }
}

static fake_t *make_fake(apr_pool_t *pool)
{
    fake_t *fake = apr_pcalloc(pool, sizeof(*fake));

    fake->port.name = "fake";
    fake->port.max_value = MAX_VALUE;
    fake->port.get = fake_get;
    fake->port.put = fake_put;
    fake->port.drop = fake_drop;
    fake->port.context = fake;
    fake->pool = pool;
    return fake;
}

static int told;

static void fake_write(ao2_log_t *self, ao2_level_t level, ao2_code_t code,
                       const char *text)
{
    (void)self;
    (void)code;
    told += level == AO2_LEVEL_WARNING && strstr(text, "1048577") != NULL;
}

static ao2_log_t log_port = {fake_write, NULL};

static ao2_store_t *make_store(fake_t *fake, const char *secret)
{
    ao2_store_t *store;

    assert_int_equal(ao2_store_make(&store, fake ? &fake->port : NULL,
                                    ao2_span(secret), &log_port, fake->pool,
                                    NULL),
                     AO2_OK);
    return store;
}

static const char *const secrets[] = {NULL,
                                      "a secret of thirty-two bytes, or so"};

static const unsigned char owner[AO2_CACHE_KEY] = {1};

static void make_key(ao2_store_key_t key, const char *name)
{
    ao2_store_key(key, AO2_KIND_INTROSPECTION, owner, ao2_span(name));
}

static ao2_span_t pattern(apr_size_t length, apr_pool_t *pool)
{
    char *bytes = apr_palloc(pool, length + 1);
    ao2_span_t span = {bytes, length};
    apr_size_t i;

    for (i = 0; i < length; i++) {
        bytes[i] = (char)(i * 7 + i / 256);
    }
    return span;
}

static void lengths(void **state)
{
    static const apr_size_t rows[] = {0, 1, 899, 900, 927, 928, 929, 1000,
                                      1900, 5000, 524288, AO2_MAX_STORED};
    size_t i;
    int s;

    for (s = 0; s < 2; s++) {
        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            fake_t *fake = make_fake(*state);
            ao2_store_t *store = make_store(fake, secrets[s]);
            ao2_span_t value = pattern(rows[i], *state);
            ao2_store_key_t key;
            ao2_span_t back;
            apr_time_t expires;

            make_key(key, "token");
            assert_false(ao2_store_get(store, &back, NULL, key, NOW, *state));
            assert_true(ao2_store_put(store, key, value, LATER, *state));
            if (!ao2_store_get(store, &back, &expires, key, NOW, *state) ||
                !ao2_span_equal(back, value) || expires != LATER) {
                fail_msg("length %d", (int)rows[i]);
            }
            assert_false(ao2_store_get(store, &back, NULL, key, LATER,
                                       *state));
            ao2_store_drop(store, key, *state);
            assert_false(ao2_store_get(store, &back, NULL, key, NOW, *state));
        }
    }
}

static void too_long(void **state)
{
    fake_t *fake = make_fake(*state);
    ao2_store_t *store = make_store(fake, NULL);
    ao2_store_counts_t counts;
    ao2_store_key_t key;
    int i;

    make_key(key, "token");
    told = 0;
    for (i = 0; i < 3; i++) {
        assert_false(ao2_store_put(store, key,
                                   pattern(AO2_MAX_STORED + 1, *state), LATER,
                                   *state));
    }
    assert_int_equal(fake->count, 0);
    assert_int_equal(told, 1);
    fake->deaf = 1;
    assert_false(ao2_store_put(store, key, ao2_span("x"), LATER, *state));
    fake->deaf = 0;
    assert_true(ao2_store_put(store, key, ao2_span("x"), LATER, *state));
    ao2_store_counts(store, &counts);
    assert_int_equal(counts.failed, 4);
    assert_int_equal(told, 1);
}

static void spoil(fake_t *fake, int entry, apr_size_t at, int bit)
{
    ((char *)fake->entries[entry].value.ptr)[at] ^= (char)(1 << bit);
}

/* Every bit of every entry of a sealed value counts. */
static void forged(void **state)
{
    fake_t *fake = make_fake(*state);
    ao2_store_t *store = make_store(fake, secrets[1]);
    ao2_span_t back;
    ao2_store_key_t key;
    apr_size_t at;
    int entry;

    make_key(key, "token");
    ao2_store_put(store, key, pattern(1500, *state), LATER, *state);
    assert_int_equal(fake->count, 2);
    for (entry = 0; entry < 2; entry++) {
        for (at = 0; at < fake->entries[entry].value.len; at++) {
            int bit = (int)(at % 8);

            spoil(fake, entry, at, bit);
            if (ao2_store_get(store, &back, NULL, key, NOW, *state)) {
                fail_msg("entry %d, byte %d", entry, (int)at);
            }
            spoil(fake, entry, at, bit);
        }
    }
    assert_true(ao2_store_get(store, &back, NULL, key, NOW, *state));
}

/* Without a secret an entry may say any expiry, but none past all times. */
static void forged_expiry(void **state)
{
    static const apr_size_t first = 4 + AO2_CACHE_KEY + 8;
    fake_t *fake = make_fake(*state);
    ao2_store_t *store = make_store(fake, secrets[0]);
    ao2_store_key_t key;
    ao2_span_t back;
    apr_time_t expires;

    make_key(key, "token");
    ao2_store_put(store, key, pattern(5, *state), LATER, *state);
    spoil(fake, 0, first, 6);
    assert_true(ao2_store_get(store, &back, &expires, key, NOW, *state));
    assert_true(expires > LATER);
    spoil(fake, 0, first, 7);
    assert_false(ao2_store_get(store, &back, &expires, key, NOW, *state));
}

static void truncated(void **state)
{
    ao2_store_key_t key;
    int s;

    make_key(key, "token");
    for (s = 0; s < 2; s++) {
        fake_t *fake = make_fake(*state);
        ao2_store_t *store = make_store(fake, secrets[s]);
        ao2_span_t back;
        apr_size_t whole;

        ao2_store_put(store, key, pattern(10, *state), LATER, *state);
        whole = fake->entries[0].value.len;
        while (fake->entries[0].value.len > 0) {
            fake->entries[0].value.len--;
            assert_false(ao2_store_get(store, &back, NULL, key, NOW,
                                       *state));
        }
        fake->entries[0].value.len = whole;
        assert_true(ao2_store_get(store, &back, NULL, key, NOW, *state));
    }
}

static void copied(void **state)
{
    ao2_store_key_t key;
    ao2_store_key_t other;
    int s;

    make_key(key, "token");
    make_key(other, "another");
    for (s = 0; s < 2; s++) {
        fake_t *fake = make_fake(*state);
        ao2_store_t *store = make_store(fake, secrets[s]);
        ao2_span_t back;

        ao2_store_put(store, key, ao2_span("value"), LATER, *state);
        fake_put(&fake->port, other, fake->entries[0].value, 0, *state);
        assert_false(ao2_store_get(store, &back, NULL, other, NOW, *state));
        assert_true(ao2_store_get(store, &back, NULL, key, NOW, *state));
    }
}

/* Another secret, one where there was none, none where there was one. */
static void other_secret(void **state)
{
    static const char *const others[] = {NULL, "another secret", "a third"};
    ao2_store_key_t key;
    int i;
    int k;

    make_key(key, "token");
    for (i = 0; i < 3; i++) {
        fake_t *fake = make_fake(*state);

        ao2_store_put(make_store(fake, others[i]), key, ao2_span("value"),
                      LATER, *state);
        for (k = 0; k < 3; k++) {
            ao2_span_t back;

            assert_int_equal(ao2_store_get(make_store(fake, others[k]), &back,
                                           NULL, key, NOW, *state),
                             i == k);
        }
    }
}

/* A head of today with a piece of yesterday is nothing. */
static void mixed_pieces(void **state)
{
    fake_t *fake = make_fake(*state);
    ao2_store_t *store = make_store(fake, NULL);
    ao2_span_t old_piece;
    ao2_span_t back;
    ao2_store_key_t key;

    make_key(key, "token");
    ao2_store_put(store, key, pattern(1500, *state), LATER, *state);
    old_piece = fake->entries[0].value;
    ao2_store_put(store, key, pattern(1500, *state), LATER, *state);
    assert_int_equal(fake->count, 3);
    assert_true(ao2_store_get(store, &back, NULL, key, NOW, *state));
    fake->entries[2].value = old_piece;
    assert_false(ao2_store_get(store, &back, NULL, key, NOW, *state));
    fake_drop(&fake->port, fake->entries[2].key, *state);
    assert_false(ao2_store_get(store, &back, NULL, key, NOW, *state));
}

static void keys(void **state)
{
    static const unsigned char other_owner[AO2_CACHE_KEY] = {2};
    ao2_store_key_t all[4];
    int i;
    int k;

    (void)state;
    make_key(all[0], "token");
    make_key(all[1], "tokem");
    ao2_store_key(all[2], AO2_KIND_KEYS, owner, ao2_span("token"));
    ao2_store_key(all[3], AO2_KIND_INTROSPECTION, other_owner,
                  ao2_span("token"));
    for (i = 0; i < 4; i++) {
        for (k = 0; k < 4; k++) {
            assert_int_equal(memcmp(all[i], all[k], AO2_CACHE_KEY) == 0,
                             i == k);
        }
    }
}

static void nothing(void **state)
{
    ao2_store_t *store;
    ao2_store_key_t key;
    ao2_span_t back;

    make_key(key, "token");
    assert_int_equal(ao2_store_make(&store, NULL, ao2_span(NULL), NULL,
                                    *state, NULL),
                     AO2_OK);
    assert_false(ao2_store_is_there(store));
    assert_false(ao2_store_put(store, key, ao2_span("x"), LATER, *state));
    assert_false(ao2_store_get(store, &back, NULL, key, NOW, *state));
    ao2_store_drop(store, key, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lengths), TEST(too_long),     TEST(forged), TEST(forged_expiry),
        TEST(truncated),
        TEST(copied),  TEST(other_secret), TEST(mixed_pieces),
        TEST(keys),    TEST(nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
