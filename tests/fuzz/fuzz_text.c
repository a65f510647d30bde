#include "fuzz/fuzz.h"

#include <stdio.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/text.h"
#include "core/report.h"

const char fuzz_name[] = "text";

/*
 * An input is two lines: what goes into headers and logs (a realm, a claim),
 * and a scope. Each is also read as a duration, a size and a field name.
 */

/* What was put in quotes, as a reader takes it out; *at moves behind. */
static const char *unquote(const char **at, apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, strlen(*at) + 1);
    char *to = text;

    fuzz_check(**at == '"', "a quoted-string begins with a quote");
    for (++*at; **at != '"'; ++*at) {
        if (**at == '\\') {
            ++*at;
        }
        fuzz_check(**at != '\0', "a quoted-string ends");
        *to++ = **at;
    }
    ++*at;
    return text;
}

static void check_quote(const char *text, apr_pool_t *pool)
{
    const char *quoted = ao2_text_quote(text, pool);
    const char *at = quoted;
    const char *back = unquote(&at, pool);

    fuzz_check(*at == '\0' && fuzz_is_printable(quoted),
               "a quoted-string is one, and printable");
    fuzz_check(strlen(back) == strlen(text), "no character is lost");
    for (; *text; text++, back++) {
        fuzz_check(*back == (*text >= 0x20 && *text <= 0x7e ? *text : '?'),
                   "what is printable stays");
    }
}

static void check_log(ao2_span_t text, apr_pool_t *pool)
{
    const char *escaped = ao2_text_for_log(text, 20, pool);
    apr_size_t i;
    unsigned value;

    fuzz_check(fuzz_is_printable(escaped) && !strchr(escaped, '"') &&
                   strlen(escaped) <= 83,
               "a log line stays one line");
    for (i = 0; i < text.len && i < 20; i++) {
        if (*escaped == '\\') {
            fuzz_check(sscanf(escaped, "\\x%2x", &value) == 1, "an escape");
            escaped += 4;
        }
        else {
            value = (unsigned char)*escaped++;
        }
        fuzz_check((char)value == text.ptr[i], "a log says what was there");
    }
    fuzz_check(strcmp(escaped, text.len > 20 ? "..." : "") == 0,
               "a log says where it was cut");
}

static void check_percent(ao2_span_t text, apr_pool_t *pool)
{
    const char *encoded = ao2_text_percent(text, ',', pool);

    fuzz_check(fuzz_is_printable(encoded) && !strchr(encoded, ','),
               "an encoded value is printable");
    fuzz_check(ao2_span_equal(fuzz_unpercent(encoded, pool), text),
               "an encoded value can be had back");
    fuzz_check(ao2_span_equal(fuzz_unpercent(ao2_text_percent(text, 0, pool),
                                             pool),
                              text),
               "and so without a separator");
}

/* The value of the attribute that comes next, NULL when it is another. */
static const char *attribute(const char **at, const char *name,
                             apr_pool_t *pool)
{
    size_t length = strlen(name);

    if (strncmp(*at, name, length) != 0) {
        return NULL;
    }
    *at += length;
    return unquote(at, pool);
}

/* @a scope is a run of scope-tokens, all of which stand in @a given. */
static void check_scope(const char *scope, const char *given,
                        apr_pool_t *pool)
{
    const char *among = apr_pstrcat(pool, " ", given, " ", NULL);

    for (;;) {
        size_t length = strcspn(scope, " ");
        const char *word = apr_pstrmemdup(pool, scope, length);

        fuzz_check(length > 0 && fuzz_is_printable(word) &&
                       !strpbrk(word, "\"\\") &&
                       strstr(among, apr_pstrcat(pool, " ", word, " ", NULL)),
                   "a challenge names scopes that were given");
        if (!scope[length]) {
            return;
        }
        scope += length + 1;
    }
}

static void check_challenge(const ao2_error_t *error, const char *realm,
                            const char *scope, apr_pool_t *pool)
{
    const char *text = ao2_report_challenge(error, realm, scope, 1, pool);
    const char *at = text;
    const char *value;

    fuzz_check(fuzz_is_printable(text) && strlen(text) <= AO2_MAX_CHALLENGE,
               "a challenge is one line, within the limit");
    fuzz_check(attribute(&at, "Bearer realm=", pool) != NULL,
               "a challenge names the realm");
    value = attribute(&at, ", error=", pool);
    fuzz_check(ao2_span_equal(ao2_span(value), ao2_span(error->rfc6750)),
               "the error is the row's");
    value = attribute(&at, ", error_description=", pool);
    fuzz_check(!value == !error->rfc6750, "a description comes with an error");
    value = attribute(&at, ", scope=", pool);
    if (value) {
        check_scope(value, scope, pool);
    }
    fuzz_check(*at == '\0', "nothing else stands in a challenge");
}

static void check_numbers(const char *text)
{
    apr_time_t time;
    apr_int64_t size;

    if (ao2_text_duration(&time, text)) {
        fuzz_accepted++;
        fuzz_check(time >= 0 && time / APR_USEC_PER_SEC <= 3162240000,
                   "a duration is at most 100 years");
        fuzz_check(apr_isdigit(*text), "a duration begins with a digit");
    }
    if (ao2_text_size(&size, text)) {
        fuzz_accepted++;
        fuzz_check(size >= 0 && size <= APR_INT64_C(1) << 40,
                   "a size is at most a tebibyte");
        fuzz_check(apr_isdigit(*text), "a size begins with a digit");
    }
    fuzz_check(ao2_text_check_url(text, 0) || !ao2_text_check_url(text, 1),
               "allowing http allows more");
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    ao2_span_t rest = input;
    ao2_span_t line = fuzz_line(&rest);
    const char *realm = fuzz_text(line, pool);
    const char *scope = fuzz_text(rest, pool);
    int rows = 0;

    check_quote(realm, pool);
    check_log(line, pool);
    check_percent(line, pool);
    check_numbers(realm);
    check_numbers(scope);
    fuzz_check(ao2_text_same_field(line, line) &&
                   ao2_text_same_field(line, rest)
                       == ao2_text_same_field(rest, line),
               "two names are alike both ways");
    while (ao2_error_at(rows)) {
        rows++;
    }
    check_challenge(ao2_error_at((int)input.len % rows), realm, scope, pool);
}
