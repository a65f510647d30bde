#include "unit/support.h"

#include "core/trace.h"

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void knows_what_is_one(void **state)
{
    static const struct {
        const char *text;
        int valid;
    } rows[] = {
        {GOOD, 1},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", 1},
        {"00-00000000000000000000000000000001-0000000000000001-00", 1},
        {"", 0},
        {GOOD "0", 0},
        {GOOD "-extra", 0},
        {GOOD "," GOOD, 0},
        {GOOD "\n", 0},
        {" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", 0},
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 0},
        {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 0},
        {"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 0},
        {"00-0gf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 0},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", 0},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", 0},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333g-01", 0},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", 0},
        {"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", 0},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01", 0},
        {"00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01", 0},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\r", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ao2_trace_is_valid(ao2_span(rows[i].text)) != rows[i].valid) {
            fail_msg("%s", rows[i].text);
        }
    }
}

static void every_cut_is_none(void **state)
{
    ao2_span_t cut = {GOOD, 0};

    (void)state;
    for (; cut.len < strlen(GOOD); cut.len++) {
        assert_false(ao2_trace_is_valid(cut));
    }
    assert_true(ao2_trace_is_valid(cut));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(knows_what_is_one),
        TEST(every_cut_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
