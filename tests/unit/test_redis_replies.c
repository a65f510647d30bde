/* What a server may send instead of an answer. */
#include "unit/redis_world.h"

#include <poll.h>

/* A server that plays its part: what it says to the greeting, then to the
 * question. */
static struct {
    int port;
    int listener;
    int stop;
    int connections;
    const char *greeting;
    const char *answer;
    apr_size_t length;  /* of the answer */
    int piece_ms;       /* between its bytes; 0: all at once */
    int closes;         /* behind it */
} scripted;

static int is_over(void)
{
    return __atomic_load_n(&scripted.stop, __ATOMIC_SEQ_CST);
}

static int read_command(int one)
{
    struct pollfd wait = {one, POLLIN, 0};
    char data[4096];

    while (!is_over()) {
        if (poll(&wait, 1, 20) > 0) {
            return recv(one, data, sizeof(data), 0) > 0;
        }
    }
    return 0;
}

static int say(int one, const char *text, apr_size_t length, int piece_ms)
{
    apr_size_t i;

    if (!piece_ms) {
        return send(one, text, length, MSG_NOSIGNAL) == (ssize_t)length;
    }
    for (i = 0; i < length && !is_over(); i++) {
        if (send(one, text + i, 1, MSG_NOSIGNAL) != 1) {
            return 0;
        }
        usleep((useconds_t)piece_ms * 1000);
    }
    return 1;
}

static void *APR_THREAD_FUNC converse(apr_thread_t *thread, void *data)
{
    int one = *(int *)data;
    const char *greeting = scripted.greeting;

    (void)thread;
    free(data);
    if (read_command(one) && say(one, greeting, strlen(greeting), 0)) {
        while (read_command(one) &&
               say(one, scripted.answer, scripted.length,
                   scripted.piece_ms) &&
               !scripted.closes) {
        }
    }
    close(one);
    return NULL;
}

static void *APR_THREAD_FUNC serve(apr_thread_t *thread, void *data)
{
    struct pollfd wait = {scripted.listener, POLLIN, 0};
    apr_pool_t *pool = data;
    apr_thread_t *threads[64];
    int count = 0;
    apr_status_t status;

    (void)thread;
    while (!is_over()) {
        if (poll(&wait, 1, 20) > 0 && count < 64) {
            int *one = malloc(sizeof(*one));

            *one = accept(scripted.listener, NULL, NULL);
            __atomic_add_fetch(&scripted.connections, 1, __ATOMIC_SEQ_CST);
            apr_thread_create(&threads[count++], NULL, converse, one, pool);
        }
    }
    while (count > 0) {
        apr_thread_join(&status, threads[--count]);
    }
    close(scripted.listener);
    return NULL;
}

static apr_thread_t *server;

static void start_server(apr_pool_t *pool)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    apr_pool_t *own;
    int on = 1;

    memset(&scripted, 0, sizeof(scripted));
    scripted.port = redis_free_port();
    scripted.greeting = "+PONG\r\n";
    scripted.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(scripted.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)scripted.port);
    assert_int_equal(bind(scripted.listener, (struct sockaddr *)&address,
                          sizeof(address)),
                     0);
    assert_int_equal(listen(scripted.listener, 64), 0);
    apr_pool_create(&own, pool);
    assert_int_equal(apr_thread_create(&server, NULL, serve, own, pool),
                     APR_SUCCESS);
}

static void stop_server(void)
{
    apr_status_t status;

    if (!server) {
        return;
    }
    __atomic_store_n(&scripted.stop, 1, __ATOMIC_SEQ_CST);
    apr_thread_join(&status, server);
    server = NULL;
}

/* The server ends with the test that started it. */
static int end_server(void **state)
{
    stop_server();
    return test_end(state);
}

#define REDIS_TEST(function) \
    cmocka_unit_test_setup_teardown(function, test_start, end_server)

enum { MISS, FOUND, MISS_AND_LOST };

typedef struct {
    const char *answer;
    int wanted;
    const char *said; /* part of the log; NULL: nothing */
    int piece_ms;
    int closes;
} row_t;

