#include "glue/mask.h"

#include <apr_strings.h>

#include "adapter/secret.h"

/* Where secrets stand: the word at @a index, where the first word is
 * @a first (NULL: whatever it is), behind @a option (NULL: all of it). */
static const struct {
    const char *directive;
    const char *first;
    int index;
    const char *option;
} places[] = {
    {"ApiSharedSecret", NULL, 0, NULL},
    {"ApiCacheSecret", NULL, 0, NULL},
    {"ApiCache", NULL, -1, "password="},
    {"ApiClientAuth", "bearer", 1, NULL},
    {"ApiClientAuth", NULL, 2, NULL},
    {"ApiGrant", "password", 2, NULL},
    {"ApiGrant", "refresh_token", 1, NULL},
    {"ApiIntrospectionParam", NULL, 1, NULL},
    {"ApiTokenParam", NULL, 1, NULL},
    {"ApiTokenRequestHeader", NULL, 1, NULL},
};

/* What has to be taken out of a word at @a index: 0 for nothing, else where
 * the secret begins, plus one. */
static size_t secret_at(const char *directive, const char *first, int index,
                        const char *word)
{
    size_t i;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *option = places[i].option;
        size_t skip = option ? strlen(option) : 0;

        if (strcasecmp(places[i].directive, directive) == 0 &&
            (!places[i].first || strcasecmp(places[i].first, first) == 0) &&
            (places[i].index < 0 || places[i].index == index) &&
            (!option || strncmp(word, option, skip) == 0) &&
            ao2_secret_is_literal(word + skip)) {
            return skip + 1;
        }
    }
    return 0;
}

const char *ao2_mask_args(const char *directive, const char *args,
                          apr_pool_t *pool)
{
    const char *rest = args;
    const char *masked = "";
    const char *first = NULL;
    int found = 0;
    int index;

    for (index = 0; *rest; index++) {
        const char *word = ap_getword_conf(pool, &rest);
        size_t at;

        first = first ? first : word;
        at = secret_at(directive, first, index, word);
        if (at) {
            found = 1;
            word = apr_pstrcat(pool, apr_pstrmemdup(pool, word, at - 1),
                               AO2_MASK, NULL);
        }
        masked = apr_pstrcat(pool, masked, index ? " " : "",
                             strpbrk(word, " \t") ? "\"" : "", word,
                             strpbrk(word, " \t") ? "\"" : "", NULL);
    }
    return found ? masked : args;
}

/* Directives are parsed by now; only who shows them looks at the words. */
static void mask_tree(ap_directive_t *at, apr_pool_t *pool)
{
    ap_directive_t *top = at ? at->parent : NULL;

    while (at) {
        at->args = at->args ? ao2_mask_args(at->directive, at->args, pool)
                            : NULL;
        if (at->first_child) {
            at = at->first_child;
            continue;
        }
        while (at && !at->next && at->parent != top) {
            at = at->parent;
        }
        at = at ? at->next : NULL;
    }
}

int ao2_mask_check_config(apr_pool_t *conf, apr_pool_t *log, apr_pool_t *temp,
                          server_rec *main_server)
{
    (void)log;
    (void)temp;
    (void)main_server;
    mask_tree(ap_conftree, conf);
    return OK;
}
