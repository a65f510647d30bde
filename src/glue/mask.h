/**
 * @file glue/mask.h
 * Secrets that stand in the configuration itself, out of the sight of those
 * who have it shown: mod_info, "httpd -D DUMP_CONFIG".
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_MASK_H
#define AO2_GLUE_MASK_H

#include "glue/config.h"

/** What stands for a secret. */
#define AO2_MASK "***"

/**
 * The arguments of a directive, with AO2_MASK for its secrets: what names a
 * file, a variable or a command stays.
 * @return @a args where there is none, else in @a pool
 */
const char *ao2_mask_args(const char *directive, const char *args,
                          apr_pool_t *pool);

/** Hook check_config, before all others: masks the whole tree of
 *  directives, which has been read by then. */
int ao2_mask_check_config(apr_pool_t *conf, apr_pool_t *log, apr_pool_t *temp,
                          server_rec *main_server);

#endif
