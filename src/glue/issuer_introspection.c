#include "glue/directive.h"
#include "glue/issuer_draft.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/text.h"

const char *ao2_issuer_introspection(cmd_parms *cmd, void *dir, int argc,
                                     char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "auto, off or a URL");
    }
    draft->introspection_off = strcasecmp(argv[0], "off") == 0;
    draft->introspection_said = 0;
    draft->issuer.introspection.url = NULL;
    if (draft->introspection_off || strcasecmp(argv[0], "auto") == 0) {
        return NULL;
    }
    if (ao2_text_check_url(argv[0], 1)) {
        return ao2_directive_bad(cmd, argv[0], "auto, off or a URL");
    }
    draft->introspection_said = 1;
    draft->issuer.introspection.url = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

const char *ao2_issuer_param(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[])
{
    static const char *const ours[] = {"token", "client_id", "client_secret",
                                       "client_assertion",
                                       "client_assertion_type"};
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    size_t i;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 2 || !argv[0][0]) {
        return ao2_directive_count(cmd, "NAME VALUE");
    }
    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strcmp(argv[0], ours[i]) == 0) {
            return ao2_directive_bad(cmd, argv[0], "a parameter that is not "
                                                   "sent anyway");
        }
    }
    APR_ARRAY_PUSH(draft->params, const char *) = apr_pstrdup(cmd->pool,
                                                              argv[0]);
    APR_ARRAY_PUSH(draft->params, const char *) = apr_pstrdup(cmd->pool,
                                                              argv[1]);
    return NULL;
}

const char *ao2_issuer_concurrency(cmd_parms *cmd, void *dir, int argc,
                                   char *const argv[])
{
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);
    apr_int64_t number;
    char *end;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "one number");
    }
    number = apr_strtoi64(argv[0], &end, 10);
    if (!apr_isdigit(argv[0][0]) || *end || number < 1 ||
        number > AO2_MAX_CONCURRENCY) {
        return ao2_directive_bad(cmd, argv[0],
                                 apr_psprintf(cmd->temp_pool,
                                              "a number from 1 to %d",
                                              AO2_MAX_CONCURRENCY));
    }
    draft->issuer.concurrency = (int)number;
    return NULL;
}
