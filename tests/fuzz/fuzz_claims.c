#include "fuzz/fuzz.h"

#include <stdlib.h>

#include <apr_strings.h>

#include "core/access.h"

const char fuzz_name[] = "claims";

/*
 * The first byte of an input chooses the rules, a bit each; the rest is the
 * JSON of the claims.
 */
#define NO_EXPIRY 1
#define SKEW 2
#define ANY_ISSUER 4
#define OTHER_NAMES 8
#define NO_ISSUER 16

#define NOW apr_time_from_sec(1700000000)

static apr_array_header_t *list(apr_pool_t *pool, const char *first,
                                const char *second)
{
    apr_array_header_t *names = apr_array_make(pool, 2, sizeof(char *));

    APR_ARRAY_PUSH(names, const char *) = first;
    APR_ARRAY_PUSH(names, const char *) = second;
    return names;
}

static ao2_token_rules_t rules_of(char choice, apr_pool_t *pool)
{
    int other = choice & OTHER_NAMES;
    ao2_token_rules_t rules = {0};

    rules.issuer_name = "corp";
    rules.issuer_url = choice & ANY_ISSUER ? NULL : "https://as.example";
    rules.allow_no_expiry = (choice & NO_EXPIRY) != 0;
    rules.allow_no_issuer = (choice & NO_ISSUER) != 0;
    rules.skew = choice & SKEW ? apr_time_from_sec(60) : 0;
    rules.subject_claims = list(pool, other ? "user.name" : "sub", "uid");
    rules.client_claims = list(pool, other ? "a.b.c" : "client_id", "azp");
    rules.scope_claims = list(pool, other ? "realm.roles" : "scope", "scp");
    rules.types = list(pool, "at+jwt", "application/JWT");
    return rules;
}

static void check_user(const char *text)
{
    fuzz_check(*text, "a user is not empty");
    for (; *text; text++) {
        fuzz_check((unsigned char)*text >= 0x20 && *text != 0x7f,
                   "a user holds no control character");
    }
}

static void check_times(const ao2_principal_t *who,
                        const ao2_token_rules_t *rules)
{
    json_t *exp = json_object_get(who->claims, "exp");
    double skew = (double)rules->skew / 1e6;
    double now = (double)NOW / 1e6;

    fuzz_check(exp ? json_is_number(exp) : rules->allow_no_expiry,
               "exp is a number, and there");
    fuzz_check(!exp || json_number_value(exp) + skew > now,
               "what has expired is refused");
    fuzz_check(json_number_value(json_object_get(who->claims, "nbf"))
                       <= now + skew + 1e-6 &&
                   json_number_value(json_object_get(who->claims, "iat"))
                       <= now + skew + 1e-6,
               "what is not valid yet is refused");
    fuzz_check(ao2_principal_check_time(who, rules->skew, NOW, NULL)
                   == AO2_OK,
               "a time is judged alike twice");
    fuzz_check(!exp || ao2_principal_check_time(who, rules->skew,
                                                AO2_TIME_FOREVER, NULL)
                           == AO2_E_TOKEN_EXPIRED ||
                   who->expires == AO2_TIME_FOREVER,
               "what has an end ends");
}

static ao2_code_t ask(const char *name, const char *word,
                      const ao2_principal_t *who, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 1, sizeof(char *));
    const ao2_rule_t *rule;
    const char *wrong;

    APR_ARRAY_PUSH(words, const char *) = word;
    wrong = ao2_rule_compile(&rule, name, words, pool);
    fuzz_check(!wrong != !rule && (!wrong || fuzz_is_printable(wrong)),
               "a rule or a sentence");
    return rule ? ao2_rule_check(rule, who) : AO2_E_MISCONFIGURED;
}

/* The elements of a list are scopes, one each or none. */
static void check_scope_list(const ao2_principal_t *who, const json_t *list)
{
    size_t i;

    fuzz_check((size_t)who->scope_count <= json_array_size(list),
               "a list has no more scopes than elements");
    for (i = 0; i < json_array_size(list); i++) {
        ao2_span_t text = ao2_json_text(json_array_get(list, i));

        fuzz_check(text.ptr && !memchr(text.ptr, ' ', text.len),
                   "an element is one word");
    }
}

