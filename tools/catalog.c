/* htapi plan, htapi api: what can be subscribed to, and how much of it. */
#include "tools/change.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/rfc3339.h"
#include "core/registry_words.h"
#include "core/registry_write.h"

static int read_count(apr_int64_t *pcount, const char **pend,
                      const char *text)
{
    char *end;

    if (!apr_isdigit(*text)) {
        return 0;
    }
    *pcount = apr_strtoi64(text, &end, 10);
    *pend = end;
    return *pcount > 0 && *pcount < APR_INT64_MAX;
}

/* REQUESTS/WINDOW[:BURST] */
static int read_limit(ao2_limit_row_t *limit, const char *text,
                      apr_pool_t *pool)
{
    const char *colon;
    const char *end;

    if (!read_count(&limit->requests, &end, text) || *end != '/') {
        return 0;
    }
    colon = strchr(end, ':');
    limit->window = colon ? apr_pstrmemdup(pool, end + 1,
                                           (apr_size_t)(colon - end - 1))
                          : end + 1;
    limit->burst = 0;
    return !colon || (read_count(&limit->burst, &end, colon + 1) && !*end);
}

static int read_limits(ao2_limit_row_t **plimits, int *pcount,
                       ao2_change_t *change)
{
    apr_array_header_t *texts = ao2_line_all(change->line, "limit");
    int i;

    *pcount = texts->nelts;
    *plimits = apr_pcalloc(change->pool, ((apr_size_t)texts->nelts + 1) *
                                             sizeof(**plimits));
    for (i = 0; i < texts->nelts; i++) {
        if (!read_limit(*plimits + i, APR_ARRAY_IDX(texts, i, const char *),
                        change->pool)) {
            return ao2_line_wrong(change->line, "--limit takes "
                                  "REQUESTS/WINDOW[:BURST], as 5000/1mi:500");
        }
    }
    return AO2_EXIT_DONE;
}

static int add_plan(ao2_change_t *change)
{
    const ao2_store_kind_t *kind = change->store->kind;
    ao2_registry_build_t *draft = ao2_change_draft(change);
    const char *name = ao2_change_word(change, 0);
    const ao2_registry_t *registry;
    ao2_limit_row_t *limits;
    int found = 0;
    int count;
    int status = read_limits(&limits, &count, change);

    if (status == AO2_EXIT_DONE) {
        status = ao2_change_check(change, ao2_build_plan(
            draft, name, limits, count, &change->fail));
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_begin(change);
    }
    if (status == AO2_EXIT_DONE) {
        status = kind->find_plan(&found, change->store, name, &change->fail);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (found) {
        return ao2_change_refuse(change, "plan \"%s\" is there already",
                                 name);
    }
    ao2_registry_build_end(&registry, draft, &change->fail);
    change->result = ao2_plan_json(ao2_registry_plan(registry, name));
    return kind->add_plan(change->store, name, limits, count, &change->fail);
}

int ao2_plan_command_add(ao2_line_t *line, int argc, const char *const *argv)
{
    static const ao2_usage_t usage = {"limit=*", 1, 1, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = add_plan(&change);
    }
    return ao2_change_end(&change, status);
}

static int add_api(ao2_change_t *change)
{
    const ao2_store_kind_t *kind = change->store->kind;
    const char *version = ao2_change_word(change, 1);
    ao2_api_t row = {.name = ao2_change_word(change, 0),
                     .version = version ? version : ""};
    ao2_api_t known = row;
    int found = 0;
    int status = ao2_change_check(change, ao2_build_api(
        ao2_change_draft(change), &row, &change->fail));

    if (status == AO2_EXIT_DONE) {
        status = ao2_change_begin(change);
    }
    if (status == AO2_EXIT_DONE) {
        status = kind->find_api(&found, change->store, &known, &change->fail);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (found) {
        return ao2_change_refuse(change, "version \"%s\" of API \"%s\" is "
                                 "there already", row.version, row.name);
    }
    change->result = ao2_api_json(&row);
    return kind->add_api(change->store, &row, &change->fail);
}

int ao2_api_command_add(ao2_line_t *line, int argc, const char *const *argv)
{
    static const ao2_usage_t usage = {"", 1, 2, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = add_api(&change);
    }
    return ao2_change_end(&change, status);
}

/* The times that clients are told: from now on deprecated, unless said. */
static int read_times(ao2_api_t *row, ao2_change_t *change)
{
    int status;

    if (row->status != AO2_API_DEPRECATED) {
        if (row->status == AO2_API_PUBLISHED) {
            row->deprecation = 0;
            row->sunset = 0;
        }
        return ao2_line_option(change->line, "deprecation") ||
                       ao2_line_option(change->line, "sunset")
                   ? ao2_line_wrong(change->line, "--deprecation and "
                                    "--sunset go with deprecated")
                   : AO2_EXIT_DONE;
    }
    if (!row->deprecation) {
        row->deprecation = apr_time_from_sec(apr_time_sec(apr_time_now()));
    }
    status = ao2_change_time(&row->deprecation, change, "deprecation");
    return status == AO2_EXIT_DONE
               ? ao2_change_time(&row->sunset, change, "sunset")
               : status;
}

static int set_api(ao2_change_t *change)
{
    const ao2_store_kind_t *kind = change->store->kind;
    int last = change->line->words->nelts - 1;
    int word = ao2_word_find(ao2_api_statuses,
                             ao2_span(ao2_change_word(change, last)));
    ao2_api_t row = {.name = ao2_change_word(change, 0),
                     .version = last == 2 ? ao2_change_word(change, 1) : ""};
    int found = 0;
    int status;

    if (word < 0 || strcmp(row.version, AO2_ALL_VERSIONS) == 0) {
        return ao2_line_wrong(change->line, "one version of an API becomes "
                              "published, deprecated, blocked or retired");
    }
    status = ao2_change_begin(change);
    if (status == AO2_EXIT_DONE) {
        status = kind->find_api(&found, change->store, &row, &change->fail);
    }
    if (status == AO2_EXIT_DONE && !found) {
        status = ao2_change_refuse(change, "no version \"%s\" of API \"%s\"",
                                   row.version, row.name);
    }
    row.status = (ao2_api_status_t)word;
    if (status == AO2_EXIT_DONE) {
        status = read_times(&row, change);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    change->result = ao2_api_json(&row);
    return kind->set_api(change->store, &row, &change->fail);
}

int ao2_api_command_status(ao2_line_t *line, int argc,
                           const char *const *argv)
{
    static const ao2_usage_t usage = {"deprecation= sunset=", 2, 3, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = set_api(&change);
    }
    return ao2_change_end(&change, status);
}
