#include "unit/support.h"

#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "service/registry_file.h"

#define GOOD "{\"version\":1}"
/* Of another length: no clock of a file system tells a change at once. */
#define BROKEN "{\"version\":1,,"

static apr_time_t now;
static ao2_level_t level;   /* of the last line of the log */
static int lines;           /* of the log */

static apr_time_t tell_time(ao2_clock_t *self)
{
    (void)self;
    return now;
}

static void note(ao2_log_t *self, ao2_level_t of, ao2_code_t code,
                 const char *text)
{
    (void)self;
    (void)code;
    (void)text;
    level = of;
    lines++;
}

static ao2_clock_t clock_port = {tell_time, NULL};
static ao2_log_t log_port = {note, NULL};

typedef struct {
    const char *path;
    ao2_registry_source_t *source;
    int events; /* inotify: who opens the file */
    apr_pool_t *pool;
} place_t;

/* In place: the file stays the same one. */
static void put(const place_t *place, const char *text)
{
    FILE *file = fopen(place->path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void watch(place_t *place)
{
    assert_true(inotify_add_watch(place->events, place->path, IN_OPEN) >= 0);
}

/* How often the file was opened since this was asked last. */
static int opened(const place_t *place)
{
    char bytes[4096] __attribute__((aligned(8)));
    ssize_t got = read(place->events, bytes, sizeof(bytes));
    int count = 0;
    ssize_t at = 0;

    while (at < got) {
        struct inotify_event *event = (void *)(bytes + at);

        count += (event->mask & IN_OPEN) != 0;
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    return count;
}

static void make(place_t *place, const char *text, apr_pool_t *pool)
{
    char name[] = "/tmp/ao2-unit-XXXXXX";
    ao2_registry_file_t file = {0};

    memset(place, 0, sizeof(*place));
    close(mkstemp(name));
    place->pool = pool;
    place->path = apr_pstrdup(pool, name);
    place->events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    now = apr_time_from_sec(1700000000);
    lines = 0;
    put(place, text);
    file.path = place->path;
    file.ttl = apr_time_from_sec(1);
    file.clock = &clock_port;
    file.log = &log_port;
    assert_int_equal(ao2_registry_file_open(&place->source, &file, pool,
                                            NULL), AO2_OK);
    watch(place);
}

static void end(const place_t *place)
{
    close(place->events);
    unlink(place->path);
}

/* Time for one look passes. @return how often that opened the file */
static int look(const place_t *place)
{
    opened(place);
    now += apr_time_from_sec(1);
    place->source->tick(place->source);
    return opened(place);
}

static ao2_code_t ask(const place_t *place)
{
    const ao2_client_t *client;

    return place->source->find_client(place->source, &client, "corp", "app",
                                      place->pool, NULL);
}

static void read_when_it_changes(void **state)
{
    place_t place;

    make(&place, GOOD, *state);
    assert_int_equal(look(&place), 0);
    put(&place, GOOD " ");
    assert_int_equal(look(&place), 1);
    assert_int_equal(look(&place), 0);
    assert_int_equal(level, AO2_LEVEL_INFO);
    assert_int_equal(ask(&place), AO2_OK);
    end(&place);
}

static void broken_is_read_once(void **state)
{
    place_t place;

    make(&place, GOOD, *state);
    put(&place, BROKEN);
    assert_int_equal(look(&place), 1);
    assert_int_equal(level, AO2_LEVEL_ERROR);
    assert_int_equal(look(&place), 0);
    assert_int_equal(look(&place), 0);
    assert_int_equal(ask(&place), AO2_OK);
    put(&place, BROKEN " ");
    assert_int_equal(look(&place), 1);
    put(&place, GOOD);
    assert_int_equal(look(&place), 1);
    assert_int_equal(level, AO2_LEVEL_INFO);
    assert_int_equal(look(&place), 0);
    end(&place);
}

static void broken_from_the_start(void **state)
{
    place_t place;

    make(&place, BROKEN, *state);
    assert_int_equal(lines, 1);
    assert_int_equal(look(&place), 0);
    assert_int_equal(ask(&place), AO2_E_REGISTRY_UNAVAILABLE);
    put(&place, GOOD);
    assert_int_equal(look(&place), 1);
    assert_int_equal(ask(&place), AO2_OK);
    end(&place);
}

/* Not reading it again is no reason to be silent about it. */
static void told_every_minute(void **state)
{
    place_t place;
    int i;

    make(&place, GOOD, *state);
    put(&place, BROKEN);
    for (i = 0; i < 150; i++) {
        look(&place);
    }
    assert_int_equal(lines, 4); /* that it was good, then broken */
    put(&place, GOOD);
    for (i = 0; i < 150; i++) {
        look(&place);
    }
    assert_int_equal(lines, 5);
    end(&place);
}

/* A file that cannot be opened may be given back without a change. */
static void lost_and_found(void **state)
{
    place_t place;
    char *other;

    make(&place, GOOD, *state);
    other = apr_pstrcat(*state, place.path, ".away", NULL);
    assert_int_equal(rename(place.path, other), 0);
    look(&place);
    assert_int_equal(level, AO2_LEVEL_ERROR);
    assert_int_equal(ask(&place), AO2_OK);
    assert_int_equal(rename(other, place.path), 0);
    assert_int_equal(look(&place), 1);
    assert_int_equal(level, AO2_LEVEL_INFO);
    end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(read_when_it_changes),
        TEST(broken_is_read_once),
        TEST(broken_from_the_start),
        TEST(told_every_minute),
        TEST(lost_and_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
