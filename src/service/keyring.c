#include "service/keyring.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "base/file.h"
#include "service/generation.h"
#include "service/keys_shown.h"

/* A background that has not been heard of for so long is none. */
#define BACKGROUND_LOST apr_time_from_sec(5)
/* The same trouble is told so often. */
#define TELL_AGAIN apr_time_from_sec(60)

struct ao2_keyring {
    const ao2_key_source_t *source;
    ao2_key_supply_t *supply; /* NULL: nobody is called */
    const ao2_remote_t *remote;
    apr_thread_mutex_t *mutex; /* guards all that follows */
    apr_thread_cond_t *done;   /* a load ended */
    ao2_generation_t *current; /* NULL: none yet */
    int busy;                  /* one thread is loading */
    apr_uint32_t loads;        /* that ended, well or not */
    apr_uint32_t swaps;        /* generations so far; read without mutex */
    apr_uint64_t caught_up;    /* with this version of other processes */
    ao2_fail_t last_fail;      /* of the last one */
    apr_time_t files_at;       /* files were looked at */
    apr_time_t ticked_at;
    apr_time_t told_at;
    ao2_file_stamp_t stamps[AO2_MAX_KEY_SOURCES];
    ao2_row_t *figures; /* of AO2_METRIC_KEY_LOADS; NULL: none */
};

/* The columns of that row. */
enum { LOADED, NOT_LOADED };

static int has_local(const ao2_key_source_t *source)
{
    return source->files->nelts > 0 || source->static_keys->nelts > 0;
}

static apr_time_t time_now(const ao2_keyring_t *ring)
{
    return ao2_remote_now(ring->remote);
}

static apr_status_t close_ring(void *data)
{
    ao2_keyring_t *ring = data;

    ao2_generation_release(ring->current);
    ring->current = NULL;
    return APR_SUCCESS;
}

/* Whether a file is another one than last time; notes what is there now. */
static int files_changed(ao2_keyring_t *ring)
{
    const apr_array_header_t *files = ring->source->files;
    int changed = 0;
    int i;

    for (i = 0; i < files->nelts && i < AO2_MAX_KEY_SOURCES; i++) {
        ao2_file_stamp_t stamp;

        ao2_file_stamp(&stamp, APR_ARRAY_IDX(files, i, const char *));
        if (!ao2_file_same(&stamp, &ring->stamps[i])) {
            ring->stamps[i] = stamp;
            changed = 1;
        }
    }
    return changed;
}

/* Whether nothing is missing: where servers are asked, what they said. */
static int has_all(const ao2_keyring_t *ring)
{
    return ring->current &&
           (!ring->supply || ring->current->documents.count > 0);
}

static void tell(ao2_keyring_t *ring, const ao2_fail_t *fail, apr_time_t now)
{
    ao2_log_t *log = ring->remote->ports.log;
    char text[2 * AO2_MAX_DETAIL];

    if (ring->told_at && now - ring->told_at < TELL_AGAIN &&
        now >= ring->told_at) {
        return;
    }
    ring->told_at = now;
    apr_snprintf(text, sizeof(text), "<ApiIssuer %s>: %s%s",
                 ring->source->issuer_name, fail->detail,
                 has_all(ring) ? "; the old keys stay in force" : "");
    log->write(log, AO2_LEVEL_WARNING, fail->code, text);
}

/* A file that is bad is tried again at the next look: what ails it may be
 * the machine (no descriptors), not the file. */
static void note_files(ao2_keyring_t *ring, const ao2_fail_t *trouble,
                       apr_time_t now)
{
    if (trouble->code == AO2_OK) {
        ring->told_at = 0;
        return;
    }
    memset(ring->stamps, 0, sizeof(ring->stamps));
    tell(ring, trouble, now);
}

/* What a load is to bring: besides AO2_SUPPLY_*, files alone. */
#define LOAD_FILES (-1)

/* Without the mutex: what servers said, and a generation of it. *pmade stays
 * NULL where the one there is has the same. */
