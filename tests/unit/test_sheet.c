#include "unit/world.h"

#include "core/sheet.h"
#include "service/recent.h"

static const char model_text[] =
    "{'version': '1.2', 'time': 1700000000, 'since': 1699999940,"
    " 'processes': 2, 'counters': {'granted': 1234567, 'refused': 0,"
    " 'failed': 0, 'requests': []},"
    " 'flights': {'running': 0, 'waiting': 0},"
    " 'issuers': [{'name': '<b>corp', 'url': null, 'reachable': true,"
    "  'circuit': 'open', 'credentials_refused': true, 'key_age': 7200,"
    "  'key_due_in': -90, 'calls': {'ok': 1},"
    "  'keys': [{'kid': 'k1', 'alg': 'ES256'}, {'kid': null, 'alg': 'RSA'}]},"
    "  {'name': 'none', 'keys': []}],"
    " 'caches': [{'name': 'process', 'hit': 3, 'miss': 1, 'bytes': 3072},"
    "  {'name': 'shared', 'hit': 0, 'miss': 0}],"
    " 'authentication': [{'path': 'jwt', 'mean_us': 2500}],"
    " 'registry': null, 'plans': [], 'busiest': [], 'upstreams': [],"
    " 'refusals': [{'time': 1700000000, 'code': 'AO2-014',"
    "  'client': '<b>&amp;\\\"'}]}";

static void cell_is(const apr_array_header_t *sheets, const char *id, int row,
                    const char *heading, const char *text, ao2_mood_t mood)
{
    int i;
    int k;

    for (i = 0; i < sheets->nelts; i++) {
        const ao2_sheet_t *sheet = APR_ARRAY_IDX(sheets, i,
                                                 const ao2_sheet_t *);

        for (k = 0; strcmp(sheet->id, id) == 0 && k < sheet->column_count;
             k++) {
            if (strcmp(sheet->headings[k], heading) == 0) {
                const ao2_cell_t *cell = &APR_ARRAY_IDX(sheet->rows, row,
                                                        ao2_cell_t *)[k];

                assert_string_equal(cell->text, text);
                assert_int_equal(cell->mood, mood);
                return;
            }
        }
    }
    fail_msg("no column %s in %s", heading, id);
}

static void cells(void **state)
{
    static const struct {
        const char *id;
        int row;
        const char *heading;
        const char *text;
        ao2_mood_t mood;
    } rows[] = {
        {"issuers", 0, "Issuer", "<b>corp", AO2_MOOD_NONE},
        {"issuers", 0, "URL", "\xe2\x80\x93", AO2_MOOD_NONE},
        {"issuers", 0, "Reachable", "yes", AO2_MOOD_GOOD},
        {"issuers", 0, "Circuit", "open", AO2_MOOD_BAD},
        {"issuers", 0, "We are refused", "yes", AO2_MOOD_BAD},
        {"issuers", 0, "Calls good", "1", AO2_MOOD_NONE},
        {"keys", 0, "Key (kid)", "k1", AO2_MOOD_NONE},
        {"keys", 0, "Issuer", "<b>corp", AO2_MOOD_NONE},
        {"keys", 0, "Age", "2.0 h", AO2_MOOD_NONE},
        {"keys", 0, "Next renewal", "overdue by 90 s", AO2_MOOD_NONE},
        {"keys", 1, "Key (kid)", "\xe2\x80\x93", AO2_MOOD_NONE},
        {"caches", 0, "Hit rate", "75.0 %", AO2_MOOD_NONE},
        {"caches", 0, "Memory", "3.0 KiB", AO2_MOOD_NONE},
        {"caches", 1, "Hit rate", "\xe2\x80\x93", AO2_MOOD_NONE},
        {"authentication", 0, "Mean", "2.5 ms", AO2_MOOD_NONE},
        {"refusals", 0, "Time (UTC)", "2023-11-14 22:13:20", AO2_MOOD_NONE},
        {"decisions", 0, "What", "Granted", AO2_MOOD_NONE},
        {"decisions", 0, "How it is", "1,234,567", AO2_MOOD_NONE},
    };
    apr_array_header_t *sheets = ao2_sheets_make(test_json(model_text,
                                                           *state),
                                                 *state);
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cell_is(sheets, rows[i].id, rows[i].row, rows[i].heading,
                rows[i].text, rows[i].mood);
    }
}

static void written(void **state)
{
    json_t *model = test_json(model_text, *state);
    apr_array_header_t *sheets = ao2_sheets_make(model, *state);
    ao2_page_t page;

    ao2_page_start(&page, *state);
    ao2_sheets_write_html(&page, sheets, model, "a<b");
    assert_non_null(strstr(page.text, "<h1>mod_api_oauth2 at a&lt;b</h1>"));
    assert_non_null(strstr(page.text, "&lt;b&gt;corp"));
    assert_non_null(strstr(page.text, "&lt;b&gt;&amp;amp;"));
    assert_non_null(strstr(page.text, "There is no ApiRegistry."));
    assert_null(strstr(page.text, "<b>"));
    ao2_page_start(&page, *state);
    ao2_sheets_write_part(&page, sheets);
    assert_non_null(strstr(page.text, "<td>&lt;b&gt;corp</td>"));
    assert_null(strstr(page.text, "<b>"));
    ao2_page_start(&page, *state);
    ao2_sheets_write_text(&page, sheets, model, "server");
    assert_non_null(strstr(page.text, "\nIssuers\n  Issuer   URL"));
    assert_non_null(strstr(page.text, "\n  <b>corp  \xe2\x80\x93"));
}

static void note(world_t *world, int number)
{
    ao2_recent_t refused = {0};

    refused.at = number;
    refused.number = number;
    memset(refused.location, 'x', sizeof(refused.location));
    ao2_recent_note(world->board.recent, &refused, world->shared);
}

static void recent(void **state)
{
    ao2_recent_t list[AO2_RECENT_PLACES + 1];
    world_t world;
    int count;
    int i;

    world_start(&world, *state);
    assert_int_equal(ao2_recent_list(world.board.recent, list, 50), 0);
    note(&world, 1);
    note(&world, 2);
    count = ao2_recent_list(world.board.recent, list, 50);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].number, 2);
    assert_int_equal(list[1].number, 1);
    /* What was not ended is. */
    assert_int_equal(strlen(list[0].location), sizeof(list[0].location) - 1);
    for (i = 3; i <= 200; i++) {
        note(&world, i);
    }
    count = ao2_recent_list(world.board.recent, list, AO2_RECENT_PLACES + 1);
    assert_int_equal(count, AO2_RECENT_PLACES);
    for (i = 0; i < count; i++) {
        assert_int_equal(list[i].number, 200 - i);
    }
    assert_int_equal(ao2_recent_list(world.board.recent, list, 7), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(cells), TEST(written),
                                       TEST(recent)};

    return cmocka_run_group_tests_name("sheet", tests, NULL, NULL);
}
