#include "glue/section.h"

#include <apr_strings.h>

#include "base/text.h"
#include "glue/directive.h"

APLOG_USE_MODULE(api_oauth2);

#define CONNECT_TIMEOUT apr_time_from_sec(2)
#define TOTAL_TIMEOUT apr_time_from_sec(5)
#define METADATA_TTL apr_time_from_sec(60 * 60)

const char *ao2_section_word(ao2_section_kind_t kind)
{
    return kind == AO2_SECTION_ISSUER ? "ApiIssuer" : "ApiUpstream";
}

static int is_name(const char *text)
{
    const char *at;

    for (at = text; *at; at++) {
        if ((unsigned char)*at <= ' ' || *at == '"' || *at == '>' ||
            (unsigned char)*at == 0x7f) {
            return 0;
        }
    }
    return at > text;
}

static const char *read_name(cmd_parms *cmd, const char *args)
{
    const char *end = strrchr(args, '>');
    const char *rest;
    const char *text;

    if (!end || end[1]) {
        return NULL;
    }
    rest = apr_pstrmemdup(cmd->temp_pool, args, (apr_size_t)(end - args));
    text = ap_getword_conf(cmd->pool, &rest);
    return is_name(text) && !*rest ? text : NULL;
}

static const char *check_inside(cmd_parms *cmd, ao2_section_kind_t kind)
{
    const ap_directive_t *at;

    for (at = cmd->directive->first_child; at; at = at->next) {
        if (!ao2_directive_is_inner(at->directive)) {
            cmd->err_directive = at;
            return apr_psprintf(cmd->pool, "%s is not allowed inside <%s>",
                                at->directive, ao2_section_word(kind));
        }
    }
    return NULL;
}

const char *ao2_section_begin(const char **name, cmd_parms *cmd,
                              const char *args, ao2_section_kind_t kind,
                              apr_hash_t *objects)
{
    const char *word = ao2_section_word(kind);
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);

    if (error) {
        return error;
    }
    *name = read_name(cmd, args);
    if (!*name) {
        return apr_psprintf(cmd->pool, "<%s NAME> takes one name, without "
                            "spaces, quotes or controls", word);
    }
    if (apr_hash_get(objects, *name, APR_HASH_KEY_STRING)) {
        return apr_psprintf(cmd->pool, "<%s %s> stands here twice: names are "
                            "unique in a server", word, *name);
    }
    return check_inside(cmd, kind);
}

void ao2_section_init(ao2_section_t *section, ao2_section_kind_t kind,
                      const char *name, apr_pool_t *pool)
{
    section->kind = kind;
    section->name = name;
    section->label = apr_psprintf(pool, "<%s %s>", ao2_section_word(kind),
                                  name);
    section->way->connect_timeout = CONNECT_TIMEOUT;
    section->way->total_timeout = TOTAL_TIMEOUT;
    section->way->verify = 1;
    section->discovery->ttl = METADATA_TTL;
}

const char *ao2_section_read(ao2_section_t *section, cmd_parms *cmd)
{
    ao2_server_t *server = ao2_server_of(cmd->server);
    const char *error;

    server->open = section;
    error = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    server->open = NULL;
    return error;
}

ao2_section_t *ao2_section_of(const cmd_parms *cmd, const char **error)
{
    ao2_section_t *section = ao2_server_of(cmd->server)->open;

    *error = section ? NULL
                     : apr_psprintf(cmd->pool, "%s is only allowed inside "
                                    "<ApiIssuer NAME> and <ApiUpstream NAME>",
                                    cmd->cmd->name);
    return section;
}

ao2_section_t *ao2_section_of_kind(const cmd_parms *cmd,
                                   ao2_section_kind_t kind,
                                   const char **error)
{
    ao2_section_t *section = ao2_server_of(cmd->server)->open;

    if (section && section->kind == kind) {
        *error = NULL;
        return section;
    }
    *error = apr_psprintf(cmd->pool, "%s is only allowed inside <%s NAME>",
                          cmd->cmd->name, ao2_section_word(kind));
    return NULL;
}

const char *ao2_section_error(const ao2_section_t *section,
                              const cmd_parms *cmd, const char *text)
{
    return apr_psprintf(cmd->pool, "%s: %s", section->label, text);
}

/* Loopback addresses need no permission: nobody is in between. */
static void warn_of_http(const ao2_section_t *section, const cmd_parms *cmd,
                         const char *directive, const char *url)
{
    if (ao2_text_check_url(url, 0)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, cmd->server,
                     "%s in %s is an http URL: whoever is in between can "
                     "read what is sent and make up the answers", directive,
                     section->label);
    }
}

const char *ao2_section_check_url(const ao2_section_t *section,
                                  const cmd_parms *cmd, const char *directive,
                                  const char *url)
{
    const char *wrong = ao2_text_check_url(url,
                                           section->discovery->allow_http);

    if (!wrong) {
        warn_of_http(section, cmd, directive, url);
        return NULL;
    }
    return ao2_section_error(section, cmd,
                             apr_psprintf(cmd->temp_pool, "%s \"%s\" %s",
                                          directive,
                                          ao2_text_for_log(ao2_span(url), 200,
                                                           cmd->temp_pool),
                                          wrong));
}

const char *ao2_section_check(const ao2_section_t *section,
                              const cmd_parms *cmd)
{
    const ao2_http_way_t *way = section->way;

    if (section->auth->method == AO2_AUTH_TLS && !way->cert) {
        return ao2_section_error(section, cmd, "ApiClientAuth "
                                 "tls_client_auth needs cert= and key= of "
                                 "ApiTLS");
    }
    if (way->connect_timeout > way->total_timeout) {
        return ao2_section_error(section, cmd, "ApiTimeout: connect= is "
                                 "longer than total=");
    }
    return section->discovery->metadata_url
               ? ao2_section_check_url(section, cmd, "ApiMetadata",
                                       section->discovery->metadata_url)
               : NULL;
}
