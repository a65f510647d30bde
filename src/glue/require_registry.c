#include "glue/authorize.h"

#include <http_request.h>

#include <apr_strings.h>

#include "base/text.h"
#include "core/registry_words.h"
#include "glue/directive.h"
#include "glue/require.h"
#include "glue/subscription.h"

/* One of these lines, parsed. */
typedef struct {
    const ao2_api_name_t *api;       /* NULL: the location's own */
    const apr_array_header_t *plans; /* of const char *; NULL: any */
    int key_type;                    /* -1: any */
    int negations;
} line_t;

static line_t *make_line(const cmd_parms *cmd, const char *label)
{
    line_t *line = apr_pcalloc(cmd->pool, sizeof(*line));
    ao2_use_t use = {.kind = AO2_USE_REGISTRY, .label = label, .name = ""};

    line->key_type = -1;
    line->negations = ao2_require_negations(cmd);
    ao2_directive_note_use(cmd, &use);
    return line;
}

static const char *parse_subscription(cmd_parms *cmd, const char *text,
                                      const void **parsed)
{
    apr_array_header_t *words = ao2_require_words(cmd->pool, text);
    line_t *line = make_line(cmd, "Require api-subscription");
    const char *error = NULL;

    *parsed = line;
    if (words->nelts > 2) {
        return "Require api-subscription takes [API [VERSION]]";
    }
    if (words->nelts > 0) {
        error = ao2_directive_api(&line->api, cmd->pool, words->nelts,
                                  (const char *const *)(const void *)
                                      words->elts);
    }
    return error ? apr_psprintf(cmd->pool, "Require api-subscription: %s",
                                error)
                 : NULL;
}

static const char *parse_plan(cmd_parms *cmd, const char *text,
                              const void **parsed)
{
    line_t *line = make_line(cmd, "Require api-plan");

    *parsed = line;
    line->plans = ao2_require_words(cmd->pool, text);
    return line->plans->nelts ? NULL
                              : "Require api-plan takes names of plans";
}

static const char *parse_key_type(cmd_parms *cmd, const char *text,
                                  const void **parsed)
{
    apr_array_header_t *words = ao2_require_words(cmd->pool, text);
    line_t *line = make_line(cmd, "Require api-key-type");
    const char *word = words->nelts == 1
                           ? APR_ARRAY_IDX(words, 0, const char *)
                           : "";

    *parsed = line;
    if (strcmp(word, ao2_key_types[AO2_KEY_PRODUCTION]) == 0) {
        line->key_type = AO2_KEY_PRODUCTION;
    }
    else if (strcmp(word, ao2_key_types[AO2_KEY_SANDBOX]) == 0) {
        line->key_type = AO2_KEY_SANDBOX;
    }
    else {
        return "Require api-key-type takes production or sandbox";
    }
    return NULL;
}

static int has_plan(const line_t *line, const ao2_plan_t *plan)
{
    int i;

    for (i = 0; plan && i < line->plans->nelts; i++) {
        if (strcmp(plan->name, APR_ARRAY_IDX(line->plans, i, const char *))
            == 0) {
            return 1;
        }
    }
    return 0;
}

static ao2_code_t ask(request_rec *r, const line_t *line,
                      const ao2_state_t *state)
{
    ao2_grant_t grant;
    ao2_fail_t fail = {0};
    ao2_code_t code = ao2_subscription_find(r, &grant, line->api, &fail);

    if (code != AO2_OK) {
        return code;
    }
    if (!grant.subscription) {
        return AO2_E_SUBSCRIPTION_MISSING;
    }
    if ((line->plans && !has_plan(line, grant.plan)) ||
        (line->key_type >= 0 && (int)state->key_type != line->key_type)) {
        return AO2_E_ACCESS_DENIED;
    }
    return AO2_OK;
}

/* Where nothing can be said, a line that is negated must not let in. */
static authz_status check(request_rec *r, const char *text,
                          const void *parsed)
{
    const line_t *line = parsed;
    ao2_state_t *state = ao2_state_of(r);
    ao2_code_t code;

    (void)text;
    if (!state->principal) {
        return ao2_require_unknown(state, line->negations);
    }
    code = ask(r, line, state);
    if (code == AO2_OK) {
        return AUTHZ_GRANTED;
    }
    if (!ao2_subscription_is_no(code)) {
        state->denied = code;
        return AUTHZ_GENERAL_ERROR;
    }
    ao2_require_denied(state, code, line->negations);
    return AUTHZ_DENIED;
}

static const authz_provider subscription_provider = {check,
                                                     parse_subscription};
static const authz_provider plan_provider = {check, parse_plan};
static const authz_provider key_type_provider = {check, parse_key_type};

void ao2_authorize_register_registry(apr_pool_t *pool)
{
    static const struct {
        const char *name;
        const authz_provider *provider;
    } rows[] = {
        {"api-subscription", &subscription_provider},
        {"api-plan", &plan_provider},
        {"api-key-type", &key_type_provider},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, rows[i].name,
                                  AUTHZ_PROVIDER_VERSION, rows[i].provider,
                                  AP_AUTH_INTERNAL_PER_CONF);
    }
}
