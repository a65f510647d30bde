#include "tools/safe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#define PATIENCE apr_time_from_sec(60)
#define PAUSE (20 * 1000)

struct ao2_safe_file {
    apr_pool_t *pool;
    const char *path; /* of the file itself, no symbolic link */
    int lock;         /* descriptor; -1: none */
    struct stat info; /* of the file that is locked */
};

static int system_fail(ao2_fail_t *fail, const char *path, const char *what)
{
    ao2_fail(fail, AO2_E_MISCONFIGURED, "%s %s: %s", path, what,
             strerror(errno));
    return AO2_EXIT_USAGE;
}

static apr_status_t unlock(void *data)
{
    ao2_safe_file_t *file = data;

    if (file->lock >= 0) {
        close(file->lock);
        file->lock = -1;
    }
    return APR_SUCCESS;
}

/* One try. @return 1 when the file is locked and still has its name, 0 to
 * try again, -1 when it cannot be */
static int try_lock(ao2_safe_file_t *file)
{
    struct stat now;

    file->lock = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->lock < 0 || fstat(file->lock, &file->info) != 0) {
        return -1;
    }
    if (flock(file->lock, LOCK_EX | LOCK_NB) == 0 &&
        stat(file->path, &now) == 0 && now.st_dev == file->info.st_dev &&
        now.st_ino == file->info.st_ino) {
        return 1;
    }
    unlock(file);
    return 0;
}

static int wait_lock(ao2_safe_file_t *file, ao2_fail_t *fail)
{
    apr_time_t end = apr_time_now() + PATIENCE;
    int locked = try_lock(file);

    while (locked == 0 && apr_time_now() < end) {
        apr_sleep(PAUSE);
        locked = try_lock(file);
    }
    if (locked < 0) {
        return system_fail(fail, file->path, "cannot be locked");
    }
    if (locked == 0) {
        ao2_fail(fail, AO2_E_MISCONFIGURED,
                 "%s is locked by another process", file->path);
        return AO2_EXIT_USAGE;
    }
    return AO2_EXIT_DONE;
}

int ao2_safe_lock(ao2_safe_file_t **pfile, const char *path, apr_pool_t *pool,
                  ao2_fail_t *fail)
{
    ao2_safe_file_t *file = apr_pcalloc(pool, sizeof(*file));
    char *real = realpath(path, NULL);

    *pfile = NULL;
    if (!real) {
        return system_fail(fail, path, "cannot be read");
    }
    file->pool = pool;
    file->path = apr_pstrdup(pool, real);
    file->lock = -1;
    free(real);
    apr_pool_cleanup_register(pool, file, unlock, apr_pool_cleanup_null);
    *pfile = file;
    return wait_lock(file, fail);
}

const char *ao2_safe_path(const ao2_safe_file_t *file)
{
    return file->path;
}

/* The new file becomes as the old one in mode and owner. */
static int take_after(const ao2_safe_file_t *file, int descriptor,
                      ao2_fail_t *fail)
{
    struct stat mine;

    if (fstat(descriptor, &mine) != 0) {
        return system_fail(fail, file->path, "cannot be written");
    }
    if ((mine.st_uid != file->info.st_uid ||
         mine.st_gid != file->info.st_gid) &&
        fchown(descriptor, file->info.st_uid, file->info.st_gid) != 0) {
        return system_fail(fail, file->path, "cannot keep its owner");
    }
    return fchmod(descriptor, file->info.st_mode & 07777) == 0
               ? AO2_EXIT_DONE
               : system_fail(fail, file->path, "cannot keep its mode");
}

/* Write a file that is open, and close it; all of it is on the disk. */
static int write_open(int descriptor, const char *path,
                      ao2_safe_write_fn *write, void *context,
                      ao2_fail_t *fail)
{
    FILE *stream = fdopen(descriptor, "w");
    int status;

    if (!stream) {
        close(descriptor);
        return system_fail(fail, path, "cannot be written");
    }
    status = write(context, stream, fail);
    if (status == AO2_EXIT_DONE &&
        (fflush(stream) != 0 || fsync(fileno(stream)) != 0)) {
        status = system_fail(fail, path, "cannot be written");
    }
    if (fclose(stream) != 0 && status == AO2_EXIT_DONE) {
        status = system_fail(fail, path, "cannot be written");
    }
    return status;
}

/* Write beside the file that is locked: the lock is for that name too. What
 * a writer that was killed left there goes. */
static int write_beside(const char *beside, const ao2_safe_file_t *file,
                        ao2_safe_write_fn *write, void *context,
                        ao2_fail_t *fail)
{
    int descriptor;
    int status;

    unlink(beside);
    descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return system_fail(fail, beside, "cannot be written");
    }
    status = take_after(file, descriptor, fail);
    if (status != AO2_EXIT_DONE) {
        close(descriptor);
        return status;
    }
    return write_open(descriptor, beside, write, context, fail);
}

/* So that the new name is on the disk too. */
static int sync_folder(const char *path, apr_pool_t *pool, ao2_fail_t *fail)
{
    const char *slash = strrchr(path, '/');
    const char *folder = slash ? apr_pstrmemdup(pool, path,
                                                (apr_size_t)(slash - path + 1))
                               : ".";
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = descriptor < 0 || fsync(descriptor) != 0;

    if (failed) {
        system_fail(fail, folder, "cannot be synchronised");
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return failed ? AO2_EXIT_USAGE : AO2_EXIT_DONE;
}

int ao2_safe_replace(ao2_safe_file_t *file, ao2_safe_write_fn *write,
                     void *context, ao2_fail_t *fail)
{
    const char *beside = apr_pstrcat(file->pool, file->path, ".htapi", NULL);
    int status = write_beside(beside, file, write, context, fail);

    if (status == AO2_EXIT_DONE && rename(beside, file->path) != 0) {
        status = system_fail(fail, file->path, "cannot be replaced");
    }
    if (status != AO2_EXIT_DONE) {
        unlink(beside);
        return status;
    }
    status = sync_folder(file->path, file->pool, fail);
    unlock(file);
    return status;
}

int ao2_safe_create(const char *path, ao2_safe_write_fn *write, void *context,
                    apr_pool_t *pool, ao2_fail_t *fail)
{
    char *draft = apr_pstrcat(pool, path, ".XXXXXX", NULL);
    mode_t mask = umask(0);
    int descriptor = mkstemp(draft);
    int status;

    umask(mask);
    if (descriptor < 0) {
        return system_fail(fail, path, "cannot be made");
    }
    status = fchmod(descriptor, 0666 & ~mask) == 0
                 ? write_open(descriptor, draft, write, context, fail)
                 : system_fail(fail, path, "cannot be made");
    if (status == AO2_EXIT_DONE && link(draft, path) != 0) {
        status = system_fail(fail, path, "cannot be made");
        status = errno == EEXIST ? AO2_EXIT_REFUSED : status;
    }
    unlink(draft);
    return status == AO2_EXIT_DONE ? sync_folder(path, pool, fail) : status;
}
