/**
 * @file core/registry_fields.h
 * Objects of a registry document, member by member as a table says.
 *
 * Layer core. One thread at a time.
 */
#ifndef AO2_CORE_REGISTRY_FIELDS_H
#define AO2_CORE_REGISTRY_FIELDS_H

#include "base/json_stream.h"

/** What a member holds, and what it is stored as. */
typedef enum {
    AO2_FIELD_TEXT,   /**< const char *, borrowed from the JSON */
    AO2_FIELD_NUMBER, /**< apr_int64_t, at least 1 */
    AO2_FIELD_WORD,   /**< int: the index of the word */
    AO2_FIELD_TIME,   /**< apr_time_t; null leaves it as it is */
    AO2_FIELD_LIST    /**< json_t *, an array, borrowed from the JSON */
} ao2_field_kind_t;

typedef struct {
    const char *name;
    ao2_field_kind_t kind;
    int required;
    apr_size_t offset; /**< of the struct that is filled */
    const char *const *words;
} ao2_field_t;

/** Where an object stands: it is a record, or an element of a list in it. */
typedef struct {
    const ao2_record_t *record;
    const char *list; /**< NULL: the record itself */
    apr_size_t index; /**< in the list */
} ao2_place_t;

/**
 * Fill @a row from @a json, which must be an object without members that
 * are not among @a fields. What is absent, or null where it is not
 * required, leaves its place in @a row as it is.
 * @param fields  a row without name behind the last
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_fields_read(void *row, const ao2_field_t *fields, json_t *json,
                           const ao2_place_t *place, ao2_fail_t *fail);

/** Longest text that says where something stands, its NUL included. */
#define AO2_PLACE_TEXT 160

/**
 * Write line and path: "line 12: applications[3].subscriptions[0].plan".
 * @param member  of the object; "" for the object itself
 */
void ao2_place_write(char text[AO2_PLACE_TEXT], const ao2_place_t *place,
                     const char *member);

/** Fail with line and path in front. @param member  as above */
ao2_code_t ao2_place_fail(const ao2_place_t *place, const char *member,
                          ao2_fail_t *fail, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
