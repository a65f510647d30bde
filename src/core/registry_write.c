#include "core/registry_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rfc3339.h"
#include "base/text.h"
#include "core/registry_read.h"
#include "core/registry_words.h"

/* Where the document goes. */
typedef struct {
    ao2_layout_t layout;
    ao2_write_fn *put;
    void *context;
    const char *wrong; /* NULL: nothing so far */
} writer_t;

/* @a never is the value that stands for no time. */
static json_t *time_json(apr_time_t time, apr_time_t never)
{
    char text[AO2_RFC3339_SIZE];

    if (time == never) {
        return json_null();
    }
    ao2_rfc3339_write(text, time);
    return json_string(text);
}

/* The words of @a text, which one space separates. */
static json_t *words_json(const char *text)
{
    json_t *words = json_array();

    while (*text) {
        size_t length = strcspn(text, " ");

        json_array_append_new(words, json_stringn(text, length));
        text += length + (text[length] == ' ');
    }
    return words;
}

json_t *ao2_plan_json(const ao2_plan_t *plan)
{
    json_t *limits = json_array();
    int i;

    for (i = 0; i < plan->count; i++) {
        json_array_append_new(
            limits, json_pack("{s:I, s:s, s:I}", "requests",
                              (json_int_t)plan->limits[i].requests, "per",
                              plan->windows[i], "burst",
                              (json_int_t)plan->limits[i].burst));
    }
    return json_pack("{s:s, s:o}", "name", plan->name, "limits", limits);
}

json_t *ao2_api_json(const ao2_api_t *api)
{
    json_t *json = json_pack("{s:s, s:s, s:s}", "name", api->name, "version",
                             api->version, "status",
                             ao2_api_statuses[api->status]);

    if (json && api->deprecation) {
        json_object_set_new(json, "deprecation",
                            time_json(api->deprecation, 0));
    }
    if (json && api->sunset) {
        json_object_set_new(json, "sunset", time_json(api->sunset, 0));
    }
    return json;
}

json_t *ao2_client_json(const ao2_client_t *client)
{
    return json_pack("{s:s, s:s, s:s}", "issuer", client->issuer,
                     "client_id", client->client_id, "key_type",
                     ao2_key_types[client->key_type]);
}

json_t *ao2_api_token_json(const ao2_api_token_t *token)
{
    char sha256[2 * AO2_DIGEST_LEN + 1];

    ao2_hex_digits(sha256, token->digest, AO2_DIGEST_LEN);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:o}", "id", token->id,
        "sha256", sha256, "prefix", token->prefix, "scopes",
        words_json(token->scope), "key_type", ao2_key_types[token->key_type],
        "not_before", time_json(token->not_before, 0), "expires",
        time_json(token->expires, AO2_TIME_FOREVER), "status",
        ao2_api_token_statuses[token->status], "ip", words_json(token->ip));
}

json_t *ao2_subscription_json(const ao2_subscription_t *subscription)
{
    return json_pack(
        "{s:s, s:s, s:s?, s:s, s:o, s:o}", "api", subscription->api->name,
        "version", subscription->api->version, "plan",
        subscription->plan ? subscription->plan->name : NULL, "status",
        ao2_subscription_statuses[subscription->status], "starts",
        time_json(subscription->starts, 0), "expires",
        time_json(subscription->expires, AO2_TIME_FOREVER));
}

json_t *ao2_application_json(const ao2_application_t *application)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", application->id,
                     "name", application->name, "owner", application->owner,
                     "status", ao2_application_statuses[application->status],
                     "token_format", ao2_bindings[application->binds]);
}

static void put(writer_t *writer, const char *text, size_t length)
{
    if (!writer->wrong &&
        writer->put(writer->context, text, length) != 0) {
        writer->wrong = "the registry cannot be written";
    }
}

static void put_text(writer_t *writer, const char *text)
{
    put(writer, text, strlen(text));
}

