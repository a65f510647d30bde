#include "unit/support.h"

#include "core/gcra.h"

#define SEC APR_USEC_PER_SEC
#define DAY (24 * 3600 * SEC)
#define NS_PER_SEC 1000000000LL
#define START (1700000000 * SEC)
#define START_NS (1700000000 * NS_PER_SEC)

static ao2_limit_t limit_of(apr_int64_t requests, apr_time_t window,
                            apr_int64_t burst)
{
    ao2_limit_t limit;
    const char *wrong = ao2_limit_make(&limit, requests, window, burst);

    if (wrong) {
        fail_msg("a legal limit is refused: %s", wrong);
    }
    return limit;
}

static void legal_limits(void **state)
{
    static const struct {
        apr_int64_t requests;
        apr_time_t window;
        apr_int64_t burst;
        apr_int64_t interval_ns; /* 0: refused */
    } rows[] = {
        {5000, 60 * SEC, 500, 12000000},
        {1000000, 30 * DAY, 0, 2592000000},
        {1, SEC, 0, NS_PER_SEC},
        {7, SEC, 0, 142857143}, /* rounded up: never one more */
        {1000000, SEC, 0, 1000},
        {1000001, SEC, 0, 0},
        {366LL * 86400 * 1000000, 366 * DAY, 0, 1000},
        {1, 366 * DAY, 10, 366 * 86400 * NS_PER_SEC},
        {1, 366 * DAY, 11, 0},
        {1, 366 * DAY + SEC, 0, 0},
        {1, SEC - 1, 0, 0},
        {1, SEC + 1, 0, 0},
        {1, 0, 0, 0},
        {1, -SEC, 0, 0},
        {0, SEC, 0, 0},
        {-1, SEC, 0, 0},
        {1, SEC, -1, 0},
        {1, SEC, APR_INT64_MAX, 0},
        {APR_INT64_MAX, SEC, 0, 0},
        {1, APR_INT64_MAX, 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_limit_t limit = {0};
        const char *wrong = ao2_limit_make(&limit, rows[i].requests,
                                           rows[i].window, rows[i].burst);

        if ((wrong == NULL) != (rows[i].interval_ns != 0) ||
            (!wrong && limit.interval_ns != rows[i].interval_ns)) {
            fail_msg("row %d: %s", (int)i, wrong ? wrong : "accepted");
        }
    }
}

/* One limit, 4 a minute of which 2 at once, asked at these moments. */
static void one_limit(void **state)
{
    static const struct {
        double at; /* seconds */
        int admitted;
        int remaining, reset, retry;
        double due; /* seconds behind the start */
    } rows[] = {
        {0, 1, 1, 15, 0, 15},
        {0, 1, 0, 15, 15, 30},
        {0, 0, 0, 15, 15, 30},
        {0.5, 0, 0, 15, 15, 30},
        {14.999999, 0, 0, 1, 1, 30},
        {15, 1, 0, 15, 15, 45},
        {29, 0, 0, 1, 1, 45},
        {31, 1, 0, 14, 14, 60},
        {60, 1, 1, 15, 0, 75},
        {60.000001, 1, 0, 15, 15, 90},
        {1000, 1, 1, 15, 0, 1015},
        {1001, 1, 0, 14, 14, 1030},
        /* The clock goes back a little: as if no time had passed. */
        {999, 0, 0, 16, 16, 1030},
        /* An hour: full use, counted from there. */
        {-2600, 0, 0, 15, 15, -2570},
        {-2585, 1, 0, 15, 15, -2555},
    };
    ao2_limit_t limit = limit_of(4, 60 * SEC, 2);
    apr_int64_t due = 0;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_quota_t quota;
        apr_time_t now = START + (apr_time_t)(rows[i].at * (double)SEC);
        int admitted = ao2_limit_take(&quota, &limit, due, now);

        if (admitted != rows[i].admitted ||
            quota.remaining != rows[i].remaining ||
            quota.reset_sec != rows[i].reset ||
            quota.retry_sec != rows[i].retry) {
            fail_msg("row %d: admitted %d remaining %d reset %d retry %d",
                     (int)i, admitted, (int)quota.remaining,
                     (int)quota.reset_sec, (int)quota.retry_sec);
        }
        due = quota.due_ns;
        if (rows[i].at != 60.000001) { /* due to the microsecond: not due */
            assert_int_equal(due - START_NS,
                             (apr_int64_t)(rows[i].due * (double)NS_PER_SEC));
        }
    }
}

/* Four requests at every step, more than any limit here admits: never more
 * than burst + elapsed / interval, and hardly fewer. */
static void exact_counts(void **state)
{
    static const struct {
        apr_int64_t requests, window_sec, burst;
        apr_time_t step;
        int asked;
    } rows[] = {
        {5000, 60, 500, 100, 200000}, {1, 1, 1, 250000, 1000},
        {7, 1, 7, 1000, 50000},       {1000000, 1, 1000, 1, 100000},
        {3, 86400, 3, 10 * SEC, 100000},   {999983, 1, 10, 1, 100000},
    };
    size_t row;

    (void)state;
    for (row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        ao2_limit_t limit = limit_of(rows[row].requests,
                                     rows[row].window_sec * SEC,
                                     rows[row].burst);
        apr_int64_t elapsed = rows[row].step * ((rows[row].asked - 1) / 4);
        /* What the limit says, in exact arithmetic. */
        apr_int64_t most = rows[row].burst +
                           elapsed * rows[row].requests /
                               (rows[row].window_sec * SEC);
        apr_int64_t due = 0;
        apr_int64_t admitted = 0;
        ao2_quota_t quota;
        int i;

        for (i = 0; i < rows[row].asked; i++) {
            admitted += ao2_limit_take(&quota, &limit, due,
                                       START + i / 4 * rows[row].step);
            due = quota.due_ns;
        }
        if (admitted > most || admitted < most - most / 1000 - 1) {
            fail_msg("row %d: %ld admitted, %ld allowed", (int)row,
                     (long)admitted, (long)most);
        }
    }
}