static void check_scopes(const ao2_principal_t *who, const char *scope_claim,
                         apr_pool_t *pool)
{
    const char *joined = "";
    json_t *list = ao2_json_at(who->claims, scope_claim);
    int i;

    if (json_is_array(list)) {
        check_scope_list(who, list);
    }
    fuzz_check(who->scope_count <= AO2_MAX_SCOPES, "not too many scopes");
    for (i = 0; i < who->scope_count; i++) {
        ao2_span_t scope = who->scopes[i];
        const char *word = fuzz_text(scope, pool);
        ao2_code_t code = ask("oauth2-scope", word, who, pool);

        fuzz_check(scope.len > 0 && scope.len <= AO2_MAX_SCOPE &&
                       strlen(word) == scope.len && !strchr(word, ' '),
                   "a scope is one word, within the limit");
        fuzz_check(code == AO2_OK || code == AO2_E_MISCONFIGURED,
                   "a scope that is there is found");
        joined = apr_pstrcat(pool, joined, i ? " " : "", word, NULL);
    }
    fuzz_check(strcmp(joined, who->scope) == 0,
               "the scopes are one text, separated by one space");
    fuzz_check(ask("oauth2-scope", "no-such", who, pool)
                       == AO2_E_SCOPE_MISSING ||
                   strstr(joined, "no-such"),
               "a scope that is not there is not found");
}

/* Whether an array holds nothing but strings, numbers and booleans. */
static int is_flat(const json_t *array)
{
    size_t i;

    for (i = 0; i < json_array_size(array); i++) {
        const json_t *one = json_array_get(array, i);

        if (json_is_array(one) || json_is_object(one) || json_is_null(one)) {
            return 0;
        }
    }
    return json_is_array(array);
}

/* Strings between commas are those of the array. */
static void check_elements(const char *text, const json_t *array,
                           apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < json_array_size(array); i++) {
        const json_t *one = json_array_get(array, i);
        size_t length = strcspn(text, ",");
        ao2_span_t bytes = fuzz_unpercent(
            apr_pstrmemdup(pool, text, length), pool);
        ao2_span_t string = {json_string_value(one),
                             json_string_length(one)};

        fuzz_check(!json_is_string(one) || ao2_span_equal(bytes, string),
                   "an element can be had back");
        text += length + (text[length] == ',');
    }
    fuzz_check(!*text, "nothing stands behind the elements");
}

static void check_value(json_t *claims, const char *name, json_t *value,
                        apr_pool_t *pool)
{
    int too_long;
    const char *text = ao2_claim_value(claims, name, &too_long, pool);
    ao2_span_t bytes;

    if (!text) {
        fuzz_check(too_long || json_is_null(value),
                   "what is neither null nor too long is passed on");
        return;
    }
    fuzz_check(!too_long && strlen(text) <= AO2_MAX_CLAIM_VALUE &&
                   fuzz_is_printable(text),
               "what is passed on fits into a field");
    bytes = fuzz_unpercent(text, pool);
    if (json_is_string(value)) {
        ao2_span_t string = {json_string_value(value),
                             json_string_length(value)};

        fuzz_check(ao2_span_equal(bytes, string),
                   "what is passed on can be had back");
    }
    if (is_flat(value)) {
        check_elements(text, value, pool);
    }
    if (json_is_object(value)) {
        json_t *again = ao2_json_own(json_loadb(bytes.ptr, bytes.len,
                                                JSON_ALLOW_NUL, NULL),
                                     pool);

        fuzz_check(json_equal(again, value), "an object is passed on as JSON");
    }
}

static void check_claims(const ao2_principal_t *who, apr_pool_t *pool)
{
    const char *name;
    json_t *value;

    json_object_foreach(who->claims, name, value) {
        ao2_span_t text = ao2_json_text(value);
        const apr_array_header_t *words =
            text.ptr ? list(pool, "other", fuzz_text(text, pool)) : NULL;
        const ao2_rule_t *rule = ao2_rule_claim(name, words, NULL, NULL,
                                                pool);

        check_value(who->claims, name, value, pool);
        fuzz_check((ao2_rule_check(rule, who) == AO2_OK)
                       == !json_is_null(value),
                   "a claim that is there is found");
        rule = ao2_rule_claim(name, list(pool, "\x01", "\x02"), NULL, NULL,
                              pool);
        fuzz_check(ao2_rule_check(rule, who) == AO2_E_CLAIM_MISMATCH ||
                       json_is_string(value) || json_is_array(value),
                   "a claim of another value is not found");
    }
}

