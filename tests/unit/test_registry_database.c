/*
 * The registry in a database: what is asked for what, and what is made of
 * the answers.
 */
#include "unit/database_world.h"

#include "base/limits.h"
#include "service/registry_database.h"

/* The source: what is asked for what, and what is not asked at all. */
static void source_asks(void **state)
{
    static const unsigned char digest[AO2_DIGEST_LEN] = {0xab};
    world_t *world = *state;
    ao2_application_t application = {.id = "app"};
    ao2_call_t made = {.application = &application, .api_name = "pizza",
                       .api_version = "1.0"};
    ao2_registry_source_t *source;
    const ao2_client_t *client;
    const ao2_api_token_t *token;
    char longest[AO2_MAX_NAME + 2];

    assert_int_equal(ao2_registry_database_open(&source, &world->settings,
                                                world->pool, NULL),
                     AO2_OK);
    assert_int_equal(source->find_client(source, &client, "corp", "c",
                                         world->pool, NULL),
                     AO2_OK);
    assert_string_equal(client->application->id, "app");
    set_mood(world, ANSWERS, "");
    assert_int_equal(source->find_client(source, &client, "corp", "d",
                                         world->pool, NULL),
                     AO2_OK);
    assert_null(client);
    assert_int_equal(source->find_token(source, &token, digest, world->pool,
                                        NULL),
                     AO2_OK);
    assert_null(token);
    set_mood(world, ANSWERS, "pizza|1.0|published|||pizza|*||active||||||");
    assert_int_equal(source->find_call(source, &made, world->pool, NULL),
                     AO2_OK);
    assert_non_null(made.subscription);
    assert_int_equal(look(world, &world->asked), 4);
    assert_string_equal(ao2_find_statements[AO2_FIND_TOKEN].text,
                        AO2_SQL_FIND_TOKEN);

    /* what no registry holds */
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(source->find_client(source, &client, "corp", longest,
                                         world->pool, NULL),
                     AO2_OK);
    assert_null(client);
    made.api_version = "*";
    assert_int_equal(source->find_call(source, &made, world->pool, NULL),
                     AO2_OK);
    assert_null(made.api);
    assert_null(made.subscription);
    assert_int_equal(look(world, &world->asked), 4);
    set_mood(world, ANSWERS, "");
    source->find_client(source, &client, "corp", longest + 1, world->pool,
                        NULL);
    assert_int_equal(look(world, &world->asked), 5);
}

/* A plan for callers without a subscription is asked for where there may be
 * any. */
static void source_asks_for_a_plan(void **state)
{
    world_t *world = *state;
    ao2_call_t call = {.api_name = "pizza", .api_version = "1.0",
                       .plan_name = "gold"};
    ao2_registry_source_t *source;

    ao2_registry_database_open(&source, &world->settings, world->pool, NULL);
    set_mood(world, ANSWERS, "");
    assert_int_equal(source->find_call(source, &call, world->pool, NULL),
                     AO2_OK);
    assert_null(call.plan);
    assert_int_equal(look(world, &world->asked), 2);
    call.plan_name = "silver";
    set_mood(world, ANSWERS, "silver|5|1s||");
    assert_int_equal(source->find_call(source, &call, world->pool, NULL),
                     AO2_OK);
    assert_string_equal(call.plan->policy, "\"silver-1s\";q=5;w=1");
    assert_int_equal(look(world, &world->asked), 3);
    call.plan_name = NULL;
    assert_int_equal(source->find_call(source, &call, world->pool, NULL),
                     AO2_OK);
    assert_null(call.plan);
    assert_int_equal(look(world, &world->asked), 3);
}

/* Nobody is told "no" because of a row that nobody understands. */
static void source_does_not_understand(void **state)
{
    world_t *world = *state;
    ao2_registry_source_t *source;
    const ao2_client_t *client;
    ao2_fail_t fail = {0};

    ao2_registry_database_open(&source, &world->settings, world->pool, NULL);
    set_mood(world, ANSWERS, "app|||gone|any|corp|c|production|");
    assert_int_equal(source->find_client(source, &client, "corp", "c",
                                         world->pool, &fail),
                     AO2_E_REGISTRY_UNAVAILABLE);
    assert_string_equal(fail.detail,
                        "the database has an unknown application status");
    assert_int_equal(source->retry_after_sec(source), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(source_asks),
        WORLD(source_asks_for_a_plan),
        WORLD(source_does_not_understand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
