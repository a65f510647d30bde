#include "fuzz/fuzz.h"

#include <apr_strings.h>

#include "base/base64url.h"
#include "base/json.h"
#include "core/jws.h"

const char fuzz_name[] = "jws";

/*
 * An input without a newline is a token. Any other is a header, a payload
 * and a signature, a newline between them, which the target encodes: thus
 * what lies behind base64url is reached.
 */

/* The seeds hold tokens that were signed with these. */
static const char keys[] =
    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"h\","
    "\"k\":\"YSBzZWNyZXQgb2Ygc2l4dHktZm91ciBieXRlcywgZm9yIHRoZSBsb25nZXN0"
    "IG9mIGFsbCBoYXNoZXM6IEhTNTEy\"},"
    "{\"kty\":\"oct\",\"kid\":\"h\",\"alg\":\"HS512\","
    "\"k\":\"YSBzZWNyZXQgb2Ygc2l4dHktZm91ciBieXRlcywgZm9yIHRoZSBsb25nZXN0"
    "IG9mIGFsbCBoYXNoZXM6IEhTNTEy\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\","
    "\"x\":\"aszw_FR42UHraauE8LWKnHuGRYEwjhV3NfDzugZTqW4\","
    "\"y\":\"01r_Uf-sAerGqElkyNKLNxtlUUwoEA6o1O16tTzmrgw\"},"
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"o\","
    "\"x\":\"GfvDWhyWTptYGwG89OPZplWjZ6xGpbmdLmgaXWQu9O8\"},"
    "{\"kty\":\"RSA\",\"kid\":\"r\",\"e\":\"AQAB\","
    "\"n\":\"rFpRU0KB9DUP7v1jNP5npTpwqd4yI7_PM6hzynpwwOlEIgcowkikMDvpoUjHenle"
    "q-iv_6w4_YfCmm-c7v2a979aq90uQzZ7j0xnW8g9htv7o03yyZylZDrrXxsip4e_LwP_JQpx"
    "d235X_ucxv_ED6pjE_LzNZAGbvoxML8tTMBdQYM0uRHtTK5LOlzAk6rnXaC9z0KyrAUF39R7"
    "5pVxfTurV-8I9ZkWJoZ7R-S4DD6MYvg9rIxjRVUN30GYFsTPv8LPIC1O_Y_Jcn-3_iBIzXC0"
    "vt5eoVt4Jp-aYKTv_0BVX48CJBNNZtYiyEyf6UOUpp2ClpLWnBehgWbth8GAQw\"}]}";

static const ao2_keyset_t *load_keys(void)
{
    static ao2_keyset_t *set;
    static apr_pool_t *pool;

    if (!set) {
        apr_pool_create(&pool, NULL);
        set = ao2_keyset_make(pool);
        fuzz_check(ao2_keyset_parse(set, ao2_span(keys), AO2_FOR_VERIFY, 1,
                                    pool, NULL) == AO2_OK && set->count == 5,
                   "the target's own keys are read");
    }
    return set;
}

static const char *assemble(ao2_span_t input, apr_pool_t *pool)
{
    ao2_span_t rest = input;
    ao2_span_t header = fuzz_line(&rest);
    ao2_span_t payload = fuzz_line(&rest);

    return apr_pstrcat(pool, ao2_base64url_encode(header, pool), ".",
                       ao2_base64url_encode(payload, pool), ".",
                       ao2_base64url_encode(rest, pool), NULL);
}

/* What the header says of a token that was parsed. */
static void check_header(const ao2_jws_t *jws)
{
    static const char *const refused[] = {"crit", "b64", "zip", "enc"};
    const char *alg = json_string_value(json_object_get(jws->header, "alg"));
    json_t *kid = json_object_get(jws->header, "kid");
    json_t *typ = json_object_get(jws->header, "typ");
    size_t i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        fuzz_check(!json_object_get(jws->header, refused[i]),
                   "what changes a token's meaning is refused");
    }
    fuzz_check(alg && strcmp(alg, jws->alg->name) == 0, "alg is the header's");
    fuzz_check(kid ? jws->kid.len > 0 && jws->kid.len <= AO2_MAX_KID &&
                         ao2_span_equal(ao2_json_text(kid), jws->kid)
                   : !jws->kid.ptr,
               "kid is the header's, not empty, within its limit");
    fuzz_check(typ ? jws->typ.ptr && ao2_span_equal(ao2_json_text(typ),
                                                    jws->typ)
                   : !jws->typ.ptr,
               "typ is the header's");
}

