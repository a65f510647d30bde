#include "fuzz/fuzz.h"

#include <apr_strings.h>

#include "service/store.h"

const char fuzz_name[] = "store";

/*
 * A cache that is not to be trusted. The first byte of an input says what
 * it does: an even one keeps what was put in, but changes a bit of the entry
 * that the second byte names; an odd one gives back the lines of the input,
 * one a look-up, with the right magic and key in front.
 */
#define NOW apr_time_from_sec(1700000000)
#define SLOTS 8

typedef struct {
    ao2_cache_t cache;
    int count;
    unsigned char keys[SLOTS][AO2_CACHE_KEY];
    ao2_span_t values[SLOTS];
    ao2_span_t lines; /* absent: keeps what was put in */
    int looked;
} fake_t;

/* As service/envelope.h has it, without a secret. */
static ao2_span_t forge(ao2_span_t line, const unsigned char *key,
                        apr_pool_t *pool)
{
    char *entry = apr_palloc(pool, 4 + AO2_CACHE_KEY + line.len);
    ao2_span_t forged = {entry, 4 + AO2_CACHE_KEY + line.len};

    memcpy(entry, "AO2\1", 4);
    memcpy(entry + 4, key, AO2_CACHE_KEY);
    memcpy(entry + 4 + AO2_CACHE_KEY, line.ptr, line.len);
    return forged;
}

static int get(ao2_cache_t *self, ao2_span_t *value,
               const unsigned char key[AO2_CACHE_KEY], apr_pool_t *pool)
{
    fake_t *fake = self->context;
    int i;

    fake->looked++;
    if (fake->lines.ptr) {
        *value = forge(fuzz_line(&fake->lines), key, pool);
        return 1;
    }
    for (i = 0; i < fake->count; i++) {
        if (memcmp(fake->keys[i], key, AO2_CACHE_KEY) == 0) {
            value->ptr = apr_pmemdup(pool, fake->values[i].ptr,
                                     fake->values[i].len);
            value->len = fake->values[i].len;
            return 1;
        }
    }
    return 0;
}

static int put(ao2_cache_t *self, const unsigned char key[AO2_CACHE_KEY],
               ao2_span_t value, apr_time_t expires, apr_pool_t *pool)
{
    fake_t *fake = self->context;

    (void)expires;
    fuzz_check(value.len <= self->max_value, "a cache gets what it can take");
    if (fake->count == SLOTS) {
        return 0;
    }
    memcpy(fake->keys[fake->count], key, AO2_CACHE_KEY);
    fake->values[fake->count].ptr = apr_pmemdup(pool, value.ptr, value.len);
    fake->values[fake->count++].len = value.len;
    return 1;
}

static ao2_store_t *make_store(fake_t *fake, int with_secret,
                               apr_pool_t *pool)
{
    ao2_store_t *store;

    fake->cache.max_value = 160;
    fake->cache.get = get;
    fake->cache.put = put;
    fake->cache.context = fake;
    fuzz_check(ao2_store_make(&store, &fake->cache,
                              ao2_span(with_secret ? "secret" : NULL), NULL,
                              pool, NULL) == AO2_OK,
               "a store is made");
    return store;
}

static void make_key(ao2_store_key_t key)
{
    static const unsigned char owner[AO2_CACHE_KEY] = {1};

    ao2_store_key(key, AO2_KIND_KEYS, owner, ao2_span("name"));
}

/* What was put in is found, in pieces too; not so with one bit changed. */
static void keep(ao2_span_t value, unsigned place, apr_pool_t *pool)
{
    fake_t fake = {0};
    ao2_store_t *store = make_store(&fake, 1, pool);
    ao2_store_key_t key;
    ao2_span_t found;
    apr_time_t expires;
    ao2_span_t *changed;

    make_key(key);
    if (!ao2_store_put(store, key, value, NOW + 1, pool)) {
        fuzz_check(fake.count == SLOTS, "a value that fits is taken");
        return;
    }
    fuzz_accepted++;
    fuzz_check(ao2_store_get(store, &found, &expires, key, NOW, pool) &&
                   ao2_span_equal(found, value) && expires == NOW + 1,
               "what was put in is found");
    fuzz_check(!ao2_store_get(store, &found, NULL, key, NOW + 1, pool),
               "what is past its expiry is not found");
    changed = &fake.values[place % (unsigned)fake.count];
    ((char *)changed->ptr)[place % changed->len] ^= 4;
    fuzz_check(!ao2_store_get(store, &found, NULL, key, NOW, pool) &&
                   !found.ptr,
               "one bit of an entry counts");
}

/* Whatever a cache gives back, what is found is within the limits. */
static void give(ao2_span_t lines, apr_pool_t *pool)
{
    fake_t fake = {0};
    ao2_store_t *store = make_store(&fake, 0, pool);
    ao2_store_key_t key;
    ao2_span_t found;
    apr_time_t expires;

    make_key(key);
    fake.lines = lines;
    if (!ao2_store_get(store, &found, &expires, key, NOW, pool)) {
        fuzz_check(!found.ptr && found.len == 0, "nothing is absent");
    }
    else {
        fuzz_accepted++;
        fuzz_check(found.len <= AO2_MAX_STORED && found.len <= lines.len,
                   "a value is what the entries hold");
        fuzz_check(expires > NOW, "a value is not past its expiry");
    }
    fuzz_check((apr_size_t)fake.looked <= lines.len + 2,
               "the end of the entries is the end");
    fake.lines = lines;
    fuzz_check(!ao2_store_get(make_store(&fake, 1, pool), &found, NULL, key,
                              NOW, pool),
               "with a secret nothing forged is found");
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    ao2_span_t rest = {input.ptr, input.len};

    if (input.len < 2) {
        return;
    }
    rest.ptr += 2;
    rest.len -= 2;
    if (input.ptr[0] % 2 == 0) {
        keep(rest, (unsigned char)input.ptr[1], pool);
    }
    else {
        give(rest, pool);
    }
}
