#include "adapter/redis_pool.h"

#ifdef AO2_WITH_HIREDIS

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <openssl/rand.h>

#include "adapter/system_clock.h"

/* Connections of one process to one host. A call takes far less than a
 * millisecond: more threads than these wait for each other. */
#define MAX_LINKS 16

#define FIRST_PAUSE apr_time_from_msec(500)
#define LONGEST_PAUSE apr_time_from_sec(10)
/* A host that was well for so long has a good name again. */
#define SETTLED apr_time_from_sec(30)
/* Errors in reply to a call are told so often. */
#define TELL_AGAIN apr_time_from_sec(60)

typedef struct ao2_redis_peer {
    const ao2_redis_host_t *where;
    ao2_lookup_t *lookup; /* of the thread that connects */
    ao2_redis_link_t *idle[MAX_LINKS]; /* the one used last at the end */
    int idle_count;
    int links;       /* idle ones, those in use, one that is being made */
    int connecting;  /* a thread, one at most */
    int lost;
    unsigned epoch;  /* how often it was lost */
    unsigned losses; /* in short order: its pause grows */
    apr_time_t until; /* not tried before */
    apr_time_t since; /* well from then on */
} peer_t;

struct ao2_redis_pool {
    const ao2_redis_target_t *target;
    ao2_log_t *log;
    apr_thread_mutex_t *mutex;  /* guards all that follows */
    apr_thread_cond_t *changed; /* a link is free, or a host's state new */
    peer_t *hosts;
    int host_count;
    int closed;
    apr_time_t told_at; /* of an error; 0: never */
};

static void tell_lost(const ao2_redis_pool_t *self, const peer_t *host,
                      const char *why)
{
    char text[AO2_MAX_DETAIL + AO2_STREAM_WHY];

    apr_snprintf(text, sizeof(text), "ApiCache redis:%s:%d is lost (%s): "
                 "nothing is found there until it is back", host->where->name,
                 host->where->port, why);
    self->log->write(self->log, AO2_LEVEL_WARNING, AO2_OK, text);
}

static void tell_back(const ao2_redis_pool_t *self, const peer_t *host)
{
    char text[AO2_MAX_DETAIL + AO2_STREAM_WHY];

    apr_snprintf(text, sizeof(text), "ApiCache redis:%s:%d is back",
                 host->where->name, host->where->port);
    self->log->write(self->log, AO2_LEVEL_WARNING, AO2_OK, text);
}

static apr_time_t draw_pause(unsigned losses)
{
    unsigned char random = 0;
    apr_time_t pause = losses < 5 ? FIRST_PAUSE << losses : LONGEST_PAUSE;

    RAND_bytes(&random, 1);
    return pause * (80 + random * 40 / 255) / 100;
}

static void close_idle(peer_t *host)
{
    while (host->idle_count > 0) {
        ao2_redis_link_close(host->idle[--host->idle_count]);
        host->links--;
    }
}

/* With the mutex held. A call that began before the host was lost the last
 * time says nothing new. @return whether it is news */
static int lose(ao2_redis_pool_t *self, peer_t *host, unsigned epoch)
{
    int is_news = !host->lost;
    apr_time_t pause;

    if (epoch != host->epoch) {
        return 0;
    }
    if (is_news && ao2_monotonic() - host->since > SETTLED) {
        host->losses = 0;
    }
    pause = draw_pause(host->losses++);
    host->until = ao2_monotonic() + pause;
    host->epoch++;
    host->lost = 1;
    close_idle(host);
    apr_thread_cond_broadcast(self->changed);
    return is_news;
}

/* With the mutex held. @return whether it is news */
static int regain(peer_t *host)
{
    int is_news = host->lost;

    if (is_news) {
        host->lost = 0;
        host->since = ao2_monotonic();
    }
    return is_news;
}

/* With the mutex held: the first host that may be asked; NULL: none. Once
 * its pause is over, one thread finds out how a lost one is. */
static peer_t *choose(const ao2_redis_pool_t *self)
{
    apr_time_t now = ao2_monotonic();
    int i;

    for (i = 0; i < self->host_count; i++) {
        peer_t *host = &self->hosts[i];

        if (!host->lost || (now >= host->until && !host->connecting)) {
            return host;
        }
    }
    return NULL;
}

/* With the mutex held, which is free while the connection is made. */
static void connect_to(ao2_redis_pool_t *self, ao2_redis_use_t *use,
                       peer_t *host, apr_time_t deadline)
{
    unsigned epoch = host->epoch;
    char why[AO2_STREAM_WHY] = "";
    int lost = 0;
    int back = 0;

    host->connecting = 1;
    host->links++;
    apr_thread_mutex_unlock(self->mutex);
    use->link = ao2_redis_link_open(self->target, host->where, host->lookup,
                                    deadline, why);
    apr_thread_mutex_lock(self->mutex);
    host->connecting = 0;
    if (use->link) {
        back = regain(host);
    }
    else {
        host->links--;
        lost = lose(self, host, epoch);
    }
    apr_thread_cond_broadcast(self->changed);
    use->host = host;
    use->epoch = host->epoch;
    use->is_new = 1;
    if (lost || back) {
        apr_thread_mutex_unlock(self->mutex);
        if (lost) {
            tell_lost(self, host, why);
        }
        else {
            tell_back(self, host);
        }
        apr_thread_mutex_lock(self->mutex);
    }
}

