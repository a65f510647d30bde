#include "unit/registry_support.h"

#include <openssl/crypto.h>

#include "core/registry_write.h"
#include "core/subscription.h"

/* The registry of a text with ' for ". */
static const ao2_registry_t *made(const char *text, apr_pool_t *pool)
{
    const ao2_registry_t *registry;
    ao2_fail_t fail;

    if (read_text(&registry, test_quotes(text, pool), pool, &fail)
        != AO2_OK) {
        fail_msg("%s", fail.detail);
    }
    return registry;
}

static const char whole[] =
    "{'version': 1,\n"
    " 'plans': [{'name': 'gold', 'limits': [\n"
    "    {'requests': 5000, 'per': '1mi', 'burst': 500},\n"
    "    {'requests': 1000000, 'per': '30d'}]},\n"
    "  {'name': 'plain'}],\n"
    " 'apis': [{'name': 'pizza', 'version': '1.0', 'status': 'published'},\n"
    "  {'name': 'pizza', 'version': '2.0', 'status': 'deprecated',\n"
    "   'deprecation': '2026-01-01T00:00:00Z',\n"
    "   'sunset': '2027-01-01T00:00:00Z'}, {'name': 'plain'}],\n"
    " 'applications': [{'id': 'app-1', 'name': 'Default', 'owner': 'alice',\n"
    "  'status': 'active', 'token_format': 'jwt',\n"
    "  'clients': [{'issuer': 'corp', 'client_id': 'c1',\n"
    "    'key_type': 'production'},\n"
    "   {'issuer': 'other', 'client_id': 'c1', 'key_type': 'sandbox'}],\n"
    "  'tokens': [{'id': 't1', 'sha256': '" HASH "1',\n"
    "    'prefix': 'api_NtBQ', 'scopes': ['a', 'b:c'],\n"
    "    'key_type': 'sandbox', 'not_before': null,\n"
    "    'expires': '2027-01-01T00:00:00Z', 'status': 'active',\n"
    "    'ip': ['192.0.2.0/24', '2001:db8::/32']}],\n"
    "  'subscriptions': [{'api': 'pizza', 'version': '1.0',\n"
    "    'plan': 'gold', 'status': 'active', 'starts': null,\n"
    "    'expires': null},\n"
    "   {'api': 'pizza', 'version': '*', 'status': 'pending',\n"
    "    'starts': '2026-01-01T00:00:00Z'}]}, {'id': 'app-2'}]}\n";

static void reads_rows(void **state)
{
    const ao2_registry_t *registry = made(whole, *state);
    ao2_registry_counts_t counts = ao2_registry_count(registry);
    const ao2_application_t *app = ao2_registry_application(registry,
                                                            "app-1");
    const ao2_client_t *client = ao2_registry_client(registry, "other", "c1");
    const ao2_api_t *old = ao2_registry_api(registry, "pizza", "1.0");
    const ao2_api_t *new = ao2_registry_api(registry, "pizza", "2.0");
    const ao2_subscription_t *found;

    assert_int_equal(counts.plans, 2);
    assert_int_equal(counts.apis, 3);
    assert_int_equal(counts.applications, 2);
    assert_int_equal(counts.clients, 2);
    assert_int_equal(counts.tokens, 1);
    assert_int_equal(counts.subscriptions, 2);
    assert_string_equal(app->name, "Default");
    assert_string_equal(app->owner, "alice");
    assert_int_equal(app->binds, AO2_BINDS_JWT);
    assert_ptr_equal(client->application, app);
    assert_int_equal(client->key_type, AO2_KEY_SANDBOX);
    assert_int_equal(ao2_registry_client(registry, "corp", "c1")->key_type,
                     AO2_KEY_PRODUCTION);
    assert_int_equal(new->status, AO2_API_DEPRECATED);
    assert_int_equal(apr_time_sec(new->deprecation), 1767225600);
    assert_int_equal(apr_time_sec(new->sunset), 1798761600);
    found = ao2_registry_subscription(registry, app, old);
    assert_string_equal(found->plan->name, "gold");
    assert_int_equal(found->status, AO2_SUBSCRIPTION_ACTIVE);
    assert_int_equal(found->starts, 0);
    assert_int_equal(found->expires, AO2_TIME_FOREVER);
    found = ao2_registry_subscription(registry, app, new);
    assert_string_equal(found->api->version, AO2_ALL_VERSIONS);
    assert_null(found->plan);
    assert_int_equal(found->status, AO2_SUBSCRIPTION_PENDING);
    assert_int_equal(apr_time_sec(found->starts), 1767225600);
}

