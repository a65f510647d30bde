#include "adapter/lookup.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_strings.h>

#include "adapter/system_clock.h"

struct ao2_lookup {
    const char *host;
    const char *port;
    struct pending *pending; /* not ended in time; NULL: none */
};

static const struct addrinfo stream_hints = {
    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
    .ai_flags = AI_NUMERICSERV
};

/* An address needs nobody who might not answer. */
static struct addrinfo *read_address(const ao2_lookup_t *lookup)
{
    struct addrinfo hints = stream_hints;
    struct addrinfo *found = NULL;

    hints.ai_flags |= AI_NUMERICHOST;
    return getaddrinfo(lookup->host, lookup->port, &hints, &found) == 0
               ? found
               : NULL;
}

#ifdef __GLIBC__

/* What a thread of the C library writes to, whenever it is done. */
struct pending {
    struct gaicb request;
    struct addrinfo hints;
    char port[8];
    char host[256];
};

static struct pending *start(const ao2_lookup_t *lookup)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    struct gaicb *list[1];

    if (!pending) {
        return NULL;
    }
    apr_cpystrn(pending->host, lookup->host, sizeof(pending->host));
    apr_cpystrn(pending->port, lookup->port, sizeof(pending->port));
    pending->hints = stream_hints;
    pending->request.ar_name = pending->host;
    pending->request.ar_service = pending->port;
    pending->request.ar_request = &pending->hints;
    list[0] = &pending->request;
    if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0) {
        free(pending);
        return NULL;
    }
    return pending;
}

static int await(struct pending *pending, apr_time_t deadline)
{
    const struct gaicb *const list[1] = {&pending->request};

    while (gai_error(&pending->request) == EAI_INPROGRESS) {
        apr_time_t left = deadline - ao2_monotonic();
        struct timespec timeout = {(time_t)apr_time_sec(left),
                                   (long)apr_time_usec(left) * 1000};

        if (left <= 0) {
            return 0;
        }
        gai_suspend(list, 1, &timeout);
    }
    return 1;
}

/* One that goes on is left to the C library: it still writes to it. */
static apr_status_t forget(void *data)
{
    ao2_lookup_t *lookup = data;
    struct pending *pending = lookup->pending;

    if (pending && gai_error(&pending->request) != EAI_INPROGRESS) {
        if (pending->request.ar_result) {
            freeaddrinfo(pending->request.ar_result);
        }
        free(pending);
    }
    return APR_SUCCESS;
}

static struct addrinfo *look_up(ao2_lookup_t *lookup, apr_time_t deadline)
{
    struct pending *pending = lookup->pending ? lookup->pending
                                              : start(lookup);
    struct addrinfo *found;

    lookup->pending = pending;
    if (!pending || !await(pending, deadline)) {
        return NULL;
    }
    lookup->pending = NULL;
    found = gai_error(&pending->request) == 0 ? pending->request.ar_result
                                              : NULL;
    free(pending);
    return found;
}

#else

static apr_status_t forget(void *data)
{
    (void)data;
    return APR_SUCCESS;
}

static struct addrinfo *look_up(ao2_lookup_t *lookup, apr_time_t deadline)
{
    struct addrinfo *found = NULL;

    (void)deadline;
    return getaddrinfo(lookup->host, lookup->port, &stream_hints, &found) == 0
               ? found
               : NULL;
}

#endif

ao2_lookup_t *ao2_lookup_make(const char *host, int port, apr_pool_t *pool)
{
    ao2_lookup_t *lookup = apr_pcalloc(pool, sizeof(*lookup));

    lookup->host = host;
    lookup->port = apr_itoa(pool, port);
    apr_pool_cleanup_register(pool, lookup, forget, apr_pool_cleanup_null);
    return lookup;
}

struct addrinfo *ao2_lookup_wait(ao2_lookup_t *lookup, apr_time_t deadline)
{
    struct addrinfo *found = read_address(lookup);

    return found ? found : look_up(lookup, deadline);
}
