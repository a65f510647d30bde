#include "adapter/dbd_threads.h"

#include <signal.h>

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "adapter/system_clock.h"

#define USUAL AO2_MAX_REGISTRY_THREADS
#define MOST (2 * USUAL)
#define STUCK apr_time_from_msec(AO2_MAX_REGISTRY_WAIT_MSEC)
/* A connection that is not used is closed: something in between may forget
 * it. */
#define IDLE apr_time_from_sec(60)
/* How long the end of the process waits for those who are not stuck. */
#define FAREWELL apr_time_from_sec(1)

typedef struct {
    struct threads *threads;
    apr_thread_t *thread; /* NULL: not started */
    apr_pool_t *pool;
    apr_time_t since; /* monotonic, when its question began; 0: it has none */
    int ended;
} worker_t;

/* With all that it points to, in a pool of its own: it outlives the process's
 * where somebody is stuck. */
typedef struct threads {
    ao2_database_t port;
    ao2_dbd_target_t target;
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex; /* guards what follows */
    apr_thread_cond_t *asked;
    apr_thread_cond_t *changed; /* somebody ended, or has answered */
    ao2_question_t *queue[AO2_MAX_REGISTRY_QUEUE];
    int first;
    int waiting;   /* in the queue */
    int running;   /* threads */
    int idle;      /* of them */
    int answering; /* of them: in a callback */
    int ends;
    worker_t workers[MOST];
} threads_t;

/* A question, and all that comes of it, in the worker's own memory: the one
 * who asked may be gone when it is answered. */
typedef struct {
    ao2_question_t *question;
    int which;
    const char *values[AO2_FIND_MOST_VALUES];
} job_t;

static int is_stuck(const worker_t *worker, apr_time_t now)
{
    return worker->since && now - worker->since > STUCK;
}

/* Threads that serve, now or soon. */
static int count_able(const threads_t *threads)
{
    apr_time_t now = ao2_monotonic();
    int able = 0;
    int i;

    for (i = 0; i < MOST; i++) {
        const worker_t *worker = &threads->workers[i];

        able += worker->thread && !is_stuck(worker, now);
    }
    return able;
}

/* With the mutex, which is let go meanwhile. @return 0: it is over */
static int await_question(threads_t *threads, ao2_dbd_link_t *link)
{
    while (!threads->ends && threads->waiting == 0) {
        apr_status_t status;

        threads->idle++;
        status = apr_thread_cond_timedwait(threads->asked, threads->mutex,
                                           IDLE);
        threads->idle--;
        if (APR_STATUS_IS_TIMEUP(status) && threads->waiting == 0) {
            apr_thread_mutex_unlock(threads->mutex);
            ao2_dbd_link_close(link);
            apr_thread_mutex_lock(threads->mutex);
        }
    }
    return !threads->ends;
}

/* With the mutex. */
static void take_job(job_t *job, threads_t *threads, apr_pool_t *pool)
{
    ao2_question_t *question = threads->queue[threads->first];
    int i;

    threads->first = (threads->first + 1) % AO2_MAX_REGISTRY_QUEUE;
    threads->waiting--;
    job->question = question;
    job->which = question->which;
    for (i = 0; i < ao2_find_statements[job->which].values; i++) {
        job->values[i] = apr_pstrdup(pool, question->values[i]);
    }
}

/* With the mutex, which is let go meanwhile. */
static void answer(threads_t *threads, const job_t *job,
                   const ao2_database_answer_t *said)
{
    if (threads->ends) {
        return;
    }
    threads->answering++;
    apr_thread_mutex_unlock(threads->mutex);
    job->question->answered(job->question, said);
    apr_thread_mutex_lock(threads->mutex);
    threads->answering--;
    apr_thread_cond_signal(threads->changed);
}

/* With the mutex, which is let go meanwhile. */
static void work(worker_t *worker, ao2_dbd_link_t *link, apr_pool_t *pool)
{
    threads_t *threads = worker->threads;
    ao2_database_answer_t said = {AO2_OK, {NULL, 0}, NULL};
    ao2_fail_t fail = {0};
    job_t job;

    take_job(&job, threads, pool);
    worker->since = ao2_monotonic();
    apr_thread_mutex_unlock(threads->mutex);
    said.code = ao2_dbd_link_ask(link, &said.columns, job.which, job.values,
                                 pool, &fail);
    said.detail = fail.detail;
    apr_thread_mutex_lock(threads->mutex);
    worker->since = 0;
    answer(threads, &job, &said);
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    threads_t *threads = worker->threads;
    ao2_dbd_link_t *link = ao2_dbd_link_make(&threads->target, worker->pool);
    apr_pool_t *pool;

    (void)thread;
    apr_pool_create(&pool, worker->pool);
    apr_thread_mutex_lock(threads->mutex);
    while (await_question(threads, link)) {
        work(worker, link, pool);
        apr_pool_clear(pool);
    }
    apr_thread_mutex_unlock(threads->mutex);
    ao2_dbd_link_close(link);
    apr_thread_mutex_lock(threads->mutex);
    worker->ended = 1;
    threads->running--;
    apr_thread_cond_signal(threads->changed);
    apr_thread_mutex_unlock(threads->mutex);
    return NULL;
}