/* The bytes that were signed are those that were parsed. */
static void check_spelling(const ao2_jws_t *jws, ao2_span_t token,
                           apr_pool_t *pool)
{
    const char *signature = ao2_base64url_encode(jws->signature, pool);
    const char *payload = ao2_base64url_encode(jws->payload, pool);
    const char *input = apr_pstrmemdup(pool, jws->signing_input.ptr,
                                       jws->signing_input.len);
    const char *dot = strchr(input, '.');

    fuzz_check(ao2_span_is(token, apr_pstrcat(pool, input, ".", signature,
                                              NULL)),
               "a parsed token has one spelling");
    fuzz_check(dot && strcmp(dot + 1, payload) == 0,
               "the payload is part of what was signed");
    fuzz_check(jws->signature.len > 0, "no signature is refused");
    /* "{" is "e" and the first two bits of what follows it. */
    fuzz_check(ao2_jws_looks_like(token)
                   == (token.ptr[0] == 'e' &&
                       strchr("wxyz0123456789-_", token.ptr[1])),
               "a token whose header begins with \"{\" looks like one");
}

static int verifies(const ao2_jws_t *jws, ao2_fail_t *fail)
{
    const ao2_key_t *found[AO2_MAX_CANDIDATES];
    int count = ao2_keyset_select(found, load_keys(), jws->alg, jws->kid);

    return ao2_jws_verify_any(jws, found, count, fail) == AO2_OK;
}

/* A good signature is no longer one when it is shorter, longer, another. */
static void check_neighbours(const ao2_jws_t *jws, apr_pool_t *pool)
{
    ao2_jws_t other = *jws;
    apr_size_t length = jws->signature.len;
    char *bytes = apr_pcalloc(pool, length + 1);

    memcpy(bytes, jws->signature.ptr, length);
    other.signature.ptr = bytes;
    other.signature.len = length - 1;
    fuzz_check(!verifies(&other, NULL), "a cut signature is none");
    other.signature.len = length + 1;
    fuzz_check(!verifies(&other, NULL), "a longer signature is none");
    other.signature.len = length;
    fuzz_check(verifies(&other, NULL), "a copy of a signature is one");
    bytes[length / 2] ^= 1;
    fuzz_check(!verifies(&other, NULL), "one bit of a signature counts");
}

static void check_signature(const ao2_jws_t *jws, apr_pool_t *pool)
{
    const ao2_keyset_t *set = load_keys();
    ao2_fail_t fail = {0};
    int i;

    if (!verifies(jws, &fail)) {
        fuzz_check_fail(AO2_E_TOKEN_INVALID, &fail);
        return;
    }
    fuzz_accepted++;
    for (i = 0; i < set->count; i++) {
        fuzz_check(ao2_key_fits(set->keys[i], jws->alg) ||
                       ao2_jws_verify(jws, set->keys[i], NULL) != AO2_OK,
                   "a key that does not fit verifies nothing");
    }
    check_neighbours(jws, pool);
}

/* Sign what was parsed once more, with a key of ours. */
static void check_signing(const ao2_jws_t *jws, apr_pool_t *pool)
{
    const char *typ = fuzz_text(jws->typ.ptr ? jws->typ : ao2_span("JWT"),
                                pool);
    ao2_signer_t signer = {load_keys()->keys[0],
                           ao2_alg_find(ao2_span("HS256")), typ};
    const char *token;
    ao2_jws_t *again;

    fuzz_check(ao2_jws_sign(&token, jws->payload, &signer, pool, NULL)
                   == AO2_OK,
               "any payload can be signed");
    if (strlen(token) > AO2_MAX_CREDENTIAL ||
        strlen(typ) > AO2_MAX_JWT_HEADER / 8) {
        return;
    }
    fuzz_check(ao2_jws_parse(&again, ao2_span(token), pool, NULL) == AO2_OK &&
                   ao2_span_equal(again->payload, jws->payload) &&
                   ao2_span_is(again->typ, typ) &&
                   ao2_jws_verify(again, signer.key, NULL) == AO2_OK,
               "what was signed verifies");
}

void fuzz_one(ao2_span_t input, apr_pool_t *pool)
{
    ao2_span_t token = memchr(input.ptr, '\n', input.len)
                           ? ao2_span(assemble(input, pool))
                           : input;
    ao2_fail_t fail = {0};
    ao2_jws_t *jws;
    ao2_code_t code = ao2_jws_parse(&jws, token, pool, &fail);

    if (code != AO2_OK) {
        fuzz_check(code == AO2_E_TOKEN_INVALID && !jws, "the token is at "
                                                        "fault");
        fuzz_check_fail(code, &fail);
        return;
    }
    check_header(jws);
    check_spelling(jws, token, pool);
    check_signing(jws, pool);
    check_signature(jws, pool);
}
