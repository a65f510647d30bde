#include "unit/support.h"

#include <stdio.h>

#include "base/base64url.h"
#include "base/file.h"
#include "core/jws.h"
#include "core/signature.h"

/*
 * Published vectors: those of the RFCs and of the Wycheproof project. Where
 * they come from, and where our answer is not the label, is in
 * tests/vectors/README.md.
 */
static const char *source_folder(apr_pool_t *pool)
{
    const char *source = getenv("AO2_SOURCE");

    return apr_pstrcat(pool, source ? source : ".", "/", NULL);
}

static const char *wycheproof_folder(apr_pool_t *pool)
{
    const char *given = getenv("AO2_VECTORS");
    const char *beside = apr_pstrcat(pool, source_folder(pool),
                                     "../shared/vectors", NULL);
    ao2_file_stamp_t stamp;

    ao2_file_stamp(&stamp, beside);
    if (!given) {
        given = stamp.inode ? beside
                            : apr_pstrcat(pool, source_folder(pool),
                                          "tests/vectors", NULL);
    }
    return apr_pstrcat(pool, given, "/wycheproof/", NULL);
}

static json_t *load(const char *folder, const char *name, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, folder, name, NULL);
    json_t *json = ao2_json_own(json_load_file(path, 0, NULL), pool);

    if (!json) {
        fail_msg("%s is not there, or no JSON", path);
    }
    return json;
}

static json_t *groups_of(const char *name, apr_pool_t *pool)
{
    return json_object_get(load(wycheproof_folder(pool), name, pool),
                           "testGroups");
}

static const char *text_of(json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "";
}

static ao2_span_t from_hex(const char *text, apr_pool_t *pool)
{
    char *bytes = apr_palloc(pool, strlen(text) / 2 + 1);
    ao2_span_t span = {bytes, 0};
    unsigned value;

    while (sscanf(text + 2 * span.len, "%2x", &value) == 1) {
        bytes[span.len++] = (char)value;
    }
    return span;
}

/* Verify with a JWK or JWK Set, secrets among them, as an issuer would. */
static ao2_code_t verify(json_t *keys, const char *token, apr_pool_t *pool)
{
    const ao2_key_t *found[AO2_MAX_CANDIDATES];
    ao2_keyset_t *set = ao2_keyset_make(pool);
    char *text = json_dumps(keys, 0);
    ao2_jws_t *jws;
    ao2_code_t code = ao2_keyset_parse(set, ao2_span(text), AO2_FOR_VERIFY, 1,
                                       pool, NULL);

    free(text);
    if (code == AO2_OK) {
        code = ao2_jws_parse(&jws, ao2_span(token), pool, NULL);
    }
    return code == AO2_OK
               ? ao2_jws_verify_any(jws, found,
                                    ao2_keyset_select(found, set, jws->alg,
                                                      jws->kid),
                                    NULL)
               : code;
}

/* Our answer where it is not the label. */
static const struct {
    const char *file;
    int id;
    int good;
} own[] = {
    {"json_web_signature_test.json", 367, 1},
    {"json_web_signature_test.json", 370, 1},
    {"json_web_signature_test.json", 372, 0},
    {"json_web_signature_test.json", 373, 0},
    {"json_web_signature_test.json", 346, 0},
    {"json_web_signature_test.json", 347, 0},
    {"json_web_signature_test.json", 350, 0},
    {"json_web_signature_test.json", 351, 0},
    {"json_web_key_test.json", 1, 1},
    {"json_web_key_test.json", 4, 1},
    {"json_web_key_test.json", 7, 1},
    {"json_web_crypto_test.json", 46, 1},
    {"json_web_crypto_test.json", 47, 1},
};

static int is_good(const char *file, int id, const char *label)
{
    size_t i;

    for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (own[i].id == id && strcmp(own[i].file, file) == 0) {
            return own[i].good;
        }
    }
    return strcmp(label, "valid") == 0;
}

