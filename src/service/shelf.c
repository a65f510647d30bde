#include "service/shelf.h"

#include <stdlib.h>

#include <apr_portable.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#define STRIPES 16

/*
 * While a version is the current one, each stripe counts its own holders.
 * When it is replaced, these counts move into "left" one by one; from then
 * on who lets go takes from there. "left" starts at one for the mover.
 */
struct ao2_shelved {
    const void *thing;
    apr_pool_t *pool;
    int left; /* atomic */
};

typedef struct {
    apr_thread_mutex_t *mutex;
    ao2_shelved_t *current;
    int holders; /* of current */
    char apart[64]; /* from the next stripe's cache line */
} stripe_t;

struct ao2_shelf {
    stripe_t stripes[STRIPES];
    apr_uint32_t puts; /* atomic */
};

/* One hold, to be ended by its pool. */
typedef struct {
    ao2_shelved_t *version;
    stripe_t *stripe;
} hold_t;

static void take_from(ao2_shelved_t *version, int count)
{
    if (__atomic_sub_fetch(&version->left, count, __ATOMIC_ACQ_REL) == 0) {
        if (version->pool) {
            apr_pool_destroy(version->pool);
        }
        free(version);
    }
}

/* Replace what is there; NULL puts nothing. */
static void replace(ao2_shelf_t *shelf, ao2_shelved_t *made)
{
    ao2_shelved_t *old = shelf->stripes[0].current;
    int i;

    for (i = 0; i < STRIPES; i++) {
        stripe_t *stripe = &shelf->stripes[i];

        apr_thread_mutex_lock(stripe->mutex);
        if (old) {
            __atomic_add_fetch(&old->left, stripe->holders,
                               __ATOMIC_ACQ_REL);
        }
        stripe->current = made;
        stripe->holders = 0;
        apr_thread_mutex_unlock(stripe->mutex);
    }
    if (old) {
        take_from(old, 1);
    }
}

static apr_status_t clear(void *data)
{
    replace(data, NULL);
    return APR_SUCCESS;
}

ao2_code_t ao2_shelf_make(ao2_shelf_t **pshelf, apr_pool_t *pool,
                          ao2_fail_t *fail)
{
    ao2_shelf_t *shelf = apr_pcalloc(pool, sizeof(*shelf));
    int i;

    *pshelf = NULL;
    for (i = 0; i < STRIPES; i++) {
        if (apr_thread_mutex_create(&shelf->stripes[i].mutex,
                                    APR_THREAD_MUTEX_DEFAULT, pool)
            != APR_SUCCESS) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
        }
    }
    apr_pool_cleanup_register(pool, shelf, clear, apr_pool_cleanup_null);
    *pshelf = shelf;
    return AO2_OK;
}

int ao2_shelf_put(ao2_shelf_t *shelf, const void *thing,
                  apr_pool_t *thing_pool)
{
    ao2_shelved_t *made = calloc(1, sizeof(*made));

    if (!made) {
        return 0;
    }
    made->thing = thing;
    made->pool = thing_pool;
    made->left = 1;
    replace(shelf, made);
    __atomic_add_fetch(&shelf->puts, 1, __ATOMIC_RELEASE);
    return 1;
}

static stripe_t *own_stripe(ao2_shelf_t *shelf)
{
    apr_uintptr_t number = (apr_uintptr_t)apr_os_thread_current();

    /* Thread descriptors lie pages apart. */
    return &shelf->stripes[(number >> 12 ^ number >> 20) % STRIPES];
}

static apr_status_t let_go(void *data)
{
    hold_t *hold = data;
    stripe_t *stripe = hold->stripe;
    int is_current;

    apr_thread_mutex_lock(stripe->mutex);
    is_current = stripe->current == hold->version;
    stripe->holders -= is_current;
    apr_thread_mutex_unlock(stripe->mutex);
    if (!is_current) {
        take_from(hold->version, 1);
    }
    return APR_SUCCESS;
}

const void *ao2_shelf_hold(ao2_shelf_t *shelf, apr_pool_t *pool)
{
    stripe_t *stripe = own_stripe(shelf);
    ao2_shelved_t *version;
    hold_t *hold;

    apr_thread_mutex_lock(stripe->mutex);
    version = stripe->current;
    stripe->holders += version != NULL;
    apr_thread_mutex_unlock(stripe->mutex);
    if (!version) {
        return NULL;
    }
    hold = apr_palloc(pool, sizeof(*hold));
    hold->version = version;
    hold->stripe = stripe;
    apr_pool_cleanup_register(pool, hold, let_go, apr_pool_cleanup_null);
    return version->thing;
}

apr_uint32_t ao2_shelf_puts(const ao2_shelf_t *shelf)
{
    return __atomic_load_n(&shelf->puts, __ATOMIC_ACQUIRE);
}
