#include "tools/change.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_strings.h>

#include "base/rfc3339.h"
#include "base/text.h"
#include "core/registry_words.h"

static int is_utf8(const char *text)
{
    json_t *json = json_string(text);

    json_decref(json);
    return json != NULL;
}

static int check_option(void *line, const char *name, const char *value)
{
    (void)line;
    (void)name;
    return is_utf8(value);
}

static int check_utf8(const ao2_line_t *line)
{
    int i;

    for (i = 0; i < line->words->nelts; i++) {
        if (!is_utf8(APR_ARRAY_IDX(line->words, i, const char *))) {
            return ao2_line_wrong(line, "word %d is not UTF-8", i + 1);
        }
    }
    return apr_table_do(check_option, NULL, line->options, NULL)
               ? AO2_EXIT_DONE
               : ao2_line_wrong(line, "an option is not UTF-8");
}

int ao2_change_start(ao2_change_t *change, ao2_line_t *line,
                     const ao2_usage_t *usage, int argc,
                     const char *const *argv)
{
    const char *known = apr_pstrcat(line->pool, usage->options,
                                    " registry= json", NULL);
    const char *registry;
    int most;

    memset(change, 0, sizeof(*change));
    change->line = line;
    change->pool = line->pool;
    if (ao2_line_parse(line, known, argc, argv) != AO2_EXIT_DONE ||
        check_utf8(line) != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    registry = ao2_line_option(line, "registry");
    most = usage->is_file && registry ? usage->most - 1 : usage->most;
    if (line->words->nelts < usage->least || line->words->nelts > most) {
        return ao2_line_wrong(line, "too %s words",
                              line->words->nelts < usage->least ? "few"
                                                                : "many");
    }
    if (usage->is_file && !registry && line->words->nelts) {
        registry = apr_pstrcat(line->pool, "file:",
                               ao2_change_word(change, 0), NULL);
    }
    change->store = registry ? ao2_store_named(registry, line->pool) : NULL;
    return change->store
               ? AO2_EXIT_DONE
               : ao2_line_wrong(line, "--registry takes file:PATH, "
                                      "sqlite3:PATH or pgsql:PARAMS");
}

int ao2_change_begin(ao2_change_t *change)
{
    int status = change->store->kind->begin(change->store, 1, &change->fail);

    change->has_begun = status == AO2_EXIT_DONE;
    return status;
}

static int print_result(const ao2_change_t *change)
{
    char *text = json_dumps(change->result, 0);
    int status;

    if (!text) {
        fputs("htapi: the result is not UTF-8\n", stderr);
        return AO2_EXIT_USAGE;
    }
    status = ao2_output(apr_pstrcat(change->pool, text, "\n", NULL),
                        strlen(text) + 1);
    free(text);
    return status;
}

int ao2_change_end(ao2_change_t *change, int status)
{
    if (status == AO2_EXIT_DONE && change->has_begun) {
        status = change->store->kind->commit(change->store, &change->fail);
    }
    if (status != AO2_EXIT_DONE && change->fail.detail[0]) {
        fprintf(stderr, "htapi: %s\n", change->fail.detail);
    }
    if (status == AO2_EXIT_DONE && change->result &&
        ao2_line_option(change->line, "json")) {
        status = print_result(change);
    }
    json_decref(change->result);
    return status;
}

const char *ao2_change_word(const ao2_change_t *change, int index)
{
    const apr_array_header_t *words = change->line->words;

    return index < words->nelts ? APR_ARRAY_IDX(words, index, const char *)
                                : NULL;
}

const char *ao2_change_option(const ao2_change_t *change, const char *name,
                              const char *otherwise)
{
    const char *value = ao2_line_option(change->line, name);

    return value ? value : otherwise;
}

int ao2_change_choice(int *pchoice, ao2_change_t *change, const char *name,
                      const char *const *words)
{
    const char *value = ao2_change_option(change, name, words[0]);
    const char *allowed = words[0];
    int i;

    *pchoice = ao2_word_find(words, ao2_span(value));
    for (i = 1; words[i]; i++) {
        allowed = apr_pstrcat(change->pool, allowed,
                              words[i + 1] ? ", " : " or ", words[i], NULL);
    }
    return *pchoice >= 0 ? AO2_EXIT_DONE
                         : ao2_line_wrong(change->line, "--%s takes %s", name,
                                          allowed);
}

int ao2_change_time(apr_time_t *ptime, ao2_change_t *change, const char *name)
{
    const char *value = ao2_line_option(change->line, name);
    apr_time_t time;

    if (!value) {
        return AO2_EXIT_DONE;
    }
    if (ao2_rfc3339_read(&time, ao2_span(value))) {
        *ptime = time;
        return AO2_EXIT_DONE;
    }
    if (ao2_text_duration(&time, value)) {
        *ptime = apr_time_from_sec(apr_time_sec(apr_time_now() + time));
        return AO2_EXIT_DONE;
    }
    return ao2_line_wrong(change->line, "--%s takes a duration such as 90d, "
                          "or a time as 2027-01-01T00:00:00Z", name);
}

int ao2_change_check(ao2_change_t *change, ao2_code_t code)
{
    if (code == AO2_OK) {
        return AO2_EXIT_DONE;
    }
    ao2_line_wrong(change->line, "%s", change->fail.detail);
    memset(&change->fail, 0, sizeof(change->fail)); /* it has been said */
    return AO2_EXIT_USAGE;
}

int ao2_change_refuse(ao2_change_t *change, const char *format, ...)
{
    char detail[AO2_MAX_DETAIL + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    return ao2_store_fail(&change->fail, AO2_EXIT_REFUSED, "%s", detail);
}

int ao2_change_need_application(ao2_change_t *change, const char *id)
{
    int found = 0;
    int status = change->store->kind->find_application(
        &found, change->store, id, &change->fail);

    if (status == AO2_EXIT_DONE && !found) {
        status = ao2_change_refuse(change, "no application \"%s\"", id);
    }
    return status;
}

/* Drafts are never ended: nothing asks where a row stands. */
static const char *nowhere(void *context, const char *member,
                           apr_pool_t *pool)
{
    (void)context;
    (void)pool;
    return member;
}

ao2_registry_build_t *ao2_change_draft(ao2_change_t *change)
{
    return ao2_registry_build_make(nowhere, NULL, change->pool);
}

int ao2_change_draft_application(ao2_registry_build_t **pbuild,
                                 ao2_application_t **papplication,
                                 ao2_change_t *change, const char *id)
{
    ao2_application_t row = {.id = id, .name = "", .owner = ""};

    *pbuild = ao2_change_draft(change);
    return ao2_change_check(change, ao2_build_application(
        papplication, *pbuild, &row, &change->fail));
}
