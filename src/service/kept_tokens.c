#include "service/kept_tokens.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <openssl/crypto.h>

#define WAYS 4

typedef struct {
    ao2_store_key_t key;
    ao2_kept_token_t kept; /* its value is bytes */
    char *bytes;           /* NULL: free */
} place_t;

struct ao2_kept_tokens {
    apr_thread_mutex_t *mutex;
    place_t *places;
    apr_size_t sets;
};

static void clear(place_t *place)
{
    if (place->bytes) {
        OPENSSL_cleanse(place->bytes, place->kept.token.value.len);
        free(place->bytes);
    }
    memset(place, 0, sizeof(*place));
}

static apr_status_t clear_all(void *data)
{
    ao2_kept_tokens_t *kept = data;
    apr_size_t i;

    for (i = 0; i < kept->sets * WAYS; i++) {
        clear(&kept->places[i]);
    }
    return APR_SUCCESS;
}

ao2_code_t ao2_kept_tokens_make(ao2_kept_tokens_t **pkept, int sets,
                                apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_kept_tokens_t *kept = apr_pcalloc(pool, sizeof(*kept));

    *pkept = NULL;
    kept->sets = (apr_size_t)sets;
    kept->places = apr_pcalloc(pool, kept->sets * WAYS * sizeof(place_t));
    if (apr_thread_mutex_create(&kept->mutex, APR_THREAD_MUTEX_DEFAULT, pool) !=
        APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    apr_pool_cleanup_register(pool, kept, clear_all, apr_pool_cleanup_null);
    *pkept = kept;
    return AO2_OK;
}

/* Keys are digests: any bytes of them choose a set. */
static place_t *set_of(const ao2_kept_tokens_t *kept, const ao2_store_key_t key)
{
    apr_uint64_t choice;

    memcpy(&choice, key, sizeof(choice));
    return kept->places + choice % kept->sets * WAYS;
}

/* With the mutex. */
static place_t *find(const ao2_kept_tokens_t *kept, const ao2_store_key_t key)
{
    place_t *set = set_of(kept, key);
    int i;

    for (i = 0; i < WAYS; i++) {
        if (set[i].bytes && memcmp(set[i].key, key, AO2_CACHE_KEY) == 0) {
            return &set[i];
        }
    }
    return NULL;
}

static place_t *find_room(const ao2_kept_tokens_t *kept,
                          const ao2_store_key_t key)
{
    place_t *set = set_of(kept, key);
    place_t *room = find(kept, key);
    int i;

    if (room) {
        return room;
    }
    room = &set[0];
    for (i = 1; i < WAYS && room->bytes; i++) {
        if (!set[i].bytes ||
            set[i].kept.token.expires < room->kept.token.expires) {
            room = &set[i];
        }
    }
    return room;
}

int ao2_kept_find(ao2_kept_tokens_t *kept, ao2_kept_token_t *found,
                  const ao2_store_key_t key, apr_pool_t *pool)
{
    const place_t *place;
    ao2_span_t *value = &found->token.value;

    apr_thread_mutex_lock(kept->mutex);
    place = find(kept, key);
    if (place) {
        *found = place->kept;
        value->ptr = apr_pstrmemdup(pool, value->ptr, value->len);
    }
    apr_thread_mutex_unlock(kept->mutex);
    return place != NULL;
}

void ao2_kept_put(ao2_kept_tokens_t *kept, const ao2_store_key_t key,
                  const ao2_kept_token_t *token)
{
    ao2_span_t value = token->token.value;
    char *bytes = malloc(value.len + 1);
    place_t *place;

    if (!bytes) {
        return;
    }
    memcpy(bytes, value.ptr, value.len);
    apr_thread_mutex_lock(kept->mutex);
    place = find_room(kept, key);
    clear(place);
    memcpy(place->key, key, AO2_CACHE_KEY);
    place->kept = *token;
    place->bytes = bytes;
    place->kept.token.value.ptr = bytes;
    apr_thread_mutex_unlock(kept->mutex);
}

void ao2_kept_drop(ao2_kept_tokens_t *kept, const ao2_store_key_t key,
                   apr_time_t fetched)
{
    place_t *place;

    apr_thread_mutex_lock(kept->mutex);
    place = find(kept, key);
    if (place && place->kept.token.fetched == fetched) {
        clear(place);
    }
    apr_thread_mutex_unlock(kept->mutex);
}

int ao2_kept_note_version(ao2_kept_tokens_t *kept, const ao2_store_key_t key,
                          apr_uint64_t version)
{
    place_t *place;
    int is_first;

    apr_thread_mutex_lock(kept->mutex);
    place = find(kept, key);
    is_first = place && place->kept.version != version;
    if (is_first) {
        place->kept.version = version;
    }
    apr_thread_mutex_unlock(kept->mutex);
    return is_first;
}

void ao2_kept_postpone(ao2_kept_tokens_t *kept, const ao2_store_key_t key,
                       apr_time_t due)
{
    place_t *place;

    apr_thread_mutex_lock(kept->mutex);
    place = find(kept, key);
    if (place) {
        place->kept.due = due;
    }
    apr_thread_mutex_unlock(kept->mutex);
}
