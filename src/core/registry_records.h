/**
 * @file core/registry_records.h
 * The records of a registry document: a plan, an API, an application.
 *
 * Layer core; for core/registry_read.c alone. One thread at a time.
 */
#ifndef AO2_CORE_REGISTRY_RECORDS_H
#define AO2_CORE_REGISTRY_RECORDS_H

#include "core/registry_build.h"
#include "core/registry_fields.h"

/** What reading a record needs. */
typedef struct {
    ao2_registry_build_t *build;
    apr_pool_t *scratch;      /**< for one record */
    const ao2_place_t *place; /**< of the subscription that is being added;
                                   NULL: none is */
} ao2_records_t;

/** Add the rows of a record. @return AO2_OK or AO2_E_MISCONFIGURED */
typedef ao2_code_t ao2_read_record_fn(ao2_records_t *records, json_t *json,
                                      const ao2_record_t *record,
                                      ao2_fail_t *fail);

ao2_read_record_fn ao2_read_plan;
ao2_read_record_fn ao2_read_api;
ao2_read_record_fn ao2_read_application;

#endif
