#include "glue/upstream.h"

const ao2_upstream_object_t *ao2_upstream_find(const server_rec *server,
                                               const char *name)
{
    return apr_hash_get(ao2_server_of(server)->upstreams, name,
                        APR_HASH_KEY_STRING);
}
