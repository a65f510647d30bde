#include "glue/caches.h"
#include "glue/directive.h"

#include <http_main.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "adapter/secret.h"
#include "base/text.h"

APLOG_USE_MODULE(api_oauth2);

/* As long as an AES-128 key: what can be guessed protects nothing. */
#define SHORTEST_SECRET 16

#define ALLOWED "none, shmcb, shmcb:PATH(SIZE) with a SIZE of 64K or more, " \
    "redis:HOST:PORT, or PROVIDER:ARGS"

#define REDIS_TIMEOUT apr_time_from_msec(100)
#define LONGEST_TIMEOUT apr_time_from_sec(10)
#define MOST_HOSTS 16
#define MOST_DBS 65536

/* The name in front of the first colon, where it may be one. */
static const char *provider_name(apr_pool_t *pool, const char *word)
{
    size_t length = strcspn(word, ":");
    size_t i;

    for (i = 0; i < length; i++) {
        if (!apr_isalnum(word[i]) && word[i] != '_' && word[i] != '-') {
            return NULL;
        }
    }
    return length ? apr_pstrmemdup(pool, word, length) : NULL;
}

/* What looks like a size, and would be taken for the name of a file. */
static int is_bare_size(const char *args)
{
    apr_int64_t bytes;

    return args && ao2_text_size(&bytes, args);
}

static const char *set_shmcb(cmd_parms *cmd, ao2_cache_choice_t *choice,
                             const char *word)
{
    choice->provider = "shmcb";
    if (is_bare_size(choice->args)) {
        return ao2_directive_bad(cmd, word,
                                 apr_psprintf(cmd->temp_pool, "a SIZE stands "
                                              "in parentheses: shmcb:(%s)",
                                              choice->args));
    }
    choice->args = ao2_caches_shmcb_args(choice->args ? choice->args : "",
                                         cmd->pool);
    return choice->args ? NULL : ao2_directive_bad(cmd, word, ALLOWED);
}

static const char *set_socache(cmd_parms *cmd, ao2_cache_choice_t *choice,
                               int argc, char *const argv[])
{
    const char *colon = strchr(argv[0], ':');

    if (argc > 1) {
        return ao2_directive_bad(cmd, argv[1], "nothing follows this cache");
    }
    choice->kind = AO2_CACHE_SOCACHE;
    choice->args = colon && colon[1] ? apr_pstrdup(cmd->pool, colon + 1)
                                     : NULL;
    return strcasecmp(choice->provider, "shmcb") == 0
               ? set_shmcb(cmd, choice, argv[0])
               : NULL;
}

/* HOST:PORT, with or without redis: in front of it. */
static const char *add_host(cmd_parms *cmd, ao2_redis_target_t *target,
                            apr_array_header_t *hosts, const char *word)
{
    const char *text = strncmp(word, "redis:", 6) == 0 ? word + 6 : word;
    ao2_redis_host_t *host = apr_array_push(hosts);
    char *scope;
    char *name;
    apr_port_t port;

    if (apr_parse_addr_port(&name, &scope, &port, text, cmd->pool)
            != APR_SUCCESS ||
        !name || scope || !port || strlen(name) > AO2_MAX_NAME ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789.-_:") != strlen(name) ||
        hosts->nelts > MOST_HOSTS) {
        /* What others write in front of an @ may be a password. */
        return ao2_directive_bad(cmd, strchr(word, '@') ? "..." : word,
                                 "redis:HOST:PORT, up to 16 times");
    }
    host->name = name;
    host->port = port;
    target->hosts = hosts;
    return NULL;
}

static const char *set_password(cmd_parms *cmd, ao2_redis_target_t *target,
                                const char *source)
{
    const char *warning;
    ao2_fail_t fail = {0};

    if (ao2_secret_read(&target->password, &warning, source, ap_server_root,
                        cmd->pool, &fail) != AO2_OK) {
        return apr_psprintf(cmd->pool, "%s: password=: %s", cmd->cmd->name,
                            fail.detail);
    }
    if (warning) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, cmd->server,
                     "ApiCache redis: password=: %s", warning);
    }
    return NULL;
}

/* A whole number in decimal digits, below @a limit. */
static int read_number(int *number, const char *text, int limit)
{
    *number = 0;
    do {
        if (!apr_isdigit(*text)) {
            return 0;
        }
        *number = *number * 10 + (*text - '0');
        text++;
    } while (*text && *number < limit);
    return *number < limit;
}

/* What the options say, before it is known how they fit together. */
typedef struct {
    int tls;
    ao2_tls_files_t files;
} redis_options_t;

/* The value of a word that nobody knows may be a password. */
static const char *option_error(const cmd_parms *cmd, const char *word,
                                int is_known)
{
    const char *shown = is_known ? word
                                 : apr_psprintf(cmd->temp_pool, "%.*s=...",
                                                (int)strcspn(word, "="),
                                                word);

    return ao2_directive_bad(cmd, shown, "redis:HOST:PORT, user=NAME, "
                             "password=SOURCE, db=0..65535, tls=on, tls=off, "
                             "ca=PATH, cert=PATH, key=PATH, "
                             "timeout=1ms..10s");
}

