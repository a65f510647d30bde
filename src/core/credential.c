#include "core/credential.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/text.h"

static ao2_code_t repeated(ao2_credential_t *found, ao2_fail_t *fail)
{
    found->count++;
    return ao2_fail(fail, AO2_E_CREDENTIAL_REPEATED,
                    "more than one credential");
}

/* b64token = 1*( ALPHA / DIGIT / "-._~+/" ) *"=" (RFC 6750 section 2.1) */
static const unsigned char in_token[256] = {
    ['+'] = 1, ['-'] = 1, ['.'] = 1, ['/'] = 1, ['0' ... '9'] = 1,
    ['A' ... 'Z'] = 1, ['_'] = 1, ['a' ... 'z'] = 1, ['~'] = 1};

/* Sixteen bytes side by side, and what a comparison of them gives. */
typedef __attribute__((vector_size(16))) unsigned char block_t;

/* The same set: '-' to '9' is "-./" and the digits. */
static block_t block_in_token(const char *text)
{
    block_t c;

    memcpy(&c, text, sizeof(c));
    return (block_t)(((c | 0x20) - 'a' < 26) | (c - '-' < 13) | (c == '+') |
                     (c == '_') | (c == '~'));
}

static int is_all_set(block_t block)
{
    apr_uint64_t halves[2];

    memcpy(halves, &block, sizeof(halves));
    return (halves[0] & halves[1]) == ~(apr_uint64_t)0;
}

static apr_size_t token_length(const char *text, apr_size_t max)
{
    block_t good = ~(block_t){0};
    apr_size_t i;

    /* Every request pays for this: what nearly all of them are made of is
     * looked at in blocks; where it ends, only of others. */
    for (i = 0; i + sizeof(good) <= max; i += sizeof(good)) {
        good &= block_in_token(text + i);
    }
    if (!is_all_set(good)) {
        i = 0;
    }
    while (i < max && in_token[(unsigned char)text[i]]) {
        i++;
    }
    while (i > 0 && i < max && text[i] == '=') {
        i++;
    }
    return i;
}

static ao2_code_t take(ao2_credential_t *found, const char *text,
                       apr_size_t length, ao2_fail_t *fail)
{
    apr_size_t good;

    if (found->count > 0) {
        return repeated(found, fail);
    }
    if (length > AO2_MAX_CREDENTIAL) {
        return ao2_fail(fail, AO2_E_CREDENTIAL_MALFORMED,
                        "the credential is longer than %d bytes",
                        AO2_MAX_CREDENTIAL);
    }
    good = token_length(text, length);
    if (good < length && text[good] == ',') {
        return repeated(found, fail);
    }
    if (length == 0 || good < length) {
        return ao2_fail(fail, AO2_E_CREDENTIAL_MALFORMED,
                        length ? "the credential holds characters that no "
                                 "token has"
                               : "the credential is empty");
    }
    found->token.ptr = text;
    found->token.len = length;
    found->count = 1;
    return AO2_OK;
}

/* What may be in the name of a scheme, or in a token that stands alone. */
static int is_word(char c)
{
    return apr_isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~/", c));
}

/* Behind "Bearer" in any case and the spaces after it; NULL: another
 * scheme. What else follows the word is no reason to overlook it. */
static const char *after_scheme(const char *value)
{
    if (strncasecmp(value, "Bearer", 6) != 0 || is_word(value[6])) {
        return NULL;
    }
    return value + 6 + strspn(value + 6, " ");
}

/* Two fields of one name reach us joined by a comma. */
static int has_second(const char *value)
{
    const char *comma;

    for (comma = strchr(value, ','); comma; comma = strchr(comma + 1, ',')) {
        if (after_scheme(comma + 1 + strspn(comma + 1, " \t"))) {
            return 1;
        }
    }
    return 0;
}

int ao2_credential_is_bearer(const char *value)
{
    return after_scheme(value) != NULL || has_second(value);
}

ao2_code_t ao2_credential_field(ao2_credential_t *found, const char *value,
                                int needs_scheme, ao2_fail_t *fail)
{
    const char *text;

    if (!value) {
        return AO2_OK;
    }
    text = after_scheme(value);
    if (!text && needs_scheme) {
        return has_second(value) ? repeated(found, fail) : AO2_OK;
    }
    text = text ? text : value;
    return take(found, text, strlen(text), fail);
}

/* application/x-www-form-urlencoded, leniently: what is no escape stands
 * for itself. A NUL ends up in the text and fits nothing. */
