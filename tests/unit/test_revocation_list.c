#include "unit/support.h"

#include "service/revocation_list.h"

#define HALF "00112233445566778899aabbccddeeff"
#define DIGEST HALF HALF

/* A token "t" that alice got by the client "app" at 1000 s. */
static ao2_principal_t alice(void)
{
    ao2_principal_t who = {0};
    int i;

    who.jti = "t";
    who.subject = "alice";
    who.client = "app";
    who.issued = apr_time_from_sec(1000);
    for (i = 0; i < AO2_DIGEST_LEN; i++) {
        who.digest[i] = (unsigned char)(i % 16 * 0x11);
    }
    return who;
}

static const struct {
    const char *text;
    int holds;
} lists[] = {
    {"", 0},
    {"# jti:t\n\n", 0},
    {"jti:t", 1},
    {"jti:T", 0},
    {"  jti: t \r\n", 1},
    {"jti:t x", 0},
    {"sha256:" DIGEST, 1},
    {"sha256:00" DIGEST, -1},
    {"sha256:" DIGEST "\njti:x", 1},
    {"client:app", 1},
    {"client:alice", 0},
    {"sub:alice", 1},
    {"sub:app", 0},
    {"sub:alice before=1001", 1},
    {"sub:alice before=1000", 0},
    {"sub:alice\tbefore=1001", 1},
    {"sub:alice\tbefore=1000", 0},
    {"sub:alice before=1001 # left", 1},
    {"jti:t # lost\n \t# and found", 1},
    {"jti:t#lost", 0},
    {"sha256: " DIGEST "\t#", 1},
    {"sub:alice before=1970-01-01T00:16:41Z", 1},
    {"sub:alice before=1970-01-01T00:16:40Z", 0},
    {"client: app  before=1001", 1},
    {"sub:alice before=", -1},
    {"sub:alice before=-1", -1},
    {"sub:alice before=9999999999999999999", -1},
    {"sub: before=1001", -1},
    {"sub:", -1},
    {"jti:", -1},
    {"sha256:", -1},
    {"user:alice", -1},
    /* Of two lines for one name the one that reaches further counts. */
    {"sub:alice\nsub:alice before=1000", 1},
    {"sub:alice before=1000\nsub:alice", 1},
    {"sub:alice before=1001\nsub:alice before=1000", 1},
    {"sub:alice before=1000\nsub:alice before=999", 0},
};

static void rows(void **state)
{
    ao2_principal_t who = alice();
    size_t i;

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        ao2_revocation_list_t list;
        ao2_fail_t fail = {0};
        ao2_code_t code = ao2_revocation_list_read(
            &list, ao2_span(lists[i].text), *state, &fail);
        int holds = code == AO2_OK ? ao2_revocation_list_holds(&list, &who)
                                   : -1;

        if (holds != lists[i].holds) {
            fail_msg("row %d: %s: %d %s", (int)i, lists[i].text, holds,
                     fail.detail);
        }
    }
}

static void nul(void **state)
{
    static const char text[] = "jti:x\n\0jti:t";
    ao2_span_t whole = {text, sizeof(text) - 1};
    ao2_span_t line = {text, 6};
    ao2_revocation_list_t list;

    assert_int_equal(ao2_revocation_list_read(&list, line, *state, NULL),
                     AO2_OK);
    assert_int_equal(ao2_revocation_list_read(&list, whole, *state, NULL),
                     AO2_E_MISCONFIGURED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rows), TEST(nul)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