static const row_t rows[] = {
    {"$5\r\nhello\r\n", FOUND, NULL, 0, 0},
    {"$5\r\nhello\r\n", FOUND, NULL, 1, 0},
    {"$5\r\nhellO\r\n", MISS, NULL, 0, 0},
    {"$-1\r\n", MISS, NULL, 0, 0},
    {"$0\r\n\r\n", MISS, NULL, 0, 0},
    {"-WRONGTYPE Operation\r\n", MISS, "GET is answered by WRONGTYPE", 0, 0},
    {"-NOAUTH Authentication\r\n", MISS, "GET is answered by NOAUTH", 0, 0},
    {"-SECRET1 said\r\n", MISS, "GET is answered by an error", 0, 0},
    {"+hello\r\n", MISS_AND_LOST, "makes no sense", 0, 0},
    {":5\r\n", MISS_AND_LOST, "makes no sense", 0, 0},
    {"*1\r\n$5\r\nhello\r\n", MISS_AND_LOST, "makes no sense", 0, 0},
    {"*0\r\n", MISS_AND_LOST, "makes no sense", 0, 0},
    {"*-1\r\n", MISS, NULL, 0, 0},
    {"*2147483647\r\n:1\r\n", MISS_AND_LOST, "in time", 0, 0},
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
     MISS_AND_LOST, "makes no sense", 0, 0},
    {"$2147483647\r\nhello", MISS_AND_LOST, "in time", 0, 0},
    {"$9223372036854775807\r\nhello\r\n", MISS_AND_LOST, "in time", 0, 0},
    {"$-2\r\nhello\r\n", MISS_AND_LOST, "makes no sense", 0, 0},
    {"$5\r\nhello\r\n$5\r\nhello\r\n", MISS_AND_LOST, "no sense", 0, 0},
    {"$5\r\nhello\r\n ", MISS_AND_LOST, "makes no sense", 0, 0},
    {"HTTP/1.1 400 Bad Request\r\n\r\n", MISS_AND_LOST, "no sense", 0, 0},
    {"\r\n", MISS_AND_LOST, "makes no sense", 0, 0},
    {"$5\r\nhel", MISS_AND_LOST, "no answer in time", 0, 0},
    {"$5\r\nhel", MISS_AND_LOST, "the connection was closed", 0, 1},
    {"", MISS_AND_LOST, "the connection was closed", 0, 1},
    {"$5\r\nhello\r\n", MISS_AND_LOST, "no answer in time", 50, 0},
};

static int is_late(const char *said)
{
    return said && strstr(said, "in time") != NULL;
}

/* A second call is told nothing new, and opens no connection: a host that
 * is lost is left alone. Unless so much time went by that it is due. */
static void ask_again(ao2_cache_t *cache, const row_t *row, apr_pool_t *pool)
{
    apr_time_t begin = ao2_monotonic();
    int connections = scripted.connections;
    int found = redis_has(cache, 1, "hello", pool);

    if (ao2_monotonic() - begin < apr_time_from_msec(300)) {
        assert_int_equal(found, row->wanted == FOUND);
        assert_int_equal(told.lines, row->said != NULL);
        assert_int_equal(scripted.connections, connections);
    }
}

static void ask_row(const row_t *row, apr_pool_t *pool)
{
    ao2_redis_target_t target;
    ao2_cache_t *cache;
    apr_time_t begin;
    int found;

    redis_begin(pool);
    start_server(pool);
    scripted.answer = row->answer;
    scripted.length = strlen(row->answer);
    scripted.piece_ms = row->piece_ms;
    scripted.closes = row->closes;
    target = redis_target("127.0.0.1", scripted.port, pool);
    target.timeout = is_late(row->said) ? REDIS_SHORT : REDIS_TIMEOUT;
    cache = redis_cache(&target, pool);
    begin = ao2_monotonic();
    found = redis_has(cache, 1, "hello", pool);
    assert_true(ao2_monotonic() - begin < REDIS_SHORT + REDIS_SLACK);
    assert_int_equal(found, row->wanted == FOUND);
    assert_int_equal(told.lines, row->said != NULL);
    assert_non_null(strstr(told.text, row->said ? row->said : ""));
    assert_null(strstr(told.text, "SECRET"));
    assert_int_equal(strstr(told.text, "is lost") != NULL,
                     row->wanted == MISS_AND_LOST);
    ask_again(cache, row, pool);
    stop_server();
}

static void replies(void **state)
{
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_pool_t *pool;

        print_message("%.40s\n", rows[i].answer);
        apr_pool_create(&pool, *state);
        ask_row(&rows[i], pool);
        apr_pool_destroy(pool);
    }
}

/* A value as long as is taken, and one that is longer. */
static void lengths(void **state)
{
    static const int extra[] = {0, 1, 100000};
    apr_size_t i;

    for (i = 0; i < 3; i++) {
        apr_size_t length = AO2_REDIS_MAX_VALUE + (apr_size_t)extra[i];
        ao2_redis_target_t target;
        ao2_span_t found;
        apr_pool_t *pool;
        char *answer;

        apr_pool_create(&pool, *state);
        redis_begin(pool);
        start_server(pool);
        answer = apr_psprintf(pool, "$%d\r\n%*s\r\n", (int)length,
                              (int)length, "x");
        scripted.answer = answer;
        scripted.length = strlen(answer);
        target = redis_target("127.0.0.1", scripted.port, pool);
        assert_int_equal(redis_cache(&target, pool)->max_value,
                         AO2_REDIS_MAX_VALUE);
        assert_int_equal(redis_cache(&target, pool)
                             ->get(redis_cache(&target, pool), &found,
                                   redis_key(1), pool),
                         extra[i] == 0);
        stop_server();
        apr_pool_destroy(pool);
    }
}

