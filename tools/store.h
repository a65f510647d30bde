/**
 * @file tools/store.h
 * A registry that commands read and change: a file or a database.
 *
 * One thread. Functions return an exit status of htapi; what is not
 * AO2_EXIT_DONE says why in @a fail: AO2_EXIT_REFUSED for what the registry
 * says no to, AO2_EXIT_USAGE for what cannot be read or written.
 *
 * Every change happens between begin and commit: nobody else changes the
 * registry meanwhile, and either all of it happens or nothing. What rows
 * hold has been checked by the commands (tools/change.h): that names are
 * right, that what a row refers to is there, that it is not there itself.
 */
#ifndef AO2_TOOLS_STORE_H
#define AO2_TOOLS_STORE_H

#include "core/registry_build.h"
#include "tools/htapi.h"
#include "tools/progress.h"

typedef struct ao2_store ao2_store_t;

/** How a kind of store does it. */
typedef struct {
    /** Make an empty registry; refused where there is one. */
    int (*init)(ao2_store_t *store, ao2_fail_t *fail);
    /** All of it, for reading alone; lives in the store's pool. Begins and
     *  ends by itself. */
    int (*load)(const ao2_registry_t **pregistry, ao2_store_t *store,
                ao2_fail_t *fail);
    /** Put @a registry in the place of all that is there. Begins and commits
     *  by itself. */
    int (*replace)(ao2_store_t *store, const ao2_registry_t *registry,
                   ao2_fail_t *fail);

    /** @param to_change  0: for looking alone, which locks nobody out */
    int (*begin)(ao2_store_t *store, int to_change, ao2_fail_t *fail);
    int (*commit)(ao2_store_t *store, ao2_fail_t *fail);

    /* Whether a row is there: *pfound becomes 1 or 0. */
    int (*find_plan)(int *pfound, ao2_store_t *store, const char *name,
                     ao2_fail_t *fail);
    /** @param api  its name and version are looked for (AO2_ALL_VERSIONS:
     *              any version), the other members are filled in */
    int (*find_api)(int *pfound, ao2_store_t *store, ao2_api_t *api,
                    ao2_fail_t *fail);
    int (*find_application)(int *pfound, ao2_store_t *store, const char *id,
                            ao2_fail_t *fail);
    /** @param client  its issuer and client_id are looked for */
    int (*find_client)(int *pfound, ao2_store_t *store,
                       const ao2_client_t *client, ao2_fail_t *fail);
    /** @param row  its api and version are looked for, exactly */
    int (*find_subscription)(int *pfound, ao2_store_t *store,
                             const char *application,
                             const ao2_subscription_row_t *row,
                             ao2_fail_t *fail);
    /** Every token of an application, as const ao2_api_token_t *. */
    int (*list_tokens)(apr_array_header_t **ptokens, ao2_store_t *store,
                       const char *application, ao2_fail_t *fail);

    int (*add_plan)(ao2_store_t *store, const char *name,
                    const ao2_limit_row_t *limits, int count,
                    ao2_fail_t *fail);
    int (*add_api)(ao2_store_t *store, const ao2_api_t *api,
                   ao2_fail_t *fail);
    int (*add_application)(ao2_store_t *store, const ao2_application_t *row,
                           ao2_fail_t *fail);
    int (*add_client)(ao2_store_t *store, const char *application,
                      const ao2_client_t *row, ao2_fail_t *fail);
    int (*add_token)(ao2_store_t *store, const char *application,
                     const ao2_api_token_row_t *row, ao2_fail_t *fail);
    int (*add_subscription)(ao2_store_t *store, const char *application,
                            const ao2_subscription_row_t *row,
                            ao2_fail_t *fail);

    /* Rows that are there get another state. */
    int (*set_api)(ao2_store_t *store, const ao2_api_t *api,
                   ao2_fail_t *fail);
    int (*set_application)(ao2_store_t *store, const char *id,
                           ao2_application_status_t status, ao2_fail_t *fail);
    int (*set_subscription)(ao2_store_t *store, const char *application,
                            const ao2_subscription_row_t *row,
                            ao2_fail_t *fail);
    /** Status and expiry of the token row->id. */
    int (*set_token)(ao2_store_t *store, const char *application,
                     const ao2_api_token_row_t *row, ao2_fail_t *fail);
} ao2_store_kind_t;

struct ao2_store {
    const ao2_store_kind_t *kind;
    const char *where;  /**< what stands behind "file:", "sqlite3:", "pgsql:" */
    const char *driver; /**< of apr_dbd; NULL for a file */
    apr_pool_t *pool;
    ao2_progress_t progress;
    void *own; /**< of the kind */
};

extern const ao2_store_kind_t ao2_store_file;
extern const ao2_store_kind_t ao2_store_sql;

/**
 * The store that @a name ("file:PATH", "sqlite3:PATH", "pgsql:PARAMS")
 * names. Nothing is opened yet. @return NULL when it names none
 */
ao2_store_t *ao2_store_named(const char *name, apr_pool_t *pool);

/** Note a failure. @return @a status */
int ao2_store_fail(ao2_fail_t *fail, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Read the document at @a path, "-" for standard input, and show how far.
 * @return AO2_EXIT_DONE, AO2_EXIT_REFUSED for a wrong document,
 *         AO2_EXIT_USAGE for a file that cannot be read
 */
int ao2_document_read(ao2_registry_build_t **pbuild, const char *path,
                      ao2_progress_t *progress, apr_pool_t *pool,
                      ao2_fail_t *fail);

#endif
