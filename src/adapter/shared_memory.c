#include "adapter/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>

/* In front of what callers get, in the mapping itself. */
typedef struct {
    pthread_mutex_t locks[AO2_SHARED_LOCKS];
    apr_uint32_t terms[AO2_MAX_MEMBERS]; /* how often a place was taken */
} front_t;

#define FRONT ((sizeof(front_t) + 4095) & ~(apr_size_t)4095)

struct ao2_shared_memory {
    front_t *front;
    apr_size_t size; /* without the front */
    int file;        /* byte n is locked by the process in place n */
};

typedef struct {
    ao2_shared_t port;
    ao2_shared_memory_t *memory;
    int place;
} membership_t;

static apr_status_t unmap(void *data)
{
    ao2_shared_memory_t *memory = data;

    munmap(memory->front, FRONT + memory->size);
    if (memory->file >= 0) {
        close(memory->file);
    }
    return APR_SUCCESS;
}

static int make_locks(front_t *front)
{
    pthread_mutexattr_t attr;
    int good = pthread_mutexattr_init(&attr) == 0;
    int i;

    good = good &&
           pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0;
    for (i = 0; good && i < AO2_SHARED_LOCKS; i++) {
        good = pthread_mutex_init(&front->locks[i], &attr) == 0;
    }
    pthread_mutexattr_destroy(&attr);
    return good;
}

/* A file without a name. It stays open in children: a lock on a byte of it
 * ends with the process that holds it, whatever ends that process. */
static int open_file(ao2_shared_memory_t *memory, apr_pool_t *pool)
{
    const char *folder;
    char *name;

    if (apr_temp_dir_get(&folder, pool) != APR_SUCCESS) {
        return 0;
    }
    name = apr_pstrcat(pool, folder, "/api_oauth2.XXXXXX", NULL);
    memory->file = mkstemp(name);
    if (memory->file < 0) {
        return 0;
    }
    unlink(name);
    return fcntl(memory->file, F_SETFD, FD_CLOEXEC) == 0;
}

ao2_code_t ao2_shared_memory_make(ao2_shared_memory_t **pmemory,
                                  apr_size_t size, apr_pool_t *pool,
                                  ao2_fail_t *fail)
{
    ao2_shared_memory_t *memory = apr_pcalloc(pool, sizeof(*memory));
    void *mapped = mmap(NULL, FRONT + size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    *pmemory = NULL;
    if (mapped == MAP_FAILED) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "%" APR_SIZE_T_FMT " bytes of shared memory: %s",
                        FRONT + size, strerror(errno));
    }
    memory->front = mapped;
    memory->size = size;
    memory->file = -1;
    apr_pool_cleanup_register(pool, memory, unmap, apr_pool_cleanup_null);
    if (!make_locks(memory->front)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "no locks that processes can share");
    }
    if (!open_file(memory, pool)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "no temporary file for the list of processes");
    }
    *pmemory = memory;
    return AO2_OK;
}

void ao2_shared_memory_keep(ao2_shared_memory_t *memory, apr_pool_t *pool)
{
    apr_pool_cleanup_kill(pool, memory, unmap);
}

void ao2_shared_memory_close(ao2_shared_memory_t *memory)
{
    unmap(memory);
}

void *ao2_shared_memory_start(const ao2_shared_memory_t *memory)
{
    return (char *)memory->front + FRONT;
}

static ao2_member_t member_of(int place, apr_uint32_t term)
{
    return (ao2_member_t)(unsigned)(place + 1) << 32 | term;
}

static int lives(ao2_shared_t *self, ao2_member_t who)
{
    const membership_t *membership = self->context;
    const front_t *front = membership->memory->front;
    int place = (int)(who >> 32) - 1;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (who == self->me) {
        return 1;
    }
    if (place < 0 || place >= AO2_MAX_MEMBERS ||
        __atomic_load_n(&front->terms[place], __ATOMIC_ACQUIRE)
            != (apr_uint32_t)who) {
        return 0;
    }
    lock.l_start = place;
    lock.l_len = 1;
    return fcntl(membership->memory->file, F_GETLK, &lock) == 0 &&
           lock.l_type != F_UNLCK;
}

static void lock_one(ao2_shared_t *self, int index)
{
    const membership_t *membership = self->context;
    pthread_mutex_t *mutex = &membership->memory->front->locks[index];

    if (pthread_mutex_lock(mutex) == EOWNERDEAD) {
        pthread_mutex_consistent(mutex);
    }
}

static void unlock_one(ao2_shared_t *self, int index)
{
    const membership_t *membership = self->context;

    pthread_mutex_unlock(&membership->memory->front->locks[index]);
}

/* The first place whose lock can be had. */
static int take_place(const ao2_shared_memory_t *memory)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int place;

    lock.l_len = 1;
    for (place = 0; place < AO2_MAX_MEMBERS; place++) {
        lock.l_start = place;
        if (fcntl(memory->file, F_SETLK, &lock) == 0) {
            return place;
        }
    }
    return -1;
}

ao2_code_t ao2_shared_memory_join(ao2_shared_t **pshared,
                                  ao2_shared_memory_t *memory,
                                  apr_pool_t *pool, ao2_fail_t *fail)
{
    membership_t *membership = apr_pcalloc(pool, sizeof(*membership));
    int place = take_place(memory);

    *pshared = NULL;
    if (place < 0) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "more than %d processes", AO2_MAX_MEMBERS);
    }
    membership->memory = memory;
    membership->place = place;
    membership->port.memory = ao2_shared_memory_start(memory);
    membership->port.size = memory->size;
    membership->port.me = member_of(
        place, __atomic_add_fetch(&memory->front->terms[place], 1,
                                  __ATOMIC_ACQ_REL));
    membership->port.place = place;
    membership->port.lives = lives;
    membership->port.lock = lock_one;
    membership->port.unlock = unlock_one;
    membership->port.context = membership;
    *pshared = &membership->port;
    return AO2_OK;
}