static void look_counts_nothing(void **state)
{
    ao2_limit_t limit = limit_of(2, 60 * SEC, 0);
    ao2_quota_t quota;

    (void)state;
    ao2_limit_look(&quota, &limit, 0, START);
    assert_int_equal(quota.remaining, 2);
    assert_int_equal(quota.reset_sec, 0);
    assert_int_equal(quota.retry_sec, 0);
    assert_int_equal(quota.due_ns, START_NS);
    assert_true(ao2_limit_take(&quota, &limit, quota.due_ns, START));
    assert_int_equal(quota.remaining, 1);
    ao2_limit_look(&quota, &limit, quota.due_ns, START);
    assert_int_equal(quota.remaining, 1);
    assert_int_equal(quota.reset_sec, 30);
}

static void give_back(void **state)
{
    ao2_limit_t limit = limit_of(1, 60 * SEC, 0);
    ao2_quota_t quota;
    apr_int64_t due;

    (void)state;
    assert_true(ao2_limit_take(&quota, &limit, 0, START));
    assert_false(ao2_limit_take(&quota, &limit, quota.due_ns, START));
    due = ao2_limit_give_back(&limit, quota.due_ns);
    assert_true(ao2_limit_take(&quota, &limit, due, START));
    assert_int_equal(ao2_limit_give_back(&limit, 5), 0);
    assert_int_equal(ao2_limit_give_back(&limit, 0), 0);
}

/* All limits of a plan must admit; the longest wait is the one to tell. */
static void several_limits(void **state)
{
    ao2_limit_t limits[3];
    apr_int64_t due[3] = {0, 0, 0};
    ao2_quota_t quotas[3];
    int i;

    (void)state;
    limits[0] = limit_of(2, SEC, 0);
    limits[1] = limit_of(3, 60 * SEC, 0);
    limits[2] = limit_of(100, DAY, 0);
    for (i = 0; i < 2; i++) {
        assert_int_equal(ao2_limits_take(quotas, limits, 3, due, START), -1);
        due[0] = quotas[0].due_ns;
        due[1] = quotas[1].due_ns;
        due[2] = quotas[2].due_ns;
    }
    assert_int_equal(ao2_limits_take(quotas, limits, 3, due, START), 0);
    assert_int_equal(quotas[0].retry_sec, 1);
    assert_int_equal(quotas[1].remaining, 1); /* not counted */
    assert_int_equal(quotas[2].remaining, 98);
    assert_int_equal(quotas[2].due_ns, due[2]);
    /* A second later the first admits, and the second is used up. */
    assert_int_equal(ao2_limits_take(quotas, limits, 3, due, START + SEC),
                     -1);
    assert_int_equal(quotas[1].remaining, 0);
    assert_int_equal(quotas[1].reset_sec, 19);
    due[0] = quotas[0].due_ns;
    due[1] = quotas[1].due_ns;
    due[2] = quotas[2].due_ns;
    assert_int_equal(ao2_limits_take(quotas, limits, 3, due, START + SEC), 1);
    assert_int_equal(quotas[1].retry_sec, 19);
    assert_int_equal(ao2_limits_take(quotas, limits, 0, due, START), -1);
}

/* One limit, asked at a time with any state behind it. */
static void sound(const ao2_limit_t *limit, apr_int64_t due, apr_time_t now)
{
    ao2_quota_t quota;

    if (ao2_limit_take(&quota, limit, due, now) && due > START_NS &&
        now <= START) {
        fail_msg("due %" APR_INT64_T_FMT " now %" APR_TIME_T_FMT, due, now);
    }
    assert_true(quota.remaining >= 0 && quota.remaining <= limit->burst);
    assert_true(quota.retry_sec >= 0 && quota.reset_sec >= 0);
    assert_true(quota.due_ns >= 0);
}

/* Nothing overflows (the sanitizers would tell) and nothing opens. */
static void extremes(void **state)
{
    static const apr_int64_t dues[] = {APR_INT64_MIN, -1, 0, 1, START_NS,
                                       APR_INT64_MAX - 1, APR_INT64_MAX};
    static const apr_time_t nows[] = {APR_INT64_MIN, -1, 0, 1, START,
                                      APR_INT64_MAX};
    ao2_limit_t limits[4];
    size_t i;
    size_t j;
    size_t k;

    (void)state;
    limits[0] = limit_of(1, SEC, 0);
    limits[1] = limit_of(1, 366 * DAY, 10);
    limits[2] = limit_of(366LL * 86400 * 1000000, 366 * DAY, 0);
    limits[3] = limit_of(1000000, SEC, 300000000000000LL);
    for (i = 0; i < 4; i++) {
        for (j = 0; j < sizeof(dues) / sizeof(dues[0]); j++) {
            for (k = 0; k < sizeof(nows) / sizeof(nows[0]); k++) {
                sound(&limits[i], dues[j], nows[k]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(legal_limits),        TEST(one_limit), TEST(exact_counts),
        TEST(look_counts_nothing), TEST(give_back), TEST(several_limits),
        TEST(extremes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
