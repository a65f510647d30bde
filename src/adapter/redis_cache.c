#include "adapter/redis_cache.h"

#include <string.h>

#include <apr_strings.h>

#include "adapter/redis_pool.h"
#include "adapter/system_clock.h"
#include "base/text.h"

#ifdef AO2_WITH_HIREDIS

/* Longer than any caller wants, shorter than what servers refuse. */
#define LONGEST_LIFE apr_time_from_sec(365 * 24 * 60 * 60)

#define PREFIX "api_oauth2:"
#define KEY_LENGTH (sizeof(PREFIX) - 1 + 2 * AO2_CACHE_KEY)

typedef struct {
    ao2_cache_t port;
    ao2_redis_pool_t *pool;
    apr_time_t timeout;
} cache_t;

int ao2_redis_is_built(void)
{
    return 1;
}

static const char *trouble(ao2_io_t io, const ao2_redis_reply_t *reply)
{
    if (io == AO2_IO_LATE) {
        return "no answer in time";
    }
    if (io == AO2_IO_CLOSED) {
        return "the connection was closed";
    }
    return reply->kind == AO2_REPLY_OTHER ? "an answer that makes no sense"
                                          : NULL;
}

/*
 * Ask whichever host there is. @return 1 with a reply that fits and is no
 * error. A link that was closed while nobody used it costs another one, not
 * the host's good name.
 */
static int ask(const cache_t *self, ao2_redis_reply_t *reply,
               const ao2_redis_command_t *command, apr_pool_t *pool)
{
    apr_time_t deadline = ao2_monotonic() + self->timeout;
    ao2_redis_use_t use;

    while (ao2_redis_pool_take(self->pool, &use, deadline)) {
        const char *why;
        ao2_io_t io;

        if (!use.is_new && !ao2_redis_link_is_quiet(use.link)) {
            ao2_redis_pool_discard(self->pool, &use, NULL);
            continue;
        }
        io = ao2_redis_link_ask(use.link, reply, command, deadline, pool);
        if (io == AO2_IO_CLOSED && !use.is_new) {
            ao2_redis_pool_discard(self->pool, &use, NULL);
            continue;
        }
        why = trouble(io, reply);
        if (why) {
            ao2_redis_pool_discard(self->pool, &use, why);
            return 0;
        }
        ao2_redis_pool_give(self->pool, &use);
        if (reply->kind == AO2_REPLY_ERROR) {
            ao2_redis_pool_tell(self->pool, &use, command->words[0].ptr,
                                reply->error);
        }
        return reply->kind != AO2_REPLY_ERROR;
    }
    return 0;
}

static ao2_span_t key_text(char text[KEY_LENGTH + 1],
                           const unsigned char key[AO2_CACHE_KEY])
{
    ao2_span_t span = {text, KEY_LENGTH};

    memcpy(text, PREFIX, sizeof(PREFIX) - 1);
    ao2_hex_digits(text + sizeof(PREFIX) - 1, key, AO2_CACHE_KEY);
    return span;
}

static int get(ao2_cache_t *port, ao2_span_t *value,
               const unsigned char key[AO2_CACHE_KEY], apr_pool_t *pool)
{
    char text[KEY_LENGTH + 1];
    ao2_redis_command_t command = {{ao2_span("GET"), key_text(text, key)}, 2,
                                   AO2_REPLY_VALUE | AO2_REPLY_NIL};
    ao2_redis_reply_t reply;

    if (!ask(port->context, &reply, &command, pool) ||
        reply.kind != AO2_REPLY_VALUE ||
        reply.value.len > AO2_REDIS_MAX_VALUE) {
        return 0;
    }
    *value = reply.value;
    return 1;
}

static int put(ao2_cache_t *port, const unsigned char key[AO2_CACHE_KEY],
               ao2_span_t value, apr_time_t expires, apr_pool_t *pool)
{
    char text[KEY_LENGTH + 1];
    char number[24];
    apr_time_t life = expires - apr_time_now();
    ao2_redis_command_t command = {{ao2_span("SET"), key_text(text, key),
                                    value, ao2_span("PX")},
                                   5, AO2_REPLY_STATUS};
    ao2_redis_reply_t reply;

    if (value.len > AO2_REDIS_MAX_VALUE || life < apr_time_from_msec(1)) {
        return 0;
    }
    life = life < LONGEST_LIFE ? life : LONGEST_LIFE;
    apr_snprintf(number, sizeof(number), "%" APR_TIME_T_FMT,
                 apr_time_as_msec(life));
    command.words[4] = ao2_span(number);
    return ask(port->context, &reply, &command, pool);
}

static void drop(ao2_cache_t *port, const unsigned char key[AO2_CACHE_KEY],
                 apr_pool_t *pool)
{
    char text[KEY_LENGTH + 1];
    ao2_redis_command_t command = {{ao2_span("DEL"), key_text(text, key)}, 2,
                                   AO2_REPLY_INTEGER};
    ao2_redis_reply_t reply;

    ask(port->context, &reply, &command, pool);
}

ao2_code_t ao2_redis_cache_make(ao2_cache_t **pcache,
                                const ao2_redis_target_t *target,
                                ao2_log_t *log, apr_pool_t *pool,
                                ao2_fail_t *fail)
{
    cache_t *self = apr_pcalloc(pool, sizeof(*self));
    ao2_code_t code = ao2_redis_pool_make(&self->pool, target, log, pool,
                                          fail);

    *pcache = NULL;
    if (code != AO2_OK) {
        return code;
    }
    self->timeout = target->timeout;
    self->port.name = "redis";
    self->port.max_value = AO2_REDIS_MAX_VALUE;
    self->port.get = get;
    self->port.put = put;
    self->port.drop = drop;
    self->port.context = self;
    *pcache = &self->port;
    return AO2_OK;
}

#else

int ao2_redis_is_built(void)
{
    return 0;
}

ao2_code_t ao2_redis_cache_make(ao2_cache_t **pcache,
                                const ao2_redis_target_t *target,
                                ao2_log_t *log, apr_pool_t *pool,
                                ao2_fail_t *fail)
{
    (void)target;
    (void)log;
    (void)pool;
    *pcache = NULL;
    return ao2_fail(fail, AO2_E_MISCONFIGURED, "built without hiredis");
}

#endif
