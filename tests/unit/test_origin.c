#include "core/origin.h"
#include "unit/support.h"

static const struct {
    const char *url;
    const char *scheme; /* NULL: refused */
    const char *host;
    int port;
    const char *rest;
} origins[] = {
    {"http://a", "http", "a", 80, ""},
    {"HTTP://A.Example/b", "http", "a.example", 80, "/b"},
    {"https://a", "https", "a", 443, ""},
    {"https://a:8443/x?y#z", "https", "a", 8443, "/x?y#z"},
    {"https://a?b", "https", "a", 443, "?b"},
    {"ws://a", "http", "a", 80, ""},
    {"wss://a", "https", "a", 443, ""},
    {"h2c://a:81", "http", "a", 81, ""},
    {"h2://a", "https", "a", 443, ""},
    {"balancer://pool/x", "balancer", "pool", 0, "/x"},
    {"http://127.0.0.1:1/", "http", "127.0.0.1", 1, "/"},
    {"http://[::1]:8080/", "http", "::1", 8080, "/"},
    {"http://[2001:DB8::1]", "http", "2001:db8::1", 80, ""},
    {"http://a_b-c.d:65535", "http", "a_b-c.d", 65535, ""},
    {"http://a:080", "http", "a", 80, ""},
    {"balancer://pool:80", NULL, NULL, 0, NULL},
    {"http://a:65536", NULL, NULL, 0, NULL},
    {"http://a:0", NULL, NULL, 0, NULL},
    {"http://a:", NULL, NULL, 0, NULL},
    {"http://a:8o", NULL, NULL, 0, NULL},
    {"http://a:000080", NULL, NULL, 0, NULL},
    {"http://", NULL, NULL, 0, NULL},
    {"http:///a", NULL, NULL, 0, NULL},
    {"http://:80", NULL, NULL, 0, NULL},
    {"http:/a", NULL, NULL, 0, NULL},
    {"http:a", NULL, NULL, 0, NULL},
    {"a", NULL, NULL, 0, NULL},
    {"", NULL, NULL, 0, NULL},
    {"ftp://a", NULL, NULL, 0, NULL},
    {"unix:/run/a|http://a", NULL, NULL, 0, NULL},
    {"http://a@b", NULL, NULL, 0, NULL},
    {"http://a:80@b", NULL, NULL, 0, NULL},
    {"http://a\\@b", NULL, NULL, 0, NULL},
    {"http://a b", NULL, NULL, 0, NULL},
    {"http://a%2e", NULL, NULL, 0, NULL},
    {"http://\xc3\xa4", NULL, NULL, 0, NULL},
    {"http://[::1", NULL, NULL, 0, NULL},
    {"http://[]", NULL, NULL, 0, NULL},
    {"http://[a]b", NULL, NULL, 0, NULL},
    {"http://[::1]80", NULL, NULL, 0, NULL},
    {"http://::1", NULL, NULL, 0, NULL},
    {"http://[fe80::1%25eth0]", NULL, NULL, 0, NULL},
};

static void reading(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        ao2_origin_t origin;
        const char *rest = NULL;
        int good = ao2_origin_read(&origin, origins[i].url, &rest, *state);

        if (good != (origins[i].scheme != NULL)) {
            fail_msg("row %d: %s", (int)i, origins[i].url);
        }
        if (good && (strcmp(origin.scheme, origins[i].scheme) != 0 ||
                     strcmp(origin.host, origins[i].host) != 0 ||
                     origin.port != origins[i].port ||
                     strcmp(rest, origins[i].rest) != 0)) {
            fail_msg("row %d: %s is %s %s %d %s", (int)i, origins[i].url,
                     origin.scheme, origin.host, origin.port, rest);
        }
    }
}

static void comparing(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        int same;
    } rows[] = {
        {"http://a", "http://A:80/x", 1},
        {"http://a", "ws://a", 1},
        {"https://a:443", "h2://a", 1},
        {"http://a", "https://a", 0},
        {"http://a", "https://a:80", 0},
        {"http://a", "http://a:81", 0},
        {"http://a", "http://b", 0},
        {"http://a", "http://a.", 0},
        {"http://a", "balancer://a", 0},
        {"balancer://a", "balancer://A", 1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ao2_origin_t a;
        ao2_origin_t b;

        assert_true(ao2_origin_read(&a, rows[i].a, NULL, *state));
        assert_true(ao2_origin_read(&b, rows[i].b, NULL, *state));
        if (ao2_origin_same(&a, &b) != rows[i].same) {
            fail_msg("row %d: %s, %s", (int)i, rows[i].a, rows[i].b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reading), TEST(comparing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
