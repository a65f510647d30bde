#include "tools/htapi.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

int ao2_line_wrong(const ao2_line_t *line, const char *format, ...)
{
    va_list args;

    fputs("htapi: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nusage: %s\n", line->usage);
    return AO2_EXIT_USAGE;
}

/* What stands behind @a name in the list of known options; NULL: unknown. */
static const char *find(const char *known, const char *name, size_t length)
{
    known += strspn(known, " ");
    while (*known) {
        size_t word = strcspn(known, " =");

        if (word == length && strncmp(known, name, length) == 0) {
            return known + word;
        }
        known += strcspn(known, " ");
        known += strspn(known, " ");
    }
    return NULL;
}

/* One option; *pat may move on to its value. */
static int take_option(ao2_line_t *line, const char *known, int argc,
                       const char *const *argv, int *pat)
{
    const char *name = argv[*pat] + 2;
    size_t length = strcspn(name, "=");
    const char *kind = find(known, name, length);
    const char *key = apr_pstrmemdup(line->pool, name, length);
    const char *value = name[length] ? name + length + 1 : NULL;
    int takes = kind && *kind == '=';

    if (!kind) {
        return ao2_line_wrong(line, "unknown option --%s", key);
    }
    if (!takes && value) {
        return ao2_line_wrong(line, "--%s takes no value", key);
    }
    if (takes && !value) {
        if (*pat + 1 >= argc) {
            return ao2_line_wrong(line, "--%s takes a value", key);
        }
        value = argv[++*pat];
    }
    if (apr_table_get(line->options, key) && (!takes || kind[1] != '*')) {
        return ao2_line_wrong(line, "--%s is given twice", key);
    }
    apr_table_addn(line->options, key, takes ? value : "");
    return AO2_EXIT_DONE;
}

int ao2_line_parse(ao2_line_t *line, const char *known, int argc,
                   const char *const *argv)
{
    int ended = 0;
    int at;

    line->options = apr_table_make(line->pool, 8);
    line->words = apr_array_make(line->pool, 4, sizeof(char *));
    for (at = 0; at < argc; at++) {
        if (!ended && strcmp(argv[at], "--") == 0) {
            ended = 1;
        }
        else if (!ended && strncmp(argv[at], "--", 2) == 0) {
            int status = take_option(line, known, argc, argv, &at);

            if (status != AO2_EXIT_DONE) {
                return status;
            }
        }
        else if (!ended && argv[at][0] == '-' && argv[at][1]) {
            return ao2_line_wrong(line, "unknown option %s", argv[at]);
        }
        else {
            APR_ARRAY_PUSH(line->words, const char *) = argv[at];
        }
    }
    return AO2_EXIT_DONE;
}

const char *ao2_line_option(const ao2_line_t *line, const char *name)
{
    return apr_table_get(line->options, name);
}

int ao2_line_number(apr_int64_t *pnumber, const ao2_line_t *line,
                    const char *name, apr_int64_t max)
{
    const char *text = ao2_line_option(line, name);
    apr_int64_t number;
    char *end;

    if (!text) {
        return AO2_EXIT_DONE;
    }
    errno = 0;
    number = apr_strtoi64(text, &end, 10);
    if (!apr_isdigit(text[0]) || *end || errno != 0 || number > max) {
        return ao2_line_wrong(line, "--%s takes a number from 0 to %"
                              APR_INT64_T_FMT, name, max);
    }
    *pnumber = number;
    return AO2_EXIT_DONE;
}

static int collect(void *array, const char *key, const char *value)
{
    (void)key;
    APR_ARRAY_PUSH((apr_array_header_t *)array, const char *) = value;
    return 1;
}

apr_array_header_t *ao2_line_all(const ao2_line_t *line, const char *name)
{
    apr_array_header_t *all = apr_array_make(line->pool, 4, sizeof(char *));

    apr_table_do(collect, all, line->options, name, NULL);
    return all;
}

int ao2_output(const void *bytes, apr_size_t length)
{
    if (fwrite(bytes, 1, length, stdout) != length || fflush(stdout) != 0) {
        fputs("htapi: the result cannot be written\n", stderr);
        return AO2_EXIT_USAGE;
    }
    return AO2_EXIT_DONE;
}
