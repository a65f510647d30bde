#include "fuzz/fuzz.h"

#include <apr_strings.h>

#include "base/json.h"
#include "core/registry_read.h"
#include "core/registry_write.h"

const char fuzz_name[] = "registry";

/* A text that grows. */
typedef struct {
    const char *text;
    apr_pool_t *pool;
} tape_t;

static int put(void *context, const char *bytes, apr_size_t length)
{
    tape_t *tape = context;

    tape->text = apr_pstrcat(tape->pool, tape->text,
                             apr_pstrmemdup(tape->pool, bytes, length), NULL);
    return 0;
}

static const char *write_down(const ao2_registry_t *registry,
                              ao2_layout_t layout, apr_pool_t *pool)
{
    tape_t tape = {"", pool};

    fuzz_check(ao2_registry_write(registry, layout, put, &tape, NULL) == AO2_OK,
               "a registry can be written");
    return tape.text;
}

static ao2_code_t read_in(const ao2_registry_t **pregistry, ao2_span_t text,
                          apr_size_t piece, apr_pool_t *pool,
                          ao2_fail_t *fail)
{
    ao2_registry_reader_t *reader = ao2_registry_reader_make(pool);
    ao2_code_t code = AO2_OK;

    *pregistry = NULL;
    while (text.len && code == AO2_OK) {
        ao2_span_t bytes = {text.ptr, text.len < piece ? text.len : piece};

        code = ao2_registry_reader_feed(reader, bytes, fail);
        text.ptr += bytes.len;
        text.len -= bytes.len;
    }
    return code == AO2_OK ? ao2_registry_reader_end(pregistry, reader, fail)
                          : code;
}

static ao2_registry_counts_t count_rows(const json_t *document)
{
    json_t *applications = json_object_get(document, "applications");
    ao2_registry_counts_t sum = {0};
    size_t i;

    sum.plans = (int)json_array_size(json_object_get(document, "plans"));
    sum.apis = (int)json_array_size(json_object_get(document, "apis"));
    sum.applications = (int)json_array_size(applications);
    for (i = 0; i < json_array_size(applications); i++) {
        const json_t *one = json_array_get(applications, i);

        sum.clients += (int)json_array_size(json_object_get(one, "clients"));
        sum.tokens += (int)json_array_size(json_object_get(one, "tokens"));
        sum.subscriptions += (int)json_array_size(
            json_object_get(one, "subscriptions"));
    }
    return sum;
}

/* Strict JSON, and all of its rows are there. */
static void check_rows(const ao2_registry_t *registry, ao2_span_t text,
                       apr_pool_t *pool)
{
    json_t *json = ao2_json_own(json_loadb(text.ptr, text.len,
                                           JSON_REJECT_DUPLICATES, NULL),
                                pool);
    ao2_registry_counts_t wanted = count_rows(json);
    ao2_registry_counts_t counts = ao2_registry_count(registry);

    fuzz_check(json_integer_value(json_object_get(json, "version")) == 1,
               "a registry is strict JSON of version 1");
    fuzz_check(memcmp(&wanted, &counts, sizeof(counts)) == 0,
               "every row of the document is in the registry");
}

static void check_application(const ao2_registry_t *registry,
                              const ao2_application_t *application)
{
    const ao2_client_t *client;
    const ao2_api_token_t *token;
    const ao2_subscription_t *one;

    for (client = application->clients; client; client = client->next) {
        fuzz_check(client->application == application &&
                       ao2_registry_client(registry, client->issuer,
                                           client->client_id) == client,
                   "a client is found by issuer and id");
    }
    for (token = application->tokens; token; token = token->next) {
        fuzz_check(token->application == application &&
                       ao2_registry_token(registry, token->digest) == token,
                   "a token is found by its digest");
    }
    for (one = application->subscriptions; one; one = one->next) {
        fuzz_check(one->application == application &&
                       ao2_registry_subscription(registry, application,
                                                 one->api) == one,
                   "a subscription is found by its API");
    }
}

static void check_lookups(const ao2_registry_t *registry)
{
    const ao2_plan_t *plan;
    const ao2_api_t *api;
    const ao2_application_t *one;

    for (plan = ao2_registry_plans(registry); plan; plan = plan->next) {
        fuzz_check(ao2_registry_plan(registry, plan->name) == plan,
                   "a plan is found by name");
        fuzz_check(!plan->policy || fuzz_is_printable(plan->policy),
                   "a policy fits into a field");
    }
    for (api = ao2_registry_apis(registry); api; api = api->next) {
        fuzz_check(ao2_registry_api(registry, api->name, api->version) == api,
                   "an API is found by name and version");
    }
    for (one = ao2_registry_applications(registry); one; one = one->next) {
        fuzz_check(ao2_registry_application(registry, one->id) == one,
                   "an application is found by id");
        check_application(registry, one);
    }
}

static void check_again(const ao2_registry_t *registry, ao2_layout_t layout,
                        apr_pool_t *pool)
{
    const char *text = write_down(registry, layout, pool);
    const ao2_registry_t *again;

    fuzz_check(layout != AO2_ONE_LINE || !strchr(text, '\n') ||
                   strchr(text, '\n')[1] == '\0',
               "one line is one");
    fuzz_check(read_in(&again, ao2_span(text), strlen(text), pool, NULL)
                       == AO2_OK &&
                   strcmp(write_down(again, layout, pool), text) == 0,
               "what is written is read");
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    const ao2_registry_t *registry;
    const ao2_registry_t *again;
    ao2_fail_t fail = {0};
    ao2_fail_t other = {0};
    ao2_code_t code = read_in(&registry, input, input.len + 1, pool, &fail);

    fuzz_check(read_in(&again, input, 7, pool, &other) == code &&
                   strcmp(fail.detail, other.detail) == 0,
               "the size of the pieces does not matter");
    if (code != AO2_OK) {
        fuzz_check(!registry && code == AO2_E_MISCONFIGURED, "no registry");
        fuzz_check_fail(code, &fail);
        return;
    }
    fuzz_accepted++;
    check_rows(registry, input, pool);
    check_lookups(registry);
    check_again(registry, AO2_ROW_A_LINE, pool);
    check_again(registry, AO2_ONE_LINE, pool);
}
