/**
 * @file tests/unit/support.h
 * What the unit tests share: a pool a test, and short ways to make things.
 */
#ifndef AO2_TESTS_SUPPORT_H
#define AO2_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "base/fail.h"
#include "base/json.h"
#include "base/span.h"

static inline int test_start(void **state)
{
    apr_initialize();
    return apr_pool_create((apr_pool_t **)state, NULL) != APR_SUCCESS;
}

static inline int test_end(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

/** One test with its own pool in *state. */
#define TEST(function) \
    cmocka_unit_test_setup_teardown(function, test_start, test_end)

/** The words of @a text, separated by spaces; NULL for NULL. */
static inline apr_array_header_t *test_words(const char *text,
                                             apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(char *));
    char *last;
    char *word;

    if (!text) {
        return NULL;
    }
    for (word = apr_strtok(apr_pstrdup(pool, text), " ", &last); word;
         word = apr_strtok(NULL, " ", &last)) {
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    return words;
}

/** A copy of @a text with " for '. */
static inline const char *test_quotes(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);
    char *at;

    for (at = copy; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return copy;
}

/** A JSON object from text with ' for ". */
static inline json_t *test_json(const char *text, apr_pool_t *pool)
{
    json_t *json = ao2_json_own(json_loads(test_quotes(text, pool),
                                           JSON_ALLOW_NUL, NULL), pool);

    if (!json) {
        fail_msg("the test's own JSON is wrong: %s", text);
    }
    return json;
}

#endif
