/*
 * Rows out of the answers of a database. "|" stands for the NUL behind each
 * column.
 */
#include "unit/support.h"

#include "core/registry_find.h"

#define APP "app|Shop|eve|active|any|"
#define CLIENT APP "corp|c|sandbox|"
#define DIGEST \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOKEN(digest)                                                       \
    APP "t1|" digest "|api_1234|a b|production|1|2|active|192.0.2.0/24|"
#define API "pizza|1.0|deprecated|7|9|"
#define EXACT API "pizza|1.0|gold|closed|1|2|"
#define ALL API "pizza|*||active|||"

static ao2_span_t answer_of(const char *text, apr_pool_t *pool)
{
    ao2_span_t answer = {NULL, strlen(text)};
    char *copy = apr_pstrdup(pool, text);
    apr_size_t i;

    for (i = 0; i < answer.len; i++) {
        copy[i] = copy[i] == '|' ? '\0' : copy[i];
    }
    answer.ptr = copy;
    return answer;
}

static void clients(void **state)
{
    static const struct {
        const char *answer;
        ao2_code_t code;
        int found;
    } cases[] = {
        {CLIENT, AO2_OK, 1},
        {"", AO2_OK, 0},
        /* what a database that looks less closely would find */
        {APP "Corp|c|sandbox|", AO2_OK, 0},
        {APP "corp|c |sandbox|", AO2_OK, 0},
        {APP "corp|c|", AO2_E_MISCONFIGURED, 0},
        {CLIENT "more|", AO2_E_MISCONFIGURED, 0},
        {APP "corp|c|sandbox", AO2_E_MISCONFIGURED, 0},
        {APP "corp|c|Sandbox|", AO2_E_MISCONFIGURED, 0},
        {"app|Shop|eve|gone|any|corp|c|sandbox|", AO2_E_MISCONFIGURED, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const ao2_client_t *client;
        ao2_code_t code = ao2_find_client(
            &client, answer_of(cases[i].answer, *state), "corp", "c", *state,
            NULL);

        if (code != cases[i].code || (client != NULL) != cases[i].found) {
            fail_msg("%s: %d", cases[i].answer, (int)code);
        }
        if (client) {
            assert_string_equal(client->application->id, "app");
            assert_string_equal(client->application->owner, "eve");
            assert_int_equal(client->key_type, AO2_KEY_SANDBOX);
        }
    }
}

static void tokens(void **state)
{
    static const struct {
        const char *answer;
        ao2_code_t code;
        int found;
    } cases[] = {
        {TOKEN(DIGEST), AO2_OK, 1},
        {"", AO2_OK, 0},
        {TOKEN("1" DIGEST), AO2_E_MISCONFIGURED, 0},
        {TOKEN("ff112233445566778899aabbccddeeff"
               "00112233445566778899aabbccddeeff"), AO2_OK, 0},
        {APP "t1|" DIGEST "||a b|production|||active|here|",
         AO2_E_MISCONFIGURED, 0},
        {APP "t1|" DIGEST "||a b|production|x||active||",
         AO2_E_MISCONFIGURED, 0},
    };
    unsigned char digest[AO2_DIGEST_LEN];
    size_t i;

    for (i = 0; i < AO2_DIGEST_LEN; i++) {
        digest[i] = (unsigned char)(i % 16 * 17);
    }
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const ao2_api_token_t *token;
        ao2_code_t code = ao2_find_token(
            &token, answer_of(cases[i].answer, *state), digest, *state, NULL);

        if (code != cases[i].code || (token != NULL) != cases[i].found) {
            fail_msg("%s: %d", cases[i].answer, (int)code);
        }
        if (token) {
            assert_string_equal(token->application->id, "app");
            assert_string_equal(token->scope, "a b");
            assert_int_equal(token->network_count, 1);
            assert_int_equal(token->expires, apr_time_from_sec(2));
        }
    }
}

/* What is found of a call, as one line. */
static const char *describe(const ao2_call_t *call, apr_pool_t *pool)
{
    const ao2_subscription_t *subscription = call->subscription;

    if (!subscription) {
        return call->api ? "an API" : "nothing";
    }
    assert_ptr_equal(subscription->application, call->application);
    return apr_psprintf(
        pool, "%s %d, plan %s with %d", subscription->api->version,
        (int)subscription->status,
        subscription->plan ? subscription->plan->name : "-",
        subscription->plan ? subscription->plan->count : 0);
}

