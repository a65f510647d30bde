#include "service/registry_file.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <string.h>

#include "core/registry_read.h"
#include "service/shelf.h"

/* A background that has not been heard of for so long is none. */
#define BACKGROUND_LOST apr_time_from_sec(5)

/* While the file does not change, what a token is does not either. */
#define REUSE apr_time_from_sec(300)

/* A file that cannot be opened is tried every time, one that is broken when it
 * changes; both are told so often. */
#define TELL_AGAIN apr_time_from_sec(60)

typedef struct {
    ao2_registry_source_t port;
    ao2_registry_file_t file;
    ao2_shelf_t *shelf;
    apr_time_t looked_at; /* atomic */
    apr_time_t ticked_at; /* atomic */
    apr_time_t read_at;   /* atomic: what is on the shelf was */
    apr_thread_mutex_t *looking; /* guards what follows */
    ao2_file_stamp_t stamp;
    apr_time_t told_at;
    ao2_code_t told_code;
    char told[2 * AO2_MAX_DETAIL]; /* why it was not taken; empty: it was */
} source_t;

static ao2_code_t feed(void *context, ao2_span_t bytes, ao2_fail_t *fail)
{
    return ao2_registry_reader_feed(context, bytes, fail);
}

/* What is wrong with the file itself names it already; what is wrong in it
 * tells line and place alone. */
static ao2_code_t name_file(ao2_fail_t *fail, ao2_code_t code,
                            const char *path, const ao2_fail_t *why)
{
    int named = strncmp(why->detail, path, strlen(path)) == 0;

    return ao2_fail(fail, code, "%s%s%s", named ? "" : path,
                    named ? "" : ": ", why->detail);
}

ao2_code_t ao2_registry_file_read(const ao2_registry_t **pregistry,
                                  ao2_file_stamp_t *stamp, const char *path,
                                  apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_registry_reader_t *reader = ao2_registry_reader_make(pool);
    const ao2_registry_t *registry;
    ao2_fail_t why = {0};
    ao2_code_t code = ao2_file_feed(stamp, path, feed, reader, &why);

    pregistry = pregistry ? pregistry : &registry;
    *pregistry = NULL;
    if (code == AO2_OK) {
        code = ao2_registry_reader_end(pregistry, reader, &why);
    }
    return code == AO2_OK ? code : name_file(fail, code, path, &why);
}

static ao2_code_t load(source_t *self, ao2_fail_t *fail)
{
    const ao2_registry_t *registry;
    apr_pool_t *pool;
    ao2_code_t code;

    /* With an allocator of its own: it gives its memory back as a whole. */
    memset(&self->stamp, 0, sizeof(self->stamp));
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no memory");
    }
    code = ao2_registry_file_read(&registry, &self->stamp, self->file.path,
                                  pool, fail);
    if (code == AO2_OK && !ao2_shelf_put(self->shelf, registry, pool)) {
        /* No fault of the file: it is tried again. */
        memset(&self->stamp, 0, sizeof(self->stamp));
        code = ao2_fail(fail, AO2_E_MISCONFIGURED, "no memory");
    }
    if (code != AO2_OK) {
        apr_pool_destroy(pool);
    }
    return code;
}

/* @param text  why the file is not taken; self->told: as before */
static void tell(source_t *self, ao2_code_t code, const char *text)
{
    apr_time_t now = self->file.clock->now(self->file.clock);
    ao2_log_t *log = self->file.log;

    if (strcmp(self->told, text) == 0 && now - self->told_at < TELL_AGAIN) {
        return;
    }
    if (text != self->told) {
        apr_cpystrn(self->told, text, sizeof(self->told));
    }
    self->told_code = code;
    self->told_at = now;
    log->write(log, AO2_LEVEL_ERROR, code, self->told);
}

static void note_read(source_t *self)
{
    __atomic_store_n(&self->read_at, self->file.clock->now(self->file.clock),
                     __ATOMIC_RELAXED);
}

static void reload(source_t *self)
{
    int had_one = ao2_shelf_puts(self->shelf) > 0;
    ao2_log_t *log = self->file.log;
    char text[2 * AO2_MAX_DETAIL];
    ao2_fail_t fail = {0};

    if (load(self, &fail) == AO2_OK) {
        apr_snprintf(text, sizeof(text), "ApiRegistry: %s is read",
                     self->file.path);
        self->told[0] = '\0';
        note_read(self);
        log->write(log, AO2_LEVEL_INFO, AO2_OK, text);
        return;
    }
    apr_snprintf(text, sizeof(text), "ApiRegistry: %s; %s", fail.detail,
                 had_one ? "what it said before stays in force"
                         : "this process has nothing to go by");
    tell(self, fail.code, text);
}

/* Look at the file when it is time to. */
static void look(source_t *self, apr_time_t now)
{
    apr_time_t since = now - __atomic_load_n(&self->looked_at,
                                             __ATOMIC_RELAXED);
    ao2_file_stamp_t stamp;

    if ((since >= 0 && since < self->file.ttl) ||
        apr_thread_mutex_trylock(self->looking) != APR_SUCCESS) {
        return;
    }
    __atomic_store_n(&self->looked_at, now, __ATOMIC_RELAXED);
    ao2_file_stamp(&stamp, self->file.path);
    if (!ao2_file_same(&stamp, &self->stamp)) {
        reload(self);
    }
    else if (self->told[0]) {
        tell(self, self->told_code, self->told);
    }
    apr_thread_mutex_unlock(self->looking);
}