/* Whether a word names a file. */
static int set_file(cmd_parms *cmd, ao2_tls_files_t *files, const char *word)
{
    static const struct {
        const char *name;
        apr_size_t member;
    } options[] = {{"ca", offsetof(ao2_tls_files_t, ca)},
                   {"cert", offsetof(ao2_tls_files_t, cert)},
                   {"key", offsetof(ao2_tls_files_t, key)}};
    apr_size_t i;

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *path = ao2_directive_option(word, options[i].name);

        if (path && *path) {
            *(const char **)((char *)files + options[i].member) =
                ap_server_root_relative(cmd->pool, path);
            return 1;
        }
    }
    return 0;
}

static const char *set_option(cmd_parms *cmd, ao2_redis_target_t *target,
                              redis_options_t *options, const char *word)
{
    const char *user = ao2_directive_option(word, "user");
    const char *password = ao2_directive_option(word, "password");
    const char *db = ao2_directive_option(word, "db");
    const char *tls = ao2_directive_option(word, "tls");
    const char *timeout = ao2_directive_option(word, "timeout");

    if (password && *password) {
        return set_password(cmd, target, password);
    }
    if (set_file(cmd, &options->files, word)) {
        return NULL;
    }
    if (user && *user) {
        target->user = apr_pstrdup(cmd->pool, user);
    }
    else if (tls && (strcasecmp(tls, "on") == 0 ||
                     strcasecmp(tls, "off") == 0)) {
        options->tls = strcasecmp(tls, "on") == 0;
    }
    else if (!(db && read_number(&target->db, db, MOST_DBS)) &&
             !(timeout && ao2_text_duration(&target->timeout, timeout) &&
               target->timeout >= apr_time_from_msec(1) &&
               target->timeout <= LONGEST_TIMEOUT)) {
        return option_error(cmd, word, user || tls || db || timeout);
    }
    return NULL;
}

static const char *fit_options(cmd_parms *cmd, ao2_redis_target_t *target,
                               const redis_options_t *options)
{
    const ao2_tls_files_t *files = &options->files;
    ao2_tls_t *tls;
    ao2_fail_t fail = {0};

    if (target->user && !target->password.ptr) {
        return ao2_directive_count(cmd, "password= where it takes user=");
    }
    if (!files->cert != !files->key) {
        return ao2_directive_count(cmd, "cert= and key= together");
    }
    if (!options->tls) {
        return files->ca || files->cert
                   ? ao2_directive_count(cmd, "tls=on where it takes ca= or "
                                              "cert=")
                   : NULL;
    }
    if (ao2_tls_make(&tls, files, cmd->pool, &fail) != AO2_OK) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, fail.detail);
    }
    target->tls = tls;
    return NULL;
}

static const char *set_redis(cmd_parms *cmd, ao2_cache_choice_t *choice,
                             int argc, char *const argv[])
{
    apr_array_header_t *hosts = apr_array_make(cmd->pool, 2,
                                               sizeof(ao2_redis_host_t));
    redis_options_t options = {0};
    const char *error;
    int i;

    if (!ao2_redis_is_built()) {
        return apr_psprintf(cmd->pool, "%s: redis is not available: the "
                            "module was built without hiredis",
                            cmd->cmd->name);
    }
    choice->kind = AO2_CACHE_REDIS;
    choice->redis.timeout = REDIS_TIMEOUT;
    error = add_host(cmd, &choice->redis, hosts, argv[0]);
    for (i = 1; i < argc && !error; i++) {
        error = strchr(argv[i], '=')
                    ? set_option(cmd, &choice->redis, &options, argv[i])
                    : add_host(cmd, &choice->redis, hosts, argv[i]);
    }
    return error ? error : fit_options(cmd, &choice->redis, &options);
}

const char *ao2_set_cache(cmd_parms *cmd, void *dir, int argc,
                          char *const argv[])
{
    ao2_cache_choice_t *choice = apr_pcalloc(cmd->pool, sizeof(*choice));
    const char *error = NULL;

    (void)dir;
    if (argc < 1) {
        return ao2_directive_count(cmd, ALLOWED);
    }
    choice->file = cmd->directive->filename;
    choice->line = cmd->directive->line_num;
    choice->provider = provider_name(cmd->pool, argv[0]);
    if (!choice->provider) {
        return ao2_directive_bad(cmd, argv[0], ALLOWED);
    }
    if (strcmp(choice->provider, "redis") == 0) {
        error = set_redis(cmd, choice, argc, argv);
    }
    else if (strcasecmp(argv[0], "none") != 0) {
        error = set_socache(cmd, choice, argc, argv);
    }
    else if (argc > 1) {
        error = ao2_directive_bad(cmd, argv[1], "nothing follows none");
    }
    if (!error) {
        ao2_server_of(cmd->server)->cache = choice;
    }
    return error;
}

const char *ao2_set_cache_secret(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[])
{
    ao2_span_t *secret = apr_palloc(cmd->pool, sizeof(*secret));
    const char *warning;
    ao2_fail_t fail = {0};

    (void)dir;
    if (argc != 1) {
        return ao2_directive_count(cmd, "file:PATH, env:NAME, exec:COMMAND "
                                        "or the secret itself");
    }
    if (ao2_secret_read(secret, &warning, argv[0], ap_server_root, cmd->pool,
                        &fail) != AO2_OK) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, fail.detail);
    }
    if (secret->len < SHORTEST_SECRET) {
        return apr_psprintf(cmd->pool, "%s: the secret has %d bytes: at "
                            "least %d are needed", cmd->cmd->name,
                            (int)secret->len, SHORTEST_SECRET);
    }
    if (warning) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, cmd->server,
                     "ApiCacheSecret: %s", warning);
    }
    ao2_server_of(cmd->server)->cache_secret = secret;
    return NULL;
}
