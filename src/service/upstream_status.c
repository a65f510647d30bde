#include "service/status_parts.h"

#include <string.h>

#include <apr_strings.h>

#include "service/upstream_internal.h"

/* "<ApiUpstream NAME>" is NAME. */
static const char *name_of(const ao2_upstream_t *upstream, apr_pool_t *pool)
{
    const char *label = upstream->settings->label;
    const char *space = strchr(label, ' ');
    size_t length = space ? strlen(space + 1) : 0;

    return length ? apr_pstrmemdup(pool, space + 1, length - 1) : label;
}

static json_t *seconds(apr_time_t from, apr_time_t to)
{
    return from && to ? json_integer(apr_time_sec(to) - apr_time_sec(from))
                      : json_null();
}

json_t *ao2_upstream_status(const ao2_upstream_t *upstream, apr_time_t now,
                            apr_pool_t *pool)
{
    json_t *object = json_object();

    ao2_status_set(object, "name",
                   ao2_status_text(name_of(upstream, pool), pool));
    ao2_status_add_remote(object, upstream->remote, now, pool);
    ao2_status_set(object, "token_age",
                   seconds(AO2_TIMES_READ(upstream, fetched), now));
    ao2_status_set(object, "token_due_in",
                   seconds(now, AO2_TIMES_READ(upstream, due)));
    ao2_status_set(object, "token_expires_in",
                   seconds(now, AO2_TIMES_READ(upstream, expires)));
    return object;
}
