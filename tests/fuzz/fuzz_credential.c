#include "fuzz/fuzz.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "core/credential.h"

const char fuzz_name[] = "credential";

/*
 * The first byte of an input chooses the carrier: A(uthorization), H(eader),
 * C(ookie), all else query. Behind it stand the name, a newline and the
 * value, for A and H the value alone.
 */

typedef ao2_code_t look_fn(ao2_credential_t *found, const char **rest,
                           const char *text, const char *name,
                           apr_pool_t *pool, ao2_fail_t *fail);

static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "abcdefghijklmnopqrstuvwxyz"
                           "0123456789-._~+/";

/* 1*( ALPHA / DIGIT / "-._~+/" ) *"=" */
static int is_token(const char *text, apr_size_t length)
{
    apr_size_t i;

    while (length > 1 && text[length - 1] == '=') {
        length--;
    }
    for (i = 0; i < length; i++) {
        if (!memchr(good, text[i], sizeof(good) - 1)) {
            return 0;
        }
    }
    return length > 0;
}

static void check_found(const ao2_credential_t *found, ao2_code_t code,
                        const ao2_fail_t *fail)
{
    if (found->token.ptr) {
        fuzz_accepted++;
        fuzz_check(found->count > 0 &&
                       found->token.len <= AO2_MAX_CREDENTIAL &&
                       is_token(found->token.ptr, found->token.len),
                   "a credential has the form of a token");
    }
    if (code == AO2_OK) {
        fuzz_check(found->count <= 1 && fail->code == AO2_OK &&
                       !found->token.ptr == !found->count,
                   "one credential or none");
        return;
    }
    fuzz_check(code == AO2_E_CREDENTIAL_MALFORMED ||
                   code == AO2_E_CREDENTIAL_REPEATED,
               "the request is at fault");
    fuzz_check_fail(code, fail);
}

/* Whether a comma is the first that does not belong to a credential. */
static int has_comma(const char *text)
{
    apr_size_t length = strspn(text, good);

    length += length ? strspn(text + length, "=") : 0;
    return text[length] == ',';
}

static void look_at_field(const char *value, int needs_scheme)
{
    ao2_credential_t found = {0};
    ao2_fail_t fail = {0};
    ao2_code_t code = ao2_credential_field(&found, value, needs_scheme,
                                           &fail);
    const char *token = found.token.ptr;
    const char *at = value;

    check_found(&found, code, &fail);
    if (!token) {
        fuzz_check(code != AO2_OK || (needs_scheme &&
                                      strncasecmp(value, "Bearer ", 7) != 0),
                   "a bearer credential is seen");
        fuzz_check(strncasecmp(value, "Bearer ", 7) != 0 ||
                       strlen(value) > AO2_MAX_CREDENTIAL ||
                       has_comma(value + 6 + strspn(value + 6, " "))
                           == (code == AO2_E_CREDENTIAL_REPEATED),
                   "a comma behind a credential is a second one");
        return;
    }
    fuzz_check(token[found.token.len] == '\0' && !strchr(value, ','),
               "nothing stands behind a credential");
    if (token > value) {
        fuzz_check(strncasecmp(value, "Bearer ", 7) == 0,
                   "the scheme stands before it");
        at += 6;
        at += strspn(at, " ");
    }
    fuzz_check(at == token && (!needs_scheme || token > value),
               "nothing else stands before it");
}

/* The value of one hexadecimal digit, or 16. */
static unsigned digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, apr_tolower(c)) : NULL;

    return at ? (unsigned)(at - digits) : 16;
}

/* The next character of a form-encoded text. */
static char next_char(const char **at)
{
    const char *from = *at;

    if (from[0] == '%' && digit(from[1]) < 16 && digit(from[2]) < 16) {
        *at += 3;
        return (char)(digit(from[1]) * 16 + digit(from[2]));
    }
    *at += 1;
    return from[0] == '+' ? ' ' : from[0];
}

