/* htapi registry: a registry as a whole. */
#include "tools/change.h"

#include <stdio.h>

#include <apr_strings.h>

#include "core/registry_write.h"

int ao2_registry_command_init(ao2_line_t *line, int argc,
                              const char *const *argv)
{
    static const ao2_usage_t usage = {"", 0, 0, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = change.store->kind->init(change.store, &change.fail);
    }
    return ao2_change_end(&change, status);
}

static json_t *counts_json(const ao2_registry_t *registry)
{
    ao2_registry_counts_t counts = ao2_registry_count(registry);

    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "plans", counts.plans,
                     "apis", counts.apis, "applications", counts.applications,
                     "clients", counts.clients, "tokens", counts.tokens,
                     "subscriptions", counts.subscriptions);
}

static int print_counts(const ao2_registry_t *registry, apr_pool_t *pool)
{
    ao2_registry_counts_t counts = ao2_registry_count(registry);
    const char *text = apr_psprintf(
        pool, "OK: %d plans, %d APIs, %d applications, %d clients, "
        "%d tokens, %d subscriptions\n", counts.plans, counts.apis,
        counts.applications, counts.clients, counts.tokens,
        counts.subscriptions);

    return ao2_output(text, strlen(text));
}

/* A wrong document is what is looked for here: refused. */
static int check(ao2_change_t *change)
{
    ao2_store_t *store = change->store;
    const ao2_registry_t *registry = NULL;
    ao2_registry_build_t *build;
    int status = store->driver
                     ? store->kind->load(&registry, store, &change->fail)
                     : ao2_document_read(&build, store->where,
                                         &store->progress, change->pool,
                                         &change->fail);

    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (!store->driver) {
        ao2_registry_build_end(&registry, build, &change->fail);
    }
    change->result = counts_json(registry);
    return ao2_line_option(change->line, "json")
               ? AO2_EXIT_DONE
               : print_counts(registry, change->pool);
}

int ao2_registry_command_check(ao2_line_t *line, int argc,
                               const char *const *argv)
{
    static const ao2_usage_t usage = {"", 0, 1, 1};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = check(&change);
    }
    return ao2_change_end(&change, status);
}

static int put_bytes(void *context, const char *bytes, apr_size_t length)
{
    (void)context;
    return fwrite(bytes, 1, length, stdout) != length;
}

static int show(ao2_change_t *change)
{
    const ao2_registry_t *registry;
    int status = change->store->kind->load(&registry, change->store,
                                           &change->fail);

    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (ao2_registry_write(registry, ao2_line_option(change->line, "json")
                                         ? AO2_ONE_LINE
                                         : AO2_ROW_A_LINE,
                           put_bytes, NULL, &change->fail) != AO2_OK) {
        return AO2_EXIT_USAGE;
    }
    return ao2_output("", 0);
}

int ao2_registry_command_show(ao2_line_t *line, int argc,
                              const char *const *argv)
{
    static const ao2_usage_t usage = {"", 0, 0, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = show(&change);
    }
    return ao2_change_end(&change, status);
}

static int import(ao2_change_t *change)
{
    const ao2_registry_t *registry;
    ao2_registry_build_t *build;
    int status = ao2_document_read(&build, ao2_change_word(change, 0),
                                   &change->store->progress, change->pool,
                                   &change->fail);

    if (status != AO2_EXIT_DONE) {
        return status;
    }
    ao2_registry_build_end(&registry, build, &change->fail);
    change->result = counts_json(registry);
    return change->store->kind->replace(change->store, registry,
                                        &change->fail);
}

int ao2_registry_command_import(ao2_line_t *line, int argc,
                                const char *const *argv)
{
    static const ao2_usage_t usage = {"", 1, 1, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = import(&change);
    }
    return ao2_change_end(&change, status);
}