/* With the mutex held: a link, or the chance of one, or a wait. @return 0
 * when there is nothing to wait for */
static int step(ao2_redis_pool_t *self, ao2_redis_use_t *use,
                apr_time_t deadline)
{
    apr_time_t left = deadline - ao2_monotonic();
    peer_t *host = choose(self);

    if (self->closed || left <= 0 || !host) {
        return 0;
    }
    if (host->idle_count > 0) {
        use->host = host;
        use->link = host->idle[--host->idle_count];
        use->epoch = host->epoch;
        use->is_new = 0;
    }
    else if (!host->connecting && host->links < MAX_LINKS) {
        connect_to(self, use, host, deadline);
    }
    else {
        apr_thread_cond_timedwait(self->changed, self->mutex, left);
    }
    return 1;
}

int ao2_redis_pool_take(ao2_redis_pool_t *self, ao2_redis_use_t *use,
                        apr_time_t deadline)
{
    use->link = NULL;
    apr_thread_mutex_lock(self->mutex);
    while (!use->link && step(self, use, deadline)) {
        continue;
    }
    apr_thread_mutex_unlock(self->mutex);
    return use->link != NULL;
}

void ao2_redis_pool_give(ao2_redis_pool_t *self, const ao2_redis_use_t *use)
{
    peer_t *host = use->host;

    apr_thread_mutex_lock(self->mutex);
    if (self->closed || use->epoch != host->epoch) {
        ao2_redis_link_close(use->link);
        host->links--;
    }
    else {
        host->idle[host->idle_count++] = use->link;
    }
    apr_thread_cond_signal(self->changed);
    apr_thread_mutex_unlock(self->mutex);
}

void ao2_redis_pool_discard(ao2_redis_pool_t *self,
                            const ao2_redis_use_t *use, const char *why)
{
    int is_news = 0;

    ao2_redis_link_close(use->link);
    apr_thread_mutex_lock(self->mutex);
    use->host->links--;
    if (why) {
        is_news = lose(self, use->host, use->epoch);
    }
    apr_thread_cond_signal(self->changed);
    apr_thread_mutex_unlock(self->mutex);
    if (is_news) {
        tell_lost(self, use->host, why);
    }
}

void ao2_redis_pool_tell(ao2_redis_pool_t *self, const ao2_redis_use_t *use,
                         const char *command, const char *error)
{
    apr_time_t now = ao2_monotonic();
    char text[AO2_MAX_DETAIL + AO2_STREAM_WHY];
    int is_time;

    apr_thread_mutex_lock(self->mutex);
    is_time = !self->told_at || now - self->told_at >= TELL_AGAIN;
    if (is_time) {
        self->told_at = now;
    }
    apr_thread_mutex_unlock(self->mutex);
    if (is_time) {
        apr_snprintf(text, sizeof(text), "ApiCache redis:%s:%d: %s is "
                     "answered by %s", use->host->where->name,
                     use->host->where->port, command, error);
        self->log->write(self->log, AO2_LEVEL_WARNING, AO2_OK, text);
    }
}

/* From now on nothing is found; links in use are closed when they are given
 * back. */
static apr_status_t close_all(void *data)
{
    ao2_redis_pool_t *self = data;
    int i;

    apr_thread_mutex_lock(self->mutex);
    self->closed = 1;
    for (i = 0; i < self->host_count; i++) {
        close_idle(&self->hosts[i]);
    }
    apr_thread_cond_broadcast(self->changed);
    apr_thread_mutex_unlock(self->mutex);
    return APR_SUCCESS;
}

static void make_hosts(ao2_redis_pool_t *self, apr_pool_t *pool)
{
    const apr_array_header_t *hosts = self->target->hosts;
    int i;

    self->host_count = hosts->nelts;
    self->hosts = apr_pcalloc(pool, (apr_size_t)hosts->nelts *
                                        sizeof(peer_t));
    for (i = 0; i < hosts->nelts; i++) {
        const ao2_redis_host_t *where = &APR_ARRAY_IDX(hosts, i,
                                                       ao2_redis_host_t);

        self->hosts[i].where = where;
        self->hosts[i].since = ao2_monotonic();
        self->hosts[i].lookup = ao2_lookup_make(where->name, where->port,
                                                pool);
    }
}

ao2_code_t ao2_redis_pool_make(ao2_redis_pool_t **ppool,
                               const ao2_redis_target_t *target,
                               ao2_log_t *log, apr_pool_t *pool,
                               ao2_fail_t *fail)
{
    ao2_redis_pool_t *self = apr_pcalloc(pool, sizeof(*self));

    *ppool = NULL;
    self->target = target;
    self->log = log;
    if (apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT, pool)
            != APR_SUCCESS ||
        apr_thread_cond_create(&self->changed, pool) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    make_hosts(self, pool);
    apr_pool_pre_cleanup_register(pool, self, close_all);
    *ppool = self;
    return AO2_OK;
}

#endif
