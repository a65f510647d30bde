#include "glue/directive.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/limits.h"
#include "base/text.h"

const char *ao2_set_flag(cmd_parms *cmd, void *dir, int argc,
                         char *const argv[])
{
    int *member = (int *)((char *)dir + (apr_size_t)cmd->info);

    if (argc != 1) {
        return ao2_directive_count(cmd, "one argument, On or Off");
    }
    if (strcasecmp(argv[0], "on") != 0 && strcasecmp(argv[0], "off") != 0) {
        return ao2_directive_bad(cmd, argv[0], "On or Off");
    }
    *member = strcasecmp(argv[0], "on") == 0;
    return NULL;
}

const char *ao2_set_accept(cmd_parms *cmd, void *dir, int argc,
                           char *const argv[])
{
    const char *error;
    ao2_dir_t *conf = dir;
    int i;

    error = ao2_directive_list(cmd, argc, "names of <ApiIssuer> objects");
    if (error) {
        return error;
    }
    conf->accept = ao2_directive_words(cmd->pool, argc, argv);
    for (i = 0; i < argc; i++) {
        ao2_use_t use = {.kind = AO2_USE_ISSUER, .label = "ApiAccept"};

        use.name = APR_ARRAY_IDX(conf->accept, i, const char *);
        ao2_directive_note_use(cmd, &use);
    }
    return NULL;
}

const char *ao2_set_audience(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[])
{
    const char *error;
    ao2_dir_t *conf = dir;
    int i;

    error = ao2_directive_list(cmd, argc, "audience values, or \"any\"");
    if (error) {
        return error;
    }
    for (i = 0; i < argc; i++) {
        if (!argv[i][0] || (argc > 1 && strcasecmp(argv[i], "any") == 0)) {
            return ao2_directive_bad(cmd, argv[i],
                                     "values that are not empty, or the "
                                     "word any alone");
        }
    }
    conf->any_audience = strcasecmp(argv[0], "any") == 0;
    if (conf->any_audience) {
        ao2_use_t use = {.kind = AO2_USE_ANY, .label = "ApiAudience"};

        ao2_directive_note_use(cmd, &use);
    }
    conf->audiences = conf->any_audience
                          ? NULL
                          : ao2_directive_words(cmd->pool, argc, argv);
    return NULL;
}

/* A parameter may be named by anything that needs no encoding. */
static int is_parameter(const char *text)
{
    return ao2_directive_is_token(text) && !strpbrk(text, "%&+#");
}

/* What a preflight is told by, and what is cleaned of credentials itself. */
static int is_no_carrier(const char *name)
{
    static const char *const others[] = {
        "Access-Control-Request-Method", "Origin", "Referer", NULL};

    return ao2_directive_is_reserved(name) ||
           ao2_directive_is_one_of(others, name);
}

static int parse_carrier(ao2_carrier_t *carrier, const char *word)
{
    static const char *const kinds[] = {"header:", "cookie:", "query:",
                                        "form:"};
    int kind;

    if (strcasecmp(word, "header") == 0) {
        carrier->kind = AO2_CARRIER_HEADER;
        carrier->name = "Authorization";
        return 1;
    }
    for (kind = AO2_CARRIER_HEADER; kind <= AO2_CARRIER_FORM; kind++) {
        size_t length = strlen(kinds[kind]);

        if (strncasecmp(word, kinds[kind], length) == 0) {
            carrier->kind = (ao2_carrier_kind_t)kind;
            carrier->name = word + length;
            return kind >= AO2_CARRIER_QUERY
                       ? is_parameter(carrier->name)
                       : ao2_directive_is_token(carrier->name);
        }
    }
    return 0;
}

/* Some refusals come before the location is known. */
static void note_query(cmd_parms *cmd, const ao2_carrier_t *carrier)
{
    ao2_server_t *server = ao2_server_of(cmd->server);

    if (carrier->kind == AO2_CARRIER_QUERY &&
        !ap_check_cmd_context(cmd, NOT_IN_HTACCESS)) {
        APR_ARRAY_PUSH(server->query_names, const char *) = carrier->name;
    }
}

/* A place looked at twice would find two credentials in it. */
static int is_named(const apr_array_header_t *carriers,
                    const ao2_carrier_t *carrier)
{
    int i;

    for (i = 0; i < carriers->nelts; i++) {
        if (ao2_carrier_same(&APR_ARRAY_IDX(carriers, i, ao2_carrier_t),
                             carrier)) {
            return 1;
        }
    }
    return 0;
}

