#include "unit/support.h"

#include <unistd.h>

#include "base/file.h"
#include "service/revocation_list.h"
#include "service/revocations.h"

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

/* What the clock says next, and from then on. */
static struct {
    apr_time_t first;
    apr_time_t then;
} says;

static apr_time_t fake_now(ao2_clock_t *self)
{
    apr_time_t now = says.first;

    (void)self;
    says.first = says.then;
    return now;
}

static void no_log(ao2_log_t *self, ao2_level_t level, ao2_code_t code,
                   const char *text)
{
    (void)self;
    (void)level;
    (void)code;
    (void)text;
}

/* @return when it was changed */
static apr_time_t write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ao2_file_stamp_t stamp;

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    ao2_file_stamp(&stamp, path);
    return stamp.mtime;
}

/* A file that was cut to be written anew is not taken for an empty one,
 * however long a request was held up; one that stays so is. */
static void being_written(void **state)
{
    static ao2_clock_t clock_port = {fake_now, NULL};
    static ao2_log_t log_port = {no_log, NULL};
    const char *path = apr_psprintf(*state, "/tmp/ao2-revoked-%ld",
                                    (long)getpid());
    apr_time_t second = APR_USEC_PER_SEC;
    ao2_principal_t who = alice();
    ao2_revocations_t *revocations;
    apr_time_t changed;

    write_file(path, "jti:t\n");
    assert_int_equal(ao2_revocations_make(&revocations, path, &clock_port,
                                          &log_port, *state, NULL),
                     AO2_OK);
    changed = write_file(path, "");
    says.first = changed - second;
    says.then = changed + second / 10;
    assert_int_equal(ao2_revocations_check(revocations, &who, NULL),
                     AO2_E_TOKEN_REVOKED);
    says.first = changed + 2 * second;
    says.then = says.first;
    assert_int_equal(ao2_revocations_check(revocations, &who, NULL), AO2_OK);
    /* One that is truly of the future counts. */
    changed = write_file(path, "jti:t\n");
    says.first = changed - 100 * second;
    says.then = says.first;
    assert_int_equal(ao2_revocations_check(revocations, &who, NULL),
                     AO2_E_TOKEN_REVOKED);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rows), TEST(nul),
                                       TEST(being_written)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
