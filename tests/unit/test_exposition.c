#include "unit/world.h"

#include "core/accept.h"
#include "service/exposition.h"

static const char *write_page(const ao2_counters_t *counters,
                              const char *model, int is_openmetrics,
                              apr_pool_t *pool)
{
    ao2_page_t page;

    ao2_page_start(&page, pool);
    ao2_exposition_write(&page, counters, test_json(model, pool),
                         is_openmetrics);
    return page.text;
}

static void has(const char *page, const char *line)
{
    const char *at = strstr(page, line);

    if (!at || (at > page && at[-1] != '\n') || at[strlen(line)] != '\n') {
        fail_msg("no line: %s\nin: %s", line, page);
    }
}

static void count_some(const ao2_counters_t *counters)
{
    ao2_label_t issuer = ao2_counters_label(counters, AO2_LABEL_ISSUER,
                                            "co\"rp\\", 9);
    ao2_label_t target = ao2_counters_label(counters, AO2_LABEL_TARGET,
                                            "ApiIssuer corp", 9);
    ao2_row_t *requests = ao2_counters_row(counters, AO2_METRIC_REQUESTS,
                                           issuer, AO2_LABEL_NONE);
    ao2_row_t *seconds = ao2_counters_row(counters, AO2_METRIC_CALL_SECONDS,
                                          target, AO2_LABEL_NONE);

    ao2_count_more(requests, 0, 3);
    ao2_count(requests, 1); /* the first row of errors.def */
    ao2_observe(seconds, 2000);
    ao2_observe(seconds, 1500000000);
}

static void text_format(void **state)
{
    world_t world;
    const char *page;

    world_start(&world, *state);
    count_some(&world.board.counters);
    page = write_page(&world.board.counters, "{}", 0, *state);
    has(page, "# TYPE api_oauth2_requests_total counter");
    has(page, "api_oauth2_requests_total{issuer=\"co\\\"rp\\\\x5c\","
              "api=\"-\",result=\"granted\",reason=\"ok\"} 3");
    has(page, "api_oauth2_requests_total{issuer=\"co\\\"rp\\\\x5c\","
              "api=\"-\",result=\"refused\",reason=\"credential_missing\"} 1");
    assert_null(strstr(page, "token_expired"));
    has(page, "# TYPE api_oauth2_remote_call_seconds histogram");
    has(page, "api_oauth2_remote_call_seconds_bucket{target=\"ApiIssuer "
              "corp\",le=\"1e-06\"} 0");
    has(page, "api_oauth2_remote_call_seconds_bucket{target=\"ApiIssuer "
              "corp\",le=\"2.5e-06\"} 1");
    has(page, "api_oauth2_remote_call_seconds_bucket{target=\"ApiIssuer "
              "corp\",le=\"2.5\"} 2");
    has(page, "api_oauth2_remote_call_seconds_bucket{target=\"ApiIssuer "
              "corp\",le=\"+Inf\"} 2");
    has(page, "api_oauth2_remote_call_seconds_sum{target=\"ApiIssuer "
              "corp\"} 1.500002000");
    has(page, "api_oauth2_remote_call_seconds_count{target=\"ApiIssuer "
              "corp\"} 2");
    assert_null(strstr(page, "# EOF"));
}

static void openmetrics(void **state)
{
    world_t world;
    const char *page;

    world_start(&world, *state);
    count_some(&world.board.counters);
    page = write_page(&world.board.counters, "{}", 1, *state);
    has(page, "# TYPE api_oauth2_requests counter");
    has(page, "api_oauth2_requests_total{issuer=\"co\\\"rp\\\\x5c\","
              "api=\"-\",result=\"granted\",reason=\"ok\"} 3");
    assert_string_equal(page + strlen(page) - 6, "# EOF\n");
}

