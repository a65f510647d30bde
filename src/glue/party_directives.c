#include "glue/directive.h"
#include "glue/section.h"

#include <apr_file_info.h>
#include <apr_strings.h>

#include "base/text.h"

APLOG_USE_MODULE(api_oauth2);

const char *ao2_party_url(cmd_parms *cmd, void *dir, int argc,
                          char *const argv[])
{
    const char *error;
    ao2_section_t *section = ao2_section_of(cmd, &error);
    const char *at;

    (void)dir;
    if (!section) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "one URL");
    }
    for (at = argv[0]; *at; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f) {
            break;
        }
    }
    if (*at || at == argv[0]) {
        return ao2_directive_bad(cmd, argv[0], "the issuer's URL, exactly as "
                                               "in \"iss\"");
    }
    section->discovery->issuer_url = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

/* Whether URLs may be plain http is known at the section's end; that they
 * are URLs at all can be said here, with the line. */
static int is_url(const char *text)
{
    return !ao2_text_check_url(text, 1);
}

const char *ao2_party_metadata(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    const char *error;
    ao2_section_t *section = ao2_section_of(cmd, &error);

    (void)dir;
    if (!section) {
        return error;
    }
    if (argc != 1) {
        return ao2_directive_count(cmd, "auto, off or a URL");
    }
    section->metadata_off = strcasecmp(argv[0], "off") == 0;
    section->discovery->metadata_url = NULL;
    if (section->metadata_off || strcasecmp(argv[0], "auto") == 0) {
        return NULL;
    }
    if (!is_url(argv[0])) {
        return ao2_directive_bad(cmd, argv[0], "auto, off or a URL");
    }
    section->discovery->metadata_url = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

const char *ao2_party_timeout(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[])
{
    const char *error;
    ao2_section_t *section = ao2_section_of(cmd, &error);
    int i;

    (void)dir;
    if (!section) {
        return error;
    }
    error = ao2_directive_list(cmd, argc, "[connect=DURATION] "
                                          "[total=DURATION]");
    if (error) {
        return error;
    }
    for (i = 0; i < argc; i++) {
        const char *connect = ao2_directive_option(argv[i], "connect");
        const char *total = ao2_directive_option(argv[i], "total");
        apr_time_t value;

        if ((!connect && !total) ||
            !ao2_text_duration(&value, connect ? connect : total) ||
            value < apr_time_from_msec(1)) {
            return ao2_directive_bad(cmd, argv[i],
                                     "connect=DURATION and total=DURATION, "
                                     "at least 1ms each");
        }
        *(connect ? &section->way->connect_timeout
                  : &section->way->total_timeout) = value;
    }
    return NULL;
}

/* A path that must be there when httpd starts. */
static const char *tls_path(cmd_parms *cmd, const char **member,
                            const char *value, int may_be_folder)
{
    const char *path = *value ? ap_server_root_relative(cmd->pool, value)
                              : NULL;
    apr_finfo_t info;

    if (!path || apr_stat(&info, path, APR_FINFO_TYPE, cmd->temp_pool)
                     != APR_SUCCESS ||
        !(info.filetype == APR_REG ||
          (may_be_folder && info.filetype == APR_DIR))) {
        return ao2_directive_bad(cmd, value, may_be_folder
                                                 ? "a file or folder that is "
                                                   "there"
                                                 : "a file that is there");
    }
    *member = path;
    return NULL;
}

static const char *tls_option(cmd_parms *cmd, ao2_http_way_t *way,
                              const char *word)
{
    const char *ca = ao2_directive_option(word, "ca");
    const char *cert = ao2_directive_option(word, "cert");
    const char *key = ao2_directive_option(word, "key");
    const char *proxy = ao2_directive_option(word, "proxy");
    const char *verify = ao2_directive_option(word, "verify");

    if (ca) {
        return tls_path(cmd, &way->ca, ca, 1);
    }
    if (cert) {
        return tls_path(cmd, &way->cert, cert, 0);
    }
    if (key) {
        return tls_path(cmd, &way->key, key, 0);
    }
    if (proxy && is_url(proxy)) {
        way->proxy = apr_pstrdup(cmd->pool, proxy);
        return NULL;
    }
    if (verify &&
        (strcasecmp(verify, "on") == 0 || strcasecmp(verify, "off") == 0)) {
        way->verify = strcasecmp(verify, "on") == 0;
        return NULL;
    }
    return ao2_directive_bad(cmd, word, "ca=PATH, cert=PATH with key=PATH, "
                                        "verify=on, verify=off, proxy=URL");
}

const char *ao2_party_tls(cmd_parms *cmd, void *dir, int argc,
                          char *const argv[])
{
    const char *error;
    ao2_section_t *section = ao2_section_of(cmd, &error);
    int i;

    (void)dir;
    if (!section) {
        return error;
    }
    error = ao2_directive_list(cmd, argc, "[ca=PATH] [cert=PATH key=PATH] "
                                          "[verify=on|off] [proxy=URL]");
    for (i = 0; i < argc && !error; i++) {
        error = tls_option(cmd, section->way, argv[i]);
    }
    if (!error && !section->way->cert != !section->way->key) {
        error = ao2_directive_count(cmd, "cert= and key= together");
    }
    if (!error && !section->way->verify) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, cmd->server,
                     "ApiTLS verify=off in %s: whoever is in between can "
                     "hand out keys and tokens, and read secrets",
                     section->label);
    }
    return error;
}

const char *ao2_party_flag(cmd_parms *cmd, void *dir, int argc,
                           char *const argv[])
{
    const char *error;
    ao2_section_t *section = ao2_section_of(cmd, &error);

    (void)dir;
    return section ? ao2_set_flag(cmd, section->discovery, argc, argv)
                   : error;
}
