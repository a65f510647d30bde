#include "service/access_token.h"

#include <stdlib.h>

#include <apr_strings.h>

#include "base/limits.h"

ao2_span_t ao2_access_token_pack(const ao2_access_token_t *token,
                                 apr_pool_t *pool)
{
    const char *head =
        apr_psprintf(pool, "%" APR_TIME_T_FMT " %" APR_TIME_T_FMT " %d ",
                     token->fetched, token->expires, token->was_fetched);
    ao2_span_t text = {NULL, strlen(head) + token->value.len};
    char *bytes = apr_palloc(pool, text.len + 1);

    memcpy(bytes, head, strlen(head));
    memcpy(bytes + strlen(head), token->value.ptr, token->value.len);
    bytes[text.len] = '\0';
    text.ptr = bytes;
    return text;
}

/* A number and the space behind it. */
static int read_number(apr_int64_t *number, const char **at)
{
    char *end;

    *number = apr_strtoi64(*at, &end, 10);
    if (end == *at || *end != ' ' || *number < 0) {
        return 0;
    }
    *at = end + 1;
    return 1;
}

int ao2_access_token_unpack(ao2_access_token_t *token, ao2_span_t text,
                            apr_pool_t *pool)
{
    const char *at = apr_pstrmemdup(pool, text.ptr, text.len);
    apr_int64_t was_fetched;
    const char *c;

    memset(token, 0, sizeof(*token));
    if (!read_number(&token->fetched, &at) ||
        !read_number(&token->expires, &at) || !read_number(&was_fetched, &at)) {
        return 0;
    }
    for (c = at; *c > ' ' && *c <= '~'; c++) {
    }
    if (*c || c == at || c - at > AO2_MAX_UPSTREAM_TOKEN) {
        return 0;
    }
    token->was_fetched = was_fetched != 0;
    token->value.ptr = at;
    token->value.len = (apr_size_t)(c - at);
    return 1;
}

void ao2_access_token_mark(ao2_store_key_t mark,
                           const ao2_access_token_t *token,
                           const unsigned char owner[AO2_CACHE_KEY],
                           apr_pool_t *pool)
{
    ao2_access_token_t one = *token;

    one.was_fetched = 0;
    ao2_store_key(mark, AO2_KIND_DROPPED_TOKEN, owner,
                  ao2_access_token_pack(&one, pool));
}
