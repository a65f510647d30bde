#include "service/revocation_list.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/rfc3339.h"
#include "base/text.h"

/* One line, without spaces around it. */
typedef struct {
    ao2_revocation_list_t *list;
    apr_pool_t *pool;
    char *text;
} line_t;

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

static const char *add_digest(const line_t *line, const char *value)
{
    unsigned char *digest = apr_palloc(line->pool, AO2_DIGEST_LEN);
    int i;

    value = skip_space(value);
    if (strlen(value) != 2 * AO2_DIGEST_LEN) {
        return "sha256: takes 64 hexadecimal digits";
    }
    for (i = 0; i < AO2_DIGEST_LEN; i++) {
        int high = ao2_hex_value(value[2 * i]);
        int low = ao2_hex_value(value[2 * i + 1]);

        if (high < 0 || low < 0) {
            return "sha256: takes 64 hexadecimal digits";
        }
        digest[i] = (unsigned char)(high << 4 | low);
    }
    apr_hash_set(line->list->digests, digest, AO2_DIGEST_LEN, digest);
    return NULL;
}

static int read_before(apr_time_t *before, const char *text)
{
    char *end;
    apr_int64_t seconds;

    if (ao2_rfc3339_read(before, ao2_span(text))) {
        return 1;
    }
    seconds = apr_strtoi64(text, &end, 10);
    if (!apr_isdigit(*text) || *end ||
        seconds > AO2_TIME_FOREVER / APR_USEC_PER_SEC) {
        return 0;
    }
    *before = seconds * APR_USEC_PER_SEC;
    return 1;
}

/* The first @a word in @a text that white space stands before. */
static char *find_word(char *text, const char *word)
{
    char *at;

    for (at = strstr(text, word); at; at = strstr(at + 1, word)) {
        if (at > text && apr_isspace(at[-1])) {
            return at;
        }
    }
    return NULL;
}

/* Without the white space at the end. */
static void trim_end(char *text)
{
    char *end = text + strlen(text);

    while (end > text && apr_isspace(end[-1])) {
        *--end = '\0';
    }
}

/* "NAME" or "NAME before=TIME". Of two lines for one name the one that
 * reaches further counts. */
static const char *add_name(const line_t *line, apr_hash_t *names,
                            char *value)
{
    static const char option[] = "before=";
    apr_time_t *before = apr_palloc(line->pool, sizeof(*before));
    char *at = find_word(value, option);
    const apr_time_t *known;
    const char *name;

    *before = AO2_TIME_FOREVER;
    if (at) {
        if (!read_before(before, at + strlen(option))) {
            return "before= takes seconds since 1970 or an RFC 3339 time";
        }
        *at = '\0';
        trim_end(value);
    }
    name = skip_space(value);
    if (!*name) {
        return "a name is missing";
    }
    known = apr_hash_get(names, name, APR_HASH_KEY_STRING);
    if (!known || *known < *before) {
        apr_hash_set(names, name, APR_HASH_KEY_STRING, before);
    }
    return NULL;
}

static const char *add_id(const line_t *line, const char *value)
{
    value = skip_space(value);
    if (!*value) {
        return "jti: takes an identifier";
    }
    apr_hash_set(line->list->ids, value, APR_HASH_KEY_STRING, value);
    return NULL;
}

/* @return NULL, or what is wrong */
static const char *add_line(const line_t *line)
{
    if (!*line->text || *line->text == '#') {
        return NULL;
    }
    if (strncmp(line->text, "jti:", 4) == 0) {
        return add_id(line, line->text + 4);
    }
    if (strncmp(line->text, "sha256:", 7) == 0) {
        return add_digest(line, line->text + 7);
    }
    if (strncmp(line->text, "client:", 7) == 0) {
        return add_name(line, line->list->clients, line->text + 7);
    }
    if (strncmp(line->text, "sub:", 4) == 0) {
        return add_name(line, line->list->subjects, line->text + 4);
    }
    return "starts with none of jti:, sha256:, client:, sub: and #";
}

/* Without a comment behind it, and without white space around it. */
static char *trim(char *text)
{
    char *comment = find_word(text, "#");

    if (comment) {
        *comment = '\0';
    }
    trim_end(text);
    return (char *)skip_space(text);
}

ao2_code_t ao2_revocation_list_read(ao2_revocation_list_t *list,
                                    ao2_span_t text, apr_pool_t *pool,
                                    ao2_fail_t *fail)
{
    char *at = apr_pstrmemdup(pool, text.ptr, text.len);
    line_t line = {list, pool, NULL};
    int number = 1;

    list->ids = apr_hash_make(pool);
    list->digests = apr_hash_make(pool);
    list->clients = apr_hash_make(pool);
    list->subjects = apr_hash_make(pool);
    if (strlen(at) != text.len) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "holds NUL");
    }
    for (; at; number++) {
        char *end = strchr(at, '\n');
        const char *wrong;

        if (end) {
            *end++ = '\0';
        }
        line.text = trim(at);
        wrong = add_line(&line);
        if (wrong) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED, "line %d: %s", number,
                            wrong);
        }
        at = end;
    }
    return AO2_OK;
}

/* A token that does not say when it was issued may be as old as any. */
static int is_named(apr_hash_t *names, const char *name, apr_time_t issued)
{
    const apr_time_t *before = name ? apr_hash_get(names, name,
                                                   APR_HASH_KEY_STRING)
                                    : NULL;

    return before && issued < *before;
}

int ao2_revocation_list_holds(const ao2_revocation_list_t *list,
                              const ao2_principal_t *principal)
{
    return (principal->jti && apr_hash_get(list->ids, principal->jti,
                                           APR_HASH_KEY_STRING)) ||
           apr_hash_get(list->digests, principal->digest, AO2_DIGEST_LEN) ||
           is_named(list->clients, principal->client, principal->issued) ||
           is_named(list->subjects, principal->subject, principal->issued);
}
