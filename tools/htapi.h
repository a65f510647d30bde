/**
 * @file tools/htapi.h
 * What the commands of htapi share.
 *
 * A command line tool: one thread, one pool that lives as long as it runs.
 */
#ifndef AO2_TOOLS_HTAPI_H
#define AO2_TOOLS_HTAPI_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "core/keyset.h"

/** Exit statuses. */
enum { AO2_EXIT_DONE, AO2_EXIT_REFUSED, AO2_EXIT_USAGE };

/** A command line, taken apart. */
typedef struct {
    apr_pool_t *pool;
    const char *usage;          /**< of the command */
    apr_table_t *options;       /**< name without dashes -> values */
    apr_array_header_t *words;  /**< of const char *: the rest */
} ao2_line_t;

/**
 * Take a command line apart. Options may stand anywhere; "--" ends them.
 * @param known  names separated by spaces; "name=" takes a value,
 *               "name=*" may be repeated
 * @return AO2_EXIT_DONE, or AO2_EXIT_USAGE after saying what is wrong
 */
int ao2_line_parse(ao2_line_t *line, const char *known, int argc,
                   const char *const *argv);

/** The value of an option; NULL: not given. */
const char *ao2_line_option(const ao2_line_t *line, const char *name);

/**
 * The value of an option that takes a whole number from 0 to @a max; where
 * it is not given *pnumber is left as it is.
 * @return AO2_EXIT_DONE, or AO2_EXIT_USAGE after saying what is wrong
 */
int ao2_line_number(apr_int64_t *pnumber, const ao2_line_t *line,
                    const char *name, apr_int64_t max);

/** The values of a repeated option, of const char *. */
apr_array_header_t *ao2_line_all(const ao2_line_t *line, const char *name);

/** Say what is wrong with the call. @return AO2_EXIT_USAGE */
int ao2_line_wrong(const ao2_line_t *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Write a result and flush. @return AO2_EXIT_DONE or AO2_EXIT_USAGE */
int ao2_output(const void *bytes, apr_size_t length);

/**
 * Read a file, or standard input for "-", at most @a max bytes.
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_input_read(ao2_span_t *out, const char *path, apr_size_t max,
                          apr_pool_t *pool, ao2_fail_t *fail);

/**
 * Read keys: a JWK Set, a JWK or PEM.
 * @param secrets  whether "oct" keys count
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_input_keys(ao2_keyset_t **pset, const char *path,
                          ao2_purpose_t purpose, int secrets,
                          apr_pool_t *pool, ao2_fail_t *fail);

/* The commands: options and words without those that name the command. */
int ao2_registry_command_init(ao2_line_t *line, int argc,
                              const char *const *argv);
int ao2_registry_command_check(ao2_line_t *line, int argc,
                               const char *const *argv);
int ao2_registry_command_show(ao2_line_t *line, int argc,
                              const char *const *argv);
int ao2_registry_command_import(ao2_line_t *line, int argc,
                                const char *const *argv);
int ao2_plan_command_add(ao2_line_t *line, int argc, const char *const *argv);
int ao2_api_command_add(ao2_line_t *line, int argc, const char *const *argv);
int ao2_api_command_status(ao2_line_t *line, int argc,
                           const char *const *argv);
int ao2_app_command_add(ao2_line_t *line, int argc, const char *const *argv);
int ao2_app_command_client(ao2_line_t *line, int argc,
                           const char *const *argv);
int ao2_app_command_status(ao2_line_t *line, int argc,
                           const char *const *argv);
int ao2_subscribe_command(ao2_line_t *line, int argc,
                          const char *const *argv);
int ao2_subscription_command_block(ao2_line_t *line, int argc,
                                   const char *const *argv);
int ao2_subscription_command_activate(ao2_line_t *line, int argc,
                                      const char *const *argv);
int ao2_subscription_command_close(ao2_line_t *line, int argc,
                                   const char *const *argv);
int ao2_token_command_create(ao2_line_t *line, int argc,
                             const char *const *argv);
int ao2_token_command_list(ao2_line_t *line, int argc,
                           const char *const *argv);
int ao2_token_command_revoke(ao2_line_t *line, int argc,
                             const char *const *argv);
int ao2_token_command_rotate(ao2_line_t *line, int argc,
                             const char *const *argv);
int ao2_key_command_create(ao2_line_t *line, int argc,
                           const char *const *argv);
int ao2_key_command_public(ao2_line_t *line, int argc,
                           const char *const *argv);
int ao2_jwt_command_sign(ao2_line_t *line, int argc, const char *const *argv);
int ao2_jwt_command_verify(ao2_line_t *line, int argc,
                           const char *const *argv);

#endif