/* Whether @a piece is the parameter; its decoded value in @a value. */
static int is_parameter(const char *piece, const char *name, char *value,
                        apr_size_t *length)
{
    while (*piece && *piece != '=') {
        char c = next_char(&piece);

        if (!c || c != *name++) {
            return 0;
        }
    }
    if (*name) {
        return 0;
    }
    piece += *piece == '=';
    for (*length = 0; *piece; ++*length) {
        value[*length] = next_char(&piece);
    }
    return 1;
}

/* A query by its rules: what is left, and what the result must be. */
static void check_query(const char *query, const char *name,
                        const char *rest, ao2_code_t code, apr_pool_t *pool)
{
    apr_array_header_t *kept = apr_array_make(pool, 8, sizeof(char *));
    const char *at = query;
    const char *expected = NULL;
    int seen = 0;
    int right = 1;

    for (;;) {
        apr_size_t size = strcspn(at, "&");
        char *piece = apr_pstrmemdup(pool, at, size);
        char *value = apr_palloc(pool, size + 1);
        apr_size_t length;

        if (is_parameter(piece, name, value, &length)) {
            seen++;
            right &= length <= AO2_MAX_CREDENTIAL && is_token(value, length);
        }
        else {
            APR_ARRAY_PUSH(kept, char *) = piece;
        }
        if (!at[size]) {
            break;
        }
        at += size + 1;
    }
    if (kept->nelts > 0) {
        expected = apr_array_pstrcat(pool, kept, '&');
    }
    fuzz_check(seen ? ao2_span_equal(ao2_span(rest),
                                     ao2_span(expected && *expected
                                                  ? expected
                                                  : NULL))
                    : rest == query,
               "the parameter is gone, all else is as it was");
    fuzz_check((code == AO2_OK) == (seen == 0 || (seen == 1 && right)),
               "one parameter of the right form, or none");
}

/* A backend that splits the fields as it likes finds nothing of ours. */
static void check_cookies(const char *rest, const char *name,
                          apr_pool_t *pool)
{
    const char *sets = apr_pstrcat(pool, name, "=", NULL);
    const char *at;

    for (at = rest; at; at = strpbrk(at, ";,")) {
        at += strspn(at, ";, \t");
        fuzz_check(strncmp(at, sets, strlen(sets)) != 0,
                   "the cookie is gone");
    }
}

static void look_in(look_fn *look, const char *text, const char *name,
                    apr_pool_t *pool)
{
    ao2_credential_t found = {0};
    ao2_credential_t none = {0};
    ao2_fail_t fail = {0};
    const char *rest;
    const char *again;
    ao2_code_t code = look(&found, &rest, text, name, pool, &fail);

    check_found(&found, code, &fail);
    fuzz_check(found.count == 0 || rest != text, "what is found is cut");
    fuzz_check(look(&none, &again, rest, name, pool, NULL) == AO2_OK &&
                   none.count == 0 && again == rest,
               "nothing is left of the credential");
    if (look == ao2_credential_query) {
        check_query(text, name, rest, code, pool);
    }
    else {
        check_cookies(rest, name, pool);
    }
}

/* What a carrier may be called: a token (RFC 9110 section 5.6.2) that needs
 * no encoding. */
static int is_name(ao2_span_t name)
{
    apr_size_t i;

    for (i = 0; i < name.len; i++) {
        if (!apr_isalnum(name.ptr[i]) &&
            !memchr("!$'*-.^_`|~", name.ptr[i], 11)) {
            return 0;
        }
    }
    return name.len > 0;
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    ao2_span_t rest = input;
    ao2_span_t name;
    char carrier;

    if (input.len == 0) {
        return;
    }
    carrier = *rest.ptr++;
    rest.len--;
    if (carrier == 'A' || carrier == 'H') {
        look_at_field(fuzz_text(rest, pool), carrier == 'A');
        return;
    }
    name = fuzz_line(&rest);
    if (is_name(name)) {
        look_in(carrier == 'C' ? ao2_credential_cookie : ao2_credential_query,
                fuzz_text(rest, pool), fuzz_text(name, pool), pool);
    }
}
