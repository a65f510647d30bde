#include "fuzz/fuzz.h"

#include <apr_strings.h>

#include "base/base64url.h"

const char fuzz_name[] = "base64url";

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Whether RFC 4648 section 5, read strictly, has such a text. */
static int is_spelling(ao2_span_t text)
{
    apr_size_t last = 0;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        const char *at = memchr(alphabet, text.ptr[i], 64);

        if (!at) {
            return 0;
        }
        last = (apr_size_t)(at - alphabet);
    }
    switch (text.len % 4) {
    case 0:
        return 1;
    case 2:
        return last % 16 == 0;
    case 3:
        return last % 4 == 0;
    default:
        return 0;
    }
}

static void as_text(ao2_span_t text, apr_pool_t *pool)
{
    ao2_span_t bytes;
    int decoded = ao2_base64url_decode(&bytes, text, pool);

    fuzz_check(decoded == is_spelling(text), "what is no spelling is refused");
    if (!decoded) {
        fuzz_check(!bytes.ptr && bytes.len == 0, "a refused text is absent");
        return;
    }
    fuzz_accepted++;
    fuzz_check(bytes.len == text.len * 3 / 4, "the length is that of the text");
    fuzz_check(bytes.ptr[bytes.len] == '\0', "a NUL stands behind the bytes");
    fuzz_check(ao2_span_is(text, ao2_base64url_encode(bytes, pool)),
               "encode(decode(text)) is text");
}

static void as_bytes(ao2_span_t bytes, apr_pool_t *pool)
{
    const char *text = ao2_base64url_encode(bytes, pool);
    ao2_span_t back;

    fuzz_check(strlen(text) == (8 * bytes.len + 5) / 6,
               "no padding, no more than it takes");
    fuzz_check(strspn(text, alphabet) == strlen(text),
               "only characters of the alphabet");
    fuzz_check(ao2_base64url_decode(&back, ao2_span(text), pool) &&
                   ao2_span_equal(back, bytes),
               "decode(encode(bytes)) is bytes");
    fuzz_check(!ao2_base64url_decode(
                   &back, ao2_span(apr_pstrcat(pool, text, "=", NULL)), pool),
               "padding is refused");
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    as_text(input, pool);
    as_bytes(input, pool);
}
