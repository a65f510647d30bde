#include "core/registry_internal.h"

#include <apr_strings.h>

#include "base/text.h"

/* A digest is as good as random, but one that was made up need not be: all
 * of it counts, where APR's own hash would make chains. */
static unsigned int hash_digest(const char *key, apr_ssize_t *plength)
{
    apr_uint64_t hash = 0;
    apr_ssize_t i;

    for (i = 0; i < *plength; i += (apr_ssize_t)sizeof(hash)) {
        apr_uint64_t word;

        memcpy(&word, key + i, sizeof(word));
        hash ^= word;
        hash = (hash ^ hash >> 32) * APR_UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return (unsigned int)hash;
}

ao2_registry_build_t *ao2_registry_build_make(ao2_place_fn *place,
                                              void *context,
                                              apr_pool_t *pool)
{
    ao2_registry_build_t *build = apr_pcalloc(pool, sizeof(*build));
    ao2_registry_t *registry = &build->registry;

    build->place = place;
    build->context = context;
    apr_pool_create(&build->scratch, pool);
    build->wanted = apr_array_make(build->scratch, 8, sizeof(ao2_wanted_t *));
    build->wanted_rows = apr_hash_make(build->scratch);
    registry->pool = pool;
    registry->plans = apr_hash_make(pool);
    registry->apis = apr_hash_make(pool);
    registry->applications = apr_hash_make(pool);
    registry->issuers = apr_hash_make(pool);
    registry->tokens = apr_hash_make_custom(pool, hash_digest);
    registry->subscriptions = ao2_registry_index_make(pool);
    return build;
}

const char *ao2_build_copy(ao2_registry_build_t *build, const char *text)
{
    return *text ? apr_pstrdup(build->registry.pool, text) : "";
}

ao2_code_t ao2_build_check_name(const char *text, int may_be_empty,
                                const char *what, ao2_fail_t *fail)
{
    size_t length = strlen(text);

    if ((length == 0 && !may_be_empty) || length > AO2_MAX_NAME) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "%s must be %d to %d bytes long", what,
                        may_be_empty ? 0 : 1, AO2_MAX_NAME);
    }
    return AO2_OK;
}

const char *ao2_build_shown(ao2_registry_build_t *build, const char *name)
{
    return apr_pstrcat(build->scratch, "\"",
                       ao2_text_for_log(ao2_span(name), 60, build->scratch),
                       "\"", NULL);
}

ao2_code_t ao2_build_twice(ao2_registry_build_t *build, const char *what,
                           const char *name, ao2_fail_t *fail)
{
    return ao2_fail(fail, AO2_E_MISCONFIGURED, "%s %s is there twice", what,
                    ao2_build_shown(build, name));
}

void ao2_build_want(ao2_registry_build_t *build, const void *row,
                    const char *member, const char *what)
{
    ao2_wanted_t *wanted = apr_palloc(build->scratch, sizeof(*wanted));

    wanted->row = row;
    wanted->fault = apr_pstrcat(
        build->scratch, build->place(build->context, member, build->scratch),
        ": no ", what, NULL);
    APR_ARRAY_PUSH(build->wanted, ao2_wanted_t *) = wanted;
    apr_hash_set(build->wanted_rows, &wanted->row, sizeof(wanted->row),
                 wanted);
}

int ao2_build_came(ao2_registry_build_t *build, const void *row)
{
    ao2_wanted_t *wanted = apr_hash_get(build->wanted_rows, &row,
                                        sizeof(row));

    if (!wanted) {
        return 0;
    }
    apr_hash_set(build->wanted_rows, &row, sizeof(row), NULL);
    wanted->row = NULL;
    return 1;
}

/* The API row, made when it is not there; *pmade tells which. */
static ao2_api_t *reserve_api(int *pmade, ao2_registry_build_t *build,
                              const char *name, const char *version)
{
    ao2_registry_t *registry = &build->registry;
    apr_hash_t *versions = apr_hash_get(registry->apis, name,
                                        APR_HASH_KEY_STRING);
    ao2_api_t *api = versions ? apr_hash_get(versions, version,
                                             APR_HASH_KEY_STRING) : NULL;

    *pmade = !api;
    if (api) {
        return api;
    }
    api = apr_pcalloc(registry->pool, sizeof(*api));
    api->name = ao2_build_copy(build, name);
    api->version = ao2_build_copy(build, version);
    if (!versions) {
        versions = apr_hash_make(registry->pool);
        apr_hash_set(registry->apis, api->name, APR_HASH_KEY_STRING,
                     versions);
    }
    apr_hash_set(versions, api->version, APR_HASH_KEY_STRING, api);
    return api;
}

ao2_api_t *ao2_build_find_api(ao2_registry_build_t *build, const char *name,
                              const char *version)
{
    int made;
    ao2_api_t *api = reserve_api(&made, build, name, version);

    if (made) {
        const char *shown = apr_pstrcat(build->scratch, "API ",
                                        ao2_build_shown(build, name), NULL);

        if (strcmp(version, AO2_ALL_VERSIONS) != 0) {
            shown = apr_pstrcat(build->scratch, "version ",
                                ao2_build_shown(build, version), " of ",
                                shown, NULL);
        }
        ao2_build_want(build, api, "api", shown);
    }
    return api;
}

/* The row that subscriptions to all versions of an API point to. */
static void declare_all_versions(ao2_registry_build_t *build,
                                 const char *name)
{
    int made;

    ao2_build_came(build, reserve_api(&made, build, name, AO2_ALL_VERSIONS));
}

ao2_code_t ao2_build_api(ao2_registry_build_t *build, const ao2_api_t *row,
                         ao2_fail_t *fail)
{
    ao2_registry_t *registry = &build->registry;
    ao2_api_t *api;
    int made;

    if (ao2_build_check_name(row->name, 0, "an API's name", fail) != AO2_OK ||
        ao2_build_check_name(row->version, 1, "an API's version", fail)
            != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    if (strcmp(row->version, AO2_ALL_VERSIONS) == 0) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "\"*\" is no version of an API: it stands for all");
    }
    api = reserve_api(&made, build, row->name, row->version);
    if (!made && !ao2_build_came(build, api)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "version %s of API %s is there twice",
                        ao2_build_shown(build, row->version),
                        ao2_build_shown(build, row->name));
    }
    declare_all_versions(build, row->name);
    api->status = row->status;
    api->deprecation = row->deprecation;
    api->sunset = row->sunset;
    if (registry->last_api) {
        registry->last_api->next = api;
    }
    else {
        registry->first_api = api;
    }
    registry->last_api = api;
    registry->counts.apis++;
    return AO2_OK;
}

ao2_code_t ao2_registry_build_end(const ao2_registry_t **pregistry,
                                  ao2_registry_build_t *build,
                                  ao2_fail_t *fail)
{
    int i;

    *pregistry = NULL;
    for (i = 0; i < build->wanted->nelts; i++) {
        const ao2_wanted_t *wanted = APR_ARRAY_IDX(build->wanted, i,
                                                   const ao2_wanted_t *);

        if (wanted->row) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED, "%s", wanted->fault);
        }
    }
    apr_pool_clear(build->scratch);
    build->wanted = apr_array_make(build->scratch, 8, sizeof(ao2_wanted_t *));
    build->wanted_rows = apr_hash_make(build->scratch);
    *pregistry = &build->registry;
    return AO2_OK;
}
