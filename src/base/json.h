/**
 * @file base/json.h
 * JSON as jansson has it, parsed strictly and tied to pools.
 *
 * Layer base. Pure functions; a parsed value may be read by several threads
 * as long as nobody takes a reference of it (jansson counts references
 * without a lock in the values themselves): use borrowed pointers only.
 */
#ifndef AO2_BASE_JSON_H
#define AO2_BASE_JSON_H

#include <apr_pools.h>
#include <apr_time.h>
#include <jansson.h>

#include "base/fail.h"
#include "base/span.h"

/** Later than any time that is compared: 2^62 microseconds. */
#define AO2_TIME_FOREVER ((apr_time_t)1 << 62)

/**
 * Parse one JSON text whose value must be an object. Refused: anything that
 * is not UTF-8 or JSON, a raw NUL, trailing bytes, duplicate members, a
 * member name with NUL, more than @a depth objects and arrays open at once,
 * more than AO2_MAX_JSON_VALUES values. A string value may hold an escaped
 * NUL: compare with json_string_length(), or through ao2_json_text().
 * The caller bounds the size of @a text.
 * @param pjson  released with @a pool
 * @param blame  the code to fail with
 */
ao2_code_t ao2_json_parse(json_t **pjson, ao2_span_t text, int depth,
                          ao2_code_t blame, apr_pool_t *pool,
                          ao2_fail_t *fail);

/** Release @a json with @a pool (takes over the caller's reference). */
json_t *ao2_json_own(json_t *json, apr_pool_t *pool);

/** Take @a json away from its @a pool: the caller has the reference now. */
json_t *ao2_json_disown(json_t *json, apr_pool_t *pool);

/** About how many bytes of memory @a json takes, with all that is in it. It
 *  was parsed here: its depth is bounded. */
apr_size_t ao2_json_bytes(const json_t *json);

/**
 * The bytes of a string value, borrowed from @a json; absent for NULL, for
 * another type, and for a string that holds NUL.
 */
ao2_span_t ao2_json_text(const json_t *json);

/**
 * What a dotted path leads to, borrowed from @a root; NULL when nothing.
 * A member that carries the whole remaining path as its name wins over
 * descending ("https://example.com/roles" holds dots and is one name).
 * Descends objects only, at most AO2_MAX_DOCUMENT_DEPTH levels.
 */
json_t *ao2_json_at(json_t *root, const char *path);

/**
 * A NumericDate (RFC 7519 section 2): an integer or fraction of seconds
 * since the epoch. Negative, not finite and not a number are refused; what
 * is beyond AO2_TIME_FOREVER is AO2_TIME_FOREVER.
 * @param ptime  microseconds
 * @return 1 when it is one, else 0
 */
int ao2_json_time(apr_time_t *ptime, const json_t *json);

#endif
