/* What a registry document may hold, and what is said of what it may not. */
#include "unit/registry_support.h"

#define DOC(lists) "{'version':1," lists "}"
#define APPS(rows) DOC("'apis':[{'name':'a'}],'applications':[" rows "]")
#define TOKEN(member) APPS("{'id':'x','tokens':[{'id':'t','sha256':'" HASH \
                           "0'," member "}]}")
#define LIMIT(row) DOC("'plans':[{'name':'p','limits':[" row "]}]")

/* Each with what is said; NULL: accepted, the twin of the row behind. */
static const struct {
    const char *text;
    const char *detail;
} documents[] = {
    {DOC("'plans':[]"), NULL},
    {"{'plans':[]}", "\"version\" is missing"},
    {"{'version':2}", "line 1: version: must be 1"},
    {"{'version':1.0}", "line 1: version: must be 1"},
    {"{'version':[1]}", "line 1: version: must be 1"},
    {DOC("'plans':{}"), "line 1: plans: must be an array"},
    {DOC("\n'plan':[]"), "line 2: unknown member \"plan\""},
    {DOC("'plans':[1]"), "line 1: plans[0]: must be an object"},
    {DOC("'plans':[{'name':'p'}]"), NULL},
    {DOC("'plans':[{}]"), "line 1: plans[0]: \"name\" is missing"},
    {DOC("'plans':[{'name':''}]"),
     "line 1: plans[0]: a plan's name must be 1 to 255 bytes long"},
    {DOC("'plans':[{'name':1}]"),
     "line 1: plans[0].name: must be a string (without NUL)"},
    {DOC("'plans':[{'name':null}]"),
     "line 1: plans[0].name: must be a string (without NUL)"},
    {DOC("'plans':[{'name':'p\\u0000'}]"),
     "line 1: plans[0].name: must be a string (without NUL)"},
    {DOC("'plans':[{'name':'p','x':1}]"),
     "line 1: plans[0]: unknown member \"x\""},
    {DOC("'plans':[{'name':'p'},\n{'name':'p'}]"),
     "line 2: plans[1]: plan \"p\" is there twice"},
    {LIMIT("{'requests':1,'per':'1s'}"), NULL},
    {LIMIT("{'requests':0,'per':'1s'}"),
     "line 1: plans[0].limits[0].requests: must be a whole number, 1 or more"},
    {LIMIT("{'requests':1.0,'per':'1s'}"),
     "line 1: plans[0].limits[0].requests: must be a whole number, 1 or more"},
    {LIMIT("{'requests':1,\n'burst':'1','per':'1s'}"),
     "line 2: plans[0].limits[0].burst: must be a whole number, 1 or more"},
    {LIMIT("{'requests':1}"),
     "line 1: plans[0].limits[0]: \"per\" is missing"},
    {LIMIT("{'requests':1,'per':'1y'}"),
     "line 1: plans[0]: limit 1: the window must be a duration such as 10s, "
     "1mi, 1h or 30d"},
    {LIMIT("{'requests':1,'per':'1500ms'}"),
     "line 1: plans[0]: limit 1: the window must be 1 second to 366 days, in "
     "whole seconds"},
    {LIMIT("{'requests':1,'per':'1mi'},{'requests':2,'per':'61s'}"), NULL},
    {LIMIT("{'requests':1,'per':'1mi'},{'requests':2,'per':'60s'}"),
     "line 1: plans[0]: limits 1 and 2 have the same window"},
    {DOC("'apis':[{'name':'a','version':'1'},{'name':'a','version':'2'}]"),
     NULL},
    {DOC("'apis':[{'name':'a','version':'1'},{'name':'a','version':'1'}]"),
     "line 1: apis[1]: version \"1\" of API \"a\" is there twice"},
    {DOC("'apis':[{'name':'a'},{'name':'a','version':''}]"),
     "line 1: apis[1]: version \"\" of API \"a\" is there twice"},
    {DOC("'apis':[{'name':'a','version':'*'}]"),
     "line 1: apis[0]: \"*\" is no version of an API: it stands for all"},
    {DOC("'apis':[{'name':'a','status':'Published'}]"),
     "line 1: apis[0].status: must be one of published, deprecated, blocked, "
     "retired"},
    {DOC("'apis':[{'name':'a','sunset':'tomorrow'}]"),
     "line 1: apis[0].sunset: must be a time as 2027-01-01T00:00:00Z "
     "(RFC 3339), or null"},
    {APPS("{'id':'x'},{'id':'y'}"), NULL},
    {APPS("{'id':'x'},\n{'id':'x'}"),
     "line 2: applications[1]: application \"x\" is there twice"},
    {APPS("{'id':'x','clients':{}}"),
     "line 1: applications[0].clients: must be an array"},
    {APPS("{'id':'x','clients':null}"), NULL},
    {APPS("{'id':'x','status':'gone'}"),
     "line 1: applications[0].status: must be one of active, blocked"},
    {APPS("{'id':'x','clients':[{'issuer':'i','client_id':'c'},"
          "{'issuer':'j','client_id':'c'}]}"), NULL},
    {APPS("{'id':'x','clients':[{'issuer':'i','client_id':'c'}]},"
          "{'id':'y','clients':[\n{'issuer':'i','client_id':'c'}]}"),
     "line 2: applications[1].clients[0]: client \"c\" is there twice"},
    {APPS("{'id':'x','clients':[{'issuer':'i','client_id':''}]}"),
     "line 1: applications[0].clients[0]: a client id must be 1 to 255 bytes "
     "long"},
    {APPS("{'id':'x','subscriptions':[{'api':'a'}]},"
          "{'id':'y','subscriptions':[{'api':'a'}]}"), NULL},
    {APPS("{'id':'x','subscriptions':[{'api':'a'},\n{'api':'a'}]}"),
     "line 2: applications[0].subscriptions[1]: the subscription to version "
     "\"\" of \"a\" is there twice"},
    {APPS("\n{'id':'y'},\n{'id':'x','subscriptions':[{'api':'a'},\n"
          "{'api':'a','version':'*',\n'plan':'gold'}]}"),
     "line 5: applications[1].subscriptions[1].plan: no plan \"gold\""},
    {APPS("{'id':'x','subscriptions':[{\n'api':'b'}]}"),
     "line 2: applications[0].subscriptions[0].api: no version \"\" of API "
     "\"b\""},
    {APPS("{'id':'x','subscriptions':[{'version':'*','api':'b'}]}"),
     "line 1: applications[0].subscriptions[0].api: no API \"b\""},
    {APPS("{'id':'x','subscriptions':[{'version':'1','api':'a'}]}"),
     "line 1: applications[0].subscriptions[0].api: no version \"1\" of API "
     "\"a\""},
    {TOKEN("'scopes':['a'],'ip':['192.0.2.1','::1/128']"), NULL},
    {TOKEN("'scopes':['a b']"),
     "line 1: applications[0].tokens[0]: scope 1 must be 1 to 256 printable "
     "ASCII characters without space, \" and \\"},
    {TOKEN("'scopes':['a',\n1]"),
     "line 2: applications[0].tokens[0].scopes[1]: must be a string (without "
     "NUL)"},
    {TOKEN("'scopes':'a'"),
     "line 1: applications[0].tokens[0].scopes: must be an array"},
    {TOKEN("'ip':['192.0.2.1','10.1']"),
     "line 1: applications[0].tokens[0]: ip 2 must be an address or "
     "ADDRESS/BITS, as 192.0.2.0/24 or 2001:db8::/32"},
    {TOKEN("'expires':1798761600"),
     "line 1: applications[0].tokens[0].expires: must be a time as "
     "2027-01-01T00:00:00Z (RFC 3339), or null"},
    {APPS("{'id':'x','tokens':[{'id':'t','sha256':'" HASH "'}]}"),
     "line 1: applications[0].tokens[0]: sha256 must be 64 hexadecimal "
     "digits"},
    {APPS("{'id':'x','tokens':[{'id':'t','sha256':'" HASH "g'}]}"),
     "line 1: applications[0].tokens[0]: sha256 must be 64 hexadecimal "
     "digits"},
    {APPS("{'id':'x','tokens':[{'id':'t','sha256':'" HASH "1'},"
          "{'id':'u','sha256':'" HASH "2'}]}"), NULL},
    {APPS("{'id':'x','tokens':[{'id':'t','sha256':'" HASH "1'},"
          "{'id':'t','sha256':'" HASH "2'}]}"),
     "line 1: applications[0].tokens[1]: token \"t\" is there twice"},
    {APPS("{'id':'x','tokens':[{'id':'t','sha256':'" HASH "a'}]},"
          "{'id':'y','tokens':[{'id':'u','sha256':'" HASH "A'}]}"),
     "line 1: applications[1].tokens[0]: the sha256 of token \"u\" is that "
     "of another"},
};