static ao2_code_t build(ao2_generation_t **pmade, const ao2_keyring_t *ring,
                        const ao2_generation_t *old, int what,
                        ao2_fail_t *fail)
{
    ao2_documents_t documents = {0};
    ao2_code_t code = AO2_OK;
    int calls = what != LOAD_FILES && ring->supply;
    apr_pool_t *pool;

    *pmade = NULL;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "no memory");
    }
    if (calls) {
        code = ao2_key_supply_get(&documents, ring->supply,
                                  (ao2_supply_t)what,
                                  ao2_key_supply_fetched(ring->supply), pool,
                                  fail);
    }
    if (code == AO2_OK &&
        (!calls || (documents.count > 0 &&
                    (!old || old->documents.version != documents.version)))) {
        code = ao2_generation_build(pmade, ring->source, old,
                                    calls ? &documents : NULL, fail);
    }
    apr_pool_destroy(pool);
    return code;
}

/*
 * Build a generation and swap it in. Called with the mutex held and nobody
 * busy; the mutex is free while files are read and servers called.
 */
static ao2_code_t load(ao2_keyring_t *ring, int what)
{
    ao2_generation_t *old = ring->current;
    ao2_generation_t *made = NULL;
    apr_uint64_t version = ring->supply ? ao2_key_supply_version(ring->supply)
                                        : 0;
    ao2_fail_t fail = {0};
    apr_time_t now;

    ring->busy = 1;
    apr_thread_mutex_unlock(ring->mutex);
    build(&made, ring, old, what, &fail);
    apr_thread_mutex_lock(ring->mutex);
    now = time_now(ring);
    ring->busy = 0;
    ring->loads++;
    ring->last_fail = fail;
    ao2_count(ring->figures, fail.code == AO2_OK ? LOADED : NOT_LOADED);
    if (made) {
        ring->current = made;
        __atomic_add_fetch(&ring->swaps, 1, __ATOMIC_RELEASE);
        ao2_generation_release(old);
        note_files(ring, &made->trouble, now);
        ao2_keys_show(ring->remote, made->set, now);
    }
    else if (fail.code != AO2_OK) {
        tell(ring, &fail, now);
    }
    if (fail.code == AO2_OK && what == AO2_SUPPLY_KNOWN) {
        ring->caught_up = version;
    }
    apr_thread_cond_broadcast(ring->done);
    return fail.code;
}

static void look_at_files(ao2_keyring_t *ring, apr_time_t now)
{
    apr_time_t since = now - ring->files_at;

    if (ring->busy || !ring->current || ring->source->files->nelts == 0 ||
        (since >= 0 && since < AO2_KEYRING_FILE_PAUSE)) {
        return;
    }
    ring->files_at = now;
    if (files_changed(ring)) {
        load(ring, LOAD_FILES);
    }
}

/* Another process fetched other documents than those that we have. Where the
 * cache dropped them we fetched for ourselves, once, what may be different
 * again: a server need not say the same twice. */
static int is_behind(const ao2_keyring_t *ring)
{
    apr_uint64_t version = ring->supply ? ao2_key_supply_version(ring->supply)
                                        : 0;

    return version != 0 && has_all(ring) &&
           ring->current->documents.version != version &&
           ring->caught_up != version;
}

static int is_due(const ao2_keyring_t *ring, apr_time_t now)
{
    return ring->supply && !ring->busy &&
           ao2_key_supply_is_due(ring->supply, now);
}

static int is_usable(const ao2_keyring_t *ring, apr_time_t now)
{
    return has_all(ring) &&
           (!ring->supply || ao2_key_supply_serves(ring->supply, now));
}

/* Wait for the load that is under way. @return 1 when it ended well */
static int wait_for_load(ao2_keyring_t *ring)
{
    apr_time_t patience = ao2_remote_patience(ring->remote);
    apr_time_t deadline = apr_time_now() + patience;
    apr_uint32_t loads = ring->loads;
    ao2_wait_t wait;

    ao2_wait_begin(&wait, ring->remote, AO2_TARGET_KEYS);
    while (ring->busy && ring->loads == loads && ao2_wait_goes_on(&wait)) {
        apr_interval_time_t left = deadline - apr_time_now();

        if (left <= 0 || left > patience) {
            break;
        }
        apr_thread_cond_timedwait(ring->done, ring->mutex,
                                  left < AO2_FLIGHT_LOOK ? left
                                                         : AO2_FLIGHT_LOOK);
    }
    ao2_wait_end(&wait);
    return ring->loads != loads && ring->last_fail.code == AO2_OK;
}

