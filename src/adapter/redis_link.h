/**
 * @file adapter/redis_link.h
 * One connection to a Redis server.
 *
 * Layer adapter, for redis_cache.c alone; there where hiredis is. One thread
 * at a time. Nothing that the server sends is trusted: it is bounded, and
 * what does not fit the question ends the connection.
 */
#ifndef AO2_ADAPTER_REDIS_LINK_H
#define AO2_ADAPTER_REDIS_LINK_H

#include "adapter/lookup.h"
#include "adapter/redis_cache.h"

typedef struct ao2_redis_link ao2_redis_link_t;

/** What a reply is; bits, so that several can be allowed. */
typedef enum {
    AO2_REPLY_NONE = 0,
    AO2_REPLY_VALUE = 1,
    AO2_REPLY_NIL = 2,
    AO2_REPLY_STATUS = 4,
    AO2_REPLY_INTEGER = 8,
    AO2_REPLY_ERROR = 16,
    AO2_REPLY_OTHER = 32
} ao2_reply_kind_t;

typedef struct {
    ao2_reply_kind_t kind;
    ao2_span_t value;  /**< of AO2_REPLY_VALUE */
    const char *error; /**< of AO2_REPLY_ERROR: its kind; static, so that
                            nothing a server says reaches a log */
} ao2_redis_reply_t;

/** What is sent: at most AO2_REDIS_WORDS words of any bytes, the first one
 *  with a NUL behind it. */
#define AO2_REDIS_WORDS 6

typedef struct {
    ao2_span_t words[AO2_REDIS_WORDS];
    int count;
    unsigned allowed; /**< kinds of replies that fit, besides errors */
} ao2_redis_command_t;

/**
 * Connect, log in, select the database, and see that the server answers.
 * @param why  AO2_STREAM_WHY bytes, written when it fails; no secret
 * @return owned: release with ao2_redis_link_close(); NULL: failed
 */
ao2_redis_link_t *ao2_redis_link_open(const ao2_redis_target_t *target,
                                      const ao2_redis_host_t *host,
                                      ao2_lookup_t *lookup,
                                      apr_time_t deadline, char *why);

/**
 * Send a command and read its reply. After anything but AO2_IO_DONE the
 * connection is of no use any more.
 * @param pool   NULL where no value is allowed
 * @param reply  value in @a pool; kind AO2_REPLY_OTHER when the server does
 *               not keep to the protocol
 */
ao2_io_t ao2_redis_link_ask(ao2_redis_link_t *link, ao2_redis_reply_t *reply,
                            const ao2_redis_command_t *command,
                            apr_time_t deadline, apr_pool_t *pool);

/** Whether it can be used again, as far as can be seen without asking. */
int ao2_redis_link_is_quiet(ao2_redis_link_t *link);

/** @param link  NULL: nothing happens */
void ao2_redis_link_close(ao2_redis_link_t *link);

#endif
