#include "core/registry_records.h"

#include <stddef.h>

#include <apr_strings.h>

#include "core/registry_words.h"

/* Rows as they stand in the document, before their lists are read. */
typedef struct {
    const char *name;
    json_t *limits;
} plan_t;

typedef struct {
    ao2_application_t row;
    json_t *clients;
    json_t *tokens;
    json_t *subscriptions;
} application_t;

typedef struct {
    ao2_api_token_row_t row;
    json_t *scopes;
    json_t *ip;
} token_t;

/* A word is stored as an int, an enumeration read as one. */
_Static_assert(sizeof(ao2_api_status_t) == sizeof(int),
               "enumerations are as large as int");

#define TEXT(name, required, type, member) \
    {name, AO2_FIELD_TEXT, required, offsetof(type, member), NULL}
#define NUMBER(name, required, type, member) \
    {name, AO2_FIELD_NUMBER, required, offsetof(type, member), NULL}
#define TIME(name, type, member) \
    {name, AO2_FIELD_TIME, 0, offsetof(type, member), NULL}
#define WORD(name, words, type, member) \
    {name, AO2_FIELD_WORD, 0, offsetof(type, member), words}
#define LIST(name, type, member) \
    {name, AO2_FIELD_LIST, 0, offsetof(type, member), NULL}
#define END {NULL, AO2_FIELD_TEXT, 0, 0, NULL}

static const ao2_field_t limit_fields[] = {
    NUMBER("requests", 1, ao2_limit_row_t, requests),
    TEXT("per", 1, ao2_limit_row_t, window),
    NUMBER("burst", 0, ao2_limit_row_t, burst),
    END};

static const ao2_field_t plan_fields[] = {
    TEXT("name", 1, plan_t, name),
    LIST("limits", plan_t, limits),
    END};

static const ao2_field_t api_fields[] = {
    TEXT("name", 1, ao2_api_t, name),
    TEXT("version", 0, ao2_api_t, version),
    WORD("status", ao2_api_statuses, ao2_api_t, status),
    TIME("deprecation", ao2_api_t, deprecation),
    TIME("sunset", ao2_api_t, sunset),
    END};

static const ao2_field_t application_fields[] = {
    TEXT("id", 1, application_t, row.id),
    TEXT("name", 0, application_t, row.name),
    TEXT("owner", 0, application_t, row.owner),
    WORD("status", ao2_application_statuses, application_t, row.status),
    WORD("token_format", ao2_bindings, application_t, row.binds),
    LIST("clients", application_t, clients),
    LIST("tokens", application_t, tokens),
    LIST("subscriptions", application_t, subscriptions),
    END};

static const ao2_field_t client_fields[] = {
    TEXT("issuer", 1, ao2_client_t, issuer),
    TEXT("client_id", 1, ao2_client_t, client_id),
    WORD("key_type", ao2_key_types, ao2_client_t, key_type),
    END};

static const ao2_field_t token_fields[] = {
    TEXT("id", 1, token_t, row.id),
    TEXT("sha256", 1, token_t, row.sha256),
    TEXT("prefix", 0, token_t, row.prefix),
    LIST("scopes", token_t, scopes),
    WORD("key_type", ao2_key_types, token_t, row.key_type),
    TIME("not_before", token_t, row.not_before),
    TIME("expires", token_t, row.expires),
    WORD("status", ao2_api_token_statuses, token_t, row.status),
    LIST("ip", token_t, ip),
    END};

static const ao2_field_t subscription_fields[] = {
    TEXT("api", 1, ao2_subscription_row_t, api),
    TEXT("version", 0, ao2_subscription_row_t, version),
    TEXT("plan", 0, ao2_subscription_row_t, plan),
    WORD("status", ao2_subscription_statuses, ao2_subscription_row_t, status),
    TIME("starts", ao2_subscription_row_t, starts),
    TIME("expires", ao2_subscription_row_t, expires),
    END};

/* A failure of the build, with the place in front. */
static ao2_code_t placed(ao2_code_t code, const ao2_place_t *place,
                         const ao2_fail_t *inner, ao2_fail_t *fail)
{
    return code == AO2_OK ? AO2_OK
                          : ao2_place_fail(place, "", fail, "%s",
                                           inner->detail);
}

