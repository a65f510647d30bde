#include "glue/allowance.h"

#include <apr_escape.h>
#include <apr_strings.h>

#include "glue/runtime.h"
#include "service/limits.h"

/* Bytes of an IPv6 address that name a network: the rest one caller may
 * choose at will. */
#define NETWORK_BYTES 8

/* What an allowance belongs to, each part ended by a NUL, which no name
 * holds. The first tells what the others are. */
#define PARTS 5
typedef struct {
    const char *parts[PARTS];
    int count;
} owner_t;

static void add(owner_t *owner, const char *part)
{
    owner->parts[owner->count] = part;
    owner->count++;
}

static ao2_span_t join(const owner_t *owner, apr_pool_t *pool)
{
    ao2_span_t whole = {NULL, 0};
    char *at;
    int i;

    for (i = 0; i < owner->count; i++) {
        whole.len += strlen(owner->parts[i]) + 1;
    }
    at = apr_palloc(pool, whole.len);
    whole.ptr = at;
    for (i = 0; i < owner->count; i++) {
        size_t length = strlen(owner->parts[i]) + 1;

        memcpy(at, owner->parts[i], length);
        at += length;
    }
    return whole;
}

static const char *network_of(request_rec *r)
{
#if APR_HAVE_IPV6
    const apr_sockaddr_t *from = r->useragent_addr;

    if (from->family == APR_INET6 &&
        !IN6_IS_ADDR_V4MAPPED(&from->sa.sin6.sin6_addr)) {
        return apr_pescape_hex(r->pool, &from->sa.sin6.sin6_addr,
                               NETWORK_BYTES, 0);
    }
#endif
    return r->useragent_ip;
}

static void add_caller(owner_t *owner, request_rec *r,
                       const ao2_state_t *state)
{
    const ao2_principal_t *who = state->principal;

    if (state->application) {
        add(owner, "application");
        add(owner, state->application->id);
    }
    else if (who) {
        add(owner, who->client ? "client" : "subject");
        add(owner, who->issuer_name);
        add(owner, who->client ? who->client : who->user);
    }
    else {
        add(owner, "address");
        add(owner, network_of(r));
    }
}

static ao2_span_t owner_of(request_rec *r, const ao2_api_name_t *api,
                           const ao2_subscription_t *subscription)
{
    owner_t owner = {{NULL}, 0};

    if (subscription) {
        return ao2_limits_owner(subscription, r->pool);
    }
    add_caller(&owner, r, ao2_state_of(r));
    add(&owner, api->name);
    add(&owner, api->version);
    return join(&owner, r->pool);
}

/* Whether the chain of this request has used that allowance already, or was
 * refused and is at its ErrorDocument. */
static int costs_nothing(const request_rec *r, ao2_span_t who)
{
    const request_rec *up;

    for (up = r; up; up = ao2_state_parent(up)) {
        const ao2_state_t *state = ao2_state_find(up);

        if (state && (state->refusal ||
                      (state->counted_for.ptr &&
                       ao2_span_equal(state->counted_for, who)))) {
            return 1;
        }
    }
    return 0;
}

static void show_limits(request_rec *r, const ao2_plan_t *plan,
                        const ao2_quota_t *quotas)
{
    const char *value = NULL;
    int i;

    for (i = 0; i < plan->count; i++) {
        value = apr_pstrcat(
            r->pool, value ? value : "", value ? ", " : "", plan->labels[i],
            ";r=", apr_off_t_toa(r->pool, quotas[i].remaining), ";t=",
            apr_off_t_toa(r->pool, quotas[i].reset_sec), NULL);
    }
    apr_table_setn(r->err_headers_out, "RateLimit-Policy", plan->policy);
    apr_table_setn(r->err_headers_out, "RateLimit", value);
}

static ao2_code_t over_limit(const ao2_plan_t *plan, int index,
                             const ao2_quota_t *quota, ao2_hint_t *hint,
                             ao2_fail_t *fail)
{
    hint->retry_after_sec = quota->retry_sec > 1 ? (int)quota->retry_sec : 1;
    return ao2_fail(fail, index == plan->quota ? AO2_E_QUOTA_EXCEEDED
                                               : AO2_E_RATE_LIMITED,
                    "%s of the plan \"%s\" is used up", plan->labels[index],
                    plan->name);
}

ao2_code_t ao2_allowance_use(request_rec *r, const ao2_api_name_t *api,
                             const ao2_grant_t *grant, ao2_hint_t *hint,
                             ao2_fail_t *fail)
{
    const ao2_plan_t *plan = grant->plan;
    ao2_quota_t quotas[AO2_LIMITS_MOST];
    ao2_board_t *board = ao2_runtime_board(r->server);
    ao2_span_t who;
    int refusing;

    if (!plan || plan->count == 0 || r->main) {
        return AO2_OK;
    }
    if (!board) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "no shared memory to count in");
    }
    who = owner_of(r, api, grant->subscription);
    if (costs_nothing(r, who)) {
        return AO2_OK;
    }
    refusing = ao2_limits_use(board, quotas, plan, who, apr_time_now());
    show_limits(r, plan, quotas);
    if (refusing >= 0) {
        return over_limit(plan, refusing, &quotas[refusing], hint, fail);
    }
    ao2_state_of(r)->counted_for = who;
    return AO2_OK;
}
