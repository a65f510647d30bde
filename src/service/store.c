#include "service/store.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/digest.h"
#include "service/envelope.h"

/* A piece's name in its key: the value's key, the value's number, which. */
#define NUMBER 16

struct ao2_store {
    ao2_cache_t *cache;
    ao2_envelope_t envelope;
    ao2_log_t *log; /* NULL: none */
    apr_time_t told_at; /* atomic: of a value that was too long */
    ao2_store_counts_t counts; /* atomics */
    ao2_row_t *lookups;        /* figures; NULL: nobody wants to know */
    ao2_row_t *writes;
};

#define TELL_AGAIN apr_time_from_sec(60)
/* The columns of AO2_METRIC_LOOKUPS and AO2_METRIC_WRITES. */
enum { LOOKUP_HIT, LOOKUP_MISS, LOOKUP_REJECTED };
enum { WRITE_OK, WRITE_FAILED };

/* In front of a value: how long it is, until when it counts, and the number
 * that its further pieces carry. Whole numbers in network order. */
typedef struct {
    apr_uint64_t length;
    apr_uint64_t expires;
    unsigned char number[NUMBER];
} head_t;

#define HEAD (16 + NUMBER)

static apr_status_t wipe(void *data)
{
    ao2_store_t *store = data;

    OPENSSL_cleanse(&store->envelope, sizeof(store->envelope));
    return APR_SUCCESS;
}

ao2_code_t ao2_store_make(ao2_store_t **pstore, ao2_cache_t *cache,
                          ao2_span_t secret, ao2_log_t *log,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_store_t *store = apr_pcalloc(pool, sizeof(*store));

    *pstore = NULL;
    store->cache = cache;
    store->log = log;
    if (!ao2_envelope_prepare(&store->envelope, secret)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the cache's key cannot be derived");
    }
    apr_pool_cleanup_register(pool, store, wipe, apr_pool_cleanup_null);
    *pstore = store;
    return AO2_OK;
}

void ao2_store_count_in(ao2_store_t *store, const ao2_counters_t *counters)
{
    ao2_label_t shared = ao2_counters_label(counters, AO2_LABEL_WORD,
                                            "shared", AO2_MOST_WORDS);

    store->lookups = ao2_counters_row(counters, AO2_METRIC_LOOKUPS, shared,
                                      AO2_LABEL_NONE);
    store->writes = ao2_counters_row(counters, AO2_METRIC_WRITES, shared,
                                     AO2_LABEL_NONE);
}

static void put_number(unsigned char *to, apr_uint64_t number)
{
    int i;

    for (i = 7; i >= 0; i--) {
        to[i] = (unsigned char)(number & 0xff);
        number >>= 8;
    }
}

static apr_uint64_t get_number(const unsigned char *from)
{
    apr_uint64_t number = 0;
    int i;

    for (i = 0; i < 8; i++) {
        number = number << 8 | from[i];
    }
    return number;
}

void ao2_store_key(ao2_store_key_t key, ao2_value_kind_t kind,
                   const unsigned char owner[AO2_CACHE_KEY], ao2_span_t name)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char word[8];

    memset(key, 0, AO2_CACHE_KEY);
    put_number(word, (apr_uint64_t)kind);
    if (!ctx ||
        EVP_DigestInit_ex(ctx, ao2_digest_of(AO2_CACHE_KEY), NULL) != 1 ||
        EVP_DigestUpdate(ctx, word, sizeof(word)) != 1 ||
        EVP_DigestUpdate(ctx, owner, AO2_CACHE_KEY) != 1 ||
        EVP_DigestUpdate(ctx, name.ptr, name.len) != 1 ||
        EVP_DigestFinal_ex(ctx, key, NULL) != 1) {
        /* Nobody else has this key, and nothing will be found under it. */
        RAND_bytes(key, AO2_CACHE_KEY);
    }
    EVP_MD_CTX_free(ctx);
}

