/**
 * @file glue/database.h
 * The database of a server, as mod_dbd's directives name it, for the
 * registry in it.
 *
 * Layer glue. These directives are mod_dbd's own: they are looked at as they
 * go by.
 */
#ifndef AO2_GLUE_DATABASE_H
#define AO2_GLUE_DATABASE_H

#include "glue/config.h"

/** Part of check_config: what ApiRegistry dbd needs and is not there.
 *  @return 1 when something was wrong, and was logged */
int ao2_database_check(server_rec *main_server);

/** The registry in the database of @a server, for one process.
 *  @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_database_open(ao2_registry_source_t **psource,
                             server_rec *server, apr_time_t ttl,
                             apr_pool_t *child, ao2_fail_t *fail);

#endif
