#include "glue/state.h"

#include <http_core.h>
#include <http_request.h>

ao2_state_t *ao2_state_find(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &api_oauth2_module);
}

ao2_state_t *ao2_state_of(request_rec *r)
{
    ao2_state_t *state = ao2_state_find(r);

    if (!state) {
        state = apr_pcalloc(r->pool, sizeof(*state));
        ap_set_module_config(r->request_config, &api_oauth2_module, state);
    }
    return state;
}

void ao2_state_forget_caller(ao2_state_t *state)
{
    state->caller_known = 0;
    memset(&state->caller_fail, 0, sizeof(state->caller_fail));
    state->application = NULL;
}

request_rec *ao2_state_parent(const request_rec *r)
{
    return r->prev ? r->prev : r->main;
}

const ao2_state_t *ao2_state_granted(const request_rec *r)
{
    while (r) {
        const ao2_state_t *state = ao2_state_find(r);

        if (state && (state->principal || state->anonymous)) {
            return state;
        }
        /* httpd's own conditions for taking over r->user unchecked. */
        if (r->prev && r->prev->per_dir_config == r->per_dir_config) {
            r = r->prev;
        }
        else if (r->main && r->main->per_dir_config == r->per_dir_config) {
            r = r->main;
        }
        else {
            return NULL;
        }
    }
    return NULL;
}

const ao2_principal_t *ao2_state_principal(const request_rec *r)
{
    const ao2_state_t *state = ao2_state_granted(r);

    return state ? state->principal : NULL;
}

int ao2_is_bearer(request_rec *r)
{
    const ao2_state_t *state = ao2_state_find(r);
    const char *type;

    if (state && state->bearer_under == r->per_dir_config) {
        return 1;
    }
    type = ap_auth_type(r);
    if (!type || strcasecmp(type, "Bearer") != 0) {
        return 0;
    }
    ao2_state_of(r)->bearer_under = r->per_dir_config;
    return 1;
}