static void piece_key(ao2_store_key_t piece, const ao2_store_key_t key,
                      const unsigned char number[NUMBER], apr_size_t index)
{
    unsigned char name[NUMBER + 8];
    ao2_span_t span = {(const char *)name, sizeof(name)};

    memcpy(name, number, NUMBER);
    put_number(name + NUMBER, index);
    ao2_store_key(piece, (ao2_value_kind_t)0, key, span);
}

/* How many bytes of a value go into one entry. */
static apr_size_t room(const ao2_store_t *store)
{
    apr_size_t taken = AO2_ENVELOPE_EXTRA + HEAD;

    return store->cache->max_value > 2 * taken
               ? store->cache->max_value - taken
               : taken;
}

static void count(apr_uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* One entry, opened. */
static int fetch(ao2_store_t *store, ao2_span_t *opened,
                 const ao2_store_key_t key, apr_pool_t *pool)
{
    ao2_span_t sealed;

    if (!store->cache->get(store->cache, &sealed, key, pool)) {
        return 0;
    }
    if (!ao2_envelope_open(&store->envelope, opened, sealed, key, pool)) {
        count(&store->counts.refused);
        ao2_count(store->lookups, LOOKUP_REJECTED);
        return 0;
    }
    return 1;
}

static int read_head(head_t *head, ao2_span_t *rest, ao2_span_t opened)
{
    const unsigned char *at = (const unsigned char *)opened.ptr;

    if (opened.len < HEAD) {
        return 0;
    }
    head->length = get_number(at);
    head->expires = get_number(at + 8);
    memcpy(head->number, at + 16, NUMBER);
    rest->ptr = opened.ptr + HEAD;
    rest->len = opened.len - HEAD;
    return head->length <= AO2_MAX_STORED && rest->len <= head->length &&
           head->expires <= APR_INT64_MAX;
}

/* Gather what follows the first piece; every one has to be there. */
static int fetch_rest(ao2_store_t *store, ao2_span_t *value,
                      const head_t *head, const ao2_store_key_t key,
                      apr_pool_t *pool)
{
    apr_size_t length = (apr_size_t)head->length;
    char *whole = apr_palloc(pool, length + 1);
    apr_size_t done = value->len;
    apr_size_t index;

    memcpy(whole, value->ptr, value->len);
    for (index = 1; done < length; index++) {
        ao2_store_key_t piece;
        ao2_span_t opened;

        piece_key(piece, key, head->number, index);
        if (!fetch(store, &opened, piece, pool) || opened.len == 0 ||
            opened.len > length - done) {
            return 0;
        }
        memcpy(whole + done, opened.ptr, opened.len);
        done += opened.len;
    }
    whole[length] = '\0';
    value->ptr = whole;
    value->len = length;
    return 1;
}

static int find(ao2_store_t *store, ao2_span_t *value, apr_time_t *expires,
                const ao2_store_key_t key, apr_time_t now, apr_pool_t *pool)
{
    ao2_span_t opened;
    head_t head;

    if (!store->cache || !fetch(store, &opened, key, pool) ||
        !read_head(&head, value, opened) ||
        head.expires <= (apr_uint64_t)now) {
        return 0;
    }
    if (expires) {
        *expires = (apr_time_t)head.expires;
    }
    return value->len == head.length ||
           fetch_rest(store, value, &head, key, pool);
}

int ao2_store_get(ao2_store_t *store, ao2_span_t *value, apr_time_t *expires,
                  const ao2_store_key_t key, apr_time_t now, apr_pool_t *pool)
{
    int found = find(store, value, expires, key, now, pool);

    if (!found) {
        value->ptr = NULL;
        value->len = 0;
    }
    count(found ? &store->counts.hits : &store->counts.misses);
    ao2_count(store->lookups, found ? LOOKUP_HIT : LOOKUP_MISS);
    return found;
}

static int put_entry(ao2_store_t *store, const ao2_store_key_t key,
                     ao2_span_t plain, apr_time_t expires, apr_pool_t *pool)
{
    ao2_span_t sealed;

    return ao2_envelope_seal(&store->envelope, &sealed, plain, key, pool) &&
           store->cache->put(store->cache, key, sealed, expires, pool);
}

/* The pieces first, then what leads to them. */
static int put_pieces(ao2_store_t *store, const ao2_store_key_t key,
                      const unsigned char number[NUMBER], ao2_span_t rest,
                      apr_time_t expires, apr_pool_t *pool)
{
    apr_size_t index;
    int good = 1;

    for (index = 1; good && rest.len > 0; index++) {
        ao2_store_key_t piece;
        ao2_span_t part = {rest.ptr, rest.len < room(store) ? rest.len
                                                            : room(store)};

        piece_key(piece, key, number, index);
        good = put_entry(store, piece, part, expires, pool);
        rest.ptr += part.len;
        rest.len -= part.len;
    }
    return good;
}

static int put(ao2_store_t *store, const ao2_store_key_t key,
               ao2_span_t value, apr_time_t expires, apr_pool_t *pool)
{
    apr_size_t first = value.len < room(store) ? value.len : room(store);
    unsigned char *plain = apr_palloc(pool, HEAD + first);
    ao2_span_t entry = {(const char *)plain, HEAD + first};
    ao2_span_t rest = {value.ptr + first, value.len - first};

    put_number(plain, value.len);
    put_number(plain + 8, (apr_uint64_t)expires);
    memset(plain + 16, 0, NUMBER);
    if (rest.len && RAND_bytes(plain + 16, NUMBER) != 1) {
        return 0;
    }
    memcpy(plain + HEAD, value.ptr, first);
    return put_pieces(store, key, plain + 16, rest, expires, pool) &&
           put_entry(store, key, entry, expires, pool);
}

/* One of all threads that have it to tell. */
static void tell_too_long(ao2_store_t *store, apr_size_t length)
{
    apr_time_t now = apr_time_now();
    apr_time_t before = __atomic_load_n(&store->told_at, __ATOMIC_RELAXED);
    char text[AO2_MAX_DETAIL];

    if (!store->log ||
        (before && now >= before && now - before < TELL_AGAIN) ||
        !__atomic_compare_exchange_n(&store->told_at, &before, now, 0,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        return;
    }
    apr_snprintf(text, sizeof(text),
                 "ApiCache: a value of %" APR_SIZE_T_FMT " bytes is longer "
                 "than any that is kept there (%d): each process fetches it "
                 "for itself", length, AO2_MAX_STORED);
    store->log->write(store->log, AO2_LEVEL_WARNING, AO2_OK, text);
}

int ao2_store_put(ao2_store_t *store, const ao2_store_key_t key,
                  ao2_span_t value, apr_time_t expires, apr_pool_t *pool)
{
    int taken;

    if (!store->cache || expires < 0) {
        return 0;
    }
    if (value.len > AO2_MAX_STORED) {
        tell_too_long(store, value.len);
    }
    taken = value.len <= AO2_MAX_STORED &&
            put(store, key, value, expires, pool);
    if (!taken) {
        count(&store->counts.failed);
    }
    ao2_count(store->writes, taken ? WRITE_OK : WRITE_FAILED);
    return taken;
}

void ao2_store_drop(ao2_store_t *store, const ao2_store_key_t key,
                    apr_pool_t *pool)
{
    if (store->cache) {
        store->cache->drop(store->cache, key, pool);
    }
}

int ao2_store_is_there(const ao2_store_t *store)
{
    return store->cache != NULL;
}

void ao2_store_counts(const ao2_store_t *store, ao2_store_counts_t *counts)
{
    counts->hits = __atomic_load_n(&store->counts.hits, __ATOMIC_RELAXED);
    counts->misses = __atomic_load_n(&store->counts.misses, __ATOMIC_RELAXED);
    counts->refused = __atomic_load_n(&store->counts.refused,
                                      __ATOMIC_RELAXED);
    counts->failed = __atomic_load_n(&store->counts.failed, __ATOMIC_RELAXED);
}