ao2_code_t ao2_read_plan(ao2_records_t *records, json_t *json,
                            const ao2_record_t *record, ao2_fail_t *fail)
{
    ao2_place_t place = {record, NULL, 0};
    ao2_fail_t inner = {0};
    ao2_limit_row_t *limits;
    plan_t plan = {0};
    size_t count;
    size_t i;

    if (ao2_fields_read(&plan, plan_fields, json, &place, fail) != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    count = json_array_size(plan.limits);
    limits = apr_pcalloc(records->scratch, (count + 1) * sizeof(*limits));
    for (i = 0; i < count; i++) {
        ao2_place_t at = {record, "limits", i};

        if (ao2_fields_read(&limits[i], limit_fields,
                            json_array_get(plan.limits, i), &at, fail)
            != AO2_OK) {
            return AO2_E_MISCONFIGURED;
        }
    }
    return placed(ao2_build_plan(records->build, plan.name, limits,
                                 (int)count, &inner),
                  &place, &inner, fail);
}

ao2_code_t ao2_read_api(ao2_records_t *records, json_t *json,
                           const ao2_record_t *record, ao2_fail_t *fail)
{
    ao2_place_t place = {record, NULL, 0};
    ao2_api_t row = {.version = ""};
    ao2_fail_t inner = {0};

    if (ao2_fields_read(&row, api_fields, json, &place, fail) != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    return placed(ao2_build_api(records->build, &row, &inner), &place, &inner,
                  fail);
}

/* The strings of a list, borrowed from it. */
static ao2_code_t read_strings(const char ***pstrings, json_t *list,
                               const char *name, const ao2_place_t *place,
                               apr_pool_t *pool, ao2_fail_t *fail)
{
    size_t count = json_array_size(list);
    size_t i;

    *pstrings = apr_palloc(pool, (count + 1) * sizeof(**pstrings));
    for (i = 0; i < count; i++) {
        (*pstrings)[i] = ao2_json_text(json_array_get(list, i)).ptr;
        if (!(*pstrings)[i]) {
            return ao2_place_fail(place,
                                  apr_psprintf(pool, "%s[%d]", name, (int)i),
                                  fail, "must be a string (without NUL)");
        }
    }
    return AO2_OK;
}

/* Reads one element of a list of the application. */
typedef ao2_code_t read_row_fn(ao2_records_t *records,
                               ao2_application_t *application, json_t *json,
                               const ao2_place_t *place, ao2_fail_t *fail);

static ao2_code_t read_client(ao2_records_t *records,
                              ao2_application_t *application, json_t *json,
                              const ao2_place_t *place, ao2_fail_t *fail)
{
    ao2_client_t row = {0};
    ao2_fail_t inner = {0};

    if (ao2_fields_read(&row, client_fields, json, place, fail) != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    return placed(ao2_build_client(records->build, application, &row, &inner),
                  place, &inner, fail);
}

static ao2_code_t read_token(ao2_records_t *records,
                             ao2_application_t *application, json_t *json,
                             const ao2_place_t *place, ao2_fail_t *fail)
{
    token_t token = {.row = {.prefix = "", .expires = AO2_TIME_FOREVER}};
    ao2_fail_t inner = {0};
    const char **scopes;
    const char **ip;

    if (ao2_fields_read(&token, token_fields, json, place, fail) != AO2_OK ||
        read_strings(&scopes, token.scopes, "scopes", place, records->scratch,
                     fail) != AO2_OK ||
        read_strings(&ip, token.ip, "ip", place, records->scratch, fail)
            != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    token.row.scopes = scopes;
    token.row.scope_count = (int)json_array_size(token.scopes);
    token.row.networks = ip;
    token.row.network_count = (int)json_array_size(token.ip);
    return placed(ao2_build_token(records->build, application, &token.row,
                                  &inner),
                  place, &inner, fail);
}

static ao2_code_t read_subscription(ao2_records_t *records,
                                    ao2_application_t *application,
                                    json_t *json, const ao2_place_t *place,
                                    ao2_fail_t *fail)
{
    ao2_subscription_row_t row = {.version = "",
                                  .expires = AO2_TIME_FOREVER};
    ao2_fail_t inner = {0};
    ao2_code_t code = ao2_fields_read(&row, subscription_fields, json, place,
                                      fail);

    if (code != AO2_OK) {
        return code;
    }
    records->place = place;
    code = ao2_build_subscription(records->build, application, &row, &inner);
    records->place = NULL;
    return placed(code, place, &inner, fail);
}

static ao2_code_t read_rows(ao2_records_t *records, read_row_fn *read,
                            ao2_application_t *application, json_t *list,
                            ao2_place_t *place, ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    size_t count = json_array_size(list);

    for (place->index = 0; place->index < count && code == AO2_OK;
         place->index++) {
        code = read(records, application, json_array_get(list, place->index),
                    place, fail);
    }
    return code;
}

ao2_code_t ao2_read_application(ao2_records_t *records,
                                   json_t *json, const ao2_record_t *record,
                                   ao2_fail_t *fail)
{
    application_t read = {.row = {.name = "", .owner = ""}};
    ao2_place_t place = {record, NULL, 0};
    ao2_place_t clients = {record, "clients", 0};
    ao2_place_t tokens = {record, "tokens", 0};
    ao2_place_t subscriptions = {record, "subscriptions", 0};
    ao2_fail_t inner = {0};
    ao2_application_t *application;
    ao2_code_t code = ao2_fields_read(&read, application_fields, json, &place,
                                      fail);

    if (code != AO2_OK) {
        return code;
    }
    code = placed(ao2_build_application(&application, records->build,
                                        &read.row, &inner),
                  &place, &inner, fail);
    if (code == AO2_OK) {
        code = read_rows(records, read_client, application, read.clients,
                         &clients, fail);
    }
    if (code == AO2_OK) {
        code = read_rows(records, read_token, application, read.tokens,
                         &tokens, fail);
    }
    if (code == AO2_OK) {
        code = read_rows(records, read_subscription, application,
                         read.subscriptions, &subscriptions, fail);
    }
    return code;
}
