/**
 * @file glue/runtime.h
 * From the end of the configuration to the end of a child process: shared
 * memory, the parts that live in one process, background work.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_RUNTIME_H
#define AO2_GLUE_RUNTIME_H

#include "glue/figures.h"
#include "service/status.h"

/** Hook post_config: shared memory, which outlives graceful restarts;
 *  asks mod_watchdog for background work. */
int ao2_runtime_post_config(apr_pool_t *conf, apr_pool_t *log,
                            apr_pool_t *temp, server_rec *main_server);

/** Hook child_init: opens the objects of the configuration. */
void ao2_runtime_child_init(apr_pool_t *child, server_rec *main_server);

/** The memory that processes share, of the process of @a server; NULL:
 *  there is none. */
ao2_board_t *ao2_runtime_board(const server_rec *server);

/** What pages are made of, as @a server and this process have it. */
void ao2_runtime_sources(const server_rec *server,
                         ao2_status_sources_t *sources);

/** What requests of this process count in. */
const ao2_figures_t *ao2_runtime_figures(const server_rec *server);

#endif
