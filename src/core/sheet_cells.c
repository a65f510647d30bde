#include "core/sheet_cells.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "base/json.h"

#define NOTHING "\xe2\x80\x93" /* an en dash */

/* A unit of something, and from how many of it on it is used. */
typedef struct {
    double size;
    const char *name;
} unit_t;

/* The largest unit of which there are two at least; whole numbers below ten
 * of it have one digit behind the point. */
static const char *in_units(double value, const unit_t *units, int count,
                            apr_pool_t *pool)
{
    int i = count - 1;

    while (i > 0 && value < 2 * units[i].size) {
        i--;
    }
    value /= units[i].size;
    return apr_psprintf(pool, i > 0 && value < 10 ? "%.1f %s" : "%.0f %s",
                        value, units[i].name);
}

static const char *duration(double seconds, apr_pool_t *pool)
{
    static const unit_t units[] = {
        {1, "s"}, {60, "min"}, {3600, "h"}, {86400, "d"}};

    return seconds < 0 ? apr_pstrcat(pool, "overdue by ",
                                     in_units(-seconds, units, 4, pool),
                                     NULL)
                       : in_units(seconds, units, 4, pool);
}

static const char *micros(double value, apr_pool_t *pool)
{
    static const unit_t units[] = {
        {1, "\xc2\xb5s"}, {1000, "ms"}, {1000000, "s"}};

    return in_units(value, units, 3, pool);
}

static const char *bytes(double value, apr_pool_t *pool)
{
    static const unit_t units[] = {
        {1, "bytes"}, {1024, "KiB"}, {1048576, "MiB"}, {1073741824, "GiB"}};

    return in_units(value, units, 4, pool);
}

/* 1,234,567 */
static const char *grouped(json_int_t value, apr_pool_t *pool)
{
    const char *digits = apr_psprintf(pool, "%" APR_INT64_T_FMT,
                                      (apr_int64_t)value);
    size_t length = strlen(digits);
    char *text = apr_pcalloc(pool, 2 * length + 1);
    char *to = text;
    size_t i;

    for (i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    return text;
}

const char *ao2_cell_time(json_int_t seconds, apr_pool_t *pool)
{
    apr_time_exp_t exploded;

    apr_time_exp_gmt(&exploded, apr_time_from_sec((apr_time_t)seconds));
    return apr_psprintf(pool, "%04d-%02d-%02d %02d:%02d:%02d",
                        exploded.tm_year + 1900, exploded.tm_mon + 1,
                        exploded.tm_mday, exploded.tm_hour, exploded.tm_min,
                        exploded.tm_sec);
}

static ao2_mood_t mood_of(const char *word)
{
    static const struct {
        const char *word;
        ao2_mood_t mood;
    } rows[] = {{"closed", AO2_MOOD_GOOD},   {"granted", AO2_MOOD_GOOD},
                {"trial", AO2_MOOD_DOUBTFUL}, {"refused", AO2_MOOD_DOUBTFUL},
                {"open", AO2_MOOD_BAD},      {"failed", AO2_MOOD_BAD}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(word, rows[i].word) == 0) {
            return rows[i].mood;
        }
    }
    return AO2_MOOD_NONE;
}

static ao2_cell_t rate(const json_t *object, apr_pool_t *pool)
{
    ao2_cell_t cell = {NOTHING, AO2_MOOD_NONE, AO2_SHAPE_NOTHING};
    double hit = (double)json_integer_value(json_object_get(object, "hit"));
    double miss = (double)json_integer_value(json_object_get(object,
                                                             "miss"));

    if (hit + miss > 0) {
        cell.text = apr_psprintf(pool, "%.1f %%", 100 * hit / (hit + miss));
        cell.shape = AO2_SHAPE_NUMBER;
    }
    return cell;
}

static void of_flag(ao2_cell_t *cell, ao2_cell_kind_t kind,
                    const json_t *value)
{
    int is_true = json_is_true(value);

    cell->text = is_true ? "yes" : "no";
    if (kind == AO2_CELL_YES) {
        cell->mood = is_true ? AO2_MOOD_GOOD : AO2_MOOD_BAD;
    }
    else if (is_true) {
        cell->mood = AO2_MOOD_BAD;
    }
}

static const char *of_number(ao2_cell_kind_t kind, json_int_t number,
                             apr_pool_t *pool)
{
    switch (kind) {
    case AO2_CELL_TIME:
        return ao2_cell_time(number, pool);
    case AO2_CELL_SECONDS:
        return duration((double)number, pool);
    case AO2_CELL_MICROS:
        return micros((double)number, pool);
    case AO2_CELL_BYTES:
        return bytes((double)number, pool);
    default:
        return grouped(number, pool);
    }
}

ao2_cell_t ao2_cell_make(ao2_cell_kind_t kind, json_t *object,
                         const char *member, apr_pool_t *pool)
{
    ao2_cell_t cell = {NOTHING, AO2_MOOD_NONE, AO2_SHAPE_NOTHING};
    const json_t *value = ao2_json_at(object, member);

    if (kind == AO2_CELL_RATE) {
        return rate(object, pool);
    }
    if (json_is_integer(value)) {
        cell.shape = kind == AO2_CELL_TIME ? AO2_SHAPE_SHORT
                                           : AO2_SHAPE_NUMBER;
        cell.text = of_number(kind, json_integer_value(value), pool);
    }
    else if (json_is_boolean(value)) {
        cell.shape = AO2_SHAPE_SHORT;
        of_flag(&cell, kind, value);
    }
    else if (json_is_string(value) && *json_string_value(value)) {
        cell.text = json_string_value(value);
        cell.shape = kind == AO2_CELL_LONG ? AO2_SHAPE_LONG
                                           : AO2_SHAPE_SHORT;
        cell.mood = kind == AO2_CELL_STATE ? mood_of(cell.text)
                                           : AO2_MOOD_NONE;
    }
    return cell;
}
