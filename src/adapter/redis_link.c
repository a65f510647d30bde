#include "adapter/redis_link.h"

#ifdef AO2_WITH_HIREDIS

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

/* A reply with what frames it. */
#define MAX_REPLY (AO2_REDIS_MAX_VALUE + 256)
#define READ_AT_ONCE (16 * 1024)

struct ao2_redis_link {
    ao2_stream_t *stream;
    redisReader *reader;
    ao2_redis_reply_t *reply; /* that is being read */
    apr_pool_t *pool;         /* of that reply; NULL: no value is wanted */
};

/* What the reader hands on instead of objects of its own. */
static char mark;

/* Errors that an operator may meet. Others are not named: a server could say
 * anything, also what we sent it. */
static const char *error_word(const char *text, apr_size_t length)
{
    static const char *const known[] = {
        "NOAUTH", "WRONGPASS", "NOPERM", "LOADING", "OOM", "READONLY",
        "MISCONF", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "BUSY", "WRONGTYPE",
        "ERR"
    };
    apr_size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        apr_size_t size = strlen(known[i]);

        if (length >= size && memcmp(text, known[i], size) == 0 &&
            (length == size || text[size] == ' ')) {
            return known[i];
        }
    }
    return "an error";
}

static ao2_redis_link_t *link_of(const redisReadTask *task)
{
    return task->privdata;
}

/* Members of arrays, which we never ask for, leave no trace. */
static void *on_string(const redisReadTask *task, char *text, size_t length)
{
    ao2_redis_link_t *link = link_of(task);
    ao2_redis_reply_t *reply = link->reply;

    if (task->parent || length > MAX_REPLY) {
        return &mark;
    }
    if (task->type == REDIS_REPLY_ERROR) {
        reply->kind = AO2_REPLY_ERROR;
        reply->error = error_word(text, length);
    }
    else if (task->type == REDIS_REPLY_STATUS) {
        reply->kind = AO2_REPLY_STATUS;
    }
    else if (task->type == REDIS_REPLY_STRING) {
        reply->kind = AO2_REPLY_VALUE;
    }
    if (reply->kind == AO2_REPLY_VALUE && link->pool) {
        reply->value.ptr = apr_pstrmemdup(link->pool, text, length);
        reply->value.len = length;
    }
    return &mark;
}

static void *on_integer(const redisReadTask *task, long long value)
{
    (void)value;
    if (!task->parent) {
        link_of(task)->reply->kind = AO2_REPLY_INTEGER;
    }
    return &mark;
}

static void *on_nil(const redisReadTask *task)
{
    if (!task->parent) {
        link_of(task)->reply->kind = AO2_REPLY_NIL;
    }
    return &mark;
}

/* No function for arrays: hiredis would make room for as many members as the
 * server says. */
static redisReplyObjectFunctions functions = {
    .createString = on_string,
    .createInteger = on_integer,
    .createNil = on_nil
};

/* @return the command as it is sent, owned; NULL: no memory */
static char *format(apr_size_t *length, const ao2_redis_command_t *command)
{
    const char *words[AO2_REDIS_WORDS];
    size_t lengths[AO2_REDIS_WORDS];
    char *text = NULL;
    long long made;
    int i;

    for (i = 0; i < command->count; i++) {
        words[i] = command->words[i].ptr;
        lengths[i] = command->words[i].len;
    }
    made = redisFormatCommandArgv(&text, command->count, words, lengths);
    *length = made > 0 ? (apr_size_t)made : 0;
    return made > 0 ? text : NULL;
}

static ao2_io_t say(ao2_redis_link_t *link,
                    const ao2_redis_command_t *command, apr_time_t deadline)
{
    apr_size_t length;
    char *text = format(&length, command);
    ao2_io_t io;

    if (!text) {
        return AO2_IO_CLOSED;
    }
    io = ao2_stream_write(link->stream, text, length, deadline);
    OPENSSL_cleanse(text, length);
    redisFreeCommand(text);
    return io;
}

/* Whether the reply is there, or never will be. */
static int is_over(ao2_redis_link_t *link, apr_size_t total)
{
    void *object = NULL;

    if (total > MAX_REPLY ||
        redisReaderGetReply(link->reader, &object) != REDIS_OK) {
        link->reply->kind = AO2_REPLY_OTHER;
        return 1;
    }
    if (!object) {
        return 0;
    }
    /* What comes behind the reply would be taken for the next one. */
    if (link->reply->kind == AO2_REPLY_NONE ||
        link->reader->pos < link->reader->len) {
        link->reply->kind = AO2_REPLY_OTHER;
    }
    return 1;
}