static void tick(ao2_registry_source_t *port)
{
    source_t *self = port->context;
    apr_time_t now = self->file.clock->now(self->file.clock);

    __atomic_store_n(&self->ticked_at, now, __ATOMIC_RELAXED);
    look(self, now);
}

/* A big file takes seconds to read: that is left to the background, unless
 * there is none, or the file has to be looked at more often. */
static const ao2_registry_t *hold(source_t *self, apr_pool_t *pool)
{
    apr_time_t now = self->file.clock->now(self->file.clock);
    apr_time_t since = now - __atomic_load_n(&self->ticked_at,
                                             __ATOMIC_RELAXED);

    if (self->file.ttl < apr_time_from_sec(2) || since < 0 ||
        since > BACKGROUND_LOST) {
        look(self, now);
    }
    return ao2_shelf_hold(self->shelf, pool);
}

static ao2_code_t need(const ao2_registry_t **pregistry, source_t *self,
                       apr_pool_t *pool, ao2_fail_t *fail)
{
    *pregistry = hold(self, pool);
    return *pregistry ? AO2_OK
                      : ao2_fail(fail, AO2_E_REGISTRY_UNAVAILABLE,
                                 "%s cannot be read", self->file.path);
}

static ao2_code_t find_client(ao2_registry_source_t *port,
                              const ao2_client_t **pclient,
                              const char *issuer, const char *client_id,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_registry_t *registry;
    ao2_code_t code = need(&registry, port->context, pool, fail);

    *pclient = code == AO2_OK ? ao2_registry_client(registry, issuer,
                                                    client_id)
                              : NULL;
    return code;
}

static ao2_code_t find_token(ao2_registry_source_t *port,
                             const ao2_api_token_t **ptoken,
                             const unsigned char digest[AO2_DIGEST_LEN],
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_registry_t *registry;
    ao2_code_t code = need(&registry, port->context, pool, fail);

    *ptoken = code == AO2_OK ? ao2_registry_token(registry, digest) : NULL;
    return code;
}

/* The application may be of a version before: it is looked for anew. */
static ao2_code_t find_call(ao2_registry_source_t *port, ao2_call_t *call,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_registry_t *registry;
    ao2_code_t code = need(&registry, port->context, pool, fail);

    if (code != AO2_OK) {
        return code;
    }
    if (call->application) {
        call->application = ao2_registry_application(registry,
                                                     call->application->id);
    }
    ao2_call_find(call, registry);
    return AO2_OK;
}

static apr_uint32_t epoch(ao2_registry_source_t *port)
{
    source_t *self = port->context;

    return ao2_shelf_puts(self->shelf);
}

/* Until the file is looked at again. */
static int retry_after_sec(ao2_registry_source_t *port)
{
    const source_t *self = port->context;

    return (int)apr_time_sec(self->file.ttl) + 1;
}

/* While somebody reads the file, the fault of before is not told. */
static void tell_pages(ao2_registry_source_t *port, ao2_registry_told_t *told,
                       apr_pool_t *pool)
{
    source_t *self = port->context;

    memset(told, 0, sizeof(*told));
    told->kind = "file";
    told->path = self->file.path;
    told->version = ao2_shelf_puts(self->shelf);
    told->read = __atomic_load_n(&self->read_at, __ATOMIC_RELAXED);
    told->whole = ao2_shelf_hold(self->shelf, pool);
    if (apr_thread_mutex_trylock(self->looking) == APR_SUCCESS) {
        if (self->told[0]) {
            told->fault = apr_pstrdup(pool, self->told);
            told->fault_at = self->told_at;
        }
        apr_thread_mutex_unlock(self->looking);
    }
}

static void start(source_t *self)
{
    ao2_file_stamp(&self->stamp, self->file.path);
    if (!self->file.first ||
        !ao2_file_same(&self->stamp, &self->file.first_stamp) ||
        !ao2_shelf_put(self->shelf, self->file.first, NULL)) {
        reload(self);
    }
    else {
        note_read(self);
    }
}

ao2_code_t ao2_registry_file_open(ao2_registry_source_t **psource,
                                  const ao2_registry_file_t *file,
                                  apr_pool_t *pool, ao2_fail_t *fail)
{
    source_t *self = apr_pcalloc(pool, sizeof(*self));
    ao2_code_t code = ao2_shelf_make(&self->shelf, pool, fail);

    *psource = NULL;
    self->file = *file;
    self->port.find_client = find_client;
    self->port.find_token = find_token;
    self->port.find_call = find_call;
    self->port.epoch = epoch;
    self->port.reuse = REUSE;
    self->port.retry_after_sec = retry_after_sec;
    self->port.tell = tell_pages;
    self->port.tick = tick;
    self->port.context = self;
    if (apr_thread_mutex_create(&self->looking, APR_THREAD_MUTEX_DEFAULT,
                                pool) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    if (code == AO2_OK) {
        start(self);
        *psource = &self->port;
    }
    return code;
}
