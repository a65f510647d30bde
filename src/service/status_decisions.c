#include "service/status_parts.h"

#include <apr_strings.h>

#include "base/fail.h"
#include "service/exposition.h"

/* Refusals that are told. */
#define MOST_REFUSALS 50

static const char *const results[] = {"granted", "refused", "failed"};

static int result_of(int column)
{
    return column == 0 ? 0 : ao2_error_at(column - 1)->status >= 500 ? 2 : 1;
}

static json_t *number(apr_uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *request_of(const ao2_counters_t *counters,
                          const ao2_found_row_t *row, int column,
                          apr_pool_t *pool)
{
    json_t *object = json_object();

    ao2_status_set(object, "issuer",
                   ao2_status_text(ao2_counters_text(counters,
                                                     row->labels[0]), pool));
    ao2_status_set(object, "api",
                   ao2_status_text(ao2_counters_text(counters,
                                                     row->labels[1]), pool));
    ao2_status_set(object, "result", json_string(results[result_of(column)]));
    ao2_status_set(object, "reason",
                   json_string(ao2_metric_word(AO2_METRIC_REQUESTS, column,
                                               pool)));
    ao2_status_set(object, "count", number(ao2_row_sum(row->row, column)));
    return object;
}

/* All columns of a row that are not 0, each into its list and its sum. */
static void add_row(json_t *list, apr_uint64_t sums[3],
                    const ao2_counters_t *counters,
                    const ao2_found_row_t *row, apr_pool_t *pool)
{
    int column;

    for (column = 0; column == 0 || ao2_error_at(column - 1); column++) {
        apr_uint64_t count = ao2_row_sum(row->row, column);

        if (count) {
            sums[result_of(column)] += count;
            json_array_append_new(list, request_of(counters, row, column,
                                                   pool));
        }
    }
}

json_t *ao2_status_counters(const ao2_counters_t *counters, apr_pool_t *pool)
{
    json_t *object = json_object();
    json_t *list = json_array();
    apr_uint64_t sums[3] = {0, 0, 0};
    ao2_found_row_t row;
    apr_uint32_t at;
    int i;

    for (at = 0; counters && at < AO2_ROWS; at++) {
        if (ao2_counters_at(counters, at, &row) &&
            row.metric == AO2_METRIC_REQUESTS) {
            add_row(list, sums, counters, &row, pool);
        }
    }
    for (i = 0; i < 3; i++) {
        ao2_status_set(object, results[i], number(sums[i]));
    }
    ao2_status_set(object, "requests", list);
    return object;
}

/* The bound of the bucket below which @a part of all lie, in microseconds. */
static json_t *bound_of(const ao2_row_t *row, apr_uint64_t count, double part)
{
    apr_uint64_t below = 0;
    int bucket;

    for (bucket = 0; bucket < AO2_BUCKETS; bucket++) {
        below += ao2_row_sum(row, bucket);
        if (count && (double)below >= part * (double)count) {
            return number(ao2_bucket_bound(bucket) / 1000);
        }
    }
    return json_null();
}

static json_t *path_of(const ao2_counters_t *counters,
                       const ao2_found_row_t *row, apr_pool_t *pool)
{
    json_t *object = json_object();
    apr_uint64_t count = 0;
    int bucket;

    for (bucket = 0; bucket <= AO2_BUCKETS; bucket++) {
        count += ao2_row_sum(row->row, bucket);
    }
    ao2_status_set(object, "path",
                   ao2_status_text(ao2_counters_text(counters,
                                                     row->labels[0]), pool));
    ao2_status_set(object, "measured", number(count));
    ao2_status_set(object, "mean_us",
                   count ? number(ao2_row_sum(row->row, AO2_COLUMN_SUM)
                                  / count / 1000)
                         : json_null());
    ao2_status_set(object, "half_within_us",
                   bound_of(row->row, count, 0.5));
    ao2_status_set(object, "most_within_us",
                   bound_of(row->row, count, 0.95));
    return object;
}

json_t *ao2_status_paths(const ao2_counters_t *counters, apr_pool_t *pool)
{
    json_t *list = json_array();
    ao2_found_row_t row;
    apr_uint32_t at;

    for (at = 0; counters && at < AO2_ROWS; at++) {
        if (ao2_counters_at(counters, at, &row) &&
            row.metric == AO2_METRIC_AUTHENTICATION) {
            json_array_append_new(list, path_of(counters, &row, pool));
        }
    }
    return list;
}

static json_t *known(const char *text, apr_pool_t *pool)
{
    return ao2_status_text(*text ? text : NULL, pool);
}

static json_t *refusal_of(const ao2_recent_t *refused, apr_pool_t *pool)
{
    json_t *object = json_object();

    ao2_status_set(object, "time", ao2_status_time(refused->at));
    ao2_status_set(object, "status", json_integer(refused->status));
    ao2_status_set(object, "code",
                   json_string(apr_psprintf(pool, "AO2-%03d",
                                            (int)refused->number)));
    ao2_status_set(object, "reason", known(refused->reason, pool));
    ao2_status_set(object, "location", known(refused->location, pool));
    ao2_status_set(object, "client", known(refused->client, pool));
    ao2_status_set(object, "address", known(refused->address, pool));
    ao2_status_set(object, "token", known(refused->token_id, pool));
    ao2_status_set(object, "detail", known(refused->detail, pool));
    return object;
}

json_t *ao2_status_refusals(const ao2_board_t *board, apr_pool_t *pool)
{
    ao2_recent_t *list = apr_pcalloc(pool, MOST_REFUSALS * sizeof(*list));
    int count = board ? ao2_recent_list(board->recent, list, MOST_REFUSALS)
                      : 0;
    json_t *refusals = json_array();
    int i;

    for (i = 0; i < count; i++) {
        json_array_append_new(refusals, refusal_of(&list[i], pool));
    }
    return refusals;
}
