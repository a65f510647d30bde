/* The cache with a real Redis server, which stops, hangs and comes back. */
#include "unit/redis_world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

static pid_t server;

/* The server ends with the test that started it. */
static int end_server(void **state)
{
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        server = 0;
    }
    return test_end(state);
}

#define REDIS_TEST(function) \
    cmocka_unit_test_setup_teardown(function, test_start, end_server)

static int answers(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char data[64] = "";
    int good;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)port);
    good = connect(one, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           send(one, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
           recv(one, data, sizeof(data) - 1, 0) > 0 &&
           !strstr(data, "LOADING");
    close(one);
    return good;
}

/* @param more  lines of its configuration */
static void start_server(int port, const char *more)
{
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(20);
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    char text[512];
    int pipes[2];

    apr_snprintf(text, sizeof(text), "port %d\nbind 127.0.0.1\nsave \"\"\n"
                 "appendonly no\ndir /tmp\n%s\n", port, more);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], text, strlen(text)), strlen(text));
    close(pipes[1]);
    server = fork();
    if (server == 0) {
        dup2(pipes[0], 0);
        dup2(nothing, 1);
        dup2(nothing, 2);
        execlp("redis-server", "redis-server", "-", NULL);
        _exit(127);
    }
    close(pipes[0]);
    close(nothing);
    while (!answers(port)) {
        if (waitpid(server, NULL, WNOHANG) != 0 ||
            apr_time_now() > deadline) {
            fail_msg("redis-server does not start: is it installed?");
        }
        apr_sleep(apr_time_from_msec(5));
    }
}

static void stop_server(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    server = 0;
}

/* Ask until it is found. @return milliseconds */
static int await(ao2_cache_t *cache, unsigned key, apr_pool_t *pool)
{
    apr_time_t begin = ao2_monotonic();

    while (!redis_put(cache, key, "again", pool)) {
        assert_true(ao2_monotonic() - begin < apr_time_from_sec(20));
        apr_sleep(apr_time_from_msec(5));
    }
    assert_true(redis_has(cache, key, "again", pool));
    return (int)apr_time_as_msec(ao2_monotonic() - begin);
}

static void values(void **state)
{
    static const char binary[] = "a\0b\r\n$5\r\n\xff";
    ao2_redis_target_t target = redis_target("localhost", redis_free_port(),
                                             *state);
    ao2_span_t value = {binary, sizeof(binary) - 1};
    ao2_span_t found;
    ao2_cache_t *cache;
    apr_time_t later = apr_time_now() + apr_time_from_sec(60);

    redis_begin(*state);
    start_server(APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port, "");
    cache = redis_cache(&target, *state);
    assert_false(cache->get(cache, &found, redis_key(1), *state));
    assert_true(cache->put(cache, redis_key(1), value, later, *state));
    assert_true(cache->get(cache, &found, redis_key(1), *state));
    assert_true(ao2_span_equal(found, value));
    assert_false(cache->get(cache, &found, redis_key(2), *state));
    assert_true(redis_put(cache, 1, "", *state));
    assert_true(redis_has(cache, 1, "", *state));
    cache->drop(cache, redis_key(1), *state);
    assert_false(redis_has(cache, 1, "", *state));
    /* The longest, and one byte more. */
    value.ptr = apr_pcalloc(*state, AO2_REDIS_MAX_VALUE + 1);
    value.len = AO2_REDIS_MAX_VALUE;
    assert_true(cache->put(cache, redis_key(3), value, later, *state));
    assert_true(cache->get(cache, &found, redis_key(3), *state));
    assert_true(ao2_span_equal(found, value));
    value.len++;
    assert_false(cache->put(cache, redis_key(3), value, later, *state));
    assert_int_equal(told.lines, 0);
}

static void expiry(void **state)
{
    ao2_redis_target_t target = redis_target("127.0.0.1", redis_free_port(),
                                             *state);
    ao2_span_t value = ao2_span("hello");
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(10);
    ao2_cache_t *cache;

    redis_begin(*state);
    start_server(APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port, "");
    cache = redis_cache(&target, *state);
    assert_false(cache->put(cache, redis_key(1), value, apr_time_now() - 1,
                            *state));
    assert_false(redis_has(cache, 1, "hello", *state));
    assert_true(cache->put(cache, redis_key(1), value,
                           apr_time_now() + apr_time_from_msec(300), *state));
    while (redis_has(cache, 1, "hello", *state)) {
        assert_true(apr_time_now() < deadline);
        apr_sleep(apr_time_from_msec(10));
    }
    /* As far away as can be said. */
    assert_true(cache->put(cache, redis_key(1), value, APR_INT64_MAX,
                           *state));
    assert_true(redis_has(cache, 1, "hello", *state));
}

