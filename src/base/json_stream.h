/**
 * @file base/json_stream.h
 * A large JSON document, record by record, in whatever pieces it comes.
 *
 * The document is an object; a member of it is an array of records, or a
 * value of its own. Only one record at a time is in memory. The stream
 * knows where each began, so that a fault can be told with its line.
 *
 * Layer base. One thread at a time.
 */
#ifndef AO2_BASE_JSON_STREAM_H
#define AO2_BASE_JSON_STREAM_H

#include <apr_pools.h>
#include <jansson.h>

#include "base/fail.h"
#include "base/span.h"

/** The indexes of what is no element of an array. */
enum {
    AO2_RECORD_VALUE = -1, /**< a member's value that is no array */
    AO2_RECORD_ARRAY = -2  /**< an array begins; text is absent */
};

/** One record. Borrowed for the call. */
typedef struct {
    const char *member; /**< name of the document's member */
    apr_int64_t index;  /**< in its array, or one of the above */
    ao2_span_t text;    /**< a value, balanced but not parsed */
    apr_int64_t line;   /**< where it begins; the first line is 1 */
} ao2_record_t;

/** Takes one record. @return AO2_OK, or what ends the reading */
typedef ao2_code_t ao2_record_fn(void *context, const ao2_record_t *record,
                                 ao2_fail_t *fail);

typedef struct ao2_json_stream ao2_json_stream_t;

/**
 * Begin a document.
 * @param max_record  a longer record is refused; bytes
 * @param pool        the stream lives there, with the names of the members
 */
ao2_json_stream_t *ao2_json_stream_make(ao2_record_fn *take, void *context,
                                        apr_size_t max_record,
                                        apr_pool_t *pool);

/**
 * The next bytes.
 * @return AO2_OK; what the record function returned; AO2_E_MISCONFIGURED
 *         with the line: no JSON object, a member twice, a NUL, more than
 *         AO2_MAX_DOCUMENT_DEPTH levels, a record that is too long. After a
 *         failure the stream is not to be fed again
 */
ao2_code_t ao2_json_stream_feed(ao2_json_stream_t *stream, ao2_span_t bytes,
                                ao2_fail_t *fail);

/** The document ends here. @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_json_stream_end(ao2_json_stream_t *stream, ao2_fail_t *fail);

/**
 * Parse the text of a record, strictly: UTF-8, no duplicate members.
 * @param pjson  owned: release with json_decref()
 * @return AO2_OK or AO2_E_MISCONFIGURED with the line
 */
ao2_code_t ao2_record_parse(json_t **pjson, const ao2_record_t *record,
                            ao2_fail_t *fail);

/**
 * The line where something inside a record stands.
 * @param path  as "subscriptions[0].plan"; "" is the record. Where a step
 *              leads nowhere (also where the text spells a name with
 *              escapes), the line of what it was looked for in
 */
apr_int64_t ao2_record_line(const ao2_record_t *record, const char *path);

#endif
