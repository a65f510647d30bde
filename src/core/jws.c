#include "core/jws.h"

#include <apr_strings.h>

#include "base/base64url.h"
#include "base/json.h"
#include "core/signature.h"

/* Where the two dots are; 0 when there are more or fewer. */
static int find_dots(apr_size_t dots[2], ao2_span_t token)
{
    const char *end = token.ptr + token.len;
    const char *first = memchr(token.ptr, '.', token.len);
    const char *second = first ? memchr(first + 1, '.',
                                        (size_t)(end - first - 1))
                               : NULL;

    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1))) {
        return 0;
    }
    dots[0] = (apr_size_t)(first - token.ptr);
    dots[1] = (apr_size_t)(second - token.ptr);
    return dots[0] > 0 && dots[1] + 1 < token.len;
}

/* "{" and what may follow it in JSON: a quote or a space, else a tab or the
 * end of a line. */
static int starts_object(ao2_span_t token)
{
    return token.len >= 2 && token.ptr[0] == 'e' &&
           (token.ptr[1] == 'y' || token.ptr[1] == 'w');
}

/* What base64url is made of, and the dots between. */
static const unsigned char in_jws[256] = {
    ['-'] = 1, ['.'] = 1, ['0' ... '9'] = 1,
    ['A' ... 'Z'] = 1, ['_'] = 1, ['a' ... 'z'] = 1};

int ao2_jws_looks_like(ao2_span_t token)
{
    unsigned char good = 1;
    apr_size_t dots[2];
    apr_size_t i;

    if (!starts_object(token) || !find_dots(dots, token)) {
        return 0;
    }
    for (i = 0; i < token.len; i++) {
        good &= in_jws[(unsigned char)token.ptr[i]];
    }
    return good;
}

static ao2_code_t invalid(ao2_fail_t *fail, const char *text)
{
    return ao2_fail(fail, AO2_E_TOKEN_INVALID, "%s", text);
}

/* A string member; absent is fine, another type is not. */
static int read_text(ao2_span_t *out, json_t *header, const char *name)
{
    json_t *member = json_object_get(header, name);

    *out = ao2_json_text(member);
    return !member || out->ptr;
}

static ao2_code_t read_header(ao2_jws_t *jws, ao2_fail_t *fail)
{
    static const char *const refused[] = {"crit", "b64", "zip", "enc"};
    ao2_span_t alg;
    size_t i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (json_object_get(jws->header, refused[i])) {
            return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                            "the header has \"%s\"", refused[i]);
        }
    }
    if (!read_text(&alg, jws->header, "alg") || !alg.ptr) {
        return invalid(fail, "\"alg\" is missing or no string");
    }
    jws->alg = ao2_alg_find(alg);
    if (!jws->alg) {
        return invalid(fail, "\"alg\" is none that is supported");
    }
    if (!read_text(&jws->kid, jws->header, "kid") ||
        (jws->kid.ptr && jws->kid.len == 0) || jws->kid.len > AO2_MAX_KID) {
        return invalid(fail, "\"kid\" is empty, too long or no string");
    }
    if (!read_text(&jws->typ, jws->header, "typ")) {
        return invalid(fail, "\"typ\" is no string");
    }
    return AO2_OK;
}

ao2_code_t ao2_jws_parse(ao2_jws_t **pjws, ao2_span_t token, apr_pool_t *pool,
                         ao2_fail_t *fail)
{
    apr_size_t dots[2];
    ao2_jws_t *jws;
    ao2_span_t part;
    ao2_span_t header;
    ao2_code_t code;

    *pjws = NULL;
    if (token.len > AO2_MAX_CREDENTIAL || !find_dots(dots, token)) {
        return invalid(fail, "not three segments with a header and a "
                             "signature");
    }
    jws = apr_pcalloc(pool, sizeof(*jws));
    part.ptr = token.ptr;
    part.len = dots[0];
    if (part.len > AO2_MAX_JWT_HEADER / 3 * 4 + 4 ||
        !ao2_base64url_decode(&header, part, pool) ||
        header.len > AO2_MAX_JWT_HEADER) {
        return invalid(fail, "the header is no base64url, or too long");
    }
    part.ptr = token.ptr + dots[0] + 1;
    part.len = dots[1] - dots[0] - 1;
    if (!ao2_base64url_decode(&jws->payload, part, pool)) {
        return invalid(fail, "the payload is no base64url");
    }
    part.ptr = token.ptr + dots[1] + 1;
    part.len = token.len - dots[1] - 1;
    if (!ao2_base64url_decode(&jws->signature, part, pool)) {
        return invalid(fail, "the signature is no base64url");
    }
    jws->signing_input.ptr = token.ptr;
    jws->signing_input.len = dots[1];
    code = ao2_json_parse(&jws->header, header, AO2_MAX_TOKEN_DEPTH,
                          AO2_E_TOKEN_INVALID, pool, fail);
    if (code == AO2_OK) {
        code = read_header(jws, fail);
    }
    if (code == AO2_OK) {
        *pjws = jws;
    }
    return code;
}

ao2_code_t ao2_jws_verify(const ao2_jws_t *jws, const ao2_key_t *key,
                          ao2_fail_t *fail)
{
    return ao2_signature_verify(jws->alg, key, jws->signing_input,
                                jws->signature)
               ? AO2_OK
               : invalid(fail, "the signature does not fit the key");
}

ao2_code_t ao2_jws_verify_any(const ao2_jws_t *jws,
                              const ao2_key_t *const *keys, int count,
                              ao2_fail_t *fail)
{
    int i;

    for (i = 0; i < count; i++) {
        if (ao2_jws_verify(jws, keys[i], NULL) == AO2_OK) {
            return AO2_OK;
        }
    }
    return invalid(fail, count ? "the signature fits none of the keys"
                               : "no key fits the token's kid and alg");
}

/* Put a text that is there; 0 where it is not UTF-8. */
static int put(json_t *header, const char *name, const char *text)
{
    return !text || json_object_set_new(header, name, json_string(text)) == 0;
}

ao2_code_t ao2_jws_sign(const char **ptoken, ao2_span_t payload,
                        const ao2_signer_t *signer, apr_pool_t *pool,
                        ao2_fail_t *fail)
{
    json_t *header = ao2_json_own(json_object(), pool);
    ao2_span_t signature;
    const char *input;
    char *text;

    *ptoken = NULL;
    if (!put(header, "alg", signer->alg->name) ||
        !put(header, "typ", signer->typ) ||
        !put(header, "kid", signer->key->kid)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "\"typ\" or \"kid\" is not UTF-8");
    }
    text = json_dumps(header, JSON_COMPACT);
    input = apr_pstrcat(pool, ao2_base64url_encode(ao2_span(text), pool), ".",
                        ao2_base64url_encode(payload, pool), NULL);
    free(text);
    if (!ao2_signature_make(&signature, signer->alg, signer->key,
                            ao2_span(input), pool)) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "the key is not private, "
                        "or does not fit %s", signer->alg->name);
    }
    *ptoken = apr_pstrcat(pool, input, ".",
                          ao2_base64url_encode(signature, pool), NULL);
    return AO2_OK;
}
