#include "unit/token_server.h"

static void first_and_next(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    ao2_span_t none = {NULL, 0};
    ao2_upstream_token_t token;
    int gets;

    assert_int_equal(ao2_upstream_token(&token, setup->upstream, none, *state,
                                        NULL), AO2_OK);
    assert_string_equal(token.value.ptr, "token-1");
    assert_int_equal(token.was_fetched, 1);
    assert_int_equal(token.expires, NOW + SEC(60));
    assert_string_equal(server->form, "grant_type=client_credentials"
                                      "&scope=a+b");
    assert_string_equal(server->field, "Authorization: Basic bWU6cGFzcw==");
    gets = server->gets;
    assert_int_equal(ao2_upstream_token(&token, setup->upstream, none, *state,
                                        NULL), AO2_OK);
    assert_string_equal(token.value.ptr, "token-1");
    assert_int_equal(token.was_fetched, 0);
    assert_int_equal(server->calls, 1);
    assert_int_equal(server->gets, gets);
}

/* Another process, or this one after a restart, finds it in the cache. */
static void shared_by_all(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    ao2_upstream_t *other = open_upstream(setup);

    assert_string_equal(ask(setup), "token-1");
    assert_string_equal(ask_for(setup, other, NULL), "token-1");
    assert_int_equal(server->calls, 1);
    server_pass(SEC(59));
    assert_string_equal(ask_for(setup, open_upstream(setup), NULL),
                        "token-1");
    server_pass(SEC(1));
    assert_string_equal(ask_for(setup, open_upstream(setup), NULL),
                        "token-2");
}

static void without_a_cache(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 0, *state);
    ao2_upstream_t *other = open_upstream(setup);

    assert_string_equal(ask(setup), "token-1");
    assert_string_equal(ask(setup), "token-1");
    assert_string_equal(ask_for(setup, other, NULL), "token-2");
    assert_string_equal(ask(setup), "token-1");
    assert_int_equal(drop(setup, setup->upstream, "token-1"), 1);
    assert_string_equal(ask(setup), "token-3");
    assert_string_equal(ask_for(setup, other, NULL), "token-2");
    assert_int_equal(server->calls, 3);
}

/* A cache that takes nothing makes nobody fetch in turn. */
static void with_a_deaf_cache(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    ao2_upstream_t *other = open_upstream(setup);
    int i;

    server->deaf = 1;
    for (i = 0; i < 10; i++) {
        assert_string_equal(ask(setup), "token-1");
        assert_string_equal(ask_for(setup, other, NULL), "token-2");
    }
    assert_int_equal(server->calls, 2);
}

