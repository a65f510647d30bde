#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that are read at once. */
#define PIECE (16 * 1024)

static apr_time_t time_of(const struct timespec *at)
{
    return apr_time_make(at->tv_sec, at->tv_nsec / 1000);
}

static void stamp_of(ao2_file_stamp_t *stamp, const struct stat *info)
{
    stamp->mtime = time_of(&info->st_mtim);
    stamp->ctime = time_of(&info->st_ctim);
    stamp->size = info->st_size;
    stamp->inode = (apr_int64_t)info->st_ino;
    stamp->device = (apr_int64_t)info->st_dev;
}

static ssize_t read_some(int file, char *bytes, apr_size_t size)
{
    ssize_t got;

    do {
        got = read(file, bytes, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

static ao2_code_t read_all(char *bytes, apr_size_t size, int file,
                           const char *path, ao2_fail_t *fail)
{
    apr_size_t done = 0;

    while (done < size) {
        ssize_t got = read_some(file, bytes + done, size - done);

        if (got <= 0) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED,
                            "%s changed while it was read", path);
        }
        done += (apr_size_t)got;
    }
    return AO2_OK;
}

static ao2_code_t look_at(struct stat *info, int file, const char *path,
                          apr_size_t max, ao2_fail_t *fail)
{
    if (fstat(file, info) != 0 || !S_ISREG(info->st_mode)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "%s is no regular file",
                        path);
    }
    if ((apr_size_t)info->st_size > max) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "%s is longer than %" APR_SIZE_T_FMT " bytes", path,
                        max);
    }
    return AO2_OK;
}

static ao2_code_t open_regular(int *pfile, struct stat *info,
                               const char *path, apr_size_t max,
                               ao2_fail_t *fail)
{
    ao2_code_t code;

    /* Without O_NONBLOCK, opening a FIFO waits for a writer. */
    *pfile = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (*pfile < 0) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "%s cannot be read: %s",
                        path, strerror(errno));
    }
    code = look_at(info, *pfile, path, max, fail);
    if (code != AO2_OK) {
        close(*pfile);
    }
    return code;
}

ao2_code_t ao2_file_read_any(ao2_span_t *out, ao2_file_stamp_t *stamp,
                             const char *path, apr_size_t max,
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    struct stat info;
    ao2_code_t code;
    char *bytes;
    int file;

    memset(out, 0, sizeof(*out));
    if (stamp) {
        memset(stamp, 0, sizeof(*stamp));
    }
    code = open_regular(&file, &info, path, max, fail);
    if (code != AO2_OK) {
        return code;
    }
    bytes = apr_pcalloc(pool, (apr_size_t)info.st_size + 1);
    code = read_all(bytes, (apr_size_t)info.st_size, file, path, fail);
    close(file);
    if (code != AO2_OK) {
        return code;
    }
    out->ptr = bytes;
    out->len = (apr_size_t)info.st_size;
    if (stamp) {
        stamp_of(stamp, &info);
    }
    return AO2_OK;
}

ao2_code_t ao2_file_read(ao2_span_t *out, ao2_file_stamp_t *stamp,
                         const char *path, apr_size_t max, apr_pool_t *pool,
                         ao2_fail_t *fail)
{
    ao2_code_t code = ao2_file_read_any(out, stamp, path, max, pool, fail);

    return code == AO2_OK && out->len == 0
               ? ao2_fail(fail, AO2_E_MISCONFIGURED, "%s is empty", path)
               : code;
}

ao2_code_t ao2_file_feed(ao2_file_stamp_t *stamp, const char *path,
                         ao2_file_take_fn *take, void *context,
                         ao2_fail_t *fail)
{
    char piece[PIECE];
    ao2_span_t bytes = {piece, 0};
    struct stat info;
    ssize_t got;
    int file;
    ao2_code_t code = open_regular(&file, &info, path, SIZE_MAX, fail);

    if (stamp) {
        memset(stamp, 0, sizeof(*stamp));
    }
    if (code != AO2_OK) {
        return code;
    }
    do {
        got = read_some(file, piece, sizeof(piece));
        if (got < 0) {
            code = ao2_fail(fail, AO2_E_MISCONFIGURED,
                            "%s cannot be read: %s", path, strerror(errno));
        }
        else {
            bytes.len = (apr_size_t)got;
            code = take(context, bytes, fail);
        }
    } while (got > 0 && code == AO2_OK);
    close(file);
    if (got >= 0 && stamp) {
        stamp_of(stamp, &info);
    }
    return code;
}

void ao2_file_stamp(ao2_file_stamp_t *stamp, const char *path)
{
    struct stat info;

    memset(stamp, 0, sizeof(*stamp));
    if (stat(path, &info) == 0) {
        stamp_of(stamp, &info);
    }
}

int ao2_file_same(const ao2_file_stamp_t *a, const ao2_file_stamp_t *b)
{
    return a->mtime == b->mtime && a->ctime == b->ctime &&
           a->size == b->size && a->inode == b->inode &&
           a->device == b->device;
}