/* Why there are no keys, as far as this process knows: another one may have
 * had the failures that make the servers be left alone. */
static const char *reason(const ao2_keyring_t *ring)
{
    if (ring->last_fail.detail[0]) {
        return ring->last_fail.detail;
    }
    return ring->supply && ao2_key_supply_pauses(ring->supply, time_now(ring))
               ? "calls failed again and again and pause for a moment"
               : "they were not loaded in time";
}

static ao2_code_t unavailable(const ao2_keyring_t *ring, int *retry_after_sec,
                              ao2_fail_t *fail)
{
    if (retry_after_sec) {
        *retry_after_sec = ao2_remote_retry_after(ring->remote,
                                                  AO2_TARGET_KEYS);
    }
    return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                    "the keys of <ApiIssuer %s> cannot be had: %s",
                    ring->source->issuer_name, reason(ring));
}

static void hold_current(ao2_key_hold_t *hold, ao2_keyring_t *ring)
{
    ao2_generation_hold(ring->current);
    hold->set = ring->current->set;
    hold->generation = ring->current;
}

/* With the mutex held: have keys, or fail. */
static ao2_code_t need_keys(ao2_keyring_t *ring, int *retry_after_sec,
                            ao2_fail_t *fail)
{
    apr_time_t now = time_now(ring);

    if (!is_usable(ring, now)) {
        if (ring->busy) {
            wait_for_load(ring);
        }
        else if (!ring->supply || !ao2_key_supply_pauses(ring->supply, now)) {
            load(ring, AO2_SUPPLY_KNOWN);
        }
    }
    else if (is_behind(ring) && !ring->busy) {
        load(ring, AO2_SUPPLY_KNOWN);
    }
    else if (is_due(ring, now) && now - ring->ticked_at > BACKGROUND_LOST) {
        load(ring, AO2_SUPPLY_RENEW);
    }
    return is_usable(ring, time_now(ring)) ? AO2_OK
                                           : unavailable(ring,
                                                         retry_after_sec,
                                                         fail);
}

ao2_code_t ao2_keyring_hold(ao2_key_hold_t *hold, ao2_keyring_t *ring,
                            int *retry_after_sec, ao2_fail_t *fail)
{
    ao2_code_t code;

    memset(hold, 0, sizeof(*hold));
    apr_thread_mutex_lock(ring->mutex);
    look_at_files(ring, time_now(ring));
    code = need_keys(ring, retry_after_sec, fail);
    if (code == AO2_OK) {
        hold_current(hold, ring);
    }
    apr_thread_mutex_unlock(ring->mutex);
    return code;
}

/* With the mutex held: bring a generation other than @a have, or say why
 * there is none. */
static ao2_code_t need_newer(ao2_keyring_t *ring, const void *have,
                             int *retry_after_sec, ao2_fail_t *fail)
{
    apr_time_t now = time_now(ring);

    look_at_files(ring, now);
    if (ring->current != have || !ring->supply) {
        return AO2_OK;
    }
    if (ring->busy) {
        int ended_well = wait_for_load(ring);

        if (ring->current != have) {
            return AO2_OK;
        }
        /* Nothing is certain where that load failed, or goes on. */
        if (!ended_well) {
            return unavailable(ring, retry_after_sec, fail);
        }
    }
    /* It may have been of files, or have left the calls to another process:
     * whether to ask is a question still. */
    if (is_behind(ring)) {
        return load(ring, AO2_SUPPLY_KNOWN) == AO2_OK
                   ? AO2_OK
                   : unavailable(ring, retry_after_sec, fail);
    }
    if (!ao2_key_supply_may_seek(ring->supply, now)) {
        return AO2_OK;
    }
    if (ao2_key_supply_pauses(ring->supply, now) ||
        load(ring, AO2_SUPPLY_NEWER) != AO2_OK) {
        return unavailable(ring, retry_after_sec, fail);
    }
    /* Only an answer makes it certain that the key is not to be had. */
    ao2_key_supply_sought(ring->supply, now);
    return AO2_OK;
}

