/* What is told, and what is counted instead. */
#include "unit/support.h"

#include "service/repeat.h"

#define START apr_time_from_sec(1000000)
#define ISSUER "<ApiIssuer corp1>: http://a/b: timed out after 1000 ms"

typedef struct {
    const char *name;
    ao2_code_t code;
    const char *text;
    int after_sec; /* of the row before */
    int told;
    apr_uint32_t more;
} row_t;

static const row_t rows[] = {
    {"the first", AO2_E_ISSUER_UNAVAILABLE, ISSUER, 0, 1, 0},
    {"again", AO2_E_ISSUER_UNAVAILABLE, ISSUER, 0, 0, 0},
    {"another number", AO2_E_ISSUER_UNAVAILABLE,
     "<ApiIssuer corp1>: http://a/b: timed out after 999 ms", 59, 0, 0},
    {"another object", AO2_E_ISSUER_UNAVAILABLE,
     "<ApiIssuer corp2>: http://a/b: timed out after 1000 ms", 0, 1, 0},
    {"another cause", AO2_E_ISSUER_UNAVAILABLE,
     "<ApiIssuer corp1>: http://a/b: refused", 0, 1, 0},
    {"another error", AO2_E_MISCONFIGURED, ISSUER, 0, 1, 0},
    {"a minute later", AO2_E_ISSUER_UNAVAILABLE, ISSUER, 1, 1, 2},
    {"and again", AO2_E_ISSUER_UNAVAILABLE, ISSUER, 59, 0, 0},
    {"the clock goes back", AO2_E_ISSUER_UNAVAILABLE, ISSUER, -3600, 1, 1},
    {"and again", AO2_E_ISSUER_UNAVAILABLE, ISSUER, 1, 0, 0},
    {"no text", AO2_E_MISCONFIGURED, "", 0, 1, 0},
};

static void tells(void **state)
{
    ao2_repeat_t repeat = {0};
    apr_time_t now = START;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_uint32_t more = 99;
        int told;

        now += apr_time_from_sec(rows[i].after_sec);
        told = ao2_repeat_tell(&repeat, &more, rows[i].code, rows[i].text, now);
        if (told != rows[i].told || more != rows[i].more) {
            fail_msg("%s: told %d, %u more", rows[i].name, told, more);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(tells)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
