#include "core/registry_read.h"

#include <apr_strings.h>

#include "core/registry_records.h"

struct ao2_registry_reader {
    ao2_json_stream_t *stream;
    ao2_records_t records;
    int has_version;
    apr_size_t bytes;
};

static const char *tell_place(void *context, const char *member,
                              apr_pool_t *pool)
{
    const ao2_registry_reader_t *reader = context;
    char text[AO2_PLACE_TEXT];

    if (!reader->records.place) {
        return "a row behind the document";
    }
    ao2_place_write(text, reader->records.place, member);
    return apr_pstrdup(pool, text);
}

static ao2_code_t read_version(ao2_registry_reader_t *reader,
                               const ao2_record_t *record, ao2_fail_t *fail)
{
    ao2_place_t place = {record, NULL, 0};

    if (!ao2_span_is(record->text, "1")) {
        return ao2_place_fail(&place, "", fail, "must be %d",
                              AO2_REGISTRY_VERSION);
    }
    reader->has_version = 1;
    return AO2_OK;
}

/* The lists of the document. */
static const struct {
    const char *name;
    ao2_read_record_fn *read;
} lists[] = {
    {"plans", ao2_read_plan},
    {"apis", ao2_read_api},
    {"applications", ao2_read_application},
};

static ao2_code_t read_element(ao2_records_t *records,
                               ao2_read_record_fn *read,
                               const ao2_record_t *record, ao2_fail_t *fail)
{
    json_t *json;
    ao2_code_t code = ao2_record_parse(&json, record, fail);

    if (code == AO2_OK) {
        code = read(records, json, record, fail);
        json_decref(json);
    }
    apr_pool_clear(records->scratch);
    return code;
}

static ao2_code_t take_record(void *context, const ao2_record_t *record,
                              ao2_fail_t *fail)
{
    ao2_registry_reader_t *reader = context;
    ao2_place_t place = {record, NULL, 0};
    size_t i;

    if (strcmp(record->member, "version") == 0) {
        return read_version(reader, record, fail);
    }
    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strcmp(record->member, lists[i].name) != 0) {
            continue;
        }
        if (record->index == AO2_RECORD_VALUE) {
            return ao2_place_fail(&place, "", fail, "must be an array");
        }
        return record->index == AO2_RECORD_ARRAY
                   ? AO2_OK
                   : read_element(&reader->records, lists[i].read, record,
                                  fail);
    }
    return ao2_fail(fail, AO2_E_MISCONFIGURED,
                    "line %" APR_INT64_T_FMT ": unknown member \"%.40s\"",
                    record->line, record->member);
}

ao2_registry_reader_t *ao2_registry_reader_make(apr_pool_t *pool)
{
    ao2_registry_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    apr_pool_create(&reader->records.scratch, pool);
    reader->stream = ao2_json_stream_make(take_record, reader,
                                          AO2_MAX_REGISTRY_RECORD, pool);
    reader->records.build = ao2_registry_build_make(tell_place, reader, pool);
    return reader;
}

ao2_code_t ao2_registry_reader_feed(void *context, ao2_span_t bytes,
                                    ao2_fail_t *fail)
{
    ao2_registry_reader_t *reader = context;

    reader->bytes += bytes.len;
    if (reader->bytes > AO2_MAX_REGISTRY) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the registry is longer than %d bytes",
                        AO2_MAX_REGISTRY);
    }
    return ao2_json_stream_feed(reader->stream, bytes, fail);
}

ao2_code_t ao2_registry_reader_end(const ao2_registry_t **pregistry,
                                   ao2_registry_reader_t *reader,
                                   ao2_fail_t *fail)
{
    *pregistry = NULL;
    if (ao2_json_stream_end(reader->stream, fail) != AO2_OK) {
        return AO2_E_MISCONFIGURED;
    }
    if (!reader->has_version) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "\"version\" is missing");
    }
    return ao2_registry_build_end(pregistry, reader->records.build, fail);
}

ao2_registry_build_t *ao2_registry_reader_build(ao2_registry_reader_t *reader)
{
    return reader->records.build;
}