static ao2_span_t decode(ao2_span_t text, apr_pool_t *pool)
{
    char *decoded = apr_palloc(pool, text.len + 1);
    ao2_span_t out = {decoded, 0};
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        int high = -1;
        int low = -1;

        if (text.ptr[i] == '%' && i + 2 < text.len) {
            high = ao2_hex_value(text.ptr[i + 1]);
            low = ao2_hex_value(text.ptr[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            decoded[out.len++] = (char)(high << 4 | low);
            i += 2;
        }
        else {
            decoded[out.len++] = text.ptr[i] == '+' ? ' ' : text.ptr[i];
        }
    }
    decoded[out.len] = '\0';
    return out;
}

/* The pieces that stay, put together again. */
typedef struct {
    char *text;
    apr_size_t length;
    int pieces;
    int cut;
} rest_t;

static void keep(rest_t *rest, const char *separator, const char *piece,
                 apr_size_t length)
{
    apr_size_t gap = rest->pieces++ ? strlen(separator) : 0;

    memcpy(rest->text + rest->length, separator, gap);
    memcpy(rest->text + rest->length + gap, piece, length);
    rest->length += gap + length;
}

static void finish(const char **out, rest_t *rest, const char *original)
{
    rest->text[rest->length] = '\0';
    if (!rest->cut) {
        *out = original;
    }
    else {
        *out = rest->length ? rest->text : NULL;
    }
}

static int is_parameter(ao2_span_t piece, const char *name, ao2_span_t *value,
                        apr_pool_t *pool)
{
    const char *equals = memchr(piece.ptr, '=', piece.len);
    ao2_span_t key = piece;

    if (equals) {
        key.len = (apr_size_t)(equals - piece.ptr);
    }
    if (!ao2_span_is(decode(key, pool), name)) {
        return 0;
    }
    value->ptr = equals ? equals + 1 : piece.ptr + piece.len;
    value->len = (apr_size_t)(piece.ptr + piece.len - value->ptr);
    *value = decode(*value, pool);
    return 1;
}

ao2_code_t ao2_credential_query(ao2_credential_t *found, const char **rest,
                                const char *query, const char *name,
                                apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    const char *at = query;
    rest_t kept = {NULL, 0, 0, 0};

    *rest = query;
    if (!query) {
        return AO2_OK;
    }
    kept.text = apr_palloc(pool, strlen(query) + 1);
    for (;;) {
        ao2_span_t piece = {at, strcspn(at, "&")};
        ao2_span_t value;

        if (is_parameter(piece, name, &value, pool)) {
            ao2_code_t one = take(found, value.ptr, value.len, fail);

            kept.cut = 1;
            code = code == AO2_OK ? one : code;
        }
        else {
            keep(&kept, "&", piece.ptr, piece.len);
        }
        if (!at[piece.len]) {
            break;
        }
        at += piece.len + 1;
    }
    finish(rest, &kept, query);
    return code;
}

/* name=value of one cookie-pair (RFC 6265 section 4.2.1). */
static int is_cookie(ao2_span_t piece, const char *name, ao2_span_t *value)
{
    size_t length = strlen(name);

    if (piece.len <= length || memcmp(piece.ptr, name, length) != 0 ||
        piece.ptr[length] != '=') {
        return 0;
    }
    value->ptr = piece.ptr + length + 1;
    value->len = piece.len - length - 1;
    if (value->len >= 2 && value->ptr[0] == '"' &&
        value->ptr[value->len - 1] == '"') {
        value->ptr++;
        value->len -= 2;
    }
    return 1;
}

/* Whether @a text begins with the pair of the cookie @a name. */
static int begins_pair(const char *text, const char *name)
{
    size_t length = strlen(name);

    return strncmp(text, name, length) == 0 && text[length] == '=';
}

/*
 * Where a cookie-pair ends. Several Cookie fields reach us joined by commas;
 * since a comma may stand in a value as well, it ends a pair only where our
 * cookie comes next, or where the pair is ours. White space is looked over
 * behind commas alone: a long run of it costs its length once.
 */
static apr_size_t pair_length(const char *text, const char *name)
{
    int ours = begins_pair(text, name);
    const char *at;

    for (at = text; *at && *at != ';'; at++) {
        if (*at == ',' &&
            (ours || begins_pair(at + 1 + strspn(at + 1, " \t"), name))) {
            break;
        }
    }
    return (apr_size_t)(at - text);
}

ao2_code_t ao2_credential_cookie(ao2_credential_t *found, const char **rest,
                                 const char *cookies, const char *name,
                                 apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    const char *at = cookies;
    rest_t kept = {NULL, 0, 0, 0};

    *rest = cookies;
    if (!cookies) {
        return AO2_OK;
    }
    /* A comma may become "; ". */
    kept.text = apr_palloc(pool, 2 * strlen(cookies) + 1);
    for (;;) {
        ao2_span_t piece;
        ao2_span_t value;

        at += strspn(at, " \t");
        piece.ptr = at;
        piece.len = pair_length(at, name);
        at += piece.len;
        while (piece.len && apr_isspace(piece.ptr[piece.len - 1])) {
            piece.len--;
        }
        if (is_cookie(piece, name, &value)) {
            ao2_code_t one = take(found, value.ptr, value.len, fail);

            kept.cut = 1;
            code = code == AO2_OK ? one : code;
        }
        else if (piece.len) {
            keep(&kept, "; ", piece.ptr, piece.len);
        }
        if (!*at) {
            break;
        }
        at++;
    }
    finish(rest, &kept, cookies);
    return code;
}
