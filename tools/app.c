/* htapi app, htapi subscribe, htapi subscription. */
#include "tools/change.h"

#include "core/registry_words.h"
#include "core/registry_write.h"

static int add_application(ao2_change_t *change)
{
    const ao2_store_kind_t *kind = change->store->kind;
    ao2_application_t row = {.id = ao2_change_word(change, 0),
                             .name = ao2_change_option(change, "name", ""),
                             .owner = ao2_change_option(change, "owner", "")};
    int found = 0;
    int binds;
    int status = ao2_change_choice(&binds, change, "token-format",
                                   ao2_bindings);

    row.binds = (ao2_binding_t)binds;
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_check(change, ao2_build_application(
            NULL, ao2_change_draft(change), &row, &change->fail));
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_begin(change);
    }
    if (status == AO2_EXIT_DONE) {
        status = kind->find_application(&found, change->store, row.id,
                                        &change->fail);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (found) {
        return ao2_change_refuse(change, "application \"%s\" is there "
                                 "already", row.id);
    }
    change->result = ao2_application_json(&row);
    return kind->add_application(change->store, &row, &change->fail);
}

int ao2_app_command_add(ao2_line_t *line, int argc, const char *const *argv)
{
    static const ao2_usage_t usage = {"name= owner= token-format=", 1, 1, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = add_application(&change);
    }
    return ao2_change_end(&change, status);
}

static int set_application(ao2_change_t *change)
{
    const char *id = ao2_change_word(change, 0);
    const char *word = ao2_change_word(change, 1);
    int state = ao2_word_find(ao2_application_statuses, ao2_span(word));
    int status;

    if (state < 0) {
        return ao2_line_wrong(change->line, "an application becomes active "
                              "or blocked");
    }
    status = ao2_change_begin(change);
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_need_application(change, id);
    }
    change->result = json_pack("{s:s, s:s}", "id", id, "status", word);
    return status == AO2_EXIT_DONE
               ? change->store->kind->set_application(
                     change->store, id, (ao2_application_status_t)state,
                     &change->fail)
               : status;
}

int ao2_app_command_status(ao2_line_t *line, int argc,
                           const char *const *argv)
{
    static const ao2_usage_t usage = {"", 2, 2, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = set_application(&change);
    }
    return ao2_change_end(&change, status);
}

static int check_client(ao2_client_t *row, ao2_change_t *change)
{
    ao2_application_t *application;
    ao2_registry_build_t *draft;
    int key_type;
    int status = ao2_change_choice(&key_type, change, "key-type",
                                   ao2_key_types);

    row->issuer = ao2_line_option(change->line, "issuer");
    row->client_id = ao2_line_option(change->line, "client-id");
    row->key_type = (ao2_key_type_t)key_type;
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (!row->issuer || !row->client_id) {
        return ao2_line_wrong(change->line, "--issuer and --client-id are "
                              "needed");
    }
    status = ao2_change_draft_application(&draft, &application, change,
                                          ao2_change_word(change, 0));
    return status == AO2_EXIT_DONE
               ? ao2_change_check(change, ao2_build_client(
                     draft, application, row, &change->fail))
               : status;
}