/* Takes over @a json. @param open  leave the object open for more members */
static void put_json(writer_t *writer, json_t *json, int open)
{
    char *text = json ? json_dumps(json, 0) : NULL;

    json_decref(json);
    if (!text) {
        writer->wrong = writer->wrong ? writer->wrong
                                      : "a name in the registry is not UTF-8";
        return;
    }
    put(writer, text, strlen(text) - (open ? 1 : 0));
    free(text);
}

/* Where a line ends and the next is indented. */
static void put_break(writer_t *writer, const char *indent)
{
    if (writer->layout == AO2_ROW_A_LINE) {
        put_text(writer, "\n");
        put_text(writer, indent);
    }
}

/* Before a row of a list; *pcount rows came before. */
static void begin_row(writer_t *writer, int *pcount, const char *indent)
{
    if ((*pcount)++) {
        put_text(writer, ",");
    }
    put_break(writer, indent);
}

static void put_row(writer_t *writer, int *pcount, const char *indent,
                    json_t *json)
{
    begin_row(writer, pcount, indent);
    put_json(writer, json, 0);
}

static void begin_list(writer_t *writer, int *pcount, const char *indent,
                       const char *name)
{
    put_text(writer, ",");
    put_break(writer, indent);
    put_text(writer, "\"");
    put_text(writer, name);
    put_text(writer, "\": [");
    *pcount = 0;
}

static void end_list(writer_t *writer, int count, const char *indent)
{
    if (count) {
        put_break(writer, indent);
    }
    put_text(writer, "]");
}

static void put_application(writer_t *writer,
                            const ao2_application_t *application)
{
    static const char list[] = "     ";
    static const char row[] = "      ";
    const ao2_client_t *client;
    const ao2_api_token_t *token;
    const ao2_subscription_t *subscription;
    int count;

    put_json(writer, ao2_application_json(application), 1);
    begin_list(writer, &count, list, "clients");
    for (client = application->clients; client; client = client->next) {
        put_row(writer, &count, row, ao2_client_json(client));
    }
    end_list(writer, count, list);
    begin_list(writer, &count, list, "tokens");
    for (token = application->tokens; token; token = token->next) {
        put_row(writer, &count, row, ao2_api_token_json(token));
    }
    end_list(writer, count, list);
    begin_list(writer, &count, list, "subscriptions");
    for (subscription = application->subscriptions; subscription;
         subscription = subscription->next) {
        put_row(writer, &count, row, ao2_subscription_json(subscription));
    }
    end_list(writer, count, list);
    put_text(writer, "}");
}

ao2_code_t ao2_registry_write(const ao2_registry_t *registry,
                              ao2_layout_t layout, ao2_write_fn *sink,
                              void *context, ao2_fail_t *fail)
{
    writer_t writer = {layout, sink, context, NULL};
    const ao2_plan_t *plan;
    const ao2_api_t *api;
    const ao2_application_t *application;
    int count;

    put_text(&writer, "{");
    put_break(&writer, "  ");
    put_text(&writer, "\"version\": 1");
    begin_list(&writer, &count, "  ", "plans");
    for (plan = ao2_registry_plans(registry); plan; plan = plan->next) {
        put_row(&writer, &count, "    ", ao2_plan_json(plan));
    }
    end_list(&writer, count, "  ");
    begin_list(&writer, &count, "  ", "apis");
    for (api = ao2_registry_apis(registry); api; api = api->next) {
        put_row(&writer, &count, "    ", ao2_api_json(api));
    }
    end_list(&writer, count, "  ");
    begin_list(&writer, &count, "  ", "applications");
    for (application = ao2_registry_applications(registry);
         application && !writer.wrong; application = application->next) {
        begin_row(&writer, &count, "    ");
        put_application(&writer, application);
    }
    end_list(&writer, count, "  ");
    put_break(&writer, "");
    put_text(&writer, "}\n");
    return writer.wrong ? ao2_fail(fail, AO2_E_MISCONFIGURED, "%s",
                                   writer.wrong)
                        : AO2_OK;
}
