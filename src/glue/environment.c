#include "glue/environment.h"

#include <string.h>

#include <apr_lib.h>

#include "base/text.h"

static int has_any(const apr_table_t *table, const char *prefix)
{
    const apr_array_header_t *all = apr_table_elts(table);
    const apr_table_entry_t *entry = (const void *)all->elts;
    size_t length = strlen(prefix);
    int i;

    for (i = 0; i < all->nelts; i++) {
        if (apr_tolower(*entry[i].key) == apr_tolower(*prefix) &&
            strncasecmp(entry[i].key, prefix, length) == 0) {
            return 1;
        }
    }
    return 0;
}

/*
 * A table tells names apart by their first four characters before it
 * compares them: each of ours would be compared with all that went before.
 * Where none is there yet, none needs to be looked for.
 */
void ao2_environment_set(request_rec *r, const char *prefix,
                         const ao2_variable_t *all, int count)
{
    apr_table_t *env = r->subprocess_env;
    int is_there = has_any(env, prefix);
    int i;

    for (i = 0; i < count; i++) {
        const char *value = all[i].value;

        if (!value || !*value) {
            continue;
        }
        value = ao2_text_passed(value, r->pool);
        if (is_there) {
            apr_table_setn(env, all[i].name, value);
        }
        else {
            apr_table_addn(env, all[i].name, value);
        }
    }
}
