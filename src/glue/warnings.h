/**
 * @file glue/warnings.h
 * What a configuration may say and hardly means, told at each start and by
 * configtest.
 *
 * Layer glue. Called once the whole configuration is read.
 */
#ifndef AO2_GLUE_WARNINGS_H
#define AO2_GLUE_WARNINGS_H

#include "glue/config.h"

/** Look at all servers and write a line at warning level for each finding:
 *  what it is, where it stands, and what comes of it. */
void ao2_warnings_tell(const server_rec *main_server, apr_pool_t *temp);

#endif
