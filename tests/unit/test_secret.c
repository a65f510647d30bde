#include "unit/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_env.h>
#include <apr_time.h>

#include "adapter/secret.h"

/* Of a file that is not there yet. */
static const char *fresh_path(apr_pool_t *pool)
{
    static int count;

    return apr_psprintf(pool, "/tmp/ao2-secret-%ld-%d", (long)getpid(),
                        count++);
}

static void write_file(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
    chmod(path, 0600);
}

/* @param wanted  NULL: it is refused
 * @param said    part of the warning or of the failure; NULL: none */
static void check(const char *source, const char *wanted, const char *said,
                  apr_pool_t *pool)
{
    ao2_span_t bytes;
    const char *warning;
    ao2_fail_t fail = {0};
    ao2_code_t code = ao2_secret_read(&bytes, &warning, source, "/tmp", pool,
                                      &fail);
    const char *told = code == AO2_OK ? warning : fail.detail;

    if (code != (wanted ? AO2_OK : AO2_E_MISCONFIGURED)) {
        fail_msg("%s: %d %s", source, (int)code, fail.detail);
    }
    if (wanted && !ao2_span_is(bytes, wanted)) {
        fail_msg("%s: %.*s", source, (int)bytes.len, bytes.ptr);
    }
    if (said ? !told || !strstr(told, said) : told != NULL) {
        fail_msg("%s: %s", source, told ? told : "nothing said");
    }
}

static void files(void **state)
{
    static const struct {
        const char *text;
        const char *wanted;
        const char *said;
    } rows[] = {
        {"hidden", "hidden", NULL},     {"hidden\n", "hidden", NULL},
        {"hidden\r\n", "hidden", NULL}, {"hidden\n\n", "hidden\n", NULL},
        {" a b \n", " a b ", NULL},     {"hidden\r", "hidden\r", NULL},
        {"\n", NULL, "is empty"},       {"", NULL, "is empty"},
    };
    const char *path = fresh_path(*state);
    const char *source = apr_pstrcat(*state, "file:", path, NULL);
    size_t i;

    check(source, NULL, "cannot be read", *state);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_file(path, rows[i].text, strlen(rows[i].text));
        check(source, rows[i].wanted, rows[i].said, *state);
    }
    write_file(path, "hidden", 6);
    chmod(path, 0644);
    check(source, "hidden", "everybody can read", *state);
    chmod(path, 0640);
    check(source, "hidden", NULL, *state);
    /* Below the root that is given. */
    check(apr_pstrcat(*state, "file:", path + strlen("/tmp/"), NULL),
          "hidden", NULL, *state);
    unlink(path);
    check("file:", NULL, "no regular file", *state);
    check("file:/dev/null", NULL, "no regular file", *state);
}

static void longest_file(void **state)
{
    char *text = apr_pcalloc(*state, AO2_MAX_KEY_FILE + 2);
    const char *path = fresh_path(*state);
    const char *source = apr_pstrcat(*state, "file:", path, NULL);

    memset(text, 'x', AO2_MAX_KEY_FILE + 1);
    write_file(path, text, AO2_MAX_KEY_FILE + 1);
    check(source, NULL, "longer", *state);
    text[AO2_MAX_KEY_FILE] = '\0';
    write_file(path, text, AO2_MAX_KEY_FILE);
    check(source, text, NULL, *state);
    unlink(path);
}

static void environment(void **state)
{
    apr_env_set("AO2_TEST_SECRET", "hidden", *state);
    check("env:AO2_TEST_SECRET", "hidden", NULL, *state);
    apr_env_set("AO2_TEST_SECRET", "", *state);
    check("env:AO2_TEST_SECRET", NULL, "is empty", *state);
    apr_env_delete("AO2_TEST_SECRET", *state);
    check("env:AO2_TEST_SECRET", NULL, "AO2_TEST_SECRET is not set", *state);
    check("env:", NULL, "is not set", *state);
}

static void literals(void **state)
{
    check("hidden", "hidden", "in the configuration itself", *state);
    check("files:x", "files:x", "in the configuration itself", *state);
    check("", NULL, "is empty", *state);
}

static void commands(void **state)
{
    static const struct {
        const char *command;
        const char *wanted;
        const char *said;
    } rows[] = {
        {"echo hidden", "hidden", NULL},
        {"printf hidden", "hidden", NULL},
        {"printf '%s %s' a \"b  c\"", "a b  c", NULL},
        {"seq 1 3", "1", NULL},
        /* More than a pipe holds, after the line that counts. */
        {"seq 1 100000", "1", NULL},
        /* No shell, no words of one. */
        {"echo $HOME;id", "$HOME;id", NULL},
        {"true", NULL, "is empty"},
        {"sh -c 'echo; echo second'", NULL, "is empty"},
        {"false", NULL, "failed with status 1"},
        {"sh -c 'echo hidden; exit 3'", NULL, "failed with status 3"},
        {"sh -c 'echo hidden; kill -9 $$'", NULL, "failed with status 9"},
        {"/nonexistent/command", NULL, "cannot be started"},
        {"", NULL, "names no command"},
        {"head -c 5000 /dev/zero", NULL, "longer than 4096 bytes"},
        {"sh -c 'head -c 4096 /dev/zero; echo; exec sleep 30'", NULL, "longer"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(apr_pstrcat(*state, "exec:", rows[i].command, NULL),
              rows[i].wanted, rows[i].said, *state);
    }
}

/* Here a command may take one second. */
static void slow_commands(void **state)
{
    static const struct {
        const char *command;
        const char *wanted;
        const char *said;
    } rows[] = {
        {"sh -c 'sleep 0.2; echo hidden; sleep 0.2'", "hidden", NULL},
        {"sleep 30", NULL, "gave no line in 1 seconds"},
        {"sh -c 'echo hidden; exec sleep 30'", NULL,
         "did not end in 1 seconds"},
        {"sh -c 'echo hidden; exec 1>&-; exec sleep 30'", NULL,
         "did not end in 1 seconds"},
        {"yes", NULL, "did not end in 1 seconds"},
        /* Another one goes on with its output: nobody waits for that. */
        {"sh -c 'sleep 6 & echo hidden'", "hidden", NULL},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_time_t start = apr_time_now();

        check(apr_pstrcat(*state, "exec:", rows[i].command, NULL),
              rows[i].wanted, rows[i].said, *state);
        if (apr_time_now() - start > apr_time_from_sec(5)) {
            fail_msg("%s took too long", rows[i].command);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files),    TEST(longest_file), TEST(environment),
        TEST(literals), TEST(commands),     TEST(slow_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
