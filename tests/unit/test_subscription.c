#include "unit/support.h"

#include <stdio.h>

#include "core/subscription.h"

#define START (1700000000 * APR_USEC_PER_SEC)
#define END (START + APR_USEC_PER_SEC)

/* The states that a call can be in, each one list. */
enum { APP_NONE, APP_ACTIVE, APP_BLOCKED, APPS };
enum { API_NONE, API_PUBLISHED, API_DEPRECATED, API_BLOCKED, API_RETIRED,
       APIS };
enum { SUB_NONE, SUB_ACTIVE, SUB_BLOCKED, SUB_PRODUCTION_BLOCKED, SUB_PENDING,
       SUB_REJECTED, SUB_CLOSED, SUBS };
enum { BEFORE, FIRST, LAST, AFTER, ALWAYS, TIMES };
enum { PRODUCTION, SANDBOX, KEYS };
/* Optional without and with a plan for others, and with one that is not
 * there. */
enum { REQUIRED, OPTIONAL, LIMITED, LOST, MODES };

#define ANY (-1)
#define BIT(n) (1u << (n))
#define INACTIVE (BIT(SUB_PENDING) | BIT(SUB_REJECTED) | BIT(SUB_CLOSED))

/* What is expected: the first row that fits counts. */
static const struct {
    int app;
    int api;
    unsigned subs; /* 0: any */
    int key;
    unsigned times; /* 0: any */
    int mode;
    ao2_code_t code;
    int has_subscription;
} rules[] = {
    {ANY, API_BLOCKED, 0, ANY, 0, ANY, AO2_E_API_BLOCKED, 0},
    {ANY, API_RETIRED, 0, ANY, 0, ANY, AO2_E_API_RETIRED, 0},
    {APP_BLOCKED, ANY, 0, ANY, 0, ANY, AO2_E_SUBSCRIPTION_BLOCKED, 0},
    {APP_NONE, ANY, 0, ANY, 0, REQUIRED, AO2_E_SUBSCRIPTION_MISSING, 0},
    {APP_NONE, ANY, 0, ANY, 0, OPTIONAL, AO2_OK, 0},
    {ANY, API_NONE, 0, ANY, 0, REQUIRED, AO2_E_SUBSCRIPTION_MISSING, 0},
    {ANY, API_NONE, 0, ANY, 0, OPTIONAL, AO2_OK, 0},
    {ANY, ANY, BIT(SUB_NONE), ANY, 0, REQUIRED, AO2_E_SUBSCRIPTION_MISSING, 0},
    {ANY, ANY, BIT(SUB_NONE), ANY, 0, OPTIONAL, AO2_OK, 0},
    {ANY, ANY, BIT(SUB_BLOCKED), ANY, 0, ANY, AO2_E_SUBSCRIPTION_BLOCKED, 0},
    {ANY, ANY, BIT(SUB_PRODUCTION_BLOCKED), PRODUCTION, 0, ANY,
     AO2_E_SUBSCRIPTION_BLOCKED, 0},
    {ANY, ANY, INACTIVE, ANY, 0, REQUIRED, AO2_E_SUBSCRIPTION_INACTIVE, 0},
    {ANY, ANY, INACTIVE, ANY, 0, OPTIONAL, AO2_OK, 0},
    {ANY, ANY, 0, ANY, BIT(BEFORE) | BIT(AFTER), REQUIRED,
     AO2_E_SUBSCRIPTION_INACTIVE, 0},
    {ANY, ANY, 0, ANY, BIT(BEFORE) | BIT(AFTER), OPTIONAL, AO2_OK, 0},
    {ANY, ANY, 0, ANY, 0, ANY, AO2_OK, 1},
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

typedef struct {
    int app, api, sub, key, time, mode;
} state_t;

static size_t rule_of(const state_t *state)
{
    size_t i;

    for (i = 0; i < RULES - 1; i++) {
        if ((rules[i].app == ANY || rules[i].app == state->app) &&
            (rules[i].api == ANY || rules[i].api == state->api) &&
            (!rules[i].subs || (rules[i].subs & BIT(state->sub))) &&
            (rules[i].key == ANY || rules[i].key == state->key) &&
            (!rules[i].times || (rules[i].times & BIT(state->time))) &&
            (rules[i].mode == ANY ||
             (rules[i].mode == REQUIRED) == (state->mode == REQUIRED))) {
            break;
        }
    }
    return i;
}

static void check(const state_t *state, int *used)
{
    static const apr_time_t now[TIMES] = {START - 1, START, END - 1, END,
                                          END + 1000 * APR_USEC_PER_SEC};
    ao2_application_t app = {.id = "app", .status =
        state->app == APP_BLOCKED ? AO2_APPLICATION_BLOCKED
                                  : AO2_APPLICATION_ACTIVE};
    ao2_api_t api = {.name = "pizza", .version = "1.0",
                     .status = (ao2_api_status_t)(state->api - 1)};
    ao2_plan_t plan = {.name = "gold"};
    ao2_plan_t other = {.name = "other"};
    ao2_subscription_t subscription = {
        .application = &app, .api = &api, .plan = &plan,
        .status = (ao2_subscription_status_t)(state->sub - 1),
        .starts = state->time == ALWAYS ? 0 : START,
        .expires = state->time == ALWAYS ? AO2_TIME_FOREVER : END};
    ao2_call_t call = {
        .application = state->app == APP_NONE ? NULL : &app,
        .key_type = (ao2_key_type_t)state->key,
        .api_name = "pizza", .api_version = "1.0",
        .api = state->api == API_NONE ? NULL : &api,
        .subscription = state->sub == SUB_NONE ? NULL : &subscription,
        .is_optional = state->mode != REQUIRED,
        .plan_name = state->mode >= LIMITED ? "other" : NULL,
        .plan = state->mode == LIMITED ? &other : NULL,
        .now = now[state->time]};
    size_t rule = rule_of(state);
    int has_one = rules[rule].has_subscription;
    ao2_code_t wanted = rules[rule].code == AO2_OK && !has_one &&
                                state->mode == LOST
                            ? AO2_E_MISCONFIGURED
                            : rules[rule].code;
    ao2_grant_t grant;
    ao2_fail_t fail = {0};
    ao2_code_t code = ao2_call_decide(&grant, &call, &fail);
    int served = code == AO2_OK;

    used[rule]++;
    if (code != wanted || fail.code != code ||
        grant.subscription != (has_one ? &subscription : NULL) ||
        grant.plan != (has_one ? &plan : served ? call.plan : NULL) ||
        grant.is_deprecated != (served && state->api == API_DEPRECATED) ||
        (!served && !fail.detail[0])) {
        fail_msg("app %d api %d sub %d key %d time %d mode %d: %d \"%s\", "
                 "rule %d", state->app, state->api, state->sub, state->key,
                 state->time, state->mode, (int)code, fail.detail, (int)rule);
    }
}

static void every_state(void **state)
{
    const int count = APPS * APIS * SUBS * TIMES * KEYS * MODES;
    int used[RULES] = {0};
    int number;
    size_t i;

    (void)state;
    for (number = 0; number < count; number++) {
        int rest = number;
        state_t at;

        at.app = rest % APPS;
        at.api = (rest /= APPS) % APIS;
        at.sub = (rest /= APIS) % SUBS;
        at.time = (rest /= SUBS) % TIMES;
        at.key = (rest /= TIMES) % KEYS;
        at.mode = rest / KEYS;
        check(&at, used);
    }
    printf("%d states\n", count);
    assert_int_equal(count, 3 * 5 * 7 * 5 * 2 * 4);
    for (i = 0; i < RULES; i++) {
        if (!used[i]) {
            fail_msg("rule %d never counted", (int)i);
        }
    }
}

static void bindings(void **state)
{
    static const struct {
        ao2_binding_t binds;
        ao2_code_t jwt, opaque;
    } rows[] = {
        {AO2_BINDS_ANY, AO2_OK, AO2_OK},
        {AO2_BINDS_JWT, AO2_OK, AO2_E_TOKEN_INVALID},
        {AO2_BINDS_OPAQUE, AO2_E_TOKEN_INVALID, AO2_OK},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_application_t app = {.id = "app", .binds = rows[i].binds};

        assert_int_equal(ao2_application_check_binding(&app, 1, NULL),
                         rows[i].jwt);
        assert_int_equal(ao2_application_check_binding(&app, 0, NULL),
                         rows[i].opaque);
    }
}

static apr_sockaddr_t *address_of(const char *text, apr_pool_t *pool)
{
    apr_sockaddr_t *address;

    if (!text) {
        return NULL;
    }
    if (apr_sockaddr_info_get(&address, text, APR_UNSPEC, 80, 0, pool)
        != APR_SUCCESS) {
        fail_msg("%s is no address", text);
    }
    return address;
}

static void token_states(void **state)
{
    static const struct {
        ao2_api_token_status_t status;
        ao2_application_status_t application;
        apr_time_t now;
        int is_limited; /* to 192.0.2.0/24 */
        const char *address;
        ao2_code_t code;
    } rows[] = {
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, START, 0, NULL,
         AO2_OK},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, END - 1, 0, NULL,
         AO2_OK},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, START - 1, 0, NULL,
         AO2_E_TOKEN_NOT_YET_VALID},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, END, 0, NULL,
         AO2_E_TOKEN_EXPIRED},
        {AO2_API_TOKEN_REVOKED, AO2_APPLICATION_ACTIVE, START, 0, NULL,
         AO2_E_TOKEN_REVOKED},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_BLOCKED, START, 0, NULL,
         AO2_E_SUBSCRIPTION_BLOCKED},
        {AO2_API_TOKEN_REVOKED, AO2_APPLICATION_BLOCKED, START, 0, NULL,
         AO2_E_TOKEN_REVOKED},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, START, 1,
         "192.0.2.255", AO2_OK},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, START, 1,
         "::ffff:192.0.2.1", AO2_OK},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, START, 1,
         "192.0.3.0", AO2_E_TOKEN_INVALID},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, START, 1,
         "2001:db8::1", AO2_E_TOKEN_INVALID},
        {AO2_API_TOKEN_ACTIVE, AO2_APPLICATION_ACTIVE, START, 1, NULL,
         AO2_E_TOKEN_INVALID},
    };
    apr_ipsubnet_t *network;
    size_t i;

    apr_ipsubnet_create(&network, "192.0.2.0", "24", *state);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_application_t app = {.id = "app", .status = rows[i].application};
        ao2_api_token_t token = {
            .id = "t1", .application = &app, .status = rows[i].status,
            .not_before = START, .expires = END,
            .network_count = rows[i].is_limited, .networks = &network};
        ao2_code_t code = ao2_api_token_check_use(
            &token, address_of(rows[i].address, *state), rows[i].now, NULL);

        if (code != rows[i].code) {
            fail_msg("row %d: %d", (int)i, (int)code);
        }
    }
    assert_int_equal(ao2_api_token_check_use(NULL, NULL, START, NULL),
                     AO2_E_TOKEN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_state),
        TEST(bindings),
        TEST(token_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
