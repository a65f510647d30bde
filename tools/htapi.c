#include "tools/htapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#define VERSION "0.1.0"

static const struct {
    const char *group;
    const char *name;
    const char *usage;
    int (*run)(ao2_line_t *line, int argc, const char *const *argv);
} commands[] = {
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

static void print_usage(FILE *out)
{
    size_t i;

    for (i = 0; i < COMMANDS; i++) {
        fprintf(out, "%s %s\n", i ? "      " : "usage:", commands[i].usage);
    }
}

static int run(int argc, const char *const *argv, apr_pool_t *pool)
{
    ao2_line_t line = {pool, NULL, NULL, NULL};
    size_t i;

    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        return ao2_output("htapi " VERSION "\n", strlen("htapi " VERSION)
                                                     + 1);
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return AO2_EXIT_DONE;
    }
    for (i = 0; argc > 2 && i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].group) == 0 &&
            strcmp(argv[2], commands[i].name) == 0) {
            line.usage = commands[i].usage;
            return commands[i].run(&line, argc - 3, argv + 3);
        }
    }
    print_usage(stderr);
    return AO2_EXIT_USAGE;
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
