#include "service/exposition.h"

#include <string.h>

#include <apr_strings.h>

#include "base/fail.h"
#include "base/text.h"

typedef enum { TYPE_counter, TYPE_histogram } type_t;

/* A row of metrics.def. */
typedef struct {
    const char *name;
    type_t type;
    const char *labels;
    const char *column;
    const char *words;
    const char *help;
} counted_t;

typedef struct {
    const char *name;
    const char *label;
    const char *lists; /* of the model, separated by spaces */
    const char *key;   /* the member that gives the label */
    const char *member;
    const char *help;
} gauge_t;

static const counted_t counted[AO2_METRICS] = {
    {NULL, TYPE_counter, NULL, NULL, NULL, NULL},
#define AO2_COUNTED(ID, name, type, labels, column, words, help) \
    {#name, TYPE_##type, labels, column, words, help},
#define AO2_GAUGE(ID, name, label, lists, key, member, help)
#include "service/metrics.def"
#undef AO2_COUNTED
#undef AO2_GAUGE
};

static const gauge_t gauges[] = {
#define AO2_COUNTED(ID, name, type, labels, column, words, help)
#define AO2_GAUGE(ID, name, label, lists, key, member, help) \
    {#name, label, lists, key, member, help},
#include "service/metrics.def"
#undef AO2_COUNTED
#undef AO2_GAUGE
};

#define AO2_ERROR(ID, id, number, status, rfc6750, wso2, level, text) +1
_Static_assert(1
#include "base/errors.def"
                   <= AO2_COLUMNS,
               "every reason has a column");
#undef AO2_ERROR

/* The bounds of the buckets in seconds, as both formats write them. */
static const char *const bounds[AO2_BUCKETS] = {
    "1e-06",  "2.5e-06", "5e-06",  "1e-05",  "2.5e-05", "5e-05",  "0.0001",
    "0.00025", "0.0005", "0.001",  "0.0025", "0.005",   "0.01",   "0.025",
    "0.1",    "0.25",    "0.5",    "1.0",    "2.5",     "10.0"};

/* What is written, and from what. */
typedef struct {
    ao2_page_t *page;
    const ao2_counters_t *counters;
    int is_openmetrics;
    apr_array_header_t *rows; /* of ao2_found_row_t: all there are */
} writing_t;

/* Word @a index of a list; NULL behind the last. */
static const char *word_at(const char *list, const char *between, int index,
                           apr_pool_t *pool)
{
    list += strspn(list, between);
    while (index-- > 0 && *list) {
        list += strcspn(list, between);
        list += strspn(list, between);
    }
    return *list ? apr_pstrmemdup(pool, list, strcspn(list, between)) : NULL;
}

const char *ao2_metric_word(ao2_metric_t metric, int column, apr_pool_t *pool)
{
    const ao2_error_t *error;

    if (metric != AO2_METRIC_REQUESTS) {
        return word_at(counted[metric].words, " ", column, pool);
    }
    error = column > 0 ? ao2_error_at(column - 1) : NULL;
    return column == 0 ? "ok" : error ? error->id : NULL;
}

static void write_head(const writing_t *to, const char *name,
                       const char *type, const char *help)
{
    size_t length = strlen(name);

    /* OpenMetrics names the family, without what its samples end in. */
    if (to->is_openmetrics && strcmp(type, "counter") == 0) {
        length -= strlen("_total");
    }
    ao2_page_format(to->page, "# HELP " AO2_METRICS_PREFIX "%.*s %s.\n"
                    "# TYPE " AO2_METRICS_PREFIX "%.*s %s\n", (int)length,
                    name, help, (int)length, name, type);
}

/* {issuer="corp",api="pizza": open, since more may follow. */
static const char *open_labels(const writing_t *to, const counted_t *metric,
                               const ao2_found_row_t *row)
{
    apr_pool_t *pool = to->page->pool;
    ao2_page_t labels;
    const char *name;
    int i;

    ao2_page_start(&labels, pool);
    for (i = 0; i < 2; i++) {
        name = word_at(metric->labels, ",", i, pool);
        if (name) {
            ao2_page_format(&labels, "%s%s=\"", i ? "," : "", name);
            ao2_page_add_label(&labels, ao2_page_visible(
                ao2_counters_text(to->counters, row->labels[i]), pool));
            ao2_page_add(&labels, "\"");
        }
    }
    return labels.text;
}

static void write_sample(const writing_t *to, const char *name,
                         const char *labels, const char *more,
                         const char *value)
{
    const char *comma = *labels && *more ? "," : "";
    int any = *labels || *more;

    ao2_page_format(to->page, AO2_METRICS_PREFIX "%s%s%s%s%s%s %s\n", name,
                    any ? "{" : "", labels, comma, more, any ? "}" : "",
                    value);
}

static const char *whole(const writing_t *to, apr_uint64_t value)
{
    return apr_psprintf(to->page->pool, "%" APR_UINT64_T_FMT, value);
}

/* "result="refused",reason="token_expired"", or the one label there is. */
static const char *column_label(const writing_t *to, ao2_metric_t id,
                                int column, const char *word)
{
    const char *result;

    if (id != AO2_METRIC_REQUESTS) {
        return *counted[id].column
                   ? apr_psprintf(to->page->pool, "%s=\"%s\"",
                                  counted[id].column, word)
                   : "";
    }
    result = column == 0 ? "granted"
             : ao2_error_at(column - 1)->status >= 500 ? "failed"
                                                       : "refused";
    return apr_psprintf(to->page->pool, "result=\"%s\",reason=\"%s\"",
                        result, word);
}

static void write_counter(const writing_t *to, ao2_metric_t id,
                          const ao2_found_row_t *row)
{
    const counted_t *metric = &counted[id];
    const char *labels = open_labels(to, metric, row);
    const char *word = *metric->column ? ao2_metric_word(id, 0,
                                                         to->page->pool)
                                       : "";
    int column;

    for (column = 0; word; column++) {
        apr_uint64_t value = ao2_row_sum(row->row, column);

        /* Most reasons never come up with most APIs. */
        if (value || column == 0 || id != AO2_METRIC_REQUESTS) {
            write_sample(to, metric->name, labels,
                         column_label(to, id, column, word),
                         whole(to, value));
        }
        word = *metric->column ? ao2_metric_word(id, column + 1,
                                                 to->page->pool)
                               : NULL;
    }
}

static void write_histogram(const writing_t *to, ao2_metric_t id,
                            const ao2_found_row_t *row)
{
    const counted_t *metric = &counted[id];
    apr_pool_t *pool = to->page->pool;
    const char *labels = open_labels(to, metric, row);
    const char *bucket = apr_pstrcat(pool, metric->name, "_bucket", NULL);
    apr_uint64_t count = 0;
    int i;

    for (i = 0; i <= AO2_BUCKETS; i++) {
        count += ao2_row_sum(row->row, i);
        write_sample(to, bucket, labels,
                     apr_pstrcat(pool, "le=\"",
                                 i < AO2_BUCKETS ? bounds[i] : "+Inf", "\"",
                                 NULL),
                     whole(to, count));
    }
    write_sample(to, apr_pstrcat(pool, metric->name, "_sum", NULL), labels,
                 "", apr_psprintf(pool, "%.9f",
                                  (double)ao2_row_sum(row->row,
                                                      AO2_COLUMN_SUM) / 1e9));
    write_sample(to, apr_pstrcat(pool, metric->name, "_count", NULL), labels,
                 "", whole(to, count));
}

static void write_counted(const writing_t *to, ao2_metric_t id)
{
    int is_counter = counted[id].type == TYPE_counter;
    int i;

    write_head(to, counted[id].name, is_counter ? "counter" : "histogram",
               counted[id].help);
    for (i = 0; i < to->rows->nelts; i++) {
        const ao2_found_row_t *row = &APR_ARRAY_IDX(to->rows, i,
                                                    ao2_found_row_t);

        if (row->metric == id && is_counter) {
            write_counter(to, id, row);
        }
        else if (row->metric == id) {
            write_histogram(to, id, row);
        }
    }
}

/* The value of a gauge; NULL: there is none. */
static const char *value_of(const writing_t *to, const json_t *value)
{
    if (json_is_boolean(value)) {
        return json_is_true(value) ? "1" : "0";
    }
    if (json_is_integer(value)) {
        return apr_psprintf(to->page->pool, "%" APR_INT64_T_FMT,
                            (apr_int64_t)json_integer_value(value));
    }
    return NULL;
}

static void write_gauge_of(const writing_t *to, const gauge_t *gauge,
                           const json_t *object)
{
    const char *key = json_string_value(json_object_get(object, gauge->key));
    const char *value = value_of(to, json_object_get(object, gauge->member));
    ao2_page_t label;

    ao2_page_start(&label, to->page->pool);
    if (*gauge->label && key) {
        ao2_page_format(&label, "%s=\"", gauge->label);
        ao2_page_add_label(&label, key);
        ao2_page_add(&label, "\"");
    }
    if (value && (key || !*gauge->label)) {
        write_sample(to, gauge->name, label.text, "", value);
    }
}

static void write_gauge(const writing_t *to, const gauge_t *gauge,
                        const json_t *model)
{
    apr_array_header_t *lists = ao2_text_split(gauge->lists, to->page->pool);
    int i;

    write_head(to, gauge->name, "gauge", gauge->help);
    for (i = 0; i < lists->nelts; i++) {
        const char *list = APR_ARRAY_IDX(lists, i, const char *);
        const json_t *found = strcmp(list, ".") == 0
                                  ? model
                                  : json_object_get(model, list);
        size_t at;

        if (json_is_object(found)) {
            write_gauge_of(to, gauge, found);
        }
        for (at = 0; at < json_array_size(found); at++) {
            write_gauge_of(to, gauge, json_array_get(found, at));
        }
    }
}

static void find_rows(writing_t *to)
{
    ao2_found_row_t row;
    apr_uint32_t i;

    to->rows = apr_array_make(to->page->pool, 64, sizeof(row));
    for (i = 0; to->counters && i < AO2_ROWS; i++) {
        if (ao2_counters_at(to->counters, i, &row)) {
            APR_ARRAY_PUSH(to->rows, ao2_found_row_t) = row;
        }
    }
}

void ao2_exposition_write(ao2_page_t *page, const ao2_counters_t *counters,
                          const json_t *model, int is_openmetrics)
{
    writing_t to = {page, counters, is_openmetrics, NULL};
    size_t i;
    int id;

    find_rows(&to);
    for (id = AO2_METRIC_NONE + 1; id < AO2_METRICS; id++) {
        write_counted(&to, (ao2_metric_t)id);
    }
    for (i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
        write_gauge(&to, &gauges[i], model);
    }
    if (is_openmetrics) {
        ao2_page_add(page, "# EOF\n");
    }
}
