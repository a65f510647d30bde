#include "glue/directive.h"
#include "glue/upstream_draft.h"

#include <apr_strings.h>

#define TYPE_URN "urn:ietf:params:oauth:token-type:"

/* Each reads what stands behind the name of its grant. */
typedef const char *read_fn(ao2_upstream_draft_t *draft, cmd_parms *cmd,
                            int argc, char *const argv[]);

static const char *read_nothing(ao2_upstream_draft_t *draft, cmd_parms *cmd,
                                int argc, char *const argv[])
{
    (void)draft;
    (void)cmd;
    (void)argc;
    (void)argv;
    return NULL;
}

static const char *read_secret(ao2_upstream_draft_t *draft, cmd_parms *cmd,
                               const char *source)
{
    const char *error = ao2_section_secret(&draft->grant_secret,
                                           &draft->section, cmd, source);

    draft->object.settings.grant.secret = draft->grant_secret;
    return error;
}

static const char *read_password(ao2_upstream_draft_t *draft, cmd_parms *cmd,
                                 int argc, char *const argv[])
{
    (void)argc;
    draft->object.settings.grant.user = apr_pstrdup(cmd->pool, argv[0]);
    return read_secret(draft, cmd, argv[1]);
}

static const char *read_refresh_token(ao2_upstream_draft_t *draft,
                                      cmd_parms *cmd, int argc,
                                      char *const argv[])
{
    (void)argc;
    return read_secret(draft, cmd, argv[0]);
}

/* NAME=value of one of two names, each of printable ASCII. */
static const char *read_options(const char *const names[2],
                                const char **members[2], cmd_parms *cmd,
                                int argc, char *const argv[])
{
    int i;
    int k;

    for (i = 0; i < argc; i++) {
        const char *value = NULL;

        for (k = 0; k < 2 && !value; k++) {
            value = ao2_directive_option(argv[i], names[k]);
        }
        if (!value || !ao2_directive_is_printable(value)) {
            return ao2_directive_bad(cmd, argv[i],
                                     apr_psprintf(cmd->temp_pool, "%s=.. and "
                                                  "%s=.., printable ASCII",
                                                  names[0], names[1]));
        }
        *members[k - 1] = apr_pstrdup(cmd->pool, value);
    }
    return NULL;
}

static const char *read_jwt_bearer(ao2_upstream_draft_t *draft,
                                   cmd_parms *cmd, int argc,
                                   char *const argv[])
{
    static const char *const names[] = {"iss", "sub"};
    ao2_token_grant_t *grant = &draft->object.settings.grant;
    const char **members[] = {&grant->issuer, &grant->subject};
    const char *error;

    if (strncmp(argv[0], "file:", 5) != 0) {
        return ao2_directive_bad(cmd, argv[0], "file:KEY, a private key");
    }
    error = ao2_section_secret(&draft->grant_secret, &draft->section, cmd,
                               argv[0]);
    if (!error) {
        error = ao2_section_private_key(&grant->key, draft->grant_secret, cmd);
    }
    if (error) {
        return error;
    }
    grant->alg = ao2_client_auth_alg(grant->key);
    if (!grant->alg) {
        return apr_psprintf(cmd->pool, "%s: no algorithm fits the key",
                            cmd->cmd->name);
    }
    return read_options(names, members, cmd, argc - 1, argv + 1);
}

/* A type's short name, or a URI. */
static const char *type_uri(const char *text, apr_pool_t *pool)
{
    static const char *const words[] = {"access_token", "refresh_token",
                                        "id_token", "jwt", "saml1", "saml2",
                                        NULL};
    int i;

    for (i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            return apr_pstrcat(pool, TYPE_URN, text, NULL);
        }
    }
    return strchr(text, ':') && !strchr(text, ' ') ? text : NULL;
}

static const char *read_token_exchange(ao2_upstream_draft_t *draft,
                                       cmd_parms *cmd, int argc,
                                       char *const argv[])
{
    static const char *const names[] = {"subject_type", "requested_type"};
    ao2_token_grant_t *grant = &draft->object.settings.grant;
    const char **members[] = {&grant->subject_type, &grant->requested_type};
    const char *error;
    int i;

    grant->subject_type = "access_token";
    error = read_options(names, members, cmd, argc, argv);
    for (i = 0; i < 2 && !error; i++) {
        const char *uri = *members[i] ? type_uri(*members[i], cmd->pool)
                                      : NULL;

        if (*members[i] && !uri) {
            error = ao2_directive_bad(cmd, *members[i], "access_token, "
                                      "refresh_token, id_token, jwt, saml1, "
                                      "saml2 or the URI of a type");
        }
        *members[i] = uri;
    }
    return error;
}

static const struct {
    const char *name;
    ao2_grant_type_t type;
    int fewest;
    int most;
    const char *usage;
    read_fn *read;
} grants[] = {
    {"client_credentials", AO2_GRANT_CLIENT_CREDENTIALS, 0, 0,
     "client_credentials", read_nothing},
    {"password", AO2_GRANT_PASSWORD, 2, 2, "password USER SECRET-SOURCE",
     read_password},
    {"refresh_token", AO2_GRANT_REFRESH_TOKEN, 1, 1,
     "refresh_token SECRET-SOURCE", read_refresh_token},
    {"jwt_bearer", AO2_GRANT_JWT_BEARER, 1, 3,
     "jwt_bearer file:KEY [iss=..] [sub=..]", read_jwt_bearer},
    {"token_exchange", AO2_GRANT_TOKEN_EXCHANGE, 0, 2,
     "token_exchange [subject_type=..] [requested_type=..]",
     read_token_exchange},
};

#define GRANTS ((int)(sizeof(grants) / sizeof(grants[0])))

/* The last line counts, and leaves nothing of an earlier one. */
static void start_again(ao2_upstream_draft_t *draft, ao2_grant_type_t type)
{
    ao2_token_grant_t *grant = &draft->object.settings.grant;
    ao2_token_grant_t fresh = {0};

    fresh.type = type;
    fresh.scopes = grant->scopes;
    fresh.audiences = grant->audiences;
    fresh.resources = grant->resources;
    fresh.params = grant->params;
    *grant = fresh;
    draft->grant_secret.ptr = NULL;
    draft->grant_secret.len = 0;
}

const char *ao2_upstream_grant(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);
    int i = 0;

    (void)dir;
    if (!draft) {
        return error;
    }
    while (argc > 0 && i < GRANTS && strcmp(argv[0], grants[i].name) != 0) {
        i++;
    }
    if (argc == 0 || i == GRANTS) {
        return ao2_directive_bad(cmd, argc ? argv[0] : "",
                                 "client_credentials, password, "
                                 "refresh_token, jwt_bearer or "
                                 "token_exchange");
    }
    if (argc - 1 < grants[i].fewest || argc - 1 > grants[i].most) {
        return ao2_directive_count(cmd, grants[i].usage);
    }
    start_again(draft, grants[i].type);
    return grants[i].read(draft, cmd, argc - 1, argv + 1);
}
