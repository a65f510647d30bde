/**
 * @file tools/change.h
 * What the commands on registries share: the way from the command line to
 * a store and back.
 *
 * A command: ao2_change_start(), its own work, ao2_change_end(). One thread.
 * Functions that return int return an exit status; what is wrong with the
 * call has then been said, what is wrong with the registry is in
 * change->fail and said at the end.
 */
#ifndef AO2_TOOLS_CHANGE_H
#define AO2_TOOLS_CHANGE_H

#include <jansson.h>

#include "tools/store.h"

typedef struct {
    ao2_line_t *line;
    ao2_store_t *store;
    apr_pool_t *pool;
    ao2_fail_t fail;
    int has_begun;  /**< a change: the end commits it */
    json_t *result; /**< printed at the end with --json; NULL: nothing */
} ao2_change_t;

/** How many words a command takes, and which options beside --registry and
 *  --json. */
typedef struct {
    const char *options;
    int least;
    int most;
    int is_file; /**< without --registry the word is a file to look at */
} ao2_usage_t;

/** Take the command line apart and find the store. All words and values are
 *  UTF-8 from then on. */
int ao2_change_start(ao2_change_t *change, ao2_line_t *line,
                     const ao2_usage_t *usage, int argc,
                     const char *const *argv);

/** Begin to change the store. */
int ao2_change_begin(ao2_change_t *change);

/**
 * Commit what has begun when @a status is AO2_EXIT_DONE, and print the
 * result; else say what failed.
 * @return the exit status of the command
 */
int ao2_change_end(ao2_change_t *change, int status);

/** Word @a index of the command line; NULL when there are not that many. */
const char *ao2_change_word(const ao2_change_t *change, int index);

/** The value of an option; @a otherwise when it is not given. */
const char *ao2_change_option(const ao2_change_t *change, const char *name,
                              const char *otherwise);

/** Which word of @a words an option is; the first when it is not given. */
int ao2_change_choice(int *pchoice, ao2_change_t *change, const char *name,
                      const char *const *words);

/**
 * The time of an option: RFC 3339, or a duration from now on.
 * @param ptime  stays as it is when the option is not given
 */
int ao2_change_time(apr_time_t *ptime, ao2_change_t *change,
                    const char *name);

/** What is wrong with a row is wrong with the call. */
int ao2_change_check(ao2_change_t *change, ao2_code_t code);

/** Refuse. @return AO2_EXIT_REFUSED */
int ao2_change_refuse(ao2_change_t *change, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Refuse when there is no such application. */
int ao2_change_need_application(ao2_change_t *change, const char *id);

/** An empty build, for checking rows that are to be added to a store. */
ao2_registry_build_t *ao2_change_draft(ao2_change_t *change);

/** A draft with one application in it. */
int ao2_change_draft_application(ao2_registry_build_t **pbuild,
                                 ao2_application_t **papplication,
                                 ao2_change_t *change, const char *id);

#endif