/* Signals are for the threads of httpd. */
static apr_status_t start_thread(worker_t *worker)
{
    apr_status_t status;
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = apr_thread_create(&worker->thread, NULL, run, worker,
                               worker->pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* With the mutex. */
static void start_worker(threads_t *threads)
{
    worker_t *worker = &threads->workers[threads->running];

    if (threads->running == MOST || count_able(threads) >= USUAL ||
        (!worker->pool &&
         apr_pool_create_unmanaged_ex(&worker->pool, NULL, NULL)
             != APR_SUCCESS)) {
        return;
    }
    worker->threads = threads;
    if (start_thread(worker) == APR_SUCCESS) {
        threads->running++;
    }
    else {
        worker->thread = NULL;
    }
}

static int ask(ao2_database_t *database, ao2_question_t *question)
{
    threads_t *threads = database->context;
    int taken = 0;

    apr_thread_mutex_lock(threads->mutex);
    if (!threads->ends && threads->waiting < AO2_MAX_REGISTRY_QUEUE) {
        if (threads->waiting >= threads->idle) {
            start_worker(threads);
        }
        taken = count_able(threads) > 0;
    }
    if (taken) {
        int last = (threads->first + threads->waiting++) %
                   AO2_MAX_REGISTRY_QUEUE;

        threads->queue[last] = question;
        apr_thread_cond_signal(threads->asked);
    }
    apr_thread_mutex_unlock(threads->mutex);
    return taken;
}

/* With the mutex, which is let go meanwhile. A callback is waited for in any
 * case: what it works with goes next. */
static void await_end(threads_t *threads)
{
    apr_time_t deadline = ao2_monotonic() + FAREWELL;
    apr_time_t left = FAREWELL;

    while (threads->answering || (threads->running && left > 0)) {
        apr_thread_cond_timedwait(threads->changed, threads->mutex,
                                  left > 0 ? left : FAREWELL);
        left = deadline - ao2_monotonic();
    }
}

static int has_ended(const worker_t *worker)
{
    int ended = 0;

    if (worker->thread) {
        apr_thread_mutex_lock(worker->threads->mutex);
        ended = worker->ended;
        apr_thread_mutex_unlock(worker->threads->mutex);
    }
    return ended;
}

static apr_status_t stop(void *data)
{
    threads_t *threads = data;
    int stuck;
    int i;

    apr_thread_mutex_lock(threads->mutex);
    threads->ends = 1;
    apr_thread_cond_broadcast(threads->asked);
    await_end(threads);
    stuck = threads->running;
    apr_thread_mutex_unlock(threads->mutex);
    for (i = 0; i < MOST; i++) {
        if (has_ended(&threads->workers[i])) {
            apr_status_t status;

            apr_thread_join(&status, threads->workers[i].thread);
            apr_pool_destroy(threads->workers[i].pool);
        }
    }
    if (!stuck) {
        apr_pool_destroy(threads->pool);
    }
    return APR_SUCCESS;
}

static void copy_target(ao2_dbd_target_t *copy,
                        const ao2_dbd_target_t *target, apr_pool_t *pool)
{
    int i;

    copy->driver = apr_pstrdup(pool, target->driver);
    copy->params = apr_pstrdup(pool, target->params);
    copy->first = NULL;
    if (target->first) {
        apr_array_header_t *first = apr_array_copy(pool, target->first);

        for (i = 0; i < first->nelts; i++) {
            APR_ARRAY_IDX(first, i, const char *) = apr_pstrdup(
                pool, APR_ARRAY_IDX(first, i, const char *));
        }
        copy->first = first;
    }
}

ao2_code_t ao2_dbd_threads_make(ao2_database_t **pdatabase,
                                const ao2_dbd_target_t *target,
                                apr_pool_t *pool, ao2_fail_t *fail)
{
    threads_t *threads;
    apr_pool_t *own;

    *pdatabase = NULL;
    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no memory");
    }
    threads = apr_pcalloc(own, sizeof(*threads));
    threads->pool = own;
    copy_target(&threads->target, target, own);
    threads->port.ask = ask;
    threads->port.context = threads;
    if (apr_thread_mutex_create(&threads->mutex, APR_THREAD_MUTEX_DEFAULT,
                                own) != APR_SUCCESS ||
        apr_thread_cond_create(&threads->asked, own) != APR_SUCCESS ||
        apr_thread_cond_create(&threads->changed, own) != APR_SUCCESS) {
        apr_pool_destroy(own);
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    apr_pool_pre_cleanup_register(pool, threads, stop);
    *pdatabase = &threads->port;
    return AO2_OK;
}