static void calls(void **state)
{
    static const struct {
        const char *answer;
        int has_application;
        const char *found; /* NULL: misconfigured */
    } cases[] = {
        {"", 1, "nothing"},
        {API "|||||||||", 1, "an API"},
        {API "pizza|1.0||active||||||", 1, "1.0 0, plan - with 0"},
        {API "pizza|1.0||active||||||", 0, "an API"},
        {EXACT "|||", 1, "1.0 5, plan gold with 0"},
        {EXACT "5|1s||", 1, "1.0 5, plan gold with 1"},
        {EXACT "5|1s||" EXACT "9|1mi|3|", 1, "1.0 5, plan gold with 2"},
        /* the exact one counts, and not with the other's limits */
        {EXACT "5|1s||" ALL "9|1mi|3|", 1, "1.0 5, plan gold with 1"},
        {ALL "|||", 1, "* 0, plan - with 0"},
        {API "pizza|*|gold|active|||5|1s||", 1, "* 0, plan gold with 1"},
        /* loosely equal names */
        {"Pizza|1.0|published|||Pizza|1.0||active||||||", 1, "nothing"},
        {"pizza|1|published|||pizza|1||active||||||", 1, "nothing"},
        {API "Pizza|1.0||active||||||", 1, "an API"},
        {API "pizza|1.00||active||||||", 1, "an API"},
        {API "pizza|1.0||good||||||", 1, NULL},
        {API "pizza|1.0||active|x|||||", 1, NULL},
        {"pizza|1.0|open|||pizza|1.0||active||||||", 1, NULL},
        {EXACT "5|soon||", 1, NULL},
        {EXACT "5|1s||" EXACT "9|1s||", 1, NULL},
        {EXACT "5|1s||" EXACT "5|2s||" EXACT "5|3s||" EXACT "5|4s||"
         EXACT "5|5s||" EXACT "5|6s||" EXACT "5|7s||" EXACT "5|8s||", 1,
         "1.0 5, plan gold with 8"},
        {EXACT "5|1s||" EXACT "5|2s||" EXACT "5|3s||" EXACT "5|4s||"
         EXACT "5|5s||" EXACT "5|6s||" EXACT "5|7s||" EXACT "5|8s||"
         EXACT "5|9s||", 1, NULL},
    };
    ao2_application_t application = {.id = "app"};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ao2_call_t call = {.api_name = "pizza", .api_version = "1.0"};
        ao2_code_t code;

        call.application = cases[i].has_application ? &application : NULL;
        code = ao2_find_call(&call, answer_of(cases[i].answer, *state),
                             *state, NULL);
        if (code != (cases[i].found ? AO2_OK : AO2_E_MISCONFIGURED) ||
            (code == AO2_OK &&
             strcmp(describe(&call, *state), cases[i].found) != 0)) {
            fail_msg("%s: %d, %s", cases[i].answer, (int)code,
                     describe(&call, *state));
        }
    }
}

/* The labels of limits are made as those of a document. */
static void limits(void **state)
{
    ao2_application_t application = {.id = "app"};
    ao2_call_t call = {.api_name = "pizza", .api_version = "1.0",
                       .application = &application};

    assert_int_equal(ao2_find_call(&call,
                                   answer_of(EXACT "5|1s|3|" EXACT "9|1h||",
                                             *state),
                                   *state, NULL),
                     AO2_OK);
    assert_string_equal(call.subscription->plan->policy,
                        "\"gold-1s\";q=5;w=1, \"gold-1h\";q=9;w=3600");
    assert_int_equal(call.subscription->plan->quota, 1);
    assert_int_equal(call.subscription->starts, apr_time_from_sec(1));
    assert_int_equal(call.api->status, AO2_API_DEPRECATED);
    assert_int_equal(call.api->sunset, apr_time_from_sec(9));
}

static void plans(void **state)
{
    static const struct {
        const char *answer;
        ao2_code_t code;
        int limits; /* -1: no such plan */
    } cases[] = {
        {"gold|5|1s|3|gold|9|1h||", AO2_OK, 2},
        {"gold||||", AO2_OK, 0},
        {"", AO2_OK, -1},
        {"Gold|5|1s|3|", AO2_OK, -1},
        {"gold|5|1s|3|Gold|9|1h||", AO2_OK, 1},
        {"gold|5|1s|", AO2_E_MISCONFIGURED, -1},
        {"gold|x|1s||", AO2_E_MISCONFIGURED, -1},
        {"gold|5|soon||", AO2_E_MISCONFIGURED, -1},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const ao2_plan_t *plan;
        ao2_code_t code = ao2_find_plan(&plan,
                                        answer_of(cases[i].answer, *state),
                                        "gold", *state, NULL);

        if (code != cases[i].code ||
            (plan ? plan->count : -1) != cases[i].limits) {
            fail_msg("%s: %d", cases[i].answer, (int)code);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients), TEST(tokens), TEST(calls), TEST(limits),
        TEST(plans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
