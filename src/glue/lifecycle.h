/**
 * @file glue/lifecycle.h
 * What can be said of a configuration once all of it was read.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_LIFECYCLE_H
#define AO2_GLUE_LIFECYCLE_H

#include "glue/config.h"

/** Hook check_config (also under -t): names that lead nowhere. */
int ao2_lifecycle_check_config(apr_pool_t *conf, apr_pool_t *log,
                               apr_pool_t *temp, server_rec *main_server);

#endif
