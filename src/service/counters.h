/**
 * @file service/counters.h
 * Figures that all processes of the server count together, over graceful
 * restarts.
 *
 * A row is a metric (service/metrics.def) with its labels; a column of it is
 * one figure: a value of the metric's last label, or a part of a histogram.
 * Each figure lies in several stripes, one for some of the CPUs: counting is
 * one addition to memory that hardly anybody else writes, without a lock and
 * without a system call. Rows and labels are never given back; there is room
 * for a fixed number, and what finds none is counted under "other".
 *
 * Layer service. Any thread of any process may call; a process may be killed
 * anywhere.
 */
#ifndef AO2_SERVICE_COUNTERS_H
#define AO2_SERVICE_COUNTERS_H

#include <sched.h>

#include <apr_time.h>

#include "port/shared.h"

#define AO2_STRIPES 16
#define AO2_COLUMNS 32
/** Rows, over all metrics. A power of two. */
#define AO2_ROWS 2048
/** Labels, over all kinds. A power of two, of at most 12 bits. */
#define AO2_LABELS 4096
/** The longest label; a longer one is "other". */
#define AO2_MAX_LABEL 255

/** Buckets of a histogram but the last, which has no bound. */
#define AO2_BUCKETS 20
/** The column of its sum, in nanoseconds. */
#define AO2_COLUMN_SUM (AO2_BUCKETS + 1)

/** The metrics that are counted. */
typedef enum {
    AO2_METRIC_NONE,
#define AO2_COUNTED(ID, name, type, labels, column, words, help) \
    AO2_METRIC_##ID,
#define AO2_GAUGE(ID, name, label, lists, key, member, help)
#include "service/metrics.def"
#undef AO2_COUNTED
#undef AO2_GAUGE
    AO2_METRICS
} ao2_metric_t;

/** What a label names. Each kind has its own room. */
typedef enum {
    AO2_LABEL_ISSUER,
    AO2_LABEL_API,
    AO2_LABEL_CLIENT,
    AO2_LABEL_PLAN,
    AO2_LABEL_TARGET,
    AO2_LABEL_WORD, /**< a word of the module's own */
    AO2_LABEL_KINDS
} ao2_label_kind_t;

/** Room for words: for more than there are. */
#define AO2_MOST_WORDS 64

/** A label, as a number that holds as long as the memory. */
typedef apr_uint32_t ao2_label_t;
#define AO2_LABEL_NONE 0u  /**< "-" */
#define AO2_LABEL_OTHER 1u /**< "other" */

/** One row. All members are atomics. */
typedef struct {
    apr_uint64_t cells[AO2_STRIPES][AO2_COLUMNS];
} ao2_row_t;

/** A label as it lies in memory. */
typedef struct {
    apr_uint32_t kind;   /**< + 1; 0: free. The rest is written before */
    apr_uint32_t length;
    char text[AO2_MAX_LABEL + 1];
} ao2_label_place_t;

/** What one process has going on now. Only it writes here. */
typedef struct {
    ao2_member_t member; /**< 0: nobody yet. When it is gone, nothing here
                              counts */
    apr_int64_t flights; /**< calls for many that it makes */
    apr_int64_t waiting; /**< threads that wait for one, or for their turn */
    apr_int64_t entries; /**< in its cache of identities */
    apr_int64_t bytes;   /**< that these take */
    apr_int64_t unused[3];
} ao2_census_t;

/** How it lies in shared memory; all zero at first. */
typedef struct {
    apr_time_t since; /**< when counting began */
    apr_uint32_t row_count;
    apr_uint32_t label_counts[AO2_LABEL_KINDS];
    apr_uint32_t keys[AO2_ROWS]; /**< metric and labels; 0: free */
    ao2_label_place_t labels[AO2_LABELS];
    ao2_census_t census[AO2_MAX_MEMBERS];
    ao2_row_t rows[AO2_ROWS];
} ao2_counters_memory_t;

/** The figures as this process sees them. */
typedef struct {
    ao2_counters_memory_t *memory;
    ao2_shared_t *shared;
} ao2_counters_t;

/** Open them, and start this process's part of the census. */
void ao2_counters_open(ao2_counters_t *counters,
                       ao2_counters_memory_t *memory, ao2_shared_t *shared);

/** This process's part of the census; NULL where @a counters is. */
ao2_census_t *ao2_counters_census(const ao2_counters_t *counters);

/**
 * The number of a label, which is noted when it is new.
 * @param counters  NULL: AO2_LABEL_OTHER
 * @param text      NULL: AO2_LABEL_NONE
 * @param most      how many labels of that kind there may be
 */
ao2_label_t ao2_counters_label(const ao2_counters_t *counters,
                               ao2_label_kind_t kind, const char *text,
                               apr_uint32_t most);

/** The text of a label, in shared memory. */
const char *ao2_counters_text(const ao2_counters_t *counters,
                              ao2_label_t label);

/**
 * The row of a metric and its labels, made when there is none. It may be
 * kept as long as the memory.
 * @param counters  NULL: none
 * @return NULL only where @a counters is
 */
ao2_row_t *ao2_counters_row(const ao2_counters_t *counters,
                            ao2_metric_t metric, ao2_label_t first,
                            ao2_label_t second);

/** A row as it is found when all are gone through. */
typedef struct {
    ao2_metric_t metric;
    ao2_label_t labels[2];
    const ao2_row_t *row;
} ao2_found_row_t;

/** The row at @a index, below AO2_ROWS. @return 0 where there is none */
int ao2_counters_at(const ao2_counters_t *counters, apr_uint32_t index,
                    ao2_found_row_t *found);

/** Sum up a figure. */
apr_uint64_t ao2_row_sum(const ao2_row_t *row, int column);

/** The upper bound of a bucket, in nanoseconds. */
apr_uint64_t ao2_bucket_bound(int bucket);

/** Count something that took @a ns nanoseconds. @param row NULL: nowhere */
void ao2_observe(ao2_row_t *row, apr_uint64_t ns);

/** Count, and say how much the stripe had before. @param row not NULL */
static inline apr_uint64_t ao2_count_more(ao2_row_t *row, int column,
                                          apr_uint64_t count)
{
    unsigned stripe = (unsigned)sched_getcpu() % AO2_STRIPES;

    return __atomic_fetch_add(&row->cells[stripe][column], count,
                              __ATOMIC_RELAXED);
}

/** Count one. @param row NULL: nowhere */
static inline void ao2_count(ao2_row_t *row, int column)
{
    if (row) {
        ao2_count_more(row, column, 1);
    }
}

/** What is going on now in all processes that live. */
typedef struct {
    int processes;
    apr_int64_t flights;
    apr_int64_t waiting;
    apr_int64_t entries;
    apr_int64_t bytes;
} ao2_present_t;

/** Sum up the census. Costs a system call a process. */
void ao2_counters_present(const ao2_counters_t *counters,
                          ao2_present_t *present);

/** Add to a figure of the census; @a figure may be NULL. */
static inline void ao2_census_add(apr_int64_t *figure, apr_int64_t change)
{
    if (figure) {
        __atomic_fetch_add(figure, change, __ATOMIC_RELAXED);
    }
}

#endif
