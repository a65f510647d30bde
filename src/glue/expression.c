#include "glue/authorize.h"

#include "core/access.h"

const char *api_oauth2_claim(request_rec *r, const char *path)
{
    const ao2_principal_t *principal = ao2_state_principal(r);
    ao2_state_t *state;

    if (!principal) {
        state = ao2_state_find(r);
        if (state && state->asking_access) {
            state->asked_early = 1;
        }
        return NULL;
    }
    return ao2_claim_value(principal->claims, path, NULL, r->pool);
}

static const char *claim_function(ap_expr_eval_ctx_t *ctx, const void *data,
                                  const char *arg)
{
    const char *value = ctx->r ? api_oauth2_claim(ctx->r, arg) : NULL;

    (void)data;
    return value ? value : "";
}

int ao2_expression_lookup(ap_expr_lookup_parms *parms)
{
    if (parms->type != AP_EXPR_FUNC_STRING ||
        strcasecmp(parms->name, "oauth2_claim") != 0) {
        return DECLINED;
    }
    *parms->func = claim_function;
    *parms->data = NULL;
    return OK;
}
