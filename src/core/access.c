#include "core/access.h"

#include <stdlib.h>

#include <apr_strings.h>

#include "base/json.h"
#include "base/text.h"

typedef enum {
    RULE_SCOPE,
    RULE_CLIENT,
    RULE_ISSUER,
    RULE_TOKEN,
    RULE_CLAIM
} kind_t;

struct ao2_rule {
    kind_t kind;
    const apr_array_header_t *words; /* of const char *; NULL: none */
    const char *joined;              /* RULE_SCOPE */
    const char *path;                /* RULE_CLAIM */
    ao2_match_fn *match;
    const void *context;
};

static const char *check_word(kind_t kind, const char *word)
{
    if (!*word) {
        return "an empty word is not allowed";
    }
    if (kind == RULE_SCOPE && !ao2_text_is_scope(word)) {
        return "a scope holds printable ASCII without \" and \\";
    }
    if (kind == RULE_TOKEN && strcmp(word, "user") != 0 &&
        strcmp(word, "application") != 0 && strcmp(word, "apitoken") != 0) {
        return "only the words user, application and apitoken are allowed";
    }
    return NULL;
}

static int kind_of(const char *name)
{
    static const char *const names[] = {"oauth2-scope", "oauth2-client",
                                        "oauth2-issuer", "oauth2-token"};
    int i;

    for (i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static apr_array_header_t *copy_words(apr_pool_t *pool,
                                      const apr_array_header_t *words)
{
    apr_array_header_t *copy = apr_array_make(pool, words->nelts,
                                              sizeof(char *));
    int i;

    for (i = 0; i < words->nelts; i++) {
        APR_ARRAY_PUSH(copy, const char *) = apr_pstrdup(
            pool, APR_ARRAY_IDX(words, i, const char *));
    }
    return copy;
}

const char *ao2_rule_compile(const ao2_rule_t **prule, const char *name,
                             const apr_array_header_t *words,
                             apr_pool_t *pool)
{
    int kind = kind_of(name);
    ao2_rule_t *rule;
    int i;

    *prule = NULL;
    if (kind < 0 || words->nelts == 0) {
        return "at least one word is needed behind it";
    }
    for (i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        const char *wrong = check_word((kind_t)kind, word);

        if (wrong) {
            return apr_psprintf(pool, "\"%s\" is not allowed here: %s",
                                ao2_text_for_log(ao2_span(word), 80, pool),
                                wrong);
        }
    }
    rule = apr_pcalloc(pool, sizeof(*rule));
    rule->kind = (kind_t)kind;
    rule->words = copy_words(pool, words);
    if (rule->kind == RULE_SCOPE) {
        rule->joined = apr_array_pstrcat(pool, rule->words, ' ');
    }
    *prule = rule;
    return NULL;
}

const ao2_rule_t *ao2_rule_claim(const char *path,
                                 const apr_array_header_t *values,
                                 ao2_match_fn *match, const void *context,
                                 apr_pool_t *pool)
{
    ao2_rule_t *rule = apr_pcalloc(pool, sizeof(*rule));

    rule->kind = RULE_CLAIM;
    rule->path = apr_pstrdup(pool, path);
    rule->words = values && values->nelts ? copy_words(pool, values) : NULL;
    rule->match = match;
    rule->context = context;
    return rule;
}

static int in_words(const apr_array_header_t *words, ao2_span_t text)
{
    int i;

    for (i = 0; i < words->nelts; i++) {
        if (ao2_span_is(text, APR_ARRAY_IDX(words, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

static ao2_code_t check_scope(const ao2_rule_t *rule,
                              const ao2_principal_t *principal)
{
    int i;

    for (i = 0; i < principal->scope_count; i++) {
        if (in_words(rule->words, principal->scopes[i])) {
            return AO2_OK;
        }
    }
    return AO2_E_SCOPE_MISSING;
}

/* A user stands behind a token whose subject is not the client itself. */
static const char *token_kind(const ao2_principal_t *principal)
{
    if (principal->is_api_token) {
        return "apitoken";
    }
    return principal->subject &&
                   (!principal->client ||
                    strcmp(principal->subject, principal->client) != 0)
               ? "user"
               : "application";
}

/* Whether one scalar satisfies the rule; @a text is its form. */
static int match_text(const ao2_rule_t *rule, ao2_span_t text)
{
    if (rule->match) {
        return rule->match(rule->context, text.ptr);
    }
    return in_words(rule->words, text);
}

static int match_scalar(const ao2_rule_t *rule, json_t *value)
{
    ao2_span_t text = ao2_json_text(value);
    char *dumped;
    int matched;

    if (json_is_string(value)) {
        return text.ptr && match_text(rule, text);
    }
    if (!json_is_number(value) && !json_is_boolean(value)) {
        return 0;
    }
    dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    matched = dumped && match_text(rule, ao2_span(dumped));
    free(dumped);
    return matched;
}

static ao2_code_t check_claim(const ao2_rule_t *rule,
                              const ao2_principal_t *principal)
{
    json_t *value = ao2_json_at(principal->claims, rule->path);
    int granted = 0;
    size_t i;

    if (value && !json_is_null(value)) {
        granted = (!rule->words && !rule->match) ||
                  match_scalar(rule, value);
    }
    for (i = 0; !granted && i < json_array_size(value); i++) {
        granted = match_scalar(rule, json_array_get(value, i));
    }
    return granted ? AO2_OK : AO2_E_CLAIM_MISMATCH;
}

static ao2_code_t check_text(const ao2_rule_t *rule, const char *text)
{
    return text && in_words(rule->words, ao2_span(text))
               ? AO2_OK
               : AO2_E_ACCESS_DENIED;
}

ao2_code_t ao2_rule_check(const ao2_rule_t *rule,
                          const ao2_principal_t *principal)
{
    switch (rule->kind) {
    case RULE_SCOPE:
        return check_scope(rule, principal);
    case RULE_CLIENT:
        return check_text(rule, principal->client);
    case RULE_ISSUER:
        return check_text(rule, principal->issuer_name);
    case RULE_TOKEN:
        return check_text(rule, token_kind(principal));
    case RULE_CLAIM:
        return check_claim(rule, principal);
    }
    return AO2_E_ACCESS_DENIED;
}

const char *ao2_rule_scopes(const ao2_rule_t *rule)
{
    return rule->joined;
}

static const char *dump(json_t *value, char also, apr_pool_t *pool)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *encoded = text ? ao2_text_percent(ao2_span(text), also, pool)
                               : NULL;

    free(text);
    return encoded;
}

static const char *scalar_value(json_t *value, char also, apr_pool_t *pool)
{
    ao2_span_t text;

    if (!json_is_string(value)) {
        return dump(value, also, pool);
    }
    /* Not ao2_json_text(): a NUL is legal here, and encoded. */
    text.ptr = json_string_value(value);
    text.len = json_string_length(value);
    return ao2_text_percent(text, also, pool);
}

static int is_scalar(const json_t *value)
{
    return json_is_string(value) || json_is_number(value) ||
           json_is_boolean(value);
}

static const char *array_value(json_t *value, apr_pool_t *pool)
{
    apr_array_header_t *parts;
    size_t i;

    for (i = 0; i < json_array_size(value); i++) {
        if (!is_scalar(json_array_get(value, i))) {
            return dump(value, 0, pool);
        }
    }
    parts = apr_array_make(pool, 8, sizeof(char *));
    for (i = 0; i < json_array_size(value); i++) {
        APR_ARRAY_PUSH(parts, const char *) = scalar_value(
            json_array_get(value, i), ',', pool);
    }
    return apr_array_pstrcat(pool, parts, ',');
}

const char *ao2_claim_value(json_t *claims, const char *path, int *too_long,
                            apr_pool_t *pool)
{
    json_t *value = ao2_json_at(claims, path);
    const char *text;

    if (too_long) {
        *too_long = 0;
    }
    if (!value || json_is_null(value)) {
        return NULL;
    }
    text = json_is_array(value) ? array_value(value, pool)
                                : scalar_value(value, 0, pool);
    if (text && strlen(text) > AO2_MAX_CLAIM_VALUE) {
        if (too_long) {
            *too_long = 1;
        }
        return NULL;
    }
    return text;
}
