#include "core/form.h"

#include <apr_lib.h>
#include <apr_strings.h>

const char *ao2_form_encode(ao2_span_t text, apr_pool_t *pool)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, 3 * text.len + 1);
    char *to = encoded;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x80 && (apr_isalnum(c) || c == '*' || c == '-' ||
                         c == '.' || c == '_')) {
            *to++ = (char)c;
        }
        else if (c == ' ') {
            *to++ = '+';
        }
        else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        }
    }
    *to = '\0';
    return encoded;
}

void ao2_form_add(apr_array_header_t *form, const char *name,
                  ao2_span_t value)
{
    APR_ARRAY_PUSH(form, const char *) = apr_pstrcat(
        form->pool, ao2_form_encode(ao2_span(name), form->pool), "=",
        ao2_form_encode(value, form->pool), NULL);
}

ao2_span_t ao2_form_text(const apr_array_header_t *form, apr_pool_t *pool)
{
    return ao2_span(apr_array_pstrcat(pool, form, '&'));
}
