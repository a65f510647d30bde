#include "adapter/secret.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_poll.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <apr_time.h>
#include <openssl/crypto.h>

#include "base/file.h"

#define EXEC_LINE 4096
/* How often it is looked whether a command has ended. */
#define EXEC_LOOK apr_time_from_msec(10)

static apr_status_t wipe(void *data)
{
    ao2_span_t *bytes = data;

    OPENSSL_cleanse((void *)bytes->ptr, bytes->len);
    return APR_SUCCESS;
}

static ao2_code_t keep(ao2_span_t *bytes, ao2_span_t found, const char *kind,
                       apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t *kept;

    if (found.len == 0) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "the secret from %s is "
                        "empty", kind);
    }
    kept = apr_palloc(pool, sizeof(*kept));
    kept->ptr = apr_pstrmemdup(pool, found.ptr, found.len);
    kept->len = found.len;
    apr_pool_cleanup_register(pool, kept, wipe, apr_pool_cleanup_null);
    *bytes = *kept;
    return AO2_OK;
}

static ao2_code_t from_file(ao2_span_t *bytes, const char **warning,
                            const char *path, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    ao2_span_t text;
    apr_finfo_t info;
    ao2_code_t code = ao2_file_read(&text, NULL, path, AO2_MAX_KEY_FILE, pool,
                                    fail);

    if (code != AO2_OK) {
        return code;
    }
    if (apr_stat(&info, path, APR_FINFO_PROT, pool) == APR_SUCCESS &&
        (info.protection & APR_FPROT_WREAD) != 0) {
        *warning = "everybody can read the file";
    }
    if (text.len && text.ptr[text.len - 1] == '\n') {
        text.len--;
        if (text.len && text.ptr[text.len - 1] == '\r') {
            text.len--;
        }
    }
    code = keep(bytes, text, "its file", pool, fail);
    OPENSSL_cleanse((void *)text.ptr, text.len);
    return code;
}

/* Whether @a out has something to read, or its end, in time. */
static int has_more(apr_file_t *out, apr_interval_time_t left,
                    apr_pool_t *pool)
{
    apr_pollfd_t poll = {pool, APR_POLL_FILE, APR_POLLIN, 0, {out}, NULL};
    apr_int32_t ready;

    return left > 0 && apr_poll(&poll, 1, &ready, left) == APR_SUCCESS;
}

/* Read to the first newline, the end, or the deadline. */
static ao2_code_t read_line(char *line, apr_size_t *length, apr_file_t *out,
                            apr_time_t deadline, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    *length = 0;
    while (*length < EXEC_LINE) {
        apr_size_t size = 1;

        if (!has_more(out, deadline - apr_time_now(), pool)) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED,
                            "the command gave no line in %d seconds",
                            AO2_SECRET_PATIENCE_SEC);
        }
        if (apr_file_read(out, line + *length, &size) != APR_SUCCESS ||
            line[*length] == '\n') {
            return AO2_OK;
        }
        *length += size;
    }
    return ao2_fail(fail, AO2_E_MISCONFIGURED,
                    "the command's line is longer than %d bytes", EXEC_LINE);
}

/* Only for one that nobody waited for yet: afterwards its number may be
 * another process's. */
static void end(apr_proc_t *process)
{
    apr_exit_why_e why;
    int status;

    apr_proc_kill(process, SIGKILL);
    apr_proc_wait(process, &status, &why, APR_WAIT);
}

/* A command may write on: who reads on keeps it from dying of a closed pipe.
 * Its own end counts, not the pipe's: others may have inherited that. */