static int add_client(ao2_change_t *change)
{
    const ao2_store_kind_t *kind = change->store->kind;
    const char *id = ao2_change_word(change, 0);
    ao2_client_t row = {0};
    int found = 0;
    int status = check_client(&row, change);

    if (status == AO2_EXIT_DONE) {
        status = ao2_change_begin(change);
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_need_application(change, id);
    }
    if (status == AO2_EXIT_DONE) {
        status = kind->find_client(&found, change->store, &row,
                                   &change->fail);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (found) {
        return ao2_change_refuse(change, "client \"%s\" of issuer \"%s\" "
                                 "belongs to an application already",
                                 row.client_id, row.issuer);
    }
    change->result = ao2_client_json(&row);
    return kind->add_client(change->store, id, &row, &change->fail);
}

int ao2_app_command_client(ao2_line_t *line, int argc,
                           const char *const *argv)
{
    static const ao2_usage_t usage = {"issuer= client-id= key-type=", 1, 1, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = add_client(&change);
    }
    return ao2_change_end(&change, status);
}

/* The subscription that the words name: APP API [VERSION]. */
static ao2_subscription_row_t named(const ao2_change_t *change)
{
    const char *version = ao2_change_word(change, 2);
    ao2_subscription_row_t row = {.api = ao2_change_word(change, 1),
                                  .version = version ? version : "",
                                  .expires = AO2_TIME_FOREVER};

    return row;
}

/* What a new subscription refers to must be there, and itself not. */
static int check_subscription(ao2_change_t *change, const char *application,
                              const ao2_subscription_row_t *row)
{
    const ao2_store_kind_t *kind = change->store->kind;
    ao2_api_t api = {.name = row->api, .version = row->version};
    int has_api = 0;
    int has_plan = 1;
    int has_row = 0;
    int status = ao2_change_need_application(change, application);

    if (status == AO2_EXIT_DONE) {
        status = kind->find_api(&has_api, change->store, &api, &change->fail);
    }
    if (status == AO2_EXIT_DONE && row->plan) {
        status = kind->find_plan(&has_plan, change->store, row->plan,
                                 &change->fail);
    }
    if (status == AO2_EXIT_DONE) {
        status = kind->find_subscription(&has_row, change->store, application,
                                         row, &change->fail);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (!has_api) {
        return ao2_change_refuse(change, "no version \"%s\" of API \"%s\"",
                                 row->version, row->api);
    }
    if (!has_plan) {
        return ao2_change_refuse(change, "no plan \"%s\"", row->plan);
    }
    return has_row ? ao2_change_refuse(change, "the subscription is there "
                                       "already")
                   : AO2_EXIT_DONE;
}

/* A subscription as an object, with its application. */
static json_t *subscription_json(const char *application,
                                 const ao2_subscription_row_t *row)
{
    ao2_api_t api = {.name = row->api, .version = row->version};
    ao2_plan_t plan = {.name = row->plan};
    ao2_subscription_t subscription = {.api = &api,
                                       .plan = row->plan ? &plan : NULL,
                                       .status = row->status,
                                       .starts = row->starts,
                                       .expires = row->expires};
    json_t *json = ao2_subscription_json(&subscription);

    json_object_set_new(json, "application", json_string(application));
    return json;
}

static int add_subscription(ao2_change_t *change)
{
    const char *application = ao2_change_word(change, 0);
    ao2_subscription_row_t row = named(change);
    int status = ao2_change_time(&row.starts, change, "starts");

    row.plan = ao2_line_option(change->line, "plan");
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_time(&row.expires, change, "expires");
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_begin(change);
    }
    if (status == AO2_EXIT_DONE) {
        status = check_subscription(change, application, &row);
    }
    change->result = subscription_json(application, &row);
    return status == AO2_EXIT_DONE
               ? change->store->kind->add_subscription(
                     change->store, application, &row, &change->fail)
               : status;
}

int ao2_subscribe_command(ao2_line_t *line, int argc, const char *const *argv)
{
    static const ao2_usage_t usage = {"plan= starts= expires=", 2, 3, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = add_subscription(&change);
    }
    return ao2_change_end(&change, status);
}

static int set_subscription(ao2_change_t *change,
                            ao2_subscription_status_t state)
{
    const ao2_store_kind_t *kind = change->store->kind;
    const char *application = ao2_change_word(change, 0);
    ao2_subscription_row_t row = named(change);
    int found = 0;
    int status = ao2_change_begin(change);

    if (status == AO2_EXIT_DONE) {
        status = ao2_change_need_application(change, application);
    }
    if (status == AO2_EXIT_DONE) {
        status = kind->find_subscription(&found, change->store, application,
                                         &row, &change->fail);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (!found) {
        return ao2_change_refuse(change, "no subscription of \"%s\" to "
                                 "version \"%s\" of API \"%s\"", application,
                                 row.version, row.api);
    }
    row.status = state;
    change->result = json_pack("{s:s, s:s, s:s, s:s}", "api", row.api,
                               "version", row.version, "status",
                               ao2_subscription_statuses[state],
                               "application", application);
    return kind->set_subscription(change->store, application, &row,
                                  &change->fail);
}

static int change_state(ao2_line_t *line, int argc, const char *const *argv,
                        ao2_subscription_status_t state)
{
    int may_be_production = state == AO2_SUBSCRIPTION_BLOCKED;
    ao2_usage_t usage = {may_be_production ? "production" : "", 2, 3, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = set_subscription(&change,
                                  ao2_line_option(line, "production")
                                      ? AO2_SUBSCRIPTION_PRODUCTION_BLOCKED
                                      : state);
    }
    return ao2_change_end(&change, status);
}

int ao2_subscription_command_block(ao2_line_t *line, int argc,
                                   const char *const *argv)
{
    return change_state(line, argc, argv, AO2_SUBSCRIPTION_BLOCKED);
}

int ao2_subscription_command_activate(ao2_line_t *line, int argc,
                                      const char *const *argv)
{
    return change_state(line, argc, argv, AO2_SUBSCRIPTION_ACTIVE);
}

int ao2_subscription_command_close(ao2_line_t *line, int argc,
                                   const char *const *argv)
{
    return change_state(line, argc, argv, AO2_SUBSCRIPTION_CLOSED);
}