static ao2_io_t hear(ao2_redis_link_t *link, apr_time_t deadline)
{
    char data[READ_AT_ONCE];
    apr_size_t total = 0;
    apr_size_t got;

    do {
        ao2_io_t io = ao2_stream_read(link->stream, data, sizeof(data), &got,
                                      deadline);

        if (io != AO2_IO_DONE) {
            return io;
        }
        total += got;
        if (redisReaderFeed(link->reader, data, got) != REDIS_OK) {
            return AO2_IO_CLOSED;
        }
    } while (!is_over(link, total));
    return AO2_IO_DONE;
}

ao2_io_t ao2_redis_link_ask(ao2_redis_link_t *link, ao2_redis_reply_t *reply,
                            const ao2_redis_command_t *command,
                            apr_time_t deadline, apr_pool_t *pool)
{
    ao2_io_t io = say(link, command, deadline);

    memset(reply, 0, sizeof(*reply));
    link->reply = reply;
    link->pool = pool;
    if (io == AO2_IO_DONE) {
        io = hear(link, deadline);
    }
    if (io == AO2_IO_DONE &&
        ((unsigned)reply->kind & (command->allowed | AO2_REPLY_ERROR)) == 0) {
        reply->kind = AO2_REPLY_OTHER;
    }
    link->reply = NULL;
    link->pool = NULL;
    return io;
}

/* One command of the beginning, which is to be answered by a status. */
static int begin(ao2_redis_link_t *link, ao2_redis_command_t *command,
                 apr_time_t deadline, char *why)
{
    ao2_redis_reply_t reply;
    const char *said = NULL;

    command->allowed = AO2_REPLY_STATUS;
    switch (ao2_redis_link_ask(link, &reply, command, deadline, NULL)) {
    case AO2_IO_LATE:
        said = "no answer in time";
        break;
    case AO2_IO_CLOSED:
        said = "the connection was closed";
        break;
    default:
        if (reply.kind == AO2_REPLY_ERROR) {
            apr_snprintf(why, AO2_STREAM_WHY, "%s is answered by %s",
                         command->words[0].ptr, reply.error);
            return 0;
        }
        said = reply.kind == AO2_REPLY_STATUS ? NULL
                                              : "an answer that makes no "
                                                "sense";
    }
    if (said) {
        apr_cpystrn(why, said, AO2_STREAM_WHY);
    }
    return !said;
}

static int introduce(ao2_redis_link_t *link, const ao2_redis_target_t *target,
                     apr_time_t deadline, char *why)
{
    ao2_redis_command_t auth = {{ao2_span("AUTH")}, 1, 0};
    ao2_redis_command_t ping = {{ao2_span("PING")}, 1, 0};
    ao2_redis_command_t db = {{ao2_span("SELECT")}, 2, 0};
    char number[16];

    if (target->user) {
        auth.words[auth.count++] = ao2_span(target->user);
    }
    auth.words[auth.count++] = target->password;
    apr_snprintf(number, sizeof(number), "%d", target->db);
    db.words[1] = ao2_span(number);
    return (!target->password.ptr || begin(link, &auth, deadline, why)) &&
           (!target->db || begin(link, &db, deadline, why)) &&
           begin(link, &ping, deadline, why);
}

static ao2_redis_link_t *make_link(ao2_stream_t *stream)
{
    ao2_redis_link_t *link = calloc(1, sizeof(*link));

    if (!link) {
        ao2_stream_close(stream);
        return NULL;
    }
    link->stream = stream;
    link->reader = redisReaderCreateWithFunctions(&functions);
    if (!link->reader) {
        ao2_redis_link_close(link);
        return NULL;
    }
    link->reader->privdata = link;
    return link;
}

ao2_redis_link_t *ao2_redis_link_open(const ao2_redis_target_t *target,
                                      const ao2_redis_host_t *host,
                                      ao2_lookup_t *lookup,
                                      apr_time_t deadline, char *why)
{
    struct addrinfo *addresses = ao2_lookup_wait(lookup, deadline);
    ao2_stream_t *stream;
    ao2_redis_link_t *link;

    if (!addresses) {
        apr_cpystrn(why, "its name has no address", AO2_STREAM_WHY);
        return NULL;
    }
    stream = ao2_stream_open(addresses, host->name, target->tls, deadline,
                             why);
    freeaddrinfo(addresses);
    if (!stream) {
        return NULL;
    }
    link = make_link(stream);
    if (!link) {
        apr_cpystrn(why, "no memory", AO2_STREAM_WHY);
        return NULL;
    }
    if (!introduce(link, target, deadline, why)) {
        ao2_redis_link_close(link);
        return NULL;
    }
    return link;
}

int ao2_redis_link_is_quiet(ao2_redis_link_t *link)
{
    return ao2_stream_is_quiet(link->stream);
}

void ao2_redis_link_close(ao2_redis_link_t *link)
{
    if (link) {
        if (link->reader) {
            redisReaderFree(link->reader);
        }
        ao2_stream_close(link->stream);
        free(link);
    }
}

#endif
