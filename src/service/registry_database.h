/**
 * @file service/registry_database.h
 * The registry in a database: rows are asked for one by one, and answers,
 * "no such" as well, kept for a moment (service/answers.h).
 *
 * Layer service. One a database and process; any thread may call.
 */
#ifndef AO2_SERVICE_REGISTRY_DATABASE_H
#define AO2_SERVICE_REGISTRY_DATABASE_H

#include "service/answers.h"
#include "service/registry_source.h"

/**
 * Open the source.
 * @param settings  as of ao2_answers_make()
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_registry_database_open(ao2_registry_source_t **psource,
                                      const ao2_answers_settings_t *settings,
                                      apr_pool_t *pool, ao2_fail_t *fail);

#endif
