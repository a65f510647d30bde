#include "unit/key_server.h"

static void metadata(void **state)
{
    setup_t *setup = set_up(NULL, NULL, *state);

    fake.metadata = "{\"issuer\":\"https://i\","
                    "\"jwks_uri\":\"https://i/jwks\"}";
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(fake.calls, 2);
    /* The key set may have moved: renewal looks at metadata too. */
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(fake.calls, 4);
    setup = set_up(NULL, NULL, *state);
    fake.metadata = "{\"issuer\":\"https://j\","
                    "\"jwks_uri\":\"https://i/jwks\"}";
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(fake.calls, 2);
    /* What ails either place is told. */
    assert_non_null(strstr(fake.last_told, "oauth-authorization-server: the "
                                           "metadata's \"issuer\""));
    assert_non_null(strstr(fake.last_told, "openid-configuration: the "
                                           "metadata's \"issuer\""));
}

/* All calls of one load share the total timeout. */
static void one_deadline(void **state)
{
    setup_t *setup = set_up(NULL, NULL, *state);
    ao2_http_way_t *hasty = &setup->issuer.way;

    hasty->total_timeout = apr_time_from_msec(200);
    fake.slow_ms = 150;
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(fake.calls, 2);
    assert_in_range(fake.first_timeout, apr_time_from_msec(90),
                    apr_time_from_msec(100));
    assert_in_range(fake.last_timeout, 1, apr_time_from_msec(50));
    hasty->total_timeout = apr_time_from_msec(100);
    assert_int_equal(ask(setup, setup->key, *state), AO2_E_ISSUER_UNAVAILABLE);
    assert_int_equal(fake.calls, 3);
    assert_non_null(strstr(fake.last_told, "openid-configuration"));
    hasty->total_timeout = apr_time_from_sec(2);
    fake.metadata = "{\"issuer\":\"https://i\","
                    "\"jwks_uri\":\"https://i/jwks\"}";
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
}

/* Of a file that is not there yet. */
static const char *fresh_path(apr_pool_t *pool)
{
    static int count;

    return apr_psprintf(pool, "/tmp/ao2-keys-%ld-%d", (long)getpid(), count++);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void key_files(void **state)
{
    const char *path = fresh_path(*state);
    ao2_key_t *key = new_key("f1", *state);
    ao2_key_t *other = new_key("f2", *state);
    setup_t *setup;

    write_file(path, jwks_of(key, *state));
    setup = set_up(NULL, path, *state);
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(ask(setup, other, *state), AO2_E_TOKEN_INVALID);
    fake.now += apr_time_from_sec(2);
    write_file(path, jwks_of(other, *state));
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_E_TOKEN_INVALID);
    fake.now += apr_time_from_sec(2);
    write_file(path, "{");
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(fake.told, 1);
    assert_int_equal(fake.calls, 0);
    unlink(path);
    fake.now += apr_time_from_sec(2);
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    write_file(path, jwks_of(key, *state));
    fake.now += apr_time_from_sec(2);
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(fake.told, 1);
    unlink(path);
}

/* A process that starts while a file is bad has the keys that were there
 * when the configuration was read, and takes up the file once it is good. */
static void key_file_bad_at_start(void **state)
{
    const char *path = fresh_path(*state);
    ao2_key_t *key = new_key("f1", *state);
    ao2_key_t *other = new_key("f2", *state);
    setup_t *setup;

    write_file(path, jwks_of(key, *state));
    setup = set_up(NULL, path, *state);
    write_file(path, "{");
    assert_int_equal(open_again(setup, *state), AO2_E_MISCONFIGURED);
    write_file(path, jwks_of(key, *state));
    assert_int_equal(
        ao2_key_source_check(&setup->issuer.source, *state, *state, NULL),
        AO2_OK);
    write_file(path, "{");
    assert_int_equal(open_again(setup, *state), AO2_OK);
    assert_non_null(strstr(fake.last_told, path));
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    fake.now += apr_time_from_sec(2);
    write_file(path, jwks_of(other, *state));
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_E_TOKEN_INVALID);
    unlink(path);
}

/* A bad file does not keep the keys of a server from being renewed. */
static void key_file_beside_url(void **state)
{
    const char *path = fresh_path(*state);
    ao2_key_t *key = new_key("f1", *state);
    ao2_key_t *other = new_key("k2", *state);
    setup_t *setup;

    write_file(path, jwks_of(key, *state));
    setup = set_up("https://i/k", path, *state);
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(fake.calls, 1);
    write_file(path, "{");
    fake.body = jwks_of(other, *state);
    fake.now += apr_time_from_sec(3700);
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(fake.calls, 2);
    write_file(path, jwks_of(new_key("f3", *state), *state));
    fake.now += apr_time_from_sec(2);
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_E_TOKEN_INVALID);
    unlink(path);
}

/* What a file holds is not kept waiting by a server, nor lost with it; what
 * the server said is, when its time is over. */
static void key_file_while_server_is_down(void **state)
{
    const char *path = fresh_path(*state);
    ao2_key_t *key = new_key("f1", *state);
    ao2_key_t *other = new_key("f2", *state);
    setup_t *setup;
    int i;

    write_file(path, jwks_of(key, *state));
    setup = set_up("https://i/k", path, *state);
    fake.broken = 1;
    assert_int_equal(ask(setup, key, *state), AO2_OK);
    assert_int_equal(fake.calls, 0);
    for (i = 0; i < 5; i++) {
        assert_int_equal(ask(setup, setup->key, *state),
                         AO2_E_ISSUER_UNAVAILABLE);
        assert_int_equal(ask(setup, key, *state), AO2_OK);
    }
    assert_int_equal(fake.calls, 3);
    write_file(path, jwks_of(other, *state));
    fake.now += apr_time_from_sec(3);
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(fake.calls, 3);
    assert_int_equal(ask(setup, key, *state), AO2_E_ISSUER_UNAVAILABLE);
    fake.broken = 0;
    fake.now += apr_time_from_sec(3);
    assert_int_equal(ask(setup, setup->key, *state), AO2_OK);
    assert_int_equal(ask(setup, key, *state), AO2_E_TOKEN_INVALID);
    fake.broken = 1;
    fake.now += apr_time_from_sec(3600 + 86400 + 1);
    assert_int_equal(ask(setup, other, *state), AO2_OK);
    assert_int_equal(ask(setup, setup->key, *state),
                     AO2_E_ISSUER_UNAVAILABLE);
    unlink(path);
}

static void too_many_sources(void **state)
{
    setup_t *setup = set_up("https://i/k", NULL, *state);
    ao2_key_source_t *source = &setup->issuer.source;
    const char *path = fresh_path(*state);
    apr_array_header_t *files = apr_array_make(*state, 17, sizeof(char *));
    int i;

    write_file(path, setup->jwks);
    for (i = 0; i < 16; i++) {
        APR_ARRAY_PUSH(files, const char *) = path;
    }
    source->files = files;
    assert_int_equal(ao2_key_source_check(source, *state, *state, NULL),
                     AO2_OK);
    APR_ARRAY_PUSH(files, const char *) = path;
    assert_int_equal(ao2_key_source_check(source, *state, *state, NULL),
                     AO2_E_MISCONFIGURED);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(metadata),
        TEST(one_deadline),
        TEST(key_files),
        TEST(key_file_bad_at_start),
        TEST(key_file_beside_url),
        TEST(key_file_while_server_is_down),
        TEST(too_many_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