static void lifetimes(void **state)
{
    static const struct {
        const char *members;
        long seconds; /* 0: used once */
    } rows[] = {
        {",\"expires_in\":60", 60},      {",\"expires_in\":\"60\"", 60},
        {"", 300},                       {",\"expires_in\":0", 0},
        {",\"expires_in\":-5", 0},       {",\"expires_in\":\"0\"", 0},
        {",\"expires_in\":1", 1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
        int once = rows[i].seconds == 0;

        server->members = rows[i].members;
        assert_string_equal(ask(setup), "token-1");
        assert_string_equal(ask(setup), once ? "token-2" : "token-1");
        if (once) {
            continue;
        }
        /* Nobody renews it ahead: the server is down for that long. */
        server->broken = 1;
        server_pass(SEC(rows[i].seconds) - 1);
        if (strcmp(ask(setup), "token-1") != 0) {
            fail_msg("row %d: it ends early", (int)i);
        }
        server->broken = 0;
        server_pass(SEC(3));
        assert_string_not_equal(ask(setup), "token-1");
    }
}

/* Whatever is told of a failure, nothing of the answer is. */
static void failures(void **state)
{
    static const struct {
        int status;
        const char *body;
        int refused;
        const char *detail;
    } rows[] = {
        {400, "{\"error\":\"invalid_client\"}", 1,
         "refused with status 400, invalid_client"},
        {400, "{\"error\":\"invalid_scope\",\"error_description\":\"SECRET\"}",
         1, "refused with status 400, invalid_scope"},
        {400, "{\"error\":\"SECRET\"}", 1, "refused with status 400"},
        {401, "{\"error\":\"invalid_client\"}", 1,
         "refused with status 401, invalid_client"},
        {401, "SECRET", 1, "refused with status 401"},
        {403, "", 1, "refused with status 403"},
        {404, "<html>", 1, "refused with status 404"},
        {429, "{\"error\":\"slow_down\"}", 0,
         "answered with status 429, slow_down"},
        {408, "", 0, "answered with status 408"},
        {500, "SECRET", 0, "answered with status 500"},
        {503, "", 0, "answered with status 503"},
        {302, "", 0, "answered with status 302"},
        {201, "{\"access_token\":\"SECRET\",\"token_type\":\"Bearer\"}", 0,
         "answered with status 201"},
        {200, "SECRET", 0, NULL},
        {200, "{\"access_token\":\"SECRET", 0, NULL},
        {200, "{\"access_token\":\"SECRET\",\"token_type\":\"DPoP\"}", 0,
         "\"token_type\" is not Bearer"},
        {200, "{\"access_token\":\"SECRET\\r\\nX: y\","
         "\"token_type\":\"Bearer\"}", 0,
         "\"access_token\" has characters that no token has"},
        {200, "{\"error\":\"invalid_client\"}", 0,
         "\"access_token\" is no string"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
        ao2_span_t none = {NULL, 0};
        ao2_upstream_token_t token;
        ao2_fail_t fail = {0};
        ao2_code_t code;

        server->status = rows[i].status;
        server->body = rows[i].body;
        code = ao2_upstream_token(&token, setup->upstream, none, *state,
                                  &fail);
        if (code != (rows[i].refused ? AO2_E_UPSTREAM_TOKEN_REFUSED
                                     : AO2_E_UPSTREAM_TOKEN_UNAVAILABLE) ||
            strstr(fail.detail, "SECRET") ||
            strncmp(fail.detail, "<ApiUpstream pizza>: ", 21) != 0 ||
            (rows[i].detail &&
             strcmp(fail.detail + 21, rows[i].detail) != 0)) {
            fail_msg("row %d: %d %s", (int)i, (int)code, fail.detail);
        }
        assert_int_equal(token.retry_after_sec > 0, !rows[i].refused);
    }
}

/* A failing endpoint is left alone, and found again. */
static void left_alone(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    int i;

    server->broken = 1;
    for (i = 0; i < 20; i++) {
        assert_string_equal(ask(setup), UNAVAILABLE);
    }
    assert_int_equal(server->calls, 3);
    server->broken = 0;
    server_pass(SEC(2));
    assert_string_equal(ask(setup), "token-4");
}

/* So is one that refuses us, for longer; it is a 502 all the while. */
static void left_alone_when_refused(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);
    int i;

    server->status = 401;
    for (i = 0; i < 20; i++) {
        assert_string_equal(ask(setup), "refused");
    }
    assert_int_equal(server->calls, 1);
    for (i = 0; i < 600; i++) {
        server_pass(SEC(1));
        assert_string_equal(ask(setup), "refused");
    }
    assert_in_range(server->calls, 20, 30);
    server->status = 200;
    server_pass(SEC(30));
    i = server->calls + 1;
    assert_string_equal(ask(setup), apr_psprintf(*state, "token-%d", i));
}

/* Other settings never meet a token of before. */
static void changed_settings(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);

    assert_string_equal(ask(setup), "token-1");
    setup->settings.digest[0] = 2;
    assert_string_equal(ask_for(setup, open_upstream(setup), NULL),
                        "token-2");
    setup->settings.digest[0] = 1;
    assert_string_equal(ask_for(setup, open_upstream(setup), NULL),
                        "token-1");
}

/* --- refresh tokens ------------------------------------------------------ */

static void password_and_refresh(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_PASSWORD, 1, *state);

    server->members = ",\"expires_in\":60,\"refresh_token\":\"r1\"";
    ask(setup);
    assert_string_equal(server->form, "grant_type=password&username=user"
                                      "&password=first&scope=a+b");
    server_pass(SEC(60));
    server->members = ",\"expires_in\":60,\"refresh_token\":\"r2\"";
    assert_string_equal(ask(setup), "token-2");
    assert_string_equal(server->form, "grant_type=refresh_token"
                                      "&refresh_token=r1&scope=a+b");
    /* In another process: the newest one. It stays where none follows. */
    server_pass(SEC(60));
    server->members = ",\"expires_in\":60";
    assert_string_equal(ask_for(setup, open_upstream(setup), NULL),
                        "token-3");
    assert_string_equal(server->form, "grant_type=refresh_token"
                                      "&refresh_token=r2&scope=a+b");
    server_pass(SEC(60));
    server->error = "refresh_token";
    assert_string_equal(ask(setup), "token-5");
    assert_string_equal(server->form, "grant_type=password&username=user"
                                      "&password=first&scope=a+b");
    server_pass(SEC(60));
    assert_string_equal(ask(setup), "token-6");
    assert_int_equal(server->calls, 6);
}