static void knows_no_others(void **state)
{
    const ao2_registry_t *registry = made(whole, *state);
    const ao2_application_t *app = ao2_registry_application(registry,
                                                            "app-2");
    unsigned char digest[AO2_DIGEST_LEN] = {0};

    assert_null(ao2_registry_plan(registry, "Gold"));
    assert_null(ao2_registry_api(registry, "pizza", ""));
    assert_null(ao2_registry_api(registry, "pizza", "*"));
    assert_null(ao2_registry_api(registry, "pizza1.0", ""));
    assert_null(ao2_registry_application(registry, "app-"));
    assert_null(ao2_registry_client(registry, "corp", "c2"));
    assert_null(ao2_registry_client(registry, "nobody", "c1"));
    assert_null(ao2_registry_token(registry, digest));
    assert_null(ao2_registry_subscription(
        registry, app, ao2_registry_api(registry, "pizza", "1.0")));
    assert_null(ao2_registry_subscription(
        registry, app, ao2_registry_api(registry, "plain", "")));
}

static void reads_tokens(void **state)
{
    const ao2_registry_t *registry = made(whole, *state);
    unsigned char digest[AO2_DIGEST_LEN];
    const ao2_api_token_t *token;
    size_t length;

    OPENSSL_hexstr2buf_ex(digest, sizeof(digest), &length, HASH "1", '\0');
    token = ao2_registry_token(registry, digest);
    assert_string_equal(token->id, "t1");
    assert_string_equal(token->prefix, "api_NtBQ");
    assert_string_equal(token->scope, "a b:c");
    assert_string_equal(token->ip, "192.0.2.0/24 2001:db8::/32");
    assert_string_equal(token->application->id, "app-1");
    assert_int_equal(token->network_count, 2);
    assert_int_equal(token->key_type, AO2_KEY_SANDBOX);
    assert_int_equal(token->not_before, 0);
    assert_int_equal(apr_time_sec(token->expires), 1798761600);
    digest[31] ^= 1;
    assert_null(ao2_registry_token(registry, digest));
}

static void reads_plans(void **state)
{
    const ao2_registry_t *registry = made(
        "{'version':1,'plans':[{'name':'gold','limits':["
        "{'requests':5000,'per':'1mi','burst':500},"
        "{'requests':1000000,'per':'30d'}]},{'name':'plain','limits':[]},"
        "{'name':'one','limits':[{'requests':1,'per':'1S'}]},"
        "{'name':'\\u00e9\\\"\\\\','limits':[{'requests':1,'per':'60'}]}]}",
        *state);
    const ao2_plan_t *plan = ao2_registry_plan(registry, "gold");

    assert_int_equal(plan->count, 2);
    assert_int_equal(plan->limits[0].burst, 500);
    assert_int_equal(plan->limits[1].burst, 1000000);
    assert_int_equal(plan->quota, 1);
    assert_string_equal(plan->labels[0], "\"gold-1mi\"");
    assert_string_equal(plan->policy, "\"gold-1mi\";q=5000;w=60, "
                                      "\"gold-30d\";q=1000000;w=2592000");
    plan = ao2_registry_plan(registry, "plain");
    assert_int_equal(plan->count, 0);
    assert_null(plan->policy);
    plan = ao2_registry_plan(registry, "one");
    assert_int_equal(plan->quota, -1);
    assert_string_equal(plan->policy, "\"one-1S\";q=1;w=1");
    plan = ao2_registry_plan(registry, "\xc3\xa9\"\\");
    assert_string_equal(plan->policy, "\"%C3%A9\\\"\\\\-60\";q=1;w=60");
}

/* Members may come in any order; names may hold anything. */
static void order_and_names(void **state)
{
    const ao2_registry_t *registry = made(
        "{'applications':[{'subscriptions':["
        "{'api':'a','version':'b:c','plan':'x'},"
        "{'api':'a:b','version':'c'},{'api':'a','version':'*'},"
        "{'api':'\\n\\t/ -','version':''}],'id':'i'},"
        "{'id':'i:a','subscriptions':[{'api':'a','version':'b:c'}]}],"
        "'plans':[{'name':'x','limits':[]}],"
        "'apis':[{'name':'a','version':'b:c'},{'name':'a:b','version':'c'},"
        "{'name':'a:b:c'},{'name':'\\n\\t/ -'}],'version':1}", *state);
    const ao2_application_t *app = ao2_registry_application(registry, "i");
    const ao2_application_t *other = ao2_registry_application(registry,
                                                              "i:a");
    const ao2_api_t *first = ao2_registry_api(registry, "a", "b:c");
    const ao2_api_t *second = ao2_registry_api(registry, "a:b", "c");

    assert_string_equal(
        ao2_registry_subscription(registry, app, first)->plan->name, "x");
    assert_null(ao2_registry_subscription(registry, app, second)->plan);
    assert_null(ao2_registry_subscription(
        registry, app, ao2_registry_api(registry, "a:b:c", "")));
    assert_null(ao2_registry_subscription(registry, other, second));
    assert_non_null(ao2_registry_subscription(registry, other, first));
    assert_non_null(ao2_registry_subscription(
        registry, app, ao2_registry_api(registry, "\n\t/ -", "")));
    assert_int_equal(ao2_registry_count(registry).apis, 4);
}