static ao2_code_t see_end(apr_proc_t *process, apr_time_t deadline,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_exit_why_e why = APR_PROC_EXIT;
    int status = 0;
    int open = 1;
    char rest[512];

    while (apr_proc_wait(process, &status, &why, APR_NOWAIT)
           == APR_CHILD_NOTDONE) {
        apr_size_t size = sizeof(rest);

        if (apr_time_now() >= deadline) {
            end(process);
            return ao2_fail(fail, AO2_E_MISCONFIGURED,
                            "the command did not end in %d seconds",
                            AO2_SECRET_PATIENCE_SEC);
        }
        if (!open) {
            apr_sleep(EXEC_LOOK);
        }
        else if (has_more(process->out, EXEC_LOOK, pool)) {
            open = apr_file_read(process->out, rest, &size) == APR_SUCCESS;
        }
    }
    OPENSSL_cleanse(rest, sizeof(rest));
    return APR_PROC_CHECK_EXIT(why) && status == 0
               ? AO2_OK
               : ao2_fail(fail, AO2_E_MISCONFIGURED,
                          "the command failed with status %d", status);
}

static ao2_code_t start(apr_proc_t *process, const char *command,
                        apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_procattr_t *attr;
    char **argv;
    apr_status_t rv;

    if (apr_tokenize_to_argv(command, &argv, pool) != APR_SUCCESS ||
        !argv[0]) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "exec: names no command");
    }
    rv = apr_procattr_create(&attr, pool);
    if (rv == APR_SUCCESS) {
        /* A pipe that does not block ends commands that write much. */
        rv = apr_procattr_io_set(attr, APR_NO_PIPE, APR_FULL_BLOCK,
                                 APR_NO_PIPE);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_cmdtype_set(attr, APR_PROGRAM_PATH);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_error_check_set(attr, 1);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_proc_create(process, argv[0], (const char *const *)argv,
                             NULL, attr, pool);
    }
    return rv == APR_SUCCESS
               ? AO2_OK
               : ao2_fail(fail, AO2_E_MISCONFIGURED,
                          "the command cannot be started");
}

static ao2_code_t from_command(ao2_span_t *bytes, const char *command,
                               apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_time_t deadline = apr_time_now() +
                          apr_time_from_sec(AO2_SECRET_PATIENCE_SEC);
    apr_proc_t process;
    char line[EXEC_LINE];
    ao2_span_t found = {line, 0};
    ao2_code_t code = start(&process, command, pool, fail);

    if (code != AO2_OK) {
        return code;
    }
    code = read_line(line, &found.len, process.out, deadline, pool, fail);
    if (code != AO2_OK) {
        end(&process);
    }
    else {
        code = see_end(&process, deadline, pool, fail);
    }
    if (code == AO2_OK) {
        code = keep(bytes, found, "its command", pool, fail);
    }
    apr_file_close(process.out);
    OPENSSL_cleanse(line, sizeof(line));
    return code;
}

ao2_code_t ao2_secret_read(ao2_span_t *bytes, const char **warning,
                           const char *source, const char *root,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    char *path;
    const char *value;

    memset(bytes, 0, sizeof(*bytes));
    *warning = NULL;
    if (strncmp(source, "file:", 5) == 0) {
        if (apr_filepath_merge(&path, root, source + 5, 0, pool)
            != APR_SUCCESS) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED, "not a path");
        }
        return from_file(bytes, warning, path, pool, fail);
    }
    if (strncmp(source, "env:", 4) == 0) {
        value = getenv(source + 4);
        if (!value) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED,
                            "the environment variable %s is not set",
                            source + 4);
        }
        return keep(bytes, ao2_span(value), "its environment variable", pool,
                    fail);
    }
    if (strncmp(source, "exec:", 5) == 0) {
        return from_command(bytes, source + 5, pool, fail);
    }
    *warning = "the secret stands in the configuration itself";
    return keep(bytes, ao2_span(source), "the configuration", pool, fail);
}

int ao2_secret_is_literal(const char *source)
{
    static const char *const kinds[] = {"file:", "env:", "exec:"};
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strncmp(source, kinds[i], strlen(kinds[i])) == 0) {
            return 0;
        }
    }
    return 1;
}