/* One test of a file of tokens; a JWE is no token of ours. */
static int run_token(const char *file, json_t *keys, json_t *test,
                     apr_pool_t *pool)
{
    int id = (int)json_integer_value(json_object_get(test, "tcId"));
    json_t *jwe = json_object_get(test, "jwe");
    json_t *token = jwe ? jwe : json_object_get(test, "jws");
    int good = !jwe && is_good(file, id, text_of(test, "result"));
    char *text = json_is_string(token) ? strdup(json_string_value(token))
                                       : json_dumps(token, 0);

    if (!text || (verify(keys, text, pool) == AO2_OK) != good) {
        fail_msg("%s %d, %s", file, id, text_of(test, "comment"));
    }
    free(text);
    return good;
}

static void tokens(void **state)
{
    static const struct {
        const char *file;
        int any_good; /* else all are refused */
    } rows[] = {
        {"json_web_signature_test.json", 1},
        {"json_web_key_test.json", 1},
        {"json_web_crypto_test.json", 1},
        {"json_web_encryption_test.json", 0},
    };
    size_t i;
    size_t g;
    size_t t;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *groups = groups_of(rows[i].file, *state);
        int counts[2] = {0, 0};

        for (g = 0; g < json_array_size(groups); g++) {
            json_t *group = json_array_get(groups, g);
            json_t *tests = json_object_get(group, "tests");
            json_t *keys = json_object_get(group, "public");

            keys = keys ? keys : json_object_get(group, "private");
            for (t = 0; t < json_array_size(tests); t++) {
                counts[run_token(rows[i].file, keys, json_array_get(tests, t),
                                 *state)]++;
            }
        }
        print_message("%s: %d accepted, %d refused\n", rows[i].file,
                      counts[1], counts[0]);
        assert_true(counts[0] > 0 && (counts[1] > 0) == rows[i].any_good);
    }
}

/* The public key of a group, whatever form it has. */
static ao2_key_t *group_key(json_t *group, const ao2_alg_t *alg,
                            apr_pool_t *pool)
{
    json_t *jwk = json_object_get(group, "publicKeyJwk");
    const char *pem = text_of(group, "publicKeyPem");
    ao2_fail_t fail = {0};
    ao2_key_t *key = NULL;

    if (jwk) {
        json_object_del(jwk, "alg");
        json_object_del(jwk, "key_ops");
        ao2_jwk_read(&key, jwk, AO2_FOR_VERIFY, 0, pool, &fail);
    }
    else {
        ao2_key_read_pem(&key, ao2_span(pem), NULL, alg, pool, &fail);
    }
    if (!key) {
        fail_msg("%s: %s", alg->name, fail.detail);
    }
    return key;
}

static void run_group(json_t *group, const ao2_alg_t *alg, int counts[2],
                      apr_pool_t *pool)
{
    json_t *tests = json_object_get(group, "tests");
    int is_hmac = alg->family == AO2_FAMILY_HMAC;
    ao2_key_t *key = is_hmac ? NULL : group_key(group, alg, pool);
    size_t t;

    for (t = 0; t < json_array_size(tests); t++) {
        json_t *test = json_array_get(tests, t);
        const char *result = text_of(test, "result");
        int good = strcmp(result, "valid") == 0;
        int got;

        if (is_hmac) {
            ao2_key_from_secret(&key, from_hex(text_of(test, "key"), pool),
                                NULL, pool, NULL);
            /* Shorter keys and truncated tags are not for JWS. */
            good = good && key->secret.len >= alg->digest_len &&
                   strlen(text_of(test, "tag")) == 2 * alg->digest_len;
        }
        got = ao2_signature_verify(
            alg, key, from_hex(text_of(test, "msg"), pool),
            from_hex(text_of(test, is_hmac ? "tag" : "sig"), pool));
        if (got != good) {
            fail_msg("%s test %d, %s", alg->name,
                     (int)json_integer_value(json_object_get(test, "tcId")),
                     text_of(test, "comment"));
        }
        counts[got]++;
    }
}