const char *ao2_set_token_from(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    const char *error;
    ao2_dir_t *conf = dir;
    apr_array_header_t *carriers;
    int i;

    error = ao2_directive_list(cmd, argc, "one or more of header[:NAME], "
                                          "cookie:NAME, query:NAME, "
                                          "form:NAME");
    if (error) {
        return error;
    }
    carriers = apr_array_make(cmd->pool, argc, sizeof(ao2_carrier_t));
    for (i = 0; i < argc; i++) {
        ao2_carrier_t carrier;

        if (!parse_carrier(&carrier, apr_pstrdup(cmd->pool, argv[i]))) {
            return ao2_directive_bad(cmd, argv[i],
                                     "header, header:NAME, cookie:NAME, "
                                     "query:NAME or form:NAME");
        }
        if (carrier.kind == AO2_CARRIER_HEADER &&
            is_no_carrier(carrier.name)) {
            return ao2_directive_bad(cmd, argv[i], "the name of a header "
                                     "that has no other meaning");
        }
        if (is_named(carriers, &carrier)) {
            return ao2_directive_bad(cmd, argv[i], "each place once");
        }
        APR_ARRAY_PUSH(carriers, ao2_carrier_t) = carrier;
        note_query(cmd, &carrier);
    }
    conf->carriers = carriers;
    return NULL;
}

const char *ao2_set_pass_claim(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    ao2_dir_t *conf = dir;
    ao2_pass_t *pass;
    int is_header;

    if (argc != 3 || !argv[0][0]) {
        return ao2_directive_count(cmd, "CLAIM env NAME or CLAIM header NAME");
    }
    is_header = strcasecmp(argv[1], "header") == 0;
    if (!is_header && strcasecmp(argv[1], "env") != 0) {
        return ao2_directive_bad(cmd, argv[1], "env or header");
    }
    if (!ao2_directive_is_token(argv[2]) ||
        (is_header && (ao2_directive_is_reserved(argv[2]) ||
                       strcasecmp(argv[2], "Authorization") == 0))) {
        return ao2_directive_bad(cmd, argv[2],
                                 is_header ? "the name of a header of the "
                                             "application's own"
                                           : "the name of a variable");
    }
    if (is_header && ap_check_cmd_context(cmd, NOT_IN_HTACCESS)) {
        return apr_psprintf(cmd->pool, "%s: \"header\" is not allowed in "
                            ".htaccess: use env", cmd->cmd->name);
    }
    if (!conf->pass_claims) {
        conf->pass_claims = apr_array_make(cmd->pool, 4, sizeof(ao2_pass_t));
    }
    pass = apr_array_push(conf->pass_claims);
    pass->claim = apr_pstrdup(cmd->pool, argv[0]);
    pass->name = apr_pstrdup(cmd->pool, argv[2]);
    pass->is_header = is_header;
    if (is_header) {
        ao2_server_t *server = ao2_server_of(cmd->server);

        APR_ARRAY_PUSH(server->identity_headers, const char *) = pass->name;
    }
    return NULL;
}

const char *ao2_set_upstream_token(cmd_parms *cmd, void *dir, int argc,
                                   char *const argv[])
{
    ao2_dir_t *conf = dir;
    ao2_use_t use = {.kind = AO2_USE_UPSTREAM, .label = "ApiUpstreamToken"};

    if (argc != 1 || !argv[0][0]) {
        return ao2_directive_count(cmd, "the NAME of an <ApiUpstream>, or "
                                        "off");
    }
    if (strcasecmp(argv[0], "off") == 0) {
        conf->upstream = "";
        return NULL;
    }
    conf->upstream = apr_pstrdup(cmd->pool, argv[0]);
    use.name = conf->upstream;
    ao2_directive_note_use(cmd, &use);
    return NULL;
}

const char *ao2_set_error_body(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    static const char *const words[] = {"problem", "message", "fault",
                                        "none"};
    ao2_dir_t *conf = dir;
    int i;

    if (argc != 1) {
        return ao2_directive_count(cmd, "one of problem, message, fault, "
                                        "none");
    }
    for (i = AO2_BODY_PROBLEM; i <= AO2_BODY_NONE; i++) {
        if (strcasecmp(argv[0], words[i]) == 0) {
            conf->error_body = i;
            return NULL;
        }
    }
    return ao2_directive_bad(cmd, argv[0], "problem, message, fault or none");
}

const char *ao2_set_preflight(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[])
{
    ao2_dir_t *conf = dir;

    if (argc != 1) {
        return ao2_directive_count(cmd, "pass or protect");
    }
    if (strcasecmp(argv[0], "pass") == 0) {
        conf->preflight = AO2_PREFLIGHT_PASS;
        return NULL;
    }
    if (strcasecmp(argv[0], "protect") == 0) {
        conf->preflight = AO2_PREFLIGHT_PROTECT;
        return NULL;
    }
    return ao2_directive_bad(cmd, argv[0], "pass or protect");
}

/*
 * httpd gives a directive to every module that knows it. These two look on:
 * without any Require, mod_authz_core lets everybody in, and nothing else
 * tells that case from "Require all granted".
 */
const char *ao2_watch_require(cmd_parms *cmd, void *dir, const char *args)
{
    ao2_dir_t *conf = dir;

    (void)args;
    conf->required_methods |= cmd->limited;
    conf->has_require = 1;
    return NULL;
}

const char *ao2_watch_auth_type(cmd_parms *cmd, void *dir, const char *type)
{
    ao2_dir_t *conf = dir;

    (void)cmd;
    conf->is_bearer = strcasecmp(type, "Bearer") == 0;
    return NULL;
}
