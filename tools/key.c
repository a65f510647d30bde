#include "tools/htapi.h"

#include <stdio.h>
#include <stdlib.h>

#include <apr_strings.h>
#include <openssl/crypto.h>

#include "base/json.h"

static int print(json_t *json, const ao2_line_t *line)
{
    char *text = json_dumps(json, JSON_INDENT(2));
    int status;

    if (!text) {
        return ao2_line_wrong(line, "the result is not UTF-8");
    }
    status = ao2_output(apr_pstrcat(line->pool, text, "\n", NULL),
                        strlen(text) + 1);
    OPENSSL_cleanse(text, strlen(text));
    free(text);
    return status;
}

static int refuse(const ao2_fail_t *fail)
{
    fprintf(stderr, "htapi: %s\n", fail->detail);
    return AO2_EXIT_USAGE;
}

/* What of the options cannot be; NULL: nothing. */
static const char *check_options(const ao2_alg_t *alg, const ao2_line_t *line)
{
    const char *kid = ao2_line_option(line, "kid");

    if (!alg || line->words->nelts) {
        return "--alg takes a signature algorithm such as ES256, RS256, "
               "EdDSA or HS256";
    }
    if (ao2_line_option(line, "bits") &&
        alg->family != AO2_FAMILY_RSA_PKCS1 &&
        alg->family != AO2_FAMILY_RSA_PSS) {
        return "--bits is for RSA keys";
    }
    if (kid && (!*kid || strlen(kid) > AO2_MAX_KID)) {
        return "--kid takes 1 to 256 bytes";
    }
    return NULL;
}

int ao2_key_command_create(ao2_line_t *line, int argc,
                           const char *const *argv)
{
    ao2_fail_t fail = {0};
    const ao2_alg_t *alg;
    const char *wrong;
    apr_int64_t bits = 0;
    ao2_key_t *key;
    json_t *jwk;

    if (ao2_line_parse(line, "alg= kid= bits=", argc, argv)
        != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    alg = ao2_alg_find(ao2_span(ao2_line_option(line, "alg")));
    wrong = check_options(alg, line);
    if (wrong) {
        return ao2_line_wrong(line, "%s", wrong);
    }
    if (ao2_line_number(&bits, line, "bits", AO2_MAX_RSA_BITS)
        != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    if (ao2_key_generate(&key, alg, (int)bits, ao2_line_option(line, "kid"),
                         line->pool, &fail) != AO2_OK) {
        return refuse(&fail);
    }
    if (!key->kid) {
        key->kid = ao2_key_thumbprint(key, line->pool);
    }
    if (ao2_key_write(&jwk, key, 1, line->pool, &fail) != AO2_OK) {
        return refuse(&fail);
    }
    json_object_set_new(jwk, "use", json_string("sig"));
    return print(jwk, line);
}

int ao2_key_command_public(ao2_line_t *line, int argc,
                           const char *const *argv)
{
    json_t *document;
    json_t *keys = json_array();
    ao2_keyset_t *set;
    ao2_fail_t fail = {0};
    int i;

    if (ao2_line_parse(line, "", argc, argv) != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    document = ao2_json_own(json_pack("{s:o}", "keys", keys), line->pool);
    if (line->words->nelts != 1) {
        return ao2_line_wrong(line, "one FILE is needed");
    }
    if (ao2_input_keys(&set, APR_ARRAY_IDX(line->words, 0, const char *),
                       AO2_FOR_VERIFY, 0, line->pool, &fail) != AO2_OK) {
        return refuse(&fail);
    }
    for (i = 0; i < set->count; i++) {
        json_t *jwk;

        if (ao2_key_write(&jwk, set->keys[i], 0, line->pool, &fail)
            != AO2_OK) {
            return refuse(&fail);
        }
        json_object_set_new(jwk, "use", json_string("sig"));
        json_array_append(keys, jwk);
    }
    return print(document, line);
}
