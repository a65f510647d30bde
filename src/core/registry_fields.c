#include "core/registry_fields.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/rfc3339.h"
#include "core/registry_words.h"

void ao2_place_write(char text[AO2_PLACE_TEXT], const ao2_place_t *place,
                     const char *member)
{
    const ao2_record_t *record = place->record;
    char index[24] = "";
    char inside[100];

    if (record->index >= 0) {
        snprintf(index, sizeof(index), "[%" APR_INT64_T_FMT "]",
                 record->index);
    }
    if (place->list) {
        snprintf(inside, sizeof(inside), "%s[%" APR_SIZE_T_FMT "]%s%s",
                 place->list, place->index, *member ? "." : "", member);
    }
    else {
        snprintf(inside, sizeof(inside), "%s", member);
    }
    snprintf(text, AO2_PLACE_TEXT, "line %" APR_INT64_T_FMT ": %.20s%s%s%s",
             ao2_record_line(record, inside), record->member, index,
             *inside ? "." : "", inside);
}

ao2_code_t ao2_place_fail(const ao2_place_t *place, const char *member,
                          ao2_fail_t *fail, const char *format, ...)
{
    char where[AO2_PLACE_TEXT];
    char what[AO2_MAX_DETAIL + 1];
    va_list args;

    ao2_place_write(where, place, member);
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return ao2_fail(fail, AO2_E_MISCONFIGURED, "%s: %s", where, what);
}

static const char *read_text(const char **ptext, const json_t *value)
{
    ao2_span_t text = ao2_json_text(value);

    if (!text.ptr) {
        return "must be a string (without NUL)";
    }
    *ptext = text.ptr; /* jansson's strings are terminated */
    return NULL;
}

static const char *read_number(apr_int64_t *pnumber, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1) {
        return "must be a whole number, 1 or more";
    }
    *pnumber = json_integer_value(value);
    return NULL;
}

static const char *read_time(apr_time_t *ptime, const json_t *value)
{
    return ao2_rfc3339_read(ptime, ao2_json_text(value))
               ? NULL
               : "must be a time as 2027-01-01T00:00:00Z (RFC 3339), or null";
}

static ao2_code_t read_word(int *pword, const ao2_field_t *field,
                            const json_t *value, const ao2_place_t *place,
                            ao2_fail_t *fail)
{
    char allowed[AO2_MAX_DETAIL] = "";
    int i;

    *pword = ao2_word_find(field->words, ao2_json_text(value));
    if (*pword >= 0) {
        return AO2_OK;
    }
    for (i = 0; field->words[i]; i++) {
        size_t length = strlen(allowed);

        snprintf(allowed + length, sizeof(allowed) - length, "%s%s",
                 i ? ", " : "", field->words[i]);
    }
    return ao2_place_fail(place, field->name, fail, "must be one of %s",
                          allowed);
}

static ao2_code_t read_field(void *row, const ao2_field_t *field,
                             json_t *value, const ao2_place_t *place,
                             ao2_fail_t *fail)
{
    void *to = (char *)row + field->offset;
    const char *wrong = NULL;

    switch (field->kind) {
    case AO2_FIELD_TEXT:
        wrong = read_text(to, value);
        break;
    case AO2_FIELD_NUMBER:
        wrong = read_number(to, value);
        break;
    case AO2_FIELD_TIME:
        wrong = read_time(to, value);
        break;
    case AO2_FIELD_LIST:
        wrong = json_is_array(value) ? NULL : "must be an array";
        *(json_t **)to = value;
        break;
    case AO2_FIELD_WORD:
        return read_word(to, field, value, place, fail);
    }
    return wrong ? ao2_place_fail(place, field->name, fail, "%s", wrong)
                 : AO2_OK;
}

static ao2_code_t refuse_unknown(const ao2_field_t *fields, json_t *json,
                                 const ao2_place_t *place, ao2_fail_t *fail)
{
    const char *name;
    json_t *value;

    json_object_foreach(json, name, value)
    {
        const ao2_field_t *field = fields;

        while (field->name && strcmp(field->name, name) != 0) {
            field++;
        }
        if (!field->name) {
            return ao2_place_fail(place, "", fail, "unknown member \"%.40s\"",
                                  name);
        }
    }
    return AO2_OK;
}

ao2_code_t ao2_fields_read(void *row, const ao2_field_t *fields, json_t *json,
                           const ao2_place_t *place, ao2_fail_t *fail)
{
    const ao2_field_t *field;
    size_t known = 0;

    if (!json_is_object(json)) {
        return ao2_place_fail(place, "", fail, "must be an object");
    }
    for (field = fields; field->name; field++) {
        json_t *value = json_object_get(json, field->name);

        known += value != NULL;
        if (!value && field->required) {
            return ao2_place_fail(place, "", fail, "\"%s\" is missing",
                                  field->name);
        }
        if (value && (field->required || !json_is_null(value)) &&
            read_field(row, field, value, place, fail) != AO2_OK) {
            return AO2_E_MISCONFIGURED;
        }
    }
    return known == json_object_size(json)
               ? AO2_OK
               : refuse_unknown(fields, json, place, fail);
}