static void check_principal(const ao2_principal_t *who, ao2_span_t token,
                            const ao2_token_rules_t *rules, apr_pool_t *pool)
{
    json_t *iss = json_object_get(who->claims, "iss");
    char id[9];

    ao2_token_id(id, token);
    fuzz_check(strcmp(id, who->token_id) == 0 && strlen(id) == 8 &&
                   strspn(id, "0123456789abcdef") == 8,
               "a token is named by 8 hexadecimal digits");
    fuzz_check(who->subject ? who->user == who->subject
                            : who->client && who->user == who->client,
               "the user is the subject, else the client");
    check_user(who->user);
    if (who->client) {
        check_user(who->client);
    }
    fuzz_check(!rules->issuer_url ||
                   (iss ? ao2_span_is(ao2_json_text(iss), rules->issuer_url)
                        : rules->allow_no_issuer),
               "the issuer is the one of the rules");
    fuzz_check(!who->jti || strlen(who->jti) <= AO2_MAX_JTI,
               "a jti is within its limit");
    fuzz_check((ask("oauth2-token", "user", who, pool) == AO2_OK) !=
                   (ask("oauth2-token", "application", who, pool) == AO2_OK),
               "a token stands for a user or for an application");
    check_times(who, rules);
    check_scopes(who, APR_ARRAY_IDX(rules->scope_claims, 0, const char *),
                 pool);
    check_claims(who, pool);
}

static int is_ours(const json_t *value)
{
    const char *text = json_string_value(value);

    return text && json_string_length(value) == 19 &&
           (memcmp(text, "https://api.example", 19) == 0 ||
            memcmp(text, "https://two.example", 19) == 0);
}

static void check_audience(const json_t *claims, apr_pool_t *pool)
{
    json_t *aud = json_object_get(claims, "aud");
    int wanted = is_ours(aud);
    size_t i;

    for (i = 0; i < json_array_size(aud); i++) {
        wanted |= is_ours(json_array_get(aud, i));
    }
    fuzz_check(ao2_token_check_audience(claims,
                                        list(pool, "https://api.example",
                                             "https://two.example"),
                                        NULL)
                   == (wanted ? AO2_OK : AO2_E_TOKEN_AUDIENCE),
               "an audience is one of ours byte for byte");
}

static void check_type(json_t *claims, const ao2_token_rules_t *rules,
                       apr_pool_t *pool)
{
    ao2_span_t typ = ao2_json_text(json_object_get(claims, "typ"));
    const char *text = typ.ptr ? fuzz_text(typ, pool) : "";
    int wanted = strcasecmp(text, "at+jwt") == 0 ||
                 strcasecmp(text, "application/at+jwt") == 0 ||
                 strcasecmp(text, "jwt") == 0 ||
                 strcasecmp(text, "application/jwt") == 0;

    fuzz_check(ao2_token_check_type(typ, rules, NULL)
                   == (wanted ? AO2_OK : AO2_E_TOKEN_INVALID),
               "a type is one of ours, in any case");
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    ao2_span_t text = input;
    ao2_token_rules_t rules;
    ao2_token_context_t context = {&rules, input, NOW, NULL};
    ao2_principal_t *who;
    ao2_fail_t fail = {0};
    ao2_code_t code;
    json_t *claims;

    if (input.len == 0) {
        return;
    }
    rules = rules_of(*text.ptr++, pool);
    text.len--;
    if (ao2_json_parse(&claims, text, AO2_MAX_TOKEN_DEPTH,
                       AO2_E_TOKEN_INVALID, pool, NULL) != AO2_OK) {
        return;
    }
    check_audience(claims, pool);
    check_type(claims, &rules, pool);
    code = ao2_principal_make(&who, claims, &context, pool, &fail);
    if (code != AO2_OK) {
        fuzz_check(!who && (code == AO2_E_TOKEN_INVALID ||
                            code == AO2_E_TOKEN_EXPIRED ||
                            code == AO2_E_TOKEN_NOT_YET_VALID),
                   "the token is at fault");
        fuzz_check_fail(code, &fail);
        return;
    }
    fuzz_accepted++;
    check_principal(who, input, &rules, pool);
}
