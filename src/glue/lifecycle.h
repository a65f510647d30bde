/**
 * @file glue/lifecycle.h
 * From reading the configuration to the end of a child process.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_LIFECYCLE_H
#define AO2_GLUE_LIFECYCLE_H

#include "glue/config.h"

/** Hook check_config (also under -t): names that lead nowhere. */
int ao2_lifecycle_check_config(apr_pool_t *conf, apr_pool_t *log,
                               apr_pool_t *temp, server_rec *main_server);

/** Hook post_config: asks mod_watchdog for background work. */
int ao2_lifecycle_post_config(apr_pool_t *conf, apr_pool_t *log,
                              apr_pool_t *temp, server_rec *main_server);

/** Hook child_init: the parts that live in one process. */
void ao2_lifecycle_child_init(apr_pool_t *child, server_rec *main_server);

#endif
