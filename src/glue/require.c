#include "glue/authorize.h"

#include <http_request.h>
#include <mod_auth.h>

#include <apr_strings.h>

#include "base/text.h"
#include "core/access.h"
#include "glue/directive.h"
#include "glue/require.h"

/** A parsed Require line. */
typedef struct {
    const ao2_rule_t *rule;
    const char *scopes; /**< that its whole tree speaks of, or NULL */
    int negations; /**< around it; odd: a no of this line is what lets in */
} require_t;

static int is(const ap_directive_t *directive, const char *name)
{
    return strcasecmp(directive->directive, name) == 0;
}

/* Whether the line is "Require not ..."; *rest is what follows. */
static int is_not(const ap_directive_t *line, const char **rest,
                  apr_pool_t *pool)
{
    const char *args = line->args;

    *rest = args;
    if (strcasecmp(ap_getword_conf(pool, &args), "not") != 0) {
        return 0;
    }
    *rest = args;
    return 1;
}

int ao2_require_negations(const cmd_parms *cmd)
{
    const ap_directive_t *at = cmd->directive;
    const char *rest;
    int count = is(at, "Require") && is_not(at, &rest, cmd->temp_pool);

    for (; at; at = at->parent) {
        if (is(at, "<RequireNone")) {
            count++;
        }
        else if (is(at, "<AuthzProviderAlias")) {
            count += 2;
        }
    }
    return count;
}

apr_array_header_t *ao2_require_words(apr_pool_t *pool, const char *line)
{
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(char *));
    const char *word;

    for (word = ap_getword_conf(pool, &line); word && *word;
         word = ap_getword_conf(pool, &line)) {
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    return words;
}

/* Adds the words of the oauth2-scope lines from @a at on. */
static void collect_scopes(apr_array_header_t *scopes,
                           const ap_directive_t *at, int negated)
{
    for (; at; at = at->next) {
        const char *rest;
        int is_none = is(at, "<RequireNone");

        if (at->first_child) {
            collect_scopes(scopes, at->first_child, negated ^ is_none);
        }
        else if (is(at, "Require") &&
                 is_not(at, &rest, scopes->pool) == negated &&
                 strcasecmp(ap_getword_conf(scopes->pool, &rest),
                            "oauth2-scope") == 0) {
            apr_array_cat(scopes, ao2_require_words(scopes->pool, rest));
        }
    }
}

/*
 * mod_authz_core stops at the first line of a <RequireAll> that says no. A
 * caller wants to hear of all scopes at once, so a line knows those of the
 * outermost container around it.
 */
static const char *tree_scopes(const cmd_parms *cmd, const ao2_rule_t *rule)
{
    apr_array_header_t *scopes;
    const ap_directive_t *top = NULL;
    const ap_directive_t *at;

    for (at = cmd->directive->parent; at; at = at->parent) {
        if (strncasecmp(at->directive, "<Require", 8) == 0) {
            top = at;
        }
    }
    if (!top || !ao2_rule_scopes(rule)) {
        return ao2_rule_scopes(rule);
    }
    scopes = apr_array_make(cmd->pool, 8, sizeof(char *));
    collect_scopes(scopes, top->first_child, is(top, "<RequireNone"));
    return apr_array_pstrcat(cmd->pool, scopes, ' ');
}

static void keep(const void **parsed, const cmd_parms *cmd,
                 const ao2_rule_t *rule)
{
    require_t *require = apr_palloc(cmd->pool, sizeof(*require));

    require->rule = rule;
    require->scopes = tree_scopes(cmd, rule);
    require->negations = ao2_require_negations(cmd);
    *parsed = require;
}

static const char *parse(cmd_parms *cmd, const char *line,
                         const void **parsed, const char *name)
{
    const ao2_rule_t *rule;
    const char *error = ao2_rule_compile(
        &rule, name, ao2_require_words(cmd->pool, line), cmd->pool);

    if (error) {
        return apr_psprintf(cmd->pool, "Require %s: %s", name, error);
    }
    keep(parsed, cmd, rule);
    return NULL;
}

static const char *parse_scope(cmd_parms *cmd, const char *line,
                               const void **parsed)
{
    return parse(cmd, line, parsed, "oauth2-scope");
}

static const char *parse_client(cmd_parms *cmd, const char *line,
                                const void **parsed)
{
    return parse(cmd, line, parsed, "oauth2-client");
}

static const char *parse_issuer(cmd_parms *cmd, const char *line,
                                const void **parsed)
{
    apr_array_header_t *names = ao2_require_words(cmd->pool, line);
    int i;

    for (i = 0; i < names->nelts; i++) {
        ao2_use_t use = {.kind = AO2_USE_ISSUER,
                         .label = "Require oauth2-issuer"};

        use.name = APR_ARRAY_IDX(names, i, const char *);
        ao2_directive_note_use(cmd, &use);
    }
    return parse(cmd, line, parsed, "oauth2-issuer");
}