/* What is said to the greeting. */
static void greetings(void **state)
{
    static const struct {
        const char *greeting;
        const char *said;
    } tries[] = {
        {"+PONG\r\n", NULL},
        {"$5\r\nhello\r\n", "makes no sense"},
        {"-LOADING Redis is loading\r\n", "PING is answered by LOADING"},
        {"-ERR unknown command 'PING', with args: 'SECRET'\r\n",
         "PING is answered by ERR"},
        {"*1\r\n+PONG\r\n", "makes no sense"},
        {"220 mail.example ESMTP\r\n", "makes no sense"},
        {"", "no answer in time"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        ao2_redis_target_t target;
        apr_pool_t *pool;

        apr_pool_create(&pool, *state);
        redis_begin(pool);
        start_server(pool);
        scripted.greeting = tries[i].greeting;
        scripted.answer = "$5\r\nhello\r\n";
        scripted.length = strlen(scripted.answer);
        target = redis_target("127.0.0.1", scripted.port, pool);
        target.timeout = is_late(tries[i].said) ? REDIS_SHORT : REDIS_TIMEOUT;
        assert_int_equal(redis_has(redis_cache(&target, pool), 1, "hello",
                                   pool),
                         tries[i].said == NULL);
        assert_int_equal(told.lines, tries[i].said != NULL);
        assert_non_null(strstr(told.text, tries[i].said ? tries[i].said
                                                        : ""));
        assert_null(strstr(told.text, "SECRET"));
        stop_server();
        apr_pool_destroy(pool);
    }
}

/* A server that says the password back must not find it in the log. */
static void passwords(void **state)
{
    ao2_redis_target_t target;

    redis_begin(*state);
    start_server(*state);
    scripted.greeting = "-PASSWORD-OF-SORTS PASSWORD-OF-SORTS\r\n";
    target = redis_target("127.0.0.1", scripted.port, *state);
    target.user = "gateway";
    target.password = ao2_span("PASSWORD-OF-SORTS");
    assert_false(redis_has(redis_cache(&target, *state), 1, "hello", *state));
    assert_int_equal(told.lines, 1);
    assert_non_null(strstr(told.text, "AUTH is answered by an error"));
    assert_null(strstr(told.text, "PASSWORD"));
    stop_server();
}

typedef struct {
    ao2_cache_t *cache;
    int found;
    apr_time_t longest;
} crowd_t;

static void *APR_THREAD_FUNC ask_often(apr_thread_t *thread, void *data)
{
    crowd_t *crowd = data;
    apr_pool_t *pool;
    int i;

    (void)thread;
    apr_pool_create(&pool, NULL);
    for (i = 0; i < 50; i++) {
        apr_time_t begin = ao2_monotonic();
        apr_time_t took;
        int found = redis_has(crowd->cache, 1, "hello", pool);
        apr_time_t longest = __atomic_load_n(&crowd->longest,
                                             __ATOMIC_SEQ_CST);

        __atomic_add_fetch(&crowd->found, found, __ATOMIC_SEQ_CST);
        took = ao2_monotonic() - begin;
        if (took > longest) {
            __atomic_store_n(&crowd->longest, took, __ATOMIC_SEQ_CST);
        }
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static crowd_t ask_as_crowd(ao2_cache_t *cache, apr_pool_t *pool)
{
    crowd_t crowd = {cache, 0, 0};
    apr_thread_t *threads[40];
    apr_status_t status;
    int i;

    for (i = 0; i < 40; i++) {
        apr_thread_create(&threads[i], NULL, ask_often, &crowd, pool);
    }
    for (i = 0; i < 40; i++) {
        apr_thread_join(&status, threads[i]);
    }
    return crowd;
}

/* Forty threads share sixteen connections, and none goes without. */
static void crowd(void **state)
{
    ao2_redis_target_t target;
    crowd_t done;

    redis_begin(*state);
    start_server(*state);
    scripted.answer = "$5\r\nhello\r\n";
    scripted.length = strlen(scripted.answer);
    target = redis_target("127.0.0.1", scripted.port, *state);
    done = ask_as_crowd(redis_cache(&target, *state), *state);
    assert_int_equal(done.found, 40 * 50);
    assert_in_range(scripted.connections, 1, 16);
    assert_int_equal(told.lines, 0);
    stop_server();
}

/* A server that takes connections and says nothing costs each thread its
 * timeout once, and a trial now and then. */
static void silence(void **state)
{
    ao2_redis_target_t target;
    apr_time_t begin;
    crowd_t done;

    redis_begin(*state);
    start_server(*state);
    scripted.greeting = "";
    target = redis_target("127.0.0.1", scripted.port, *state);
    target.timeout = REDIS_SHORT;
    begin = ao2_monotonic();
    done = ask_as_crowd(redis_cache(&target, *state), *state);
    assert_int_equal(done.found, 0);
    assert_int_equal(told.lines, 1);
    assert_true(ao2_monotonic() - begin < REDIS_SHORT + REDIS_SLACK);
    /* One, and a trial for each pause that went by. */
    assert_in_range(scripted.connections, 1, 5);
    stop_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(replies), REDIS_TEST(lengths), REDIS_TEST(greetings),
        REDIS_TEST(passwords), REDIS_TEST(crowd), REDIS_TEST(silence)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
