#include "service/notice.h"

/* How often a reader tries. */
#define TRIES 100

static int take(ao2_notice_t *notice, ao2_member_t from, ao2_member_t me)
{
    return __atomic_compare_exchange_n(&notice->writer, &from, me, 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* As the writer: nobody else is, but those who were killed at it. */
static int begin(ao2_notice_t *notice, ao2_shared_t *shared)
{
    ao2_member_t other = __atomic_load_n(&notice->writer, __ATOMIC_RELAXED);

    if (other == 0) {
        return take(notice, 0, shared->me);
    }
    return other != shared->me && !shared->lives(shared, other) &&
           take(notice, other, shared->me);
}

/*
 * Every word is stored so that the odd number before it is seen with it, and
 * loaded so that the second look at the number comes behind.
 */
int ao2_notice_write(ao2_notice_t *notice, void *place, const void *bytes,
                     apr_size_t size, ao2_shared_t *shared)
{
    apr_uint64_t *to = place;
    const apr_uint64_t *from = bytes;
    apr_uint64_t sequence;
    apr_size_t i;

    if (!begin(notice, shared)) {
        return 0;
    }
    sequence = __atomic_load_n(&notice->sequence, __ATOMIC_RELAXED) | 1;
    __atomic_store_n(&notice->sequence, sequence, __ATOMIC_RELAXED);
    for (i = 0; i < size / sizeof(*to); i++) {
        __atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
    }
    __atomic_store_n(&notice->sequence, sequence + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&notice->writer, 0, __ATOMIC_RELEASE);
    return 1;
}

int ao2_notice_read(const ao2_notice_t *notice, void *bytes,
                    const void *place, apr_size_t size)
{
    apr_uint64_t *to = bytes;
    const apr_uint64_t *from = place;
    int tries;

    for (tries = 0; tries < TRIES; tries++) {
        apr_uint64_t sequence = __atomic_load_n(&notice->sequence,
                                                __ATOMIC_ACQUIRE);
        apr_size_t i;

        if (sequence == 0) {
            return 0;
        }
        for (i = 0; i < size / sizeof(*to); i++) {
            to[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
        }
        if (sequence % 2 == 0 &&
            __atomic_load_n(&notice->sequence, __ATOMIC_RELAXED)
                == sequence) {
            return 1;
        }
    }
    return 0;
}
