#include "service/revocations.h"

#include <apr_allocator.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "base/file.h"
#include "service/revocation_list.h"

/* A file that was written just now may still be written. */
#define SETTLE apr_time_from_msec(200)
/* What was looked at longer ago is no news. */
#define TOO_OLD apr_time_from_msec(500)

/* Readers hold one of these, the one who brings a new list all. */
#define STRIPES 16

typedef struct {
    ao2_revocation_list_t list;
    apr_pool_t *pool; /* of its own */
} generation_t;

struct ao2_revocations {
    const char *path;
    ao2_clock_t *clock;
    ao2_log_t *log;
    apr_time_t looked_at; /* atomic */
    ao2_file_stamp_t stamp; /* of who looks */
    apr_thread_mutex_t *looking;
    apr_thread_mutex_t *stripes[STRIPES]; /* guard current */
    generation_t *current;
};

static ao2_code_t read_list(generation_t **pgeneration,
                            ao2_file_stamp_t *stamp, const char *path,
                            ao2_fail_t *fail)
{
    generation_t *generation;
    ao2_fail_t why = {0};
    ao2_span_t text;
    apr_pool_t *pool;
    ao2_code_t code;

    *pgeneration = NULL;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no memory");
    }
    generation = apr_pcalloc(pool, sizeof(*generation));
    generation->pool = pool;
    code = ao2_file_read_any(&text, stamp, path, AO2_MAX_REVOCATIONS, pool,
                             fail);
    if (code == AO2_OK) {
        code = ao2_revocation_list_read(&generation->list, text, pool, &why);
    }
    if (why.code != AO2_OK) {
        ao2_fail(fail, code, "%s: %s", path, why.detail);
    }
    if (code == AO2_OK) {
        *pgeneration = generation;
    }
    else {
        apr_pool_destroy(pool);
    }
    return code;
}

ao2_code_t ao2_revocations_check_file(const char *path, ao2_fail_t *fail)
{
    generation_t *generation;
    ao2_code_t code = read_list(&generation, NULL, path, fail);

    if (generation) {
        apr_pool_destroy(generation->pool);
    }
    return code;
}

static apr_status_t close_list(void *data)
{
    ao2_revocations_t *revocations = data;

    if (revocations->current) {
        apr_pool_destroy(revocations->current->pool);
        revocations->current = NULL;
    }
    return APR_SUCCESS;
}

ao2_code_t ao2_revocations_make(ao2_revocations_t **prevocations,
                                const char *path, ao2_clock_t *clock,
                                ao2_log_t *log, apr_pool_t *pool,
                                ao2_fail_t *fail)
{
    ao2_revocations_t *revocations = apr_pcalloc(pool, sizeof(*revocations));
    int good = apr_thread_mutex_create(&revocations->looking,
                                       APR_THREAD_MUTEX_DEFAULT, pool)
               == APR_SUCCESS;
    ao2_code_t code;
    int i;

    *prevocations = NULL;
    revocations->path = path;
    revocations->clock = clock;
    revocations->log = log;
    for (i = 0; good && i < STRIPES; i++) {
        good = apr_thread_mutex_create(&revocations->stripes[i],
                                       APR_THREAD_MUTEX_DEFAULT, pool)
               == APR_SUCCESS;
    }
    if (!good) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    apr_pool_cleanup_register(pool, revocations, close_list,
                              apr_pool_cleanup_null);
    code = read_list(&revocations->current, &revocations->stamp, path, fail);
    if (code == AO2_OK) {
        *prevocations = revocations;
    }
    return code;
}

static void swap(ao2_revocations_t *revocations, generation_t *made)
{
    generation_t *old;
    int i;

    for (i = 0; i < STRIPES; i++) {
        apr_thread_mutex_lock(revocations->stripes[i]);
    }
    old = revocations->current;
    revocations->current = made;
    for (i = 0; i < STRIPES; i++) {
        apr_thread_mutex_unlock(revocations->stripes[i]);
    }
    if (old) {
        apr_pool_destroy(old->pool);
    }
}

/* A file that cannot be read is looked at again; that is told once. */
static void reload(ao2_revocations_t *revocations,
                   const ao2_file_stamp_t *settled)
{
    generation_t *made;
    ao2_file_stamp_t stamp;
    ao2_fail_t fail = {0};
    char text[2 * AO2_MAX_DETAIL];

    read_list(&made, &stamp, revocations->path, &fail);
    if (made && !ao2_file_same(&stamp, settled)) {
        /* It is being written anew: the next look will see what came. */
        apr_pool_destroy(made->pool);
        memset(&revocations->stamp, 0, sizeof(revocations->stamp));
        return;
    }
    if (made) {
        swap(revocations, made);
        return;
    }
    apr_snprintf(text, sizeof(text), "ApiRevocations: %s; what it said "
                 "before stays in force", fail.detail);
    revocations->log->write(revocations->log, AO2_LEVEL_ERROR, fail.code,
                            text);
}

static apr_time_t since_look(const ao2_revocations_t *revocations,
                             apr_time_t now)
{
    return now - __atomic_load_n(&revocations->looked_at, __ATOMIC_RELAXED);
}

/* Whether it is this thread that looks. Others go on with what there is,
 * unless that is so old that it may be wrong by now: then they wait. */
static int may_look(ao2_revocations_t *revocations, apr_time_t now)
{
    apr_time_t since = since_look(revocations, now);

    if (since >= 0 && since < AO2_REVOCATIONS_PAUSE) {
        return 0;
    }
    if (since >= 0 && since < TOO_OLD) {
        return apr_thread_mutex_trylock(revocations->looking) == APR_SUCCESS;
    }
    apr_thread_mutex_lock(revocations->looking);
    since = since_look(revocations, now);
    if (since >= 0 && since < AO2_REVOCATIONS_PAUSE) {
        apr_thread_mutex_unlock(revocations->looking);
        return 0;
    }
    return 1;
}

static void look(ao2_revocations_t *revocations, apr_time_t now)
{
    ao2_file_stamp_t stamp;
    apr_time_t age;

    if (!may_look(revocations, now)) {
        return;
    }
    ao2_file_stamp(&stamp, revocations->path);
    /* By the time of now, not of when this began: a file that was cut a moment
     * ago, to be written anew, must not seem to be of the future. */
    age = revocations->clock->now(revocations->clock) - stamp.mtime;
    if (!ao2_file_same(&stamp, &revocations->stamp) &&
        (age < 0 || age >= SETTLE)) {
        revocations->stamp = stamp;
        reload(revocations, &stamp);
    }
    __atomic_store_n(&revocations->looked_at, now, __ATOMIC_RELAXED);
    apr_thread_mutex_unlock(revocations->looking);
}

ao2_code_t ao2_revocations_check(ao2_revocations_t *revocations,
                                 const ao2_principal_t *principal,
                                 ao2_fail_t *fail)
{
    apr_thread_mutex_t *mutex =
        revocations->stripes[principal->digest[0] % STRIPES];
    int revoked;

    look(revocations, revocations->clock->now(revocations->clock));
    apr_thread_mutex_lock(mutex);
    revoked = ao2_revocation_list_holds(&revocations->current->list,
                                        principal);
    apr_thread_mutex_unlock(mutex);
    return revoked ? ao2_fail(fail, AO2_E_TOKEN_REVOKED,
                              "it is in ApiRevocations")
                   : AO2_OK;
}