int ao2_keyring_hold_local(ao2_key_hold_t *hold, ao2_keyring_t *ring)
{
    int held;

    memset(hold, 0, sizeof(*hold));
    if (!has_local(ring->source)) {
        return 0;
    }
    apr_thread_mutex_lock(ring->mutex);
    look_at_files(ring, time_now(ring));
    held = !is_usable(ring, time_now(ring)) && ring->current;
    if (held) {
        hold_current(hold, ring);
        hold->set = &ring->current->local;
    }
    apr_thread_mutex_unlock(ring->mutex);
    return held;
}

ao2_code_t ao2_keyring_hold_newer(ao2_key_hold_t *hold, ao2_keyring_t *ring,
                                  int *retry_after_sec, ao2_fail_t *fail)
{
    void *have = hold->generation;
    ao2_code_t code;

    apr_thread_mutex_lock(ring->mutex);
    code = need_newer(ring, have, retry_after_sec, fail);
    if (code == AO2_OK && ring->current == have) {
        code = AO2_E_TOKEN_INVALID;
    }
    if (code == AO2_OK) {
        ao2_keyring_release(hold, ring);
        hold_current(hold, ring);
    }
    apr_thread_mutex_unlock(ring->mutex);
    return code;
}

void ao2_keyring_release(ao2_key_hold_t *hold, ao2_keyring_t *ring)
{
    (void)ring;
    ao2_generation_release(hold->generation);
    memset(hold, 0, sizeof(*hold));
}

apr_uint32_t ao2_keyring_swaps(const ao2_keyring_t *ring)
{
    return __atomic_load_n(&ring->swaps, __ATOMIC_ACQUIRE);
}

void ao2_keyring_times(const ao2_keyring_t *ring, ao2_key_times_t *times)
{
    memset(times, 0, sizeof(*times));
    if (ring->supply) {
        ao2_key_supply_times(ring->supply, times);
    }
}

void ao2_keyring_tick(ao2_keyring_t *ring)
{
    apr_time_t now = time_now(ring);

    apr_thread_mutex_lock(ring->mutex);
    ring->ticked_at = now;
    look_at_files(ring, now);
    /* Keys that nobody ever asked for are not fetched. */
    if (has_all(ring) && is_due(ring, now)) {
        load(ring, AO2_SUPPLY_RENEW);
        ring->ticked_at = time_now(ring);
    }
    if (is_behind(ring) && !ring->busy) {
        load(ring, AO2_SUPPLY_KNOWN);
    }
    apr_thread_mutex_unlock(ring->mutex);
}

static void open_figures(ao2_keyring_t *ring)
{
    ao2_board_t *board = ring->remote->ports.board;

    ring->figures = ao2_counters_row(board ? &board->counters : NULL,
                                     AO2_METRIC_KEY_LOADS,
                                     ring->remote->label, AO2_LABEL_NONE);
}

ao2_code_t ao2_keyring_make(ao2_keyring_t **pring,
                            const ao2_key_source_t *source,
                            ao2_key_supply_t *supply,
                            const ao2_remote_t *remote, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    ao2_keyring_t *ring = apr_pcalloc(pool, sizeof(*ring));
    ao2_code_t code = AO2_OK;

    *pring = NULL;
    ring->source = source;
    ring->supply = supply;
    ring->remote = remote;
    if (apr_thread_mutex_create(&ring->mutex, APR_THREAD_MUTEX_DEFAULT, pool)
            != APR_SUCCESS ||
        apr_thread_cond_create(&ring->done, pool) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    apr_pool_cleanup_register(pool, ring, close_ring, apr_pool_cleanup_null);
    open_figures(ring);
    files_changed(ring);
    if (!supply || has_local(source)) {
        apr_thread_mutex_lock(ring->mutex);
        code = load(ring, LOAD_FILES);
        apr_thread_mutex_unlock(ring->mutex);
    }
    if (code != AO2_OK) {
        return ao2_fail(fail, code, "%s", ring->last_fail.detail);
    }
    *pring = ring;
    return AO2_OK;
}
