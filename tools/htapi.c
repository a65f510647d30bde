#include "tools/htapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#define VERSION "0.1.0"

typedef int command_fn(ao2_line_t *line, int argc, const char *const *argv);

typedef struct {
    const char *group;
    const char *name; /* NULL: the group is all of the command */
    const char *usage;
    command_fn *run;
} command_t;

#define AT "--registry REGISTRY "

static const command_t commands[] = {
    {"registry", "init", "htapi registry init " AT,
     ao2_registry_command_init},
    {"registry", "check", "htapi registry check FILE|- | " AT "[--json]",
     ao2_registry_command_check},
    {"registry", "show", "htapi registry show " AT "[--json]",
     ao2_registry_command_show},
    {"registry", "import", "htapi registry import " AT "[--json] FILE|-",
     ao2_registry_command_import},
    {"plan", "add", "htapi plan add " AT "[--json] NAME "
     "[--limit REQUESTS/WINDOW[:BURST] ...]", ao2_plan_command_add},
    {"api", "add", "htapi api add " AT "[--json] NAME [VERSION]",
     ao2_api_command_add},
    {"api", "status", "htapi api status " AT "[--json] NAME [VERSION] "
     "published|deprecated|blocked|retired [--deprecation TIME] "
     "[--sunset TIME]", ao2_api_command_status},
    {"app", "add", "htapi app add " AT "[--json] ID [--name NAME] "
     "[--owner OWNER] [--token-format any|jwt|opaque]", ao2_app_command_add},
    {"app", "client", "htapi app client " AT "[--json] ID --issuer I "
     "--client-id C [--key-type production|sandbox]", ao2_app_command_client},
    {"app", "status", "htapi app status " AT "[--json] ID active|blocked",
     ao2_app_command_status},
    {"subscribe", NULL, "htapi subscribe " AT "[--json] APP API [VERSION] "
     "[--plan PLAN] [--starts TIME] [--expires TIME]", ao2_subscribe_command},
    {"subscription", "block", "htapi subscription block " AT "[--json] "
     "[--production] APP API [VERSION]", ao2_subscription_command_block},
    {"subscription", "activate", "htapi subscription activate " AT
     "[--json] APP API [VERSION]", ao2_subscription_command_activate},
    {"subscription", "close", "htapi subscription close " AT "[--json] "
     "APP API [VERSION]", ao2_subscription_command_close},
    {"token", "create", "htapi token create " AT "[--json] APP "
     "[--scope S ...] [--expires TIME] [--not-before TIME] [--ip CIDR ...] "
     "[--key-type production|sandbox]", ao2_token_command_create},
    {"token", "list", "htapi token list " AT "[--json] APP",
     ao2_token_command_list},
    {"token", "revoke", "htapi token revoke " AT "[--json] APP TOKEN-ID",
     ao2_token_command_revoke},
    {"token", "rotate", "htapi token rotate " AT "[--json] APP TOKEN-ID "
     "[--grace TIME] [--expires TIME]", ao2_token_command_rotate},
    {"key", "create", "htapi key create --alg ALG [--kid ID] [--bits N]",
     ao2_key_command_create},
    {"key", "public", "htapi key public FILE|-", ao2_key_command_public},
    {"jwt", "sign",
     "htapi jwt sign --key FILE|- [--alg ALG] [--claim NAME=VALUE ...] "
     "[--ttl DURATION] [--typ TYPE] [--now EPOCH]",
     ao2_jwt_command_sign},
    {"jwt", "verify",
     "htapi jwt verify --jwks FILE [--secret FILE] [--issuer I] "
     "[--audience A ...] [--alg ALG ...] [--type T ...] [--skew DURATION] "
     "[--now EPOCH] [--signature-only] TOKEN|-",
     ao2_jwt_command_verify},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* The options of all commands that take no value. */
static const char *const flags[] = {"--json", "--production",
                                    "--signature-only"};

/* @param group  NULL: all of them */
static void print_usage(FILE *out, const char *group)
{
    int count = 0;
    size_t i;

    for (i = 0; i < COMMANDS; i++) {
        if (!group || strcmp(group, commands[i].group) == 0) {
            fprintf(out, "%s %s\n", count++ ? "      " : "usage:",
                    commands[i].usage);
        }
    }
    fputs("REGISTRY is file:PATH, sqlite3:PATH or pgsql:PARAMS\n", out);
}

static int is_flag(const char *word)
{
    size_t i;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(word, flags[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The next word from @a at on that is no option and no value of one; argc
 * when there is none. */
static int next_word(int at, int argc, const char *const *argv)
{
    while (at < argc && argv[at][0] == '-' && argv[at][1]) {
        at += is_flag(argv[at]) || strchr(argv[at], '=') ? 1 : 2;
    }
    return at < argc ? at : argc;
}

static const command_t *find(const char *group, const char *name)
{
    size_t i;

    for (i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].group, group) == 0 &&
            (!commands[i].name ||
             (name && strcmp(commands[i].name, name) == 0))) {
            return &commands[i];
        }
    }
    return NULL;
}

static int is_group(const char *word)
{
    size_t i;

    for (i = 0; i < COMMANDS && strcmp(commands[i].group, word) != 0; i++) {
    }
    return i < COMMANDS;
}

/* Options may stand before the words of the command, too. */
static int dispatch(ao2_line_t *line, int argc, const char *const *argv)
{
    const char **rest = apr_pcalloc(line->pool, ((apr_size_t)argc + 1) *
                                                    sizeof(*rest));
    int group = next_word(1, argc, argv);
    int name = next_word(group + 1, argc, argv);
    const command_t *command = group < argc
                                   ? find(argv[group], argv[name])
                                   : NULL;
    int count = 0;
    int i;

    if (!command) {
        print_usage(stderr, group < argc && is_group(argv[group])
                                ? argv[group]
                                : NULL);
        return AO2_EXIT_USAGE;
    }
    for (i = 1; i < argc; i++) {
        if (i != group && (i != name || !command->name)) {
            rest[count++] = argv[i];
        }
    }
    line->usage = command->usage;
    return command->run(line, count, rest);
}

static int run(int argc, const char *const *argv, apr_pool_t *pool)
{
    ao2_line_t line = {pool, NULL, NULL, NULL};

    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        return ao2_output("htapi " VERSION "\n", strlen("htapi " VERSION)
                                                     + 1);
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout, NULL);
        return AO2_EXIT_DONE;
    }
    return dispatch(&line, argc, argv);
}

int main(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    int status;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS) {
        return AO2_EXIT_USAGE;
    }
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    status = run(argc, argv, pool);
    apr_pool_destroy(pool);
    return status;
}