static int keep(void *context, const char *bytes, apr_size_t length)
{
    apr_array_header_t *text = context;
    apr_size_t i;

    for (i = 0; i < length; i++) {
        APR_ARRAY_PUSH(text, char) = bytes[i];
    }
    return 0;
}

static int refuse(void *context, const char *bytes, apr_size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
    return 1;
}

static const char *written(const ao2_registry_t *registry,
                           ao2_layout_t layout, apr_pool_t *pool)
{
    apr_array_header_t *text = apr_array_make(pool, 4096, 1);

    assert_int_equal(ao2_registry_write(registry, layout, keep, text, NULL),
                     AO2_OK);
    APR_ARRAY_PUSH(text, char) = '\0';
    return text->elts;
}

static const char canonical[] =
    "{\n"
    "  'version': 1,\n"
    "  'plans': [\n"
    "    {'name': 'gold', 'limits': [{'requests': 5000, 'per': '1mi', "
    "'burst': 500}, {'requests': 1000000, 'per': '30d', 'burst': 1000000}]},"
    "\n"
    "    {'name': 'plain', 'limits': []}\n"
    "  ],\n"
    "  'apis': [\n"
    "    {'name': 'pizza', 'version': '1.0', 'status': 'published'},\n"
    "    {'name': 'pizza', 'version': '2.0', 'status': 'deprecated', "
    "'deprecation': '2026-01-01T00:00:00Z', 'sunset': "
    "'2027-01-01T00:00:00Z'},\n"
    "    {'name': 'plain', 'version': '', 'status': 'published'}\n"
    "  ],\n"
    "  'applications': [\n"
    "    {'id': 'app-1', 'name': 'Default', 'owner': 'alice', 'status': "
    "'active', 'token_format': 'jwt',\n"
    "     'clients': [\n"
    "      {'issuer': 'corp', 'client_id': 'c1', 'key_type': 'production'},\n"
    "      {'issuer': 'other', 'client_id': 'c1', 'key_type': 'sandbox'}\n"
    "     ],\n"
    "     'tokens': [\n"
    "      {'id': 't1', 'sha256': '" HASH "1', 'prefix': 'api_NtBQ', "
    "'scopes': ['a', 'b:c'], 'key_type': 'sandbox', 'not_before': null, "
    "'expires': '2027-01-01T00:00:00Z', 'status': 'active', 'ip': "
    "['192.0.2.0/24', '2001:db8::/32']}\n"
    "     ],\n"
    "     'subscriptions': [\n"
    "      {'api': 'pizza', 'version': '1.0', 'plan': 'gold', 'status': "
    "'active', 'starts': null, 'expires': null},\n"
    "      {'api': 'pizza', 'version': '*', 'plan': null, 'status': "
    "'pending', 'starts': '2026-01-01T00:00:00Z', 'expires': null}\n"
    "     ]},\n"
    "    {'id': 'app-2', 'name': '', 'owner': '', 'status': 'active', "
    "'token_format': 'any',\n"
    "     'clients': [],\n"
    "     'tokens': [],\n"
    "     'subscriptions': []}\n"
    "  ]\n"
    "}\n";

static void writes(void **state)
{
    const ao2_registry_t *registry = made(whole, *state);
    const ao2_registry_t *empty = made("{'version':1}", *state);
    const char *expected = test_quotes(canonical, *state);
    const char *text = written(registry, AO2_ROW_A_LINE, *state);
    ao2_fail_t fail = {0};

    assert_string_equal(text, expected);
    assert_int_equal(read_text(&registry, text, *state, &fail), AO2_OK);
    assert_string_equal(written(registry, AO2_ROW_A_LINE, *state), expected);
    assert_string_equal(written(empty, AO2_ROW_A_LINE, *state),
                        "{\n  \"version\": 1,\n  \"plans\": [],\n"
                        "  \"apis\": [],\n  \"applications\": []\n}\n");
    assert_string_equal(written(empty, AO2_ONE_LINE, *state),
                        "{\"version\": 1,\"plans\": [],\"apis\": [],"
                        "\"applications\": []}\n");
    text = written(registry, AO2_ONE_LINE, *state);
    assert_ptr_equal(strchr(text, '\n') + 1, text + strlen(text));
    assert_int_equal(read_text(&registry, text, *state, &fail), AO2_OK);
    assert_string_equal(written(registry, AO2_ROW_A_LINE, *state), expected);
    assert_int_equal(ao2_registry_write(registry, AO2_ROW_A_LINE, refuse,
                                        NULL, &fail),
                     AO2_E_MISCONFIGURED);
}

