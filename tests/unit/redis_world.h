/**
 * @file tests/unit/redis_world.h
 * A cache in Redis, and a log that remembers what was said.
 */
#ifndef AO2_TESTS_REDIS_WORLD_H
#define AO2_TESTS_REDIS_WORLD_H

#include "unit/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "adapter/redis_cache.h"
#include "adapter/system_clock.h"

/* Of one call that is answered, and of one that is not. */
#define REDIS_TIMEOUT apr_time_from_sec(10)
#define REDIS_SHORT apr_time_from_msec(200)
/* What a busy machine may add to it. */
#define REDIS_SLACK apr_time_from_sec(5)

static struct {
    ao2_log_t port;
    apr_thread_mutex_t *mutex;
    int lines;
    char text[4096]; /* of all lines */
} told;

static inline void redis_told(ao2_log_t *self, ao2_level_t level,
                              ao2_code_t code, const char *text)
{
    (void)self;
    (void)level;
    (void)code;
    apr_thread_mutex_lock(told.mutex);
    told.lines++;
    apr_cpystrn(told.text + strlen(told.text), text,
                sizeof(told.text) - strlen(told.text));
    apr_thread_mutex_unlock(told.mutex);
}

static inline void redis_begin(apr_pool_t *pool)
{
    signal(SIGPIPE, SIG_IGN);
    memset(&told, 0, sizeof(told));
    told.port.write = redis_told;
    apr_thread_mutex_create(&told.mutex, APR_THREAD_MUTEX_DEFAULT, pool);
}

/* A port of 127.0.0.1 at which nobody listens. */
static inline int redis_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int one = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(one, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(one, (struct sockaddr *)&address, &size), 0);
    close(one);
    return ntohs(address.sin_port);
}

/* A target with one host; others may be added. */
static inline ao2_redis_target_t redis_target(const char *name, int port,
                                              apr_pool_t *pool)
{
    apr_array_header_t *hosts = apr_array_make(pool, 2,
                                               sizeof(ao2_redis_host_t));
    ao2_redis_host_t *host = apr_array_push(hosts);
    ao2_redis_target_t target = {hosts, NULL, {NULL, 0}, 0, NULL,
                                 REDIS_TIMEOUT};

    host->name = name;
    host->port = port;
    return target;
}

static inline ao2_cache_t *redis_cache(const ao2_redis_target_t *target,
                                       apr_pool_t *pool)
{
    ao2_cache_t *cache;

    assert_int_equal(ao2_redis_cache_make(&cache, target, &told.port, pool,
                                          NULL),
                     AO2_OK);
    return cache;
}

static const unsigned char *redis_key(unsigned number)
{
    static __thread unsigned char key[AO2_CACHE_KEY];

    memset(key, 0xab, sizeof(key));
    memcpy(key, &number, sizeof(number));
    return key;
}

/* Put in for a minute. */
static inline int redis_put(ao2_cache_t *cache, unsigned key,
                            const char *value, apr_pool_t *pool)
{
    return cache->put(cache, redis_key(key), ao2_span(value),
                      apr_time_now() + apr_time_from_sec(60), pool);
}

/* Whether exactly this is found. */
static inline int redis_has(ao2_cache_t *cache, unsigned key,
                            const char *value, apr_pool_t *pool)
{
    ao2_span_t found;

    return cache->get(cache, &found, redis_key(key), pool)
               ? ao2_span_is(found, value)
               : 0;
}

#endif