/* The bounds are written as they count. */
static void bounds(void **state)
{
    world_t world;
    ao2_row_t *row;
    const char *at;
    int i;

    world_start(&world, *state);
    row = ao2_counters_row(&world.board.counters, AO2_METRIC_CALL_SECONDS,
                           AO2_LABEL_NONE, AO2_LABEL_NONE);
    ao2_observe(row, 1);
    at = write_page(&world.board.counters, "{}", 0, *state);
    for (i = 0; i < AO2_BUCKETS; i++) {
        at = strstr(at, ",le=\"");
        assert_non_null(at);
        at += 5;
        assert_int_equal((apr_uint64_t)(strtod(at, NULL) * 1e9 + 0.5),
                         ao2_bucket_bound(i));
    }
}

static void gauges(void **state)
{
    const char *page = write_page(
        NULL, "{'version': '1', 'counting': false, 'processes': 3,"
              " 'flights': {'running': 2},"
              " 'issuers': [{'name': 'a', 'target': 'ApiIssuer a',"
              " 'key_count': 2, 'circuit_open': true, 'reachable': null},"
              " {'name': 'b', 'target': 'ApiIssuer b', 'key_count': 0}],"
              " 'upstreams': [{'target': 'ApiUpstream u',"
              " 'circuit_open': false, 'reachable': true}]}", 0, *state);

    has(page, "api_oauth2_build_info{version=\"1\"} 0");
    has(page, "api_oauth2_processes 3");
    has(page, "api_oauth2_flights_running 2");
    has(page, "api_oauth2_issuer_keys{issuer=\"a\"} 2");
    has(page, "api_oauth2_issuer_keys{issuer=\"b\"} 0");
    has(page, "api_oauth2_remote_circuit_open{target=\"ApiIssuer a\"} 1");
    has(page, "api_oauth2_remote_circuit_open{target=\"ApiUpstream u\"} 0");
    has(page, "api_oauth2_remote_reachable{target=\"ApiUpstream u\"} 1");
    assert_null(strstr(page, "reachable{target=\"ApiIssuer a\"}"));
}

static void accepts(void **state)
{
    static const struct {
        const char *accept;
        const char *type;
        int quality;
        int named;
    } rows[] = {
        {NULL, "text/html", 1000, 0},
        {"*/*", "text/html", 1000, 0},
        {"text/*;q=0.5", "text/html", 500, 0},
        {"TEXT/HTML", "text/html", 1000, 1},
        {"text/html;q=0.25, */*;q=1", "text/html", 250, 1},
        {"*/*;q=1, text/html;level=1 ; q=0.25", "text/html", 250, 1},
        {"application/json", "text/html", 0, 0},
        {"text/htmlx", "text/html", 0, 0},
        {"text/htm", "text/html", 0, 0},
        {"text/html;q=2", "text/html", 0, 1},
        {"text/html;q=x", "text/html", 0, 1},
        {"text/html;q=nan", "text/html", 0, 1},
        {"text/html;q", "text/html", 1000, 1},
        {"text/html;", "text/html", 1000, 1},
        {",,text/html,,", "text/html", 1000, 1},
        {"", "text/html", 0, 0},
        {";q=1", "text/html", 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int named;
        int quality = ao2_accept_quality(rows[i].accept, rows[i].type,
                                         &named);

        if (quality != rows[i].quality || named != rows[i].named) {
            fail_msg("%s: %d, %d", rows[i].accept, quality, named);
        }
    }
}

static void pages(void **state)
{
    ao2_page_t page;
    int i;

    ao2_page_start(&page, *state);
    ao2_page_add_html(&page, "a<b>&\"'c");
    assert_string_equal(page.text, "a&lt;b&gt;&amp;&quot;&#39;c");
    ao2_page_start(&page, *state);
    ao2_page_add_label(&page, "a\\b\"c\n");
    assert_string_equal(page.text, "a\\\\b\\\"c\\n");
    ao2_page_start(&page, *state);
    for (i = 0; i < 10000; i++) {
        ao2_page_format(&page, "%04d", i);
    }
    assert_int_equal(page.length, 40000);
    assert_string_equal(page.text + 39992, "99989999");
    assert_string_equal(ao2_page_visible("a\"<\x1b\xe2\x80\xae", *state),
                        "a\"<\\x1b\\xe2\\x80\\xae");
    assert_null(ao2_page_visible(NULL, *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_format), TEST(openmetrics), TEST(bounds),
        TEST(gauges),      TEST(accepts),     TEST(pages)};

    return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}
