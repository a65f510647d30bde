#include "unit/support.h"

#include "base/rfc3339.h"

static void reads(void **state)
{
    static const struct {
        const char *text;
        apr_int64_t seconds; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2027-01-01T00:00:00Z", 1798761600},
        {"2027-01-01t00:00:00z", 1798761600},
        {"2027-01-01T01:30:00+01:30", 1798761600},
        {"2026-12-31T16:00:00-08:00", 1798761600},
        {"2027-01-01T00:00:00.000Z", 1798761600},
        {"2027-01-01T00:00:00.999999999999Z", 1798761600},
        {"2027-01-01T00:00:00.5+00:00", 1798761600},
        {"2024-02-29T12:00:00Z", 1709208000},
        {"2000-02-29T00:00:00Z", 951782400},
        {"2016-12-31T23:59:60Z", 1483228800},
        {"2038-01-19T03:14:08Z", 2147483648},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"1970-01-01T00:00:00+00:01", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"2027-02-29T00:00:00Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"2027-04-31T00:00:00Z", -1},
        {"2027-00-01T00:00:00Z", -1},
        {"2027-13-01T00:00:00Z", -1},
        {"2027-01-00T00:00:00Z", -1},
        {"2027-01-01T24:00:00Z", -1},
        {"2027-01-01T00:60:00Z", -1},
        {"2027-01-01T00:00:61Z", -1},
        {"2027-01-01T00:00:00", -1},
        {"2027-01-01T00:00:00.Z", -1},
        {"2027-01-01T00:00:00,5Z", -1},
        {"2027-01-01T00:00:00+0100", -1},
        {"2027-01-01T00:00:00+24:00", -1},
        {"2027-01-01T00:00:00+00:60", -1},
        {"2027-01-01T00:00:00ZZ", -1},
        {"2027-01-01T00:00:00 Z", -1},
        {"2027-01-01 00:00:00Z", -1},
        {"2027-01-01", -1},
        {" 2027-01-01T00:00:00Z", -1},
        {"+027-01-01T00:00:00Z", -1},
        {"1798761600", -1},
        {"", -1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_time_t time = 1;
        int accepted = ao2_rfc3339_read(&time, ao2_span(rows[i].text));

        if (accepted != (rows[i].seconds >= 0) ||
            time != (accepted ? apr_time_from_sec(rows[i].seconds) : 0)) {
            fail_msg("\"%s\": %d, %ld", rows[i].text, accepted,
                     (long)apr_time_sec(time));
        }
    }
}

/* Whatever the cut, nothing behind it is read. */
static void reads_no_further(void **state)
{
    ao2_span_t text = ao2_span("2027-01-01T00:00:00.5+00:00");
    apr_time_t time;

    (void)state;
    assert_true(ao2_rfc3339_read(&time, text));
    while (text.len-- > 0) {
        assert_false(ao2_rfc3339_read(&time, text));
    }
}

static void writes(void **state)
{
    static const char *const rows[] = {
        "1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z",
        "9999-12-31T23:59:59Z",
    };
    char text[AO2_RFC3339_SIZE];
    apr_time_t time;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(ao2_rfc3339_read(&time, ao2_span(rows[i])));
        ao2_rfc3339_write(text, time);
        assert_string_equal(text, rows[i]);
    }
    ao2_rfc3339_write(text, time + APR_USEC_PER_SEC);
    assert_string_equal(text, rows[2]);
    ao2_rfc3339_write(text, 999999);
    assert_string_equal(text, rows[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads),
        TEST(reads_no_further),
        TEST(writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