static void raw_signatures(void **state)
{
    static const struct {
        const char *file;
        const char *alg;
    } rows[] = {
        {"rsa_signature_2048_sha256_test.json", "RS256"},
        {"rsa_signature_3072_sha384_test.json", "RS384"},
        {"rsa_signature_4096_sha512_test.json", "RS512"},
        {"rsa_pss_2048_sha256_mgf1_32_test.json", "PS256"},
        {"rsa_pss_2048_sha384_mgf1_48_test.json", "PS384"},
        {"rsa_pss_4096_sha512_mgf1_64_test.json", "PS512"},
        {"ecdsa_secp256r1_sha256_p1363_test.json", "ES256"},
        {"ecdsa_secp384r1_sha384_p1363_test.json", "ES384"},
        {"ecdsa_secp521r1_sha512_p1363_test.json", "ES512"},
        {"ed25519_test.json", "Ed25519"},
        {"ed448_test.json", "Ed448"},
        {"hmac_sha256_test.json", "HS256"},
        {"hmac_sha384_test.json", "HS384"},
        {"hmac_sha512_test.json", "HS512"},
    };
    size_t i;
    size_t g;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *groups = groups_of(rows[i].file, *state);
        const ao2_alg_t *alg = ao2_alg_find(ao2_span(rows[i].alg));
        int counts[2] = {0, 0};

        for (g = 0; g < json_array_size(groups); g++) {
            run_group(json_array_get(groups, g), alg, counts, *state);
        }
        print_message("%s: %d accepted, %d refused\n", rows[i].file,
                      counts[1], counts[0]);
        assert_true(counts[0] > 0 && counts[1] > 0);
    }
}

/* Sign what a token of the RFCs carries once more: the same bytes. */
static void sign_again(const char *name, json_t *jwk, const char *token,
                       apr_pool_t *pool)
{
    ao2_fail_t fail = {0};
    ao2_span_t signature;
    ao2_jws_t *jws;
    ao2_key_t *key;

    if (ao2_jwk_read(&key, jwk, AO2_FOR_SIGN, 1, pool, &fail) != AO2_OK ||
        ao2_jws_parse(&jws, ao2_span(token), pool, &fail) != AO2_OK ||
        !ao2_signature_make(&signature, jws->alg, key, jws->signing_input,
                            pool) ||
        !ao2_span_equal(signature, jws->signature)) {
        fail_msg("%s: signed otherwise: %s", name, fail.detail);
    }
}

static void rfc_signatures(void **state)
{
    json_t *rows = json_object_get(load(source_folder(*state),
                                        "tests/vectors/rfc.json", *state),
                                   "signatures");
    int counts[2] = {0, 0};
    size_t i;

    for (i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        json_t *jwk = json_object_get(row, "jwk");
        const char *name = text_of(row, "name");
        const char *token = text_of(row, "jws");
        int good = json_is_true(json_object_get(row, "accept"));

        if ((verify(jwk, token, *state) == AO2_OK) != good) {
            fail_msg("%s", name);
        }
        if (json_is_true(json_object_get(row, "repeats"))) {
            sign_again(name, jwk, token, *state);
        }
        counts[good]++;
    }
    print_message("RFC examples: %d accepted, %d refused\n", counts[1],
                  counts[0]);
    assert_true(counts[0] > 0 && counts[1] > 0);
}

static void rfc_thumbprints(void **state)
{
    json_t *rows = json_object_get(load(source_folder(*state),
                                        "tests/vectors/rfc.json", *state),
                                   "thumbprints");
    size_t i;

    assert_true(json_array_size(rows) > 0);
    for (i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        ao2_key_t *key;

        assert_int_equal(ao2_jwk_read(&key, json_object_get(row, "jwk"),
                                      AO2_FOR_VERIFY, 0, *state, NULL),
                         AO2_OK);
        assert_string_equal(ao2_key_thumbprint(key, *state),
                            text_of(row, "thumbprint"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tokens),
        TEST(raw_signatures),
        TEST(rfc_signatures),
        TEST(rfc_thumbprints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
