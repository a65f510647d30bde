/*
 * Names for one process: LD_PRELOADed, it answers getaddrinfo() from
 * TEST_HOSTS="NAME=ADDRESS[@SECONDS] ...", after SECONDS.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int resolve_t(const char *, const char *, const struct addrinfo *,
                      struct addrinfo **);

/* What TEST_HOSTS says of a name; NULL when nothing. */
static const char *entry_of(const char *name)
{
    const char *at = getenv("TEST_HOSTS");
    size_t length = strlen(name);

    while (at && (strncmp(at, name, length) != 0 || at[length] != '=')) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at ? at + length + 1 : NULL;
}

int getaddrinfo(const char *name, const char *service,
                const struct addrinfo *hints, struct addrinfo **found)
{
    union {
        void *object;
        resolve_t *function;
    } next = {dlsym(RTLD_NEXT, "getaddrinfo")};
    const char *entry = name ? entry_of(name) : NULL;
    char address[64];
    int seconds = 0;

    if (entry && sscanf(entry, "%63[^@ ]@%d", address, &seconds) >= 1) {
        sleep((unsigned)seconds);
        name = address;
    }
    return next.function(name, service, hints, found);
}