static const char *parse_token(cmd_parms *cmd, const char *line,
                               const void **parsed)
{
    return parse(cmd, line, parsed, "oauth2-token");
}

static int match_regex(const void *context, const char *text)
{
    return ap_regexec(context, text, 0, NULL, 0) == 0;
}

static const char *parse_claim(cmd_parms *cmd, const char *line,
                               const void **parsed)
{
    apr_array_header_t *words = ao2_require_words(cmd->pool, line);
    const char *path;
    ap_regex_t *regex;

    if (words->nelts < 1) {
        return "Require oauth2-claim takes PATH, PATH VALUE ... or "
               "PATH ~ REGEX";
    }
    path = APR_ARRAY_IDX(words, 0, const char *);
    if (words->nelts < 2 ||
        strcmp(APR_ARRAY_IDX(words, 1, const char *), "~") != 0) {
        apr_array_header_t *values = apr_array_copy(cmd->pool, words);

        memmove(values->elts, values->elts + values->elt_size,
                (size_t)(values->nelts - 1) * (size_t)values->elt_size);
        values->nelts--;
        keep(parsed, cmd, ao2_rule_claim(path, values, NULL, NULL,
                                         cmd->pool));
        return NULL;
    }
    if (words->nelts != 3) {
        return "Require oauth2-claim: PATH ~ takes one REGEX, in quotes "
               "where it holds spaces";
    }
    regex = ap_pregcomp(cmd->pool, APR_ARRAY_IDX(words, 2, const char *),
                        AP_REG_EXTENDED);
    if (!regex) {
        return apr_psprintf(cmd->pool, "Require oauth2-claim: \"%s\" is no "
                            "regular expression",
                            ao2_text_for_log(
                                ao2_span(APR_ARRAY_IDX(words, 2,
                                                       const char *)),
                                80, cmd->pool));
    }
    keep(parsed, cmd, ao2_rule_claim(path, NULL, match_regex, regex,
                                     cmd->pool));
    return NULL;
}

authz_status ao2_require_unknown(ao2_state_t *state, int negations)
{
    /* Negated, "not known yet" would read as "not so". */
    state->asked_early |= state->asking_access && negations;
    return state->anonymous ? AUTHZ_DENIED : AUTHZ_DENIED_NO_USER;
}

void ao2_require_denied(ao2_state_t *state, ao2_code_t code, int negations)
{
    /* A missing scope says most: it is what a caller can ask for. */
    if (negations % 2 == 0 && state->denied != AO2_E_SCOPE_MISSING) {
        state->denied = code;
    }
}

static void note_denial(request_rec *r, ao2_state_t *state, ao2_code_t code,
                        const require_t *require)
{
    if (require->scopes && require->negations % 2 == 0) {
        state->needed_scopes = state->needed_scopes
                                   ? apr_pstrcat(r->pool,
                                                 state->needed_scopes, " ",
                                                 require->scopes, NULL)
                                   : require->scopes;
    }
    ao2_require_denied(state, code, require->negations);
}

static authz_status check(request_rec *r, const char *line,
                          const void *parsed)
{
    const require_t *require = parsed;
    ao2_state_t *state = ao2_state_of(r);
    ao2_code_t code;

    (void)line;
    if (!state->principal) {
        return ao2_require_unknown(state, require->negations);
    }
    code = ao2_rule_check(require->rule, state->principal);
    if (code == AO2_OK) {
        return AUTHZ_GRANTED;
    }
    note_denial(r, state, code, require);
    return AUTHZ_DENIED;
}

static const authz_provider scope_provider = {check, parse_scope};
static const authz_provider claim_provider = {check, parse_claim};
static const authz_provider client_provider = {check, parse_client};
static const authz_provider issuer_provider = {check, parse_issuer};
static const authz_provider token_provider = {check, parse_token};

void ao2_authorize_register(apr_pool_t *pool)
{
    static const struct {
        const char *name;
        const authz_provider *provider;
    } rows[] = {
        {"oauth2-scope", &scope_provider},
        {"oauth2-claim", &claim_provider},
        {"oauth2-client", &client_provider},
        {"oauth2-issuer", &issuer_provider},
        {"oauth2-token", &token_provider},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, rows[i].name,
                                  AUTHZ_PROVIDER_VERSION, rows[i].provider,
                                  AP_AUTH_INTERNAL_PER_CONF);
    }
    ao2_authorize_register_registry(pool);
}
