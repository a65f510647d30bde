#include "core/claims.h"

#include "base/json.h"

/* "application/" may be left out (RFC 7515 section 4.1.9). */
static ao2_span_t short_type(ao2_span_t type)
{
    static const char prefix[] = "application/";
    apr_size_t length = sizeof(prefix) - 1;

    if (type.len > length && strncasecmp(type.ptr, prefix, length) == 0) {
        type.ptr += length;
        type.len -= length;
    }
    return type;
}

int ao2_type_is(ao2_span_t typ, const char *wanted)
{
    ao2_span_t have = short_type(typ);
    ao2_span_t want = short_type(ao2_span(wanted));

    return typ.ptr && have.len == want.len &&
           strncasecmp(have.ptr, want.ptr, want.len) == 0;
}

ao2_code_t ao2_token_check_type(ao2_span_t typ, const ao2_token_rules_t *rules,
                                ao2_fail_t *fail)
{
    int i;

    if (!rules->types) {
        return AO2_OK;
    }
    for (i = 0; i < rules->types->nelts; i++) {
        if (ao2_type_is(typ, APR_ARRAY_IDX(rules->types, i, const char *))) {
            return AO2_OK;
        }
    }
    return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                    typ.ptr ? "\"typ\" is none of those required"
                            : "\"typ\" is missing");
}

static int in_list(const json_t *value, const apr_array_header_t *audiences)
{
    ao2_span_t text = ao2_json_text(value);
    int i;

    for (i = 0; text.ptr && i < audiences->nelts; i++) {
        if (ao2_span_is(text, APR_ARRAY_IDX(audiences, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

ao2_code_t ao2_token_check_audience(const json_t *claims,
                                    const apr_array_header_t *audiences,
                                    ao2_fail_t *fail)
{
    json_t *aud = json_object_get(claims, "aud");
    size_t i;

    if (in_list(aud, audiences)) {
        return AO2_OK;
    }
    for (i = 0; i < json_array_size(aud); i++) {
        if (in_list(json_array_get(aud, i), audiences)) {
            return AO2_OK;
        }
    }
    return ao2_fail(fail, AO2_E_TOKEN_AUDIENCE,
                    aud ? "\"aud\" holds none of the audiences accepted here"
                        : "the claim \"aud\" is missing");
}