static void databases(void **state)
{
    ao2_redis_target_t target = redis_target("127.0.0.1", redis_free_port(),
                                             *state);
    ao2_redis_target_t other = target;
    ao2_redis_target_t none = target;

    redis_begin(*state);
    start_server(APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port, "");
    other.db = 3;
    none.db = 16;
    assert_true(redis_put(redis_cache(&other, *state), 1, "hello", *state));
    assert_true(redis_has(redis_cache(&other, *state), 1, "hello", *state));
    assert_false(redis_has(redis_cache(&target, *state), 1, "hello", *state));
    assert_int_equal(told.lines, 0);
    assert_false(redis_put(redis_cache(&none, *state), 1, "hello", *state));
    assert_non_null(strstr(told.text, "SELECT is answered by ERR"));
}

#define RIGHTS "~api_oauth2:* +get +set +del +ping +select"

static void users(void **state)
{
    static const struct {
        const char *user;
        const char *password;
        const char *said;
    } tries[] = {
        {"gateway", "word-1", NULL},
        {"gateway", "word-2", "AUTH is answered by WRONGPASS"},
        {"nobody", "word-1", "AUTH is answered by WRONGPASS"},
        {NULL, "word-1", "AUTH is answered by WRONGPASS"},
        {NULL, NULL, "SELECT is answered by NOAUTH"},
    };
    ao2_redis_target_t target = redis_target("127.0.0.1", redis_free_port(),
                                             *state);
    apr_size_t i;

    start_server(APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port,
                 "user default off\nuser gateway on >word-1 " RIGHTS);
    for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        redis_begin(*state);
        target.user = tries[i].user;
        target.password = ao2_span(tries[i].password);
        target.db = 2;
        assert_int_equal(redis_put(redis_cache(&target, *state), 1, "hello",
                                   *state),
                         tries[i].said == NULL);
        assert_int_equal(told.lines, tries[i].said != NULL);
        assert_non_null(strstr(told.text, tries[i].said ? tries[i].said
                                                        : ""));
        assert_null(strstr(told.text, "word"));
    }
}

/* A right that is missing stops what needs it, and nothing else. */
static void rights(void **state)
{
    ao2_redis_target_t target = redis_target("127.0.0.1", redis_free_port(),
                                             *state);
    ao2_cache_t *cache;
    int i;

    redis_begin(*state);
    start_server(APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port,
                 "user default on nopass ~* -@all +get +ping +set");
    cache = redis_cache(&target, *state);
    for (i = 0; i < 100; i++) {
        assert_true(redis_put(cache, 1, "hello", *state));
        cache->drop(cache, redis_key(1), *state);
        assert_true(redis_has(cache, 1, "hello", *state));
    }
    assert_int_equal(told.lines, 1);
    assert_non_null(strstr(told.text, "DEL is answered by NOPERM"));
}

/* Stopped and started again, empty. */
static void restart(void **state)
{
    ao2_redis_target_t target = redis_target("127.0.0.1", redis_free_port(),
                                             *state);
    int port = APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port;
    ao2_cache_t *cache;
    apr_time_t begin;
    int i;

    redis_begin(*state);
    start_server(port, "");
    cache = redis_cache(&target, *state);
    assert_true(redis_put(cache, 1, "hello", *state));
    stop_server();
    /* Back before anybody asked: nothing is lost but the content. */
    start_server(port, "");
    assert_false(redis_has(cache, 1, "hello", *state));
    assert_int_equal(told.lines, 0);
    assert_true(redis_put(cache, 1, "hello", *state));
    stop_server();
    begin = ao2_monotonic();
    for (i = 0; i < 1000; i++) {
        assert_false(redis_has(cache, 1, "hello", *state));
    }
    assert_true(ao2_monotonic() - begin < REDIS_SLACK);
    assert_int_equal(told.lines, 1);
    assert_non_null(strstr(told.text, "is lost"));
    start_server(port, "");
    assert_in_range(await(cache, 1, *state), 0, 9000);
    assert_int_equal(told.lines, 2);
    assert_non_null(strstr(told.text, "is back"));
}

