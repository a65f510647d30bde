#include "glue/directive.h"
#include "glue/upstream_draft.h"

#include <stdlib.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/text.h"

const char *ao2_upstream_origin(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);
    int i;

    (void)dir;
    if (!draft) {
        return error;
    }
    error = ao2_directive_list(cmd, argc, "SCHEME://HOST[:PORT] or "
                                          "balancer://NAME, one or more");
    for (i = 0; i < argc && !error; i++) {
        ao2_origin_t *origin = apr_array_push(draft->origins);
        const char *rest;

        if (!ao2_origin_read(origin, argv[i], &rest, cmd->pool) ||
            (*rest && strcmp(rest, "/") != 0)) {
            error = ao2_directive_bad(cmd, argv[i],
                                      "SCHEME://HOST[:PORT] without a path, "
                                      "where SCHEME is http, https, h2, h2c, "
                                      "ws or wss, or balancer://NAME");
        }
        else if (strcmp(origin->scheme, "http") == 0 &&
                 ao2_text_check_url(apr_pstrcat(cmd->temp_pool, "http",
                                                strchr(argv[i], ':'), NULL),
                                    0)) {
            draft->insecure_origin = apr_pstrdup(cmd->pool, argv[i]);
        }
    }
    return error;
}

const char *ao2_upstream_endpoint(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[])
{
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "one URL");
    }
    if (ao2_text_check_url(argv[0], 1)) {
        return ao2_directive_bad(cmd, argv[0], "a URL");
    }
    draft->object.settings.endpoint = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

/* --- what the token is wanted for ---------------------------------------- */

static int is_scope(const char *text)
{
    return ao2_text_is_scope(text);
}

/* An absolute URI without a fragment (RFC 8707 section 2). */
static int is_resource(const char *text)
{
    const char *at = text;

    while (apr_isalnum(*at) || *at == '+' || *at == '-' || *at == '.') {
        at++;
    }
    return apr_isalpha(*text) && *at == ':' && at[1] &&
           ao2_directive_is_printable(text) && !strpbrk(text, " #\"<>\\^`{|}");
}

/* What a list takes; the lines add up. */
static const struct {
    int (*fits)(const char *text);
    const char *wanted;
    const char *allowed;
} lists[] = {
    {is_scope, "one or more scopes",
     "a scope: printable ASCII without space, \" and \\"},
    {ao2_directive_is_printable, "one or more values",
     "a value of printable ASCII"},
    {is_resource, "one or more URIs", "an absolute URI without a fragment"},
};

static const char *add_words(ao2_upstream_draft_t *draft, int which,
                             const cmd_parms *cmd, int argc,
                             char *const argv[])
{
    apr_array_header_t *words[] = {draft->scopes, draft->audiences,
                                   draft->resources};
    const char *error = ao2_directive_list(cmd, argc, lists[which].wanted);
    int i;

    for (i = 0; i < argc && !error; i++) {
        if (lists[which].fits(argv[i])) {
            APR_ARRAY_PUSH(words[which], const char *) = apr_pstrdup(
                cmd->pool, argv[i]);
        }
        else {
            error = ao2_directive_bad(cmd, argv[i], lists[which].allowed);
        }
    }
    return error;
}

const char *ao2_upstream_words(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);

    (void)dir;
    return draft ? add_words(draft, (int)(apr_uintptr_t)cmd->info, cmd, argc,
                             argv)
                 : error;
}

const char *ao2_upstream_param(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    static const char *const ours[] = {
        "grant_type", "client_id", "client_secret", "client_assertion",
        "client_assertion_type", "assertion", "username", "password",
        "refresh_token", "subject_token", "subject_token_type",
        "requested_token_type", "scope", "audience", "resource", NULL};
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);

    (void)dir;
    return draft ? ao2_directive_param(draft->params, cmd, argc, argv, ours)
                 : error;
}

