#include "base/rfc3339.h"

#include <apr_lib.h>
#include <apr_strings.h>

/* 9999-12-31T23:59:59Z */
#define LAST apr_time_from_sec(APR_INT64_C(253402300799))

/* Read as @a pattern says: '0' a digit, anything else itself. */
static int fits(ao2_span_t text, const char *pattern)
{
    apr_size_t i;

    for (i = 0; pattern[i]; i++) {
        if (i == text.len || (pattern[i] == '0' ? !apr_isdigit(text.ptr[i])
                                                : text.ptr[i] != pattern[i])) {
            return 0;
        }
    }
    return 1;
}

static int number(const char *digits, int count)
{
    int value = 0;

    while (count-- > 0) {
        value = value * 10 + (*digits++ - '0');
    }
    return value;
}

static ao2_span_t after(ao2_span_t text, apr_size_t count)
{
    text.ptr += count;
    text.len -= count;
    return text;
}

/* The offset, which must be all of @a zone, in seconds. */
static int read_zone(int *poffset, ao2_span_t zone)
{
    int sign;

    *poffset = 0;
    if (ao2_span_is(zone, "Z") || ao2_span_is(zone, "z")) {
        return 1;
    }
    if (zone.len != 6 || (*zone.ptr != '+' && *zone.ptr != '-') ||
        !fits(after(zone, 1), "00:00") || number(zone.ptr + 1, 2) > 23 ||
        number(zone.ptr + 4, 2) > 59) {
        return 0;
    }
    sign = *zone.ptr == '-' ? -1 : 1;
    *poffset = sign * (number(zone.ptr + 1, 2) * 60 +
                       number(zone.ptr + 4, 2)) * 60;
    return 1;
}

static int days_of(int month, int year)
{
    static const int days[] = {31, 28, 31, 30, 31, 30,
                               31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

/* "YYYY-MM-DD?HH:MM:SS", whose form has been looked at. */
static int read_fields(apr_time_exp_t *fields, const char *text)
{
    int year = number(text, 4);
    int month = number(text + 5, 2);

    memset(fields, 0, sizeof(*fields));
    fields->tm_year = year - 1900;
    fields->tm_mon = month - 1;
    fields->tm_mday = number(text + 8, 2);
    fields->tm_hour = number(text + 11, 2);
    fields->tm_min = number(text + 14, 2);
    fields->tm_sec = number(text + 17, 2);
    return year >= 1970 && month >= 1 && month <= 12 &&
           fields->tm_mday >= 1 && fields->tm_mday <= days_of(month, year) &&
           fields->tm_hour <= 23 && fields->tm_min <= 59 &&
           fields->tm_sec <= 60;
}

int ao2_rfc3339_read(apr_time_t *ptime, ao2_span_t text)
{
    apr_time_exp_t fields;
    ao2_span_t zone;
    int offset;

    *ptime = 0;
    if (!fits(text, "0000-00-00") || text.len < 20 ||
        (text.ptr[10] != 'T' && text.ptr[10] != 't') ||
        !fits(after(text, 11), "00:00:00") ||
        !read_fields(&fields, text.ptr)) {
        return 0;
    }
    zone = after(text, 19);
    if (fits(zone, ".0")) {
        do {
            zone = after(zone, 1);
        } while (zone.len && apr_isdigit(*zone.ptr));
    }
    if (!read_zone(&offset, zone) ||
        apr_time_exp_get(ptime, &fields) != APR_SUCCESS) {
        *ptime = 0;
        return 0;
    }
    *ptime -= apr_time_from_sec(offset);
    if (*ptime < 0) {
        *ptime = 0;
        return 0;
    }
    return 1;
}

void ao2_rfc3339_write(char text[AO2_RFC3339_SIZE], apr_time_t time)
{
    apr_time_exp_t fields;

    apr_time_exp_gmt(&fields, time > LAST ? LAST : time);
    apr_snprintf(text, AO2_RFC3339_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                 fields.tm_year + 1900, fields.tm_mon + 1, fields.tm_mday,
                 fields.tm_hour, fields.tm_min, fields.tm_sec);
}