/* As the command line tool does: read, check, add, check again. */
static void adds_behind_a_document(void **state)
{
    ao2_registry_reader_t *reader = ao2_registry_reader_make(*state);
    ao2_registry_build_t *build = ao2_registry_reader_build(reader);
    ao2_application_t row = {.id = "new", .name = "", .owner = ""};
    ao2_subscription_row_t good = {.api = "pizza", .version = "2.0"};
    ao2_subscription_row_t bad = {.api = "soup", .version = "*"};
    const ao2_registry_t *registry;
    ao2_application_t *app;
    ao2_fail_t fail = {0};

    assert_int_equal(ao2_registry_reader_feed(
        reader, ao2_span(test_quotes(whole, *state)), &fail), AO2_OK);
    assert_int_equal(ao2_registry_reader_end(&registry, reader, &fail),
                     AO2_OK);
    assert_int_equal(ao2_build_application(&app, build, &row, &fail), AO2_OK);
    assert_int_equal(ao2_build_subscription(build, app, &good, &fail),
                     AO2_OK);
    assert_int_equal(ao2_registry_build_end(&registry, build, &fail), AO2_OK);
    assert_int_equal(ao2_registry_count(registry).subscriptions, 3);
    assert_int_equal(ao2_build_subscription(build, app, &bad, &fail), AO2_OK);
    assert_int_equal(ao2_registry_build_end(&registry, build, &fail),
                     AO2_E_MISCONFIGURED);
    assert_string_equal(fail.detail,
                        "a row behind the document: no API \"soup\"");
}

static void finds_calls(void **state)
{
    const ao2_registry_t *registry = made(whole, *state);
    ao2_call_t call = {.api_name = "pizza", .api_version = "1.0"};
    ao2_grant_t grant;

    call.application = ao2_registry_application(registry, "app-1");
    ao2_call_find(&call, registry);
    assert_int_equal(ao2_call_decide(&grant, &call, NULL), AO2_OK);
    assert_string_equal(grant.plan->name, "gold");
    call.api_version = "3.0";
    ao2_call_find(&call, registry);
    assert_int_equal(ao2_call_decide(&grant, &call, NULL),
                     AO2_E_SUBSCRIPTION_MISSING);
    call.api_version = "1.0";
    call.application = NULL;
    ao2_call_find(&call, registry);
    assert_int_equal(ao2_call_decide(&grant, &call, NULL),
                     AO2_E_SUBSCRIPTION_MISSING);
    call.is_optional = 1;
    call.plan_name = "gold";
    ao2_call_find(&call, registry);
    assert_int_equal(ao2_call_decide(&grant, &call, NULL), AO2_OK);
    assert_string_equal(grant.plan->name, "gold");
    call.plan_name = "goldfish";
    ao2_call_find(&call, registry);
    assert_int_equal(ao2_call_decide(&grant, &call, NULL),
                     AO2_E_MISCONFIGURED);
}

/* Many rows with pointers and digests that differ in few bits. */
static void many_rows(void **state)
{
    ao2_registry_reader_t *reader = ao2_registry_reader_make(*state);
    const ao2_registry_t *registry;
    unsigned char digest[AO2_DIGEST_LEN] = {0};
    ao2_fail_t fail = {0};
    int i;

    ao2_registry_reader_feed(reader, ao2_span("{\"version\":1,\"apis\":"
                                              "[{\"name\":\"a\"}],"
                                              "\"applications\":["), &fail);
    for (i = 0; i < 20000; i++) {
        const char *text = apr_psprintf(
            *state, "%s{\"id\":\"%d\",\"tokens\":[{\"id\":\"t\",\"sha256\":"
            "\"%064x\"}],\"subscriptions\":[{\"api\":\"a\"}]}", i ? "," : "",
            i, (unsigned)i);

        ao2_registry_reader_feed(reader, ao2_span(text), &fail);
    }
    ao2_registry_reader_feed(reader, ao2_span("]}"), &fail);
    assert_int_equal(ao2_registry_reader_end(&registry, reader, &fail),
                     AO2_OK);
    for (i = 0; i < 20000; i++) {
        const ao2_api_token_t *token;

        digest[30] = (unsigned char)(i >> 8);
        digest[31] = (unsigned char)i;
        token = ao2_registry_token(registry, digest);
        assert_string_equal(token->application->id,
                            apr_itoa(*state, i));
        assert_non_null(ao2_registry_subscription(
            registry, token->application,
            ao2_registry_api(registry, "a", "")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_rows),      TEST(knows_no_others),
        TEST(reads_tokens),    TEST(reads_plans),
        TEST(order_and_names), TEST(writes),
        TEST(finds_calls),     TEST(adds_behind_a_document),
        TEST(many_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
