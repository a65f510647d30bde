#include "core/report.h"

#include <apr_strings.h>

#include "base/text.h"

/* All texts come from the table: no character of them needs escaping. */
void ao2_report_body(ao2_report_t *report, const ao2_error_t *error,
                     ao2_body_t format, apr_pool_t *pool)
{
    report->type = NULL;
    report->text = NULL;
    switch (format) {
    case AO2_BODY_PROBLEM:
    case AO2_BODY_UNSET:
        report->type = "application/problem+json";
        report->text = apr_psprintf(
            pool, "{\"type\":\"urn:api-oauth2:error:%s\",\"title\":\"%s\","
                  "\"status\":%d,\"code\":\"AO2-%03d\"}\n",
            error->id, error->text, error->status, error->number);
        break;
    case AO2_BODY_MESSAGE:
        report->type = "application/json";
        report->text = apr_psprintf(
            pool, "{\"message\":\"%s\",\"http_status_code\":%d}\n",
            error->text, error->status);
        break;
    case AO2_BODY_FAULT:
        report->type = "application/json";
        report->text = apr_psprintf(
            pool, "{\"code\":\"%d\",\"message\":\"%s\","
                  "\"description\":\"%s\"}\n",
            error->wso2, error->id, error->text);
        break;
    case AO2_BODY_NONE:
        break;
    }
}

static int is_scope(ao2_span_t word)
{
    apr_size_t i;

    for (i = 0; i < word.len; i++) {
        char c = word.ptr[i];

        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\') {
            return 0;
        }
    }
    return word.len > 0;
}

/* The words that may stand in a challenge, once each. */
static const char *clean_scope(const char *scope, apr_pool_t *pool)
{
    char *clean = apr_pcalloc(pool, strlen(scope) + 2);
    apr_size_t length = 0;

    scope += strspn(scope, " ");
    while (*scope) {
        ao2_span_t word = {scope, strcspn(scope, " ")};
        const char *padded = apr_pstrcat(
            pool, " ", apr_pstrmemdup(pool, word.ptr, word.len), " ", NULL);

        scope += word.len;
        scope += strspn(scope, " ");
        if (!is_scope(word) ||
            strstr(apr_pstrcat(pool, " ", clean, " ", NULL), padded)) {
            continue;
        }
        if (length) {
            clean[length++] = ' ';
        }
        memcpy(clean + length, word.ptr, word.len);
        length += word.len;
    }
    return clean;
}

const char *ao2_report_challenge(const ao2_error_t *error, const char *realm,
                                 const char *scope, int describe,
                                 apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, "Bearer realm=",
                                   ao2_text_quote(realm, pool), NULL);
    const char *more;

    if (strlen(text) > AO2_MAX_CHALLENGE / 2) {
        text = "Bearer realm=\"\"";
    }
    if (error->rfc6750) {
        text = apr_pstrcat(pool, text, ", error=\"", error->rfc6750, "\"",
                           NULL);
        if (describe) {
            text = apr_pstrcat(pool, text, ", error_description=\"",
                               error->text, "\"", NULL);
        }
    }
    if (scope && *clean_scope(scope, pool)) {
        more = apr_pstrcat(pool, text, ", scope=\"", clean_scope(scope, pool),
                           "\"", NULL);
        if (strlen(more) <= AO2_MAX_CHALLENGE) {
            text = more;
        }
    }
    return text;
}