const char *ao2_upstream_request_header(cmd_parms *cmd, void *dir, int argc,
                                        char *const argv[])
{
    static const char *const ours[] = {"Authorization", "Accept",
                                       "Accept-Encoding", NULL};
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 2) {
        return ao2_directive_count(cmd, "NAME VALUE");
    }
    if (!ao2_directive_is_token(argv[0]) ||
        ao2_directive_is_reserved(argv[0]) ||
        ao2_directive_is_one_of(ours, argv[0])) {
        return ao2_directive_bad(cmd, argv[0], "the name of a header field "
                                 "that is not sent anyway");
    }
    if (!ao2_directive_is_printable(argv[1])) {
        return ao2_directive_bad(cmd, argv[1], "a value of printable ASCII");
    }
    APR_ARRAY_PUSH(draft->fields, const char *) = apr_pstrcat(
        cmd->pool, argv[0], ": ", argv[1], NULL);
    return NULL;
}

/* --- where it goes, and for how long ------------------------------------- */

const char *ao2_upstream_header(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[])
{
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc < 1 || argc > 2) {
        return ao2_directive_count(cmd, "NAME [SCHEME]");
    }
    if (!ao2_directive_is_token(argv[0]) ||
        ao2_directive_is_reserved(argv[0])) {
        return ao2_directive_bad(cmd, argv[0], "the name of a header field "
                                 "that means nothing else");
    }
    if (argc == 2 && !ao2_directive_is_token(argv[1])) {
        return ao2_directive_bad(cmd, argv[1], "a scheme such as Bearer");
    }
    draft->object.header = apr_pstrdup(cmd->pool, argv[0]);
    draft->object.scheme = argc == 2 ? apr_pstrdup(cmd->pool, argv[1]) : NULL;
    return NULL;
}

/* "75%": 1 to 99. */
static int read_percent(int *percent, const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (!apr_isdigit(*text) || strcmp(end, "%") != 0 || number < 1 ||
        number > 99) {
        return 0;
    }
    *percent = (int)number;
    return 1;
}

const char *ao2_upstream_refresh_at(cmd_parms *cmd, void *dir, int argc,
                                    char *const argv[])
{
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);
    ao2_upstream_settings_t *settings;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "PERCENT% or one duration");
    }
    settings = &draft->object.settings;
    if (read_percent(&settings->refresh_percent, argv[0])) {
        return NULL;
    }
    settings->refresh_percent = 0;
    if (!ao2_text_duration(&settings->refresh_after, argv[0]) ||
        settings->refresh_after < apr_time_from_sec(1)) {
        return ao2_directive_bad(cmd, argv[0], "1% to 99% of a token's life, "
                                 "or a duration of at least 1s");
    }
    return NULL;
}

const char *ao2_upstream_lifetime(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[])
{
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);
    apr_time_t value;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "one duration");
    }
    if (!ao2_text_duration(&value, argv[0]) ||
        value < apr_time_from_sec(1)) {
        return ao2_directive_bad(cmd, argv[0], "a duration of at least 1s, "
                                 "such as 90, 30s, 5mi or 1h");
    }
    draft->object.settings.default_lifetime = value;
    return NULL;
}

const char *ao2_upstream_retry(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    const char *error;
    ao2_upstream_draft_t *draft = ao2_upstream_draft_of(cmd, &error);
    const char *body = argc == 2 ? ao2_directive_option(argv[1], "body")
                                 : NULL;
    apr_int64_t size;

    (void)dir;
    if (!draft) {
        return error;
    }
    if (argc < 1 || argc > 2) {
        return ao2_directive_count(cmd, "On or Off, and [body=SIZE]");
    }
    if (strcasecmp(argv[0], "on") != 0 && strcasecmp(argv[0], "off") != 0) {
        return ao2_directive_bad(cmd, argv[0], "On or Off");
    }
    draft->object.retry = strcasecmp(argv[0], "on") == 0;
    if (argc == 2 && (!body || !ao2_text_size(&size, body) ||
                      size > AO2_MAX_RETRY_BODY)) {
        return ao2_directive_bad(cmd, argv[1], "body=SIZE, at most 16M");
    }
    if (body) {
        draft->object.retry_body = (apr_size_t)size;
    }
    return NULL;
}
