#include "tools/htapi.h"

#include <stdio.h>
#include <stdlib.h>

#include <apr_strings.h>
#include <apr_time.h>
#include <openssl/rand.h>

#include "base/json.h"
#include "base/text.h"
#include "core/jws.h"

/* Set one claim: JSON where the value is a number, true, false, null, an
 * array, an object or a quoted string; else the value itself. */
static int set_claim(json_t *claims, const char *word, const ao2_line_t *line)
{
    const char *equals = strchr(word, '=');
    const char *name;
    json_t *value;

    if (!equals || equals == word) {
        return ao2_line_wrong(line, "--claim takes NAME=VALUE");
    }
    name = apr_pstrmemdup(line->pool, word, (apr_size_t)(equals - word));
    if (json_object_get(claims, name)) {
        return ao2_line_wrong(line, "the claim %s is given twice", name);
    }
    value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                       NULL);
    if (!value) {
        value = json_string(equals + 1);
    }
    if (!value || json_object_set_new(claims, name, value) != 0) {
        return ao2_line_wrong(line, "the claim is not UTF-8");
    }
    return AO2_EXIT_DONE;
}

static void set_default(json_t *claims, const char *name, json_t *value)
{
    if (json_object_get(claims, name)) {
        json_decref(value);
        return;
    }
    json_object_set_new(claims, name, value);
}

static int set_times(json_t *claims, const ao2_line_t *line)
{
    const char *ttl = ao2_line_option(line, "ttl");
    apr_time_t lifetime;
    apr_int64_t issued = apr_time_sec(apr_time_now());
    unsigned char random[16];

    if (ao2_line_number(&issued, line, "now", apr_time_sec(AO2_TIME_FOREVER))
        != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    if (!ao2_text_duration(&lifetime, ttl ? ttl : "1h")) {
        return ao2_line_wrong(line, "--ttl takes a duration such as 90, 5mi "
                                    "or 1h");
    }
    if (RAND_bytes(random, sizeof(random)) != 1) {
        return ao2_line_wrong(line, "no random numbers");
    }
    set_default(claims, "iat", json_integer(issued));
    set_default(claims, "exp",
                json_integer(issued + apr_time_sec(lifetime)));
    set_default(claims, "jti",
                json_string(ao2_text_hex(random, sizeof(random),
                                         line->pool)));
    return AO2_EXIT_DONE;
}

/* The algorithm asked for, or the key's own, or the first that fits. */
static const ao2_alg_t *choose(const ao2_key_t *key, const char *name)
{
    int i;

    if (name) {
        return ao2_alg_find(ao2_span(name));
    }
    if (key->alg) {
        return key->alg;
    }
    for (i = 0; ao2_alg_at(i); i++) {
        const ao2_alg_t *alg = ao2_alg_at(i);

        if (ao2_key_fits(key, alg)) {
            return alg;
        }
    }
    return NULL;
}

static int sign(json_t *claims, const ao2_line_t *line)
{
    const char *typ = ao2_line_option(line, "typ");
    const char *name = ao2_line_option(line, "alg");
    char *payload = json_dumps(claims, JSON_COMPACT);
    ao2_signer_t signer;
    ao2_fail_t fail = {0};
    ao2_keyset_t *set;
    const char *token;

    if (!payload || ao2_input_keys(&set, ao2_line_option(line, "key"),
                                   AO2_FOR_SIGN, 1, line->pool, &fail)
                        != AO2_OK) {
        free(payload);
        return ao2_line_wrong(line, "--key: %s", fail.detail);
    }
    signer.key = set->keys[0];
    signer.alg = choose(signer.key, name);
    signer.typ = typ ? typ : "at+jwt";
    if (!signer.alg) {
        free(payload);
        return ao2_line_wrong(line, "--alg: no such signature algorithm");
    }
    ao2_jws_sign(&token, ao2_span(payload), &signer, line->pool, &fail);
    free(payload);
    if (!token) {
        return ao2_line_wrong(line, "%s", fail.detail);
    }
    return ao2_output(apr_pstrcat(line->pool, token, "\n", NULL),
                      strlen(token) + 1);
}

int ao2_jwt_command_sign(ao2_line_t *line, int argc, const char *const *argv)
{
    json_t *claims = ao2_json_own(json_object(), line->pool);
    apr_array_header_t *words;
    int i;

    if (ao2_line_parse(line, "key= alg= claim=* ttl= typ= now=", argc, argv)
        != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    if (!ao2_line_option(line, "key") || line->words->nelts) {
        return ao2_line_wrong(line, "--key FILE is needed, and no other "
                                    "word");
    }
    words = ao2_line_all(line, "claim");
    for (i = 0; i < words->nelts; i++) {
        if (set_claim(claims, APR_ARRAY_IDX(words, i, const char *), line)
            != AO2_EXIT_DONE) {
            return AO2_EXIT_USAGE;
        }
    }
    if (set_times(claims, line) != AO2_EXIT_DONE) {
        return AO2_EXIT_USAGE;
    }
    return sign(claims, line);
}
