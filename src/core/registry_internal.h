/**
 * @file core/registry_internal.h
 * What a registry is made of: for core/registry*.c alone.
 *
 * Names are never joined to make a key: a key of two names is two tables,
 * one in the other, so that no character in them means anything.
 */
#ifndef AO2_CORE_REGISTRY_INTERNAL_H
#define AO2_CORE_REGISTRY_INTERNAL_H

#include <apr_hash.h>

#include "core/registry_build.h"
#include "core/registry_index.h"

/** The clients of one issuer. */
typedef struct {
    const char *name;
    apr_hash_t *clients; /* client id -> ao2_client_t */
} ao2_issuer_clients_t;

struct ao2_registry {
    apr_pool_t *pool;
    apr_hash_t *plans;         /* name -> ao2_plan_t */
    apr_hash_t *apis;          /* name -> version -> ao2_api_t */
    apr_hash_t *applications;  /* id -> application_t */
    apr_hash_t *issuers;       /* name -> ao2_issuer_clients_t */
    apr_hash_t *tokens;        /* digest -> ao2_api_token_t */
    ao2_registry_index_t *subscriptions;
    ao2_plan_t *first_plan;
    ao2_plan_t *last_plan;
    ao2_api_t *first_api;
    ao2_api_t *last_api;
    ao2_application_t *first_application;
    ao2_application_t *last_application;
    ao2_registry_counts_t counts;
};

/** A row that was named and may not be there. */
typedef struct {
    const void *row;   /* NULL: it came */
    const char *fault; /* what is wrong if it never comes, and where */
} ao2_wanted_t;

struct ao2_registry_build {
    ao2_registry_t registry;
    ao2_place_fn *place;
    void *context;
    apr_pool_t *scratch;        /* for what only building needs */
    apr_array_header_t *wanted; /* of ao2_wanted_t *, in order */
    apr_hash_t *wanted_rows;    /* row pointer -> ao2_wanted_t */
};

/**
 * Note that @a row was named before it came.
 * @param member  where it was named: "api" or "plan"
 * @param what    for the fault, in the build's scratch pool
 */
void ao2_build_want(ao2_registry_build_t *build, const void *row,
                    const char *member, const char *what);

/** @return 1 when @a row was only named so far; it is there from now on */
int ao2_build_came(ao2_registry_build_t *build, const void *row);

/** The API row of that name and version, made and wanted when not there. */
ao2_api_t *ao2_build_find_api(ao2_registry_build_t *build, const char *name,
                              const char *version);

/** The same for a plan. */
ao2_plan_t *ao2_build_find_plan(ao2_registry_build_t *build,
                                const char *name);

/** A copy in the registry's pool. */
const char *ao2_build_copy(ao2_registry_build_t *build, const char *text);

/**
 * @a text is 1 (0 where @a may_be_empty) to AO2_MAX_NAME bytes.
 * @param what  for the detail: "an application's id"
 */
ao2_code_t ao2_build_check_name(const char *text, int may_be_empty,
                                const char *what, ao2_fail_t *fail);

/** A name as faults show it, in quotes, in the build's scratch pool. */
const char *ao2_build_shown(ao2_registry_build_t *build, const char *name);

/** Fail for a row that is there already. */
ao2_code_t ao2_build_twice(ao2_registry_build_t *build, const char *what,
                           const char *name, ao2_fail_t *fail);

#endif
