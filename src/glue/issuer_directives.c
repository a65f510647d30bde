#include "glue/directive.h"
#include "glue/issuer_draft.h"

#include <apr_strings.h>

#include "base/text.h"

APLOG_USE_MODULE(api_oauth2);

const char *ao2_issuer_token_format(cmd_parms *cmd, void *dir, int argc,
                                    char *const argv[])
{
    static const char *const formats[] = {"any", "jwt", "opaque"};
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    int format;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "jwt, opaque or any");
    }
    for (format = AO2_FORMAT_ANY; format <= AO2_FORMAT_OPAQUE; format++) {
        if (strcasecmp(argv[0], formats[format]) == 0) {
            draft->issuer.format = (ao2_format_t)format;
            return NULL;
        }
    }
    return ao2_directive_bad(cmd, argv[0], "jwt, opaque or any");
}

const char *ao2_issuer_algorithms(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    unsigned bits = 0;
    int i;

    (void)dir;
    if (!draft) {
        return error;
    }
    error = ao2_directive_list(cmd, argc, "names of signature algorithms");
    if (error) {
        return error;
    }
    for (i = 0; i < argc; i++) {
        const ao2_alg_t *alg = ao2_alg_find(ao2_span(argv[i]));

        if (!alg) {
            return ao2_directive_bad(cmd, argv[i],
                                     "RS256 RS384 RS512 PS256 PS384 PS512 "
                                     "ES256 ES384 ES512 EdDSA Ed25519 Ed448, "
                                     "and HS256 HS384 HS512 with "
                                     "ApiSharedSecret");
        }
        bits |= ao2_alg_allows(alg);
    }
    draft->issuer.algorithms = bits;
    draft->has_algorithms = 1;
    return NULL;
}

const char *ao2_issuer_require_type(cmd_parms *cmd, void *dir, int argc,
                                    char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    int i;

    (void)dir;
    if (!draft) {
        return error;
    }
    error = ao2_directive_list(cmd, argc, "\"typ\" values, or off");
    if (error) {
        return error;
    }
    for (i = 0; i < argc; i++) {
        if (!argv[i][0] || (argc > 1 && strcasecmp(argv[i], "off") == 0)) {
            return ao2_directive_bad(cmd, argv[i], "\"typ\" values such as "
                                                   "at+jwt, or off alone");
        }
    }
    draft->issuer.rules.types = strcasecmp(argv[0], "off") == 0
                                    ? NULL
                                    : ao2_directive_words(cmd->pool, argc,
                                                          argv);
    return NULL;
}

/* "a,b,c" as an array; NULL when a name is empty. */
static apr_array_header_t *claim_names(apr_pool_t *pool, const char *list)
{
    apr_array_header_t *array = apr_array_make(pool, 3, sizeof(char *));
    const char *comma = strchr(list, ',');

    for (; comma; comma = strchr(list, ',')) {
        if (comma == list) {
            return NULL;
        }
        APR_ARRAY_PUSH(array, const char *) = apr_pstrmemdup(
            pool, list, (apr_size_t)(comma - list));
        list = comma + 1;
    }
    if (!*list) {
        return NULL;
    }
    APR_ARRAY_PUSH(array, const char *) = apr_pstrdup(pool, list);
    return array;
}

const char *ao2_issuer_claims(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[])
{
    static const char *const options[] = {"subject", "client", "scope"};
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    const apr_array_header_t *found[3] = {NULL, NULL, NULL};
    int i;
    int k;

    (void)dir;
    if (!draft) {
        return error;
    }
    error = ao2_directive_list(cmd, argc, "[subject=..] [client=..] "
                                          "[scope=..]");
    if (error) {
        return error;
    }
    for (i = 0; i < argc; i++) {
        for (k = 0; k < 3; k++) {
            const char *value = ao2_directive_option(argv[i], options[k]);

            if (value) {
                found[k] = claim_names(cmd->pool, value);
                break;
            }
        }
        if (k == 3 || !found[k]) {
            return ao2_directive_bad(cmd, argv[i],
                                     "subject=CLAIM[,..], client=CLAIM[,..] "
                                     "and scope=CLAIM[,..]");
        }
    }
    if (found[0]) {
        draft->issuer.rules.subject_claims = found[0];
    }
    if (found[1]) {
        draft->issuer.rules.client_claims = found[1];
    }
    if (found[2]) {
        draft->issuer.rules.scope_claims = found[2];
    }
    return NULL;
}

const char *ao2_issuer_duration(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    apr_time_t value;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "one duration");
    }
    if (!ao2_text_duration(&value, argv[0])) {
        return ao2_directive_bad(cmd, argv[0], "a duration such as 500ms, "
                                               "90, 30s, 5mi, 1h or 1d");
    }
    *(apr_time_t *)((char *)draft + (apr_size_t)cmd->info) = value;
    return NULL;
}

const char *ao2_issuer_flag(cmd_parms *cmd, void *dir, int argc,
                            char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);

    (void)dir;
    return draft ? ao2_set_flag(cmd, draft, argc, argv) : error;
}
