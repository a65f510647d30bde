#include "tools/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "core/registry_read.h"

static const struct {
    const char *prefix;
    const ao2_store_kind_t *kind;
    const char *driver;
} kinds[] = {
    {"file:", &ao2_store_file, NULL},
    {"sqlite3:", &ao2_store_sql, "sqlite3"},
    {"pgsql:", &ao2_store_sql, "pgsql"},
};

ao2_store_t *ao2_store_named(const char *name, apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t length = strlen(kinds[i].prefix);

        if (strncmp(name, kinds[i].prefix, length) == 0 && name[length]) {
            ao2_store_t *store = apr_pcalloc(pool, sizeof(*store));

            store->kind = kinds[i].kind;
            store->driver = kinds[i].driver;
            store->where = name + length;
            store->pool = pool;
            return store;
        }
    }
    return NULL;
}

int ao2_store_fail(ao2_fail_t *fail, int status, const char *format, ...)
{
    char detail[AO2_MAX_DETAIL + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    ao2_fail(fail, AO2_E_MISCONFIGURED, "%s", detail);
    return status;
}

/* Hands the pieces of a document on. */
typedef struct {
    ao2_registry_reader_t *reader;
    ao2_progress_t *progress;
    int wrong; /* what was read is no registry */
} pipe_t;

static ao2_code_t pass_on(void *context, ao2_span_t bytes, ao2_fail_t *fail)
{
    pipe_t *pipe = context;
    ao2_code_t code = ao2_registry_reader_feed(pipe->reader, bytes, fail);

    ao2_progress_add(pipe->progress, (apr_int64_t)bytes.len);
    pipe->wrong |= code != AO2_OK;
    return code;
}

static ao2_code_t feed_input(pipe_t *pipe, ao2_fail_t *fail)
{
    static char piece[64 * 1024];
    ao2_span_t bytes = {piece, 0};
    ao2_code_t code;

    do {
        bytes.len = fread(piece, 1, sizeof(piece), stdin);
        code = pass_on(pipe, bytes, fail);
    } while (bytes.len && code == AO2_OK);
    if (ferror(stdin)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "standard input cannot be read");
    }
    return code;
}

static ao2_code_t feed_file(pipe_t *pipe, const char *path, ao2_fail_t *fail)
{
    ao2_file_stamp_t stamp;

    ao2_file_stamp(&stamp, path);
    ao2_progress_begin(pipe->progress, "reading", stamp.size);
    return ao2_file_feed(NULL, path, pass_on, pipe, fail);
}

int ao2_document_read(ao2_registry_build_t **pbuild, const char *path,
                      ao2_progress_t *progress, apr_pool_t *pool,
                      ao2_fail_t *fail)
{
    pipe_t pipe = {ao2_registry_reader_make(pool), progress, 0};
    const ao2_registry_t *registry;
    ao2_fail_t inner = {0};
    ao2_code_t code;

    *pbuild = ao2_registry_reader_build(pipe.reader);
    ao2_progress_begin(progress, "reading", 0);
    code = strcmp(path, "-") == 0 ? feed_input(&pipe, &inner)
                                  : feed_file(&pipe, path, &inner);
    ao2_progress_end(progress);
    if (code == AO2_OK) {
        code = ao2_registry_reader_end(&registry, pipe.reader, &inner);
        pipe.wrong = code != AO2_OK;
    }
    if (code == AO2_OK) {
        return AO2_EXIT_DONE;
    }
    return pipe.wrong
               ? ao2_store_fail(fail, AO2_EXIT_REFUSED, "%s: %s", path,
                                inner.detail)
               : ao2_store_fail(fail, AO2_EXIT_USAGE, "%s", inner.detail);
}