static void documents_refused(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        const ao2_registry_t *registry;
        ao2_fail_t fail;
        ao2_code_t code = read_text(&registry,
                                    test_quotes(documents[i].text, *state),
                                    *state, &fail);

        if ((code == AO2_OK) != (documents[i].detail == NULL) ||
            (registry == NULL) == (code == AO2_OK) ||
            (documents[i].detail &&
             (code != AO2_E_MISCONFIGURED ||
              strcmp(fail.detail, documents[i].detail) != 0))) {
            fail_msg("%s: %d \"%s\"", documents[i].text, (int)code,
                     fail.detail);
        }
    }
}

static const char *repeat(const char *text, int count, apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_make(pool, count, sizeof(char *));
    int i;

    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(all, const char *) = text;
    }
    return apr_array_pstrcat(pool, all, ',');
}

static void limits(void **state)
{
    static const struct {
        const char *before;
        const char *row;
        int most;
        const char *after;
    } rows[] = {
        {TOKEN("'ip':["), "'::1'", AO2_MAX_NETWORKS, "]}]}]}"},
        {TOKEN("'scopes':["), "'s'", AO2_MAX_SCOPES, "]}]}]}"},
    };
    const ao2_registry_t *registry;
    ao2_fail_t fail;
    char name[2 * AO2_MAX_NAME];
    size_t i;
    int over;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* TOKEN() closes what is left open here. */
        char *before = apr_pstrdup(*state, rows[i].before);

        *strstr(before, "[}") = '\0';
        for (over = 0; over < 2; over++) {
            const char *text = apr_pstrcat(
                *state, before, "[",
                repeat(rows[i].row, rows[i].most + over, *state),
                rows[i].after, NULL);

            assert_int_equal(read_text(&registry, test_quotes(text, *state),
                                       *state, &fail),
                             over ? AO2_E_MISCONFIGURED : AO2_OK);
        }
    }
    for (over = 0; over < 2; over++) {
        memset(name, 'n', sizeof(name));
        name[AO2_MAX_NAME + over] = '\0';
        assert_int_equal(
            read_text(&registry,
                      test_quotes(apr_pstrcat(*state, "{'version':1,'apis':"
                                              "[{'name':'", name, "'}]}",
                                              NULL), *state),
                      *state, &fail),
            over ? AO2_E_MISCONFIGURED : AO2_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(documents_refused),
        TEST(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
