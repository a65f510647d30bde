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
                                       "client_assertion_type", NULL};
    const char *error;
    ao2_issuer_draft_t *draft = ao2_issuer_draft_of(cmd, &error);

    (void)dir;
    return draft ? ao2_directive_param(draft->params, cmd, argc, argv, ours)
                 : error;
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
