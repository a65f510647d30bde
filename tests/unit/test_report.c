#include "unit/support.h"

#include "core/metadata.h"
#include "core/report.h"

static void bodies(void **state)
{
    const ao2_error_t *error = ao2_error_of(AO2_E_SCOPE_MISSING);
    ao2_report_t report;
    int format;
    int i;

    ao2_report_body(&report, error, AO2_BODY_PROBLEM, *state);
    assert_string_equal(report.type, "application/problem+json");
    assert_string_equal(report.text,
                        "{\"type\":\"urn:api-oauth2:error:scope_missing\","
                        "\"title\":\"The token lacks a scope that is "
                        "required.\",\"status\":403,\"code\":\"AO2-020\"}\n");
    ao2_report_body(&report, error, AO2_BODY_MESSAGE, *state);
    assert_string_equal(report.type, "application/json");
    assert_string_equal(report.text,
                        "{\"message\":\"The token lacks a scope that is "
                        "required.\",\"http_status_code\":403}\n");
    ao2_report_body(&report, error, AO2_BODY_FAULT, *state);
    assert_string_equal(report.text,
                        "{\"code\":\"900910\",\"message\":\"scope_missing\","
                        "\"description\":\"The token lacks a scope that is "
                        "required.\"}\n");
    ao2_report_body(&report, error, AO2_BODY_NONE, *state);
    assert_null(report.text);
    for (i = 0; ao2_error_at(i); i++) {
        const ao2_error_t *row = ao2_error_at(i);

        for (format = AO2_BODY_PROBLEM; format < AO2_BODY_NONE; format++) {
            ao2_report_body(&report, row, (ao2_body_t)format, *state);
            assert_non_null(ao2_json_own(json_loads(report.text, 0, NULL),
                                         *state));
        }
    }
}

static void one_failure_two_answers(void **state)
{
    const ao2_error_t *down =
        ao2_error_of(AO2_E_UPSTREAM_TOKEN_UNAVAILABLE);
    const ao2_error_t *refused = ao2_error_of(AO2_E_UPSTREAM_TOKEN_REFUSED);

    (void)state;
    assert_int_equal(down->status, 503);
    assert_int_equal(refused->status, 502);
    assert_int_equal(down->number, 42);
    assert_int_equal(refused->number, 42);
    assert_string_equal(down->id, refused->id);
}

static void challenges(void **state)
{
    const ao2_error_t *missing = ao2_error_of(AO2_E_CREDENTIAL_MISSING);
    const ao2_error_t *scope = ao2_error_of(AO2_E_SCOPE_MISSING);
    char *longest = apr_pcalloc(*state, 5000);

    memset(longest, 'a', 4999);
    assert_string_equal(ao2_report_challenge(missing, "r", NULL, 1, *state),
                        "Bearer realm=\"r\"");
    assert_string_equal(ao2_report_challenge(missing, "a\"b\\\r\nc", NULL, 0,
                                             *state),
                        "Bearer realm=\"a\\\"b\\\\??c\"");
    assert_string_equal(ao2_report_challenge(scope, "r", "a b a", 0, *state),
                        "Bearer realm=\"r\", error=\"insufficient_scope\", "
                        "scope=\"a b\"");
    assert_string_equal(ao2_report_challenge(scope, "r", "a\"x \r\n", 1,
                                             *state),
                        "Bearer realm=\"r\", error=\"insufficient_scope\", "
                        "error_description=\"The token lacks a scope that is "
                        "required.\"");
    assert_string_equal(ao2_report_challenge(scope, longest, longest, 0,
                                             *state),
                        "Bearer realm=\"\", error=\"insufficient_scope\"");
    /* A realm takes half, quotes and all; scopes what is left. */
    longest[AO2_MAX_CHALLENGE / 2 - strlen("Bearer realm=\"\"")] = '\0';
    assert_non_null(strstr(ao2_report_challenge(missing, longest, NULL, 0,
                                                *state), longest));
    assert_null(strstr(ao2_report_challenge(missing, apr_pstrcat(
        *state, longest, "a", NULL), NULL, 0, *state), longest));
    memset(longest, 'a', 4999);
    longest[AO2_MAX_CHALLENGE - strlen("Bearer realm=\"\", error=\""
                                       "insufficient_scope\", scope=\"\"")]
        = '\0';
    assert_int_equal(strlen(ao2_report_challenge(scope, "", longest, 0,
                                                 *state)), AO2_MAX_CHALLENGE);
    assert_null(strstr(ao2_report_challenge(scope, "r", longest, 0, *state),
                       "scope=\""));
}

static void places(void **state)
{
    static const struct {
        const char *issuer;
        const char *oauth;
        const char *openid;
    } rows[] = {
        {"https://a", "https://a/.well-known/oauth-authorization-server",
         "https://a/.well-known/openid-configuration"},
        {"https://a/", "https://a/.well-known/oauth-authorization-server",
         "https://a/.well-known/openid-configuration"},
        {"https://a:1/t/x",
         "https://a:1/.well-known/oauth-authorization-server/t/x",
         "https://a:1/t/x/.well-known/openid-configuration"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *found[2];

        ao2_metadata_places(found, rows[i].issuer, *state);
        assert_string_equal(found[0], rows[i].oauth);
        assert_string_equal(found[1], rows[i].openid);
    }
}

static void documents(void **state)
{
    static const struct {
        const char *text;
        int good;
        const char *uri;
    } rows[] = {
        {"{'issuer':'https://a','jwks_uri':'https://b/k'}", 1, "https://b/k"},
        {"{'issuer':'https://a'}", 1, NULL},
        {"{'issuer':'https://a/','jwks_uri':'https://b/k'}", 0, NULL},
        {"{'jwks_uri':'https://b/k'}", 0, NULL},
        {"{'issuer':'https://a','jwks_uri':'http://b/k'}", 0, NULL},
        {"{'issuer':'https://a','jwks_uri':'http://127.0.0.1/k'}", 1,
         "http://127.0.0.1/k"},
        {"{'issuer':'https://a','jwks_uri':'file:///etc/passwd'}", 0, NULL},
        {"<html>", 0, NULL},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = apr_pstrdup(*state, rows[i].text);
        ao2_metadata_t metadata;
        char *at;
        ao2_code_t code;

        for (at = text; *at; at++) {
            *at = *at == '\'' ? '"' : *at;
        }
        code = ao2_metadata_parse(&metadata, ao2_span(text), "https://a", 0,
                                  *state, NULL);
        if ((code == AO2_OK) != rows[i].good ||
            !metadata.jwks_uri != !rows[i].uri ||
            (rows[i].uri && strcmp(metadata.jwks_uri, rows[i].uri) != 0)) {
            fail_msg("row %d: %s", (int)i, rows[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bodies), TEST(one_failure_two_answers), TEST(challenges),
        TEST(places), TEST(documents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