static void refresh_from_configuration(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_REFRESH_TOKEN, 1, *state);

    server->members = ",\"expires_in\":60,\"refresh_token\":\"second\"";
    ask(setup);
    assert_non_null(strstr(server->form, "&refresh_token=first&"));
    server_pass(SEC(60));
    ask(setup);
    assert_non_null(strstr(server->form, "&refresh_token=second&"));
    /* Neither is accepted: both were shown, then we are refused. */
    server_pass(SEC(60));
    server->error = "refresh_token";
    assert_string_equal(ask(setup), "refused");
    assert_int_equal(server->calls, 4);
    assert_non_null(strstr(server->form, "&refresh_token=first&"));
    server_pass(SEC(60));
    assert_string_equal(ask(setup), "refused");
    assert_int_equal(server->calls, 5);
}

/* Where the server is down, a refresh token is not given up. */
static void refresh_while_down(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_PASSWORD, 0, *state);

    server->members = ",\"expires_in\":60,\"refresh_token\":\"r1\"";
    ask(setup);
    server_pass(SEC(60));
    server->status = 500;
    assert_string_equal(ask(setup), UNAVAILABLE);
    server->status = 200;
    assert_string_equal(ask(setup), "token-3");
    assert_non_null(strstr(server->form, "refresh_token=r1"));
}

static void no_refresh_for_client_credentials(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_CLIENT_CREDENTIALS, 1, *state);

    server->members = ",\"expires_in\":60,\"refresh_token\":\"r1\"";
    ask(setup);
    server_pass(SEC(60));
    assert_string_equal(ask(setup), "token-2");
    assert_non_null(strstr(server->form, "client_credentials"));
}

/* --- callers' tokens ----------------------------------------------------- */

static void exchange(void **state)
{
    setup_t *setup = set_up(AO2_GRANT_TOKEN_EXCHANGE, 1, *state);
    ao2_upstream_t *other = open_upstream(setup);
    int gets;

    assert_string_equal(ask_for(setup, setup->upstream, NULL),
                        "misconfigured");
    assert_string_equal(ask_for(setup, setup->upstream, "alice"), "token-1");
    assert_non_null(strstr(server->form, "&subject_token=alice&"));
    assert_string_equal(ask_for(setup, setup->upstream, "bob"), "token-2");
    gets = server->gets;
    assert_string_equal(ask_for(setup, setup->upstream, "alice"), "token-1");
    assert_int_equal(server->gets, gets);
    assert_string_equal(ask_for(setup, other, "alice"), "token-1");
    assert_int_equal(ao2_upstream_drop(other, ao2_span("token-1"),
                                       ao2_span("alice"), *state), 1);
    assert_string_equal(ask_for(setup, setup->upstream, "alice"), "token-3");
    assert_string_equal(ask_for(setup, other, "alice"), "token-3");
    assert_string_equal(ask_for(setup, other, "bob"), "token-2");
    assert_int_equal(server->calls, 3);
}

/* Whoever has a token that is refused does not have the endpoint left
 * alone, and does not make it be called for each request. */
static void exchange_refused(void **state)
{
    static const struct {
        int status;
        const char *body;
        int is_about_us;
    } rows[] = {
        {400, "{\"error\":\"invalid_request\"}", 0},
        {400, "{\"error\":\"invalid_grant\"}", 0},
        {400, "", 0},
        {403, "{\"error\":\"access_denied\"}", 0},
        {403, "", 0},
        {401, "{\"error\":\"invalid_token\"}", 0},
        {401, "", 1},
        {401, "{\"error\":\"invalid_client\"}", 1},
        {400, "{\"error\":\"unauthorized_client\"}", 1},
    };
    size_t i;
    int k;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup_t *setup = set_up(AO2_GRANT_TOKEN_EXCHANGE, 1, *state);

        server->status = rows[i].status;
        server->body = rows[i].body;
        for (k = 0; k < 5; k++) {
            assert_string_equal(ask_for(setup, setup->upstream, "mallory"),
                                "refused");
        }
        assert_int_equal(server->calls, 1);
        server->status = 200;
        server->body = NULL;
        if (strcmp(ask_for(setup, setup->upstream, "alice"),
                   rows[i].is_about_us ? "refused" : "token-2") != 0) {
            fail_msg("row %d", (int)i);
        }
        server_pass(SEC(80));
        assert_string_equal(ask_for(setup, setup->upstream, "mallory"),
                            rows[i].is_about_us ? "token-2" : "token-3");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_and_next), TEST(shared_by_all), TEST(without_a_cache),
        TEST(with_a_deaf_cache), TEST(lifetimes), TEST(failures),
        TEST(left_alone), TEST(left_alone_when_refused),
        TEST(changed_settings), TEST(password_and_refresh),
        TEST(refresh_from_configuration), TEST(refresh_while_down),
        TEST(no_refresh_for_client_credentials), TEST(exchange),
        TEST(exchange_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