/* Long enough for a server that is not. */
#define FROZEN apr_time_from_sec(1)

/* Frozen: once the timeout, then nothing, until it goes on. */
static void frozen(void **state)
{
    ao2_redis_target_t target = redis_target("127.0.0.1", redis_free_port(),
                                             *state);
    ao2_cache_t *cache;
    apr_time_t begin;
    apr_time_t first;
    int i;

    redis_begin(*state);
    start_server(APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port, "");
    target.timeout = FROZEN;
    cache = redis_cache(&target, *state);
    assert_true(redis_put(cache, 1, "hello", *state));
    kill(server, SIGSTOP);
    begin = ao2_monotonic();
    assert_false(redis_has(cache, 1, "hello", *state));
    first = ao2_monotonic() - begin;
    for (i = 0; i < 10000; i++) {
        assert_false(redis_has(cache, 1, "hello", *state));
    }
    print_message("frozen: the first call %d ms, 10,000 more %d ms\n",
                  (int)apr_time_as_msec(first),
                  (int)apr_time_as_msec(ao2_monotonic() - begin - first));
    assert_in_range(first, FROZEN, FROZEN + REDIS_SLACK);
    assert_true(ao2_monotonic() - begin - first < REDIS_SLACK);
    assert_int_equal(told.lines, 1);
    assert_non_null(strstr(told.text, "no answer in time"));
    kill(server, SIGCONT);
    assert_in_range(await(cache, 2, *state), 0, 9000);
    assert_true(redis_has(cache, 1, "hello", *state));
    assert_int_equal(told.lines, 2);
}

/* The second host serves in the very call in which the first one refuses,
 * and the first one again once it is there. */
static void two_hosts(void **state)
{
    int port = redis_free_port();
    ao2_redis_target_t target = redis_target("127.0.0.1", redis_free_port(),
                                             *state);
    ao2_redis_target_t second = redis_target("127.0.0.1", port, *state);
    ao2_cache_t *cache;

    redis_begin(*state);
    *(ao2_redis_host_t *)apr_array_push((apr_array_header_t *)target.hosts) =
        APR_ARRAY_IDX(second.hosts, 0, ao2_redis_host_t);
    start_server(port, "");
    cache = redis_cache(&target, *state);
    assert_true(redis_put(cache, 1, "hello", *state));
    assert_true(redis_has(redis_cache(&second, *state), 1, "hello", *state));
    assert_int_equal(told.lines, 1);
    stop_server();
    start_server(APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port, "");
    await(cache, 2, *state);
    assert_true(redis_has(cache, 2, "again", *state));
}

static void names(void **state)
{
    ao2_redis_target_t target = redis_target("no-such-host.invalid", 6379,
                                             *state);
    apr_time_t begin = ao2_monotonic();

    redis_begin(*state);
    target.timeout = REDIS_SHORT;
    assert_false(redis_has(redis_cache(&target, *state), 1, "x", *state));
    assert_true(ao2_monotonic() - begin < REDIS_SHORT + REDIS_SLACK);
    assert_non_null(strstr(told.text, "its name has no address"));
}

/* Ended together with its pool: nothing is found, and nothing leaks. */
static void closed(void **state)
{
    ao2_redis_target_t target = redis_target("127.0.0.1", redis_free_port(),
                                             *state);
    apr_pool_t *pool;

    redis_begin(*state);
    start_server(APR_ARRAY_IDX(target.hosts, 0, ao2_redis_host_t).port, "");
    apr_pool_create(&pool, *state);
    assert_true(redis_put(redis_cache(&target, pool), 1, "hello", pool));
    apr_pool_destroy(pool);
    assert_true(redis_has(redis_cache(&target, *state), 1, "hello", *state));
}

int main(void)
{
    /* Names first: what looks them up lives on for a second. */
    const struct CMUnitTest tests[] = {
        REDIS_TEST(names), REDIS_TEST(values), REDIS_TEST(expiry),
        REDIS_TEST(databases), REDIS_TEST(users), REDIS_TEST(rights),
        REDIS_TEST(closed), REDIS_TEST(two_hosts), REDIS_TEST(restart),
        REDIS_TEST(frozen)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
