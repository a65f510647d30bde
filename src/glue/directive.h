/**
 * @file glue/directive.h
 * What the directive handlers share.
 *
 * Layer glue. Called while the configuration (or a .htaccess) is read.
 */
#ifndef AO2_GLUE_DIRECTIVE_H
#define AO2_GLUE_DIRECTIVE_H

#include "glue/config.h"

/**
 * The sentence for a wrong value: names directive, value (escaped) and what
 * is allowed.
 */
const char *ao2_directive_bad(const cmd_parms *cmd, const char *value,
                              const char *allowed);

/** The sentence for a directive with too few or too many arguments. */
const char *ao2_directive_count(const cmd_parms *cmd, const char *wanted);

/**
 * For a directive that takes a list of words. httpd hands over the first 64
 * and drops the rest without a word: so many are refused.
 * @return NULL, or the sentence for none or too many
 */
const char *ao2_directive_list(const cmd_parms *cmd, int argc,
                               const char *wanted);

/** Whether the directive @a name belongs inside of <ApiIssuer> or
 *  <ApiUpstream>. */
int ao2_directive_is_inner(const char *name);

/** "NAME=value": the value where @a word starts with @a name and '=', else
 *  NULL. */
const char *ao2_directive_option(const char *word, const char *name);

/** What follows "file:", below ServerRoot where it is relative; NULL when
 *  @a word is something else. */
const char *ao2_directive_path(const cmd_parms *cmd, const char *word);

/**
 * Note what a line needs; configtest tells where that is not there. Lines of
 * a .htaccess are not noted: the request that reads it is told.
 * @param use  copied but for what it points to; file and line are filled in
 */
void ao2_directive_note_use(const cmd_parms *cmd, const ao2_use_t *use);

/** A copy of the words as an array of const char *. */
apr_array_header_t *ao2_directive_words(apr_pool_t *pool, int argc,
                                        char *const argv[]);

/** Whether @a text is a token (RFC 9110 section 5.6.2): what a field or
 *  cookie may be named. */
int ao2_directive_is_token(const char *text);

/** Whether @a text is printable ASCII, one character at least. */
int ao2_directive_is_printable(const char *text);

/** Whether @a name may be one of the fields @a names to a backend.
 *  @param names  ended by NULL */
int ao2_directive_is_one_of(const char *const *names, const char *name);

/** Whether the field @a name means something to httpd or to the message
 *  itself: a claim must not take it over, and a credential, which is taken
 *  out of the request or put in, not stand there. */
int ao2_directive_is_reserved(const char *name);

/** For a directive NAME VALUE that adds a parameter to a request.
 *  @param ours  names that are ours to set, ended by NULL
 *  @return NULL, or a sentence for configtest */
const char *ao2_directive_param(apr_array_header_t *params,
                                const cmd_parms *cmd, int argc,
                                char *const argv[], const char *const *ours);

/* The handlers of the location's directives (dir_directives.c). */
const char *ao2_set_accept(cmd_parms *cmd, void *dir, int argc,
                           char *const argv[]);
const char *ao2_set_audience(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[]);
const char *ao2_set_token_from(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);
const char *ao2_set_pass_claim(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);
const char *ao2_set_upstream_token(cmd_parms *cmd, void *dir, int argc,
                                   char *const argv[]);
const char *ao2_set_error_body(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);
const char *ao2_set_preflight(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[]);
/** For the On|Off settings; cmd->info is the member's offset. */
const char *ao2_set_flag(cmd_parms *cmd, void *dir, int argc,
                         char *const argv[]);
/* These watch directives of others, who handle them as well. */
const char *ao2_watch_require(cmd_parms *cmd, void *dir, const char *args);
const char *ao2_watch_auth_type(cmd_parms *cmd, void *dir, const char *type);
/** cmd->info is the offset of the server's member. */
const char *ao2_watch_dbd(cmd_parms *cmd, void *dir, const char *value);
const char *ao2_watch_dbd_first(cmd_parms *cmd, void *dir, const char *value);

const char *ao2_set_api_name(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[]);
const char *ao2_set_subscription(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[]);

/** A name and, with @a argc 2, a version. @return NULL, or what is wrong */
const char *ao2_directive_api(const ao2_api_name_t **papi, apr_pool_t *pool,
                              int argc, const char *const *argv);

/* The handlers of the server's objects (server_directives.c,
 * registry_directives.c). */
const char *ao2_set_registry(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[]);
const char *ao2_set_registry_ttl(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[]);
const char *ao2_set_token_cache(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[]);
const char *ao2_set_metrics_clients(cmd_parms *cmd, void *dir, int argc,
                                    char *const argv[]);
const char *ao2_set_revocations(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[]);

/* The handlers of the server's caches (cache_directives.c). */
const char *ao2_set_cache(cmd_parms *cmd, void *dir, int argc,
                          char *const argv[]);
const char *ao2_set_cache_secret(cmd_parms *cmd, void *dir, int argc,
                                 char *const argv[]);

/* The handlers of <ApiIssuer> and what stands inside
 * (issuer_section.c, issuer_directives.c). */
const char *ao2_open_issuer(cmd_parms *cmd, void *dir, const char *args);
const char *ao2_issuer_jwks(cmd_parms *cmd, void *dir, int argc,
                            char *const argv[]);
const char *ao2_issuer_public_key(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[]);
const char *ao2_issuer_shared_secret(cmd_parms *cmd, void *dir, int argc,
                                     char *const argv[]);
const char *ao2_issuer_algorithms(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[]);
const char *ao2_issuer_token_format(cmd_parms *cmd, void *dir, int argc,
                                    char *const argv[]);
const char *ao2_issuer_require_type(cmd_parms *cmd, void *dir, int argc,
                                    char *const argv[]);
const char *ao2_issuer_claims(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[]);
const char *ao2_issuer_duration(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[]);
const char *ao2_issuer_flag(cmd_parms *cmd, void *dir, int argc,
                            char *const argv[]);
const char *ao2_issuer_introspection(cmd_parms *cmd, void *dir, int argc,
                                     char *const argv[]);
const char *ao2_issuer_param(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[]);
const char *ao2_issuer_concurrency(cmd_parms *cmd, void *dir, int argc,
                                   char *const argv[]);

/** The lists of ao2_upstream_words(), as cmd->info. */
enum { AO2_LIST_SCOPES, AO2_LIST_AUDIENCES, AO2_LIST_RESOURCES };

/* The handlers of <ApiUpstream> and what stands inside (upstream_section.c,
 * upstream_directives.c, upstream_grant.c). */
const char *ao2_open_upstream(cmd_parms *cmd, void *dir, const char *args);
const char *ao2_upstream_origin(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[]);
const char *ao2_upstream_endpoint(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[]);
const char *ao2_upstream_grant(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);
const char *ao2_upstream_words(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);
const char *ao2_upstream_param(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);
const char *ao2_upstream_request_header(cmd_parms *cmd, void *dir, int argc,
                                        char *const argv[]);
const char *ao2_upstream_header(cmd_parms *cmd, void *dir, int argc,
                                char *const argv[]);
const char *ao2_upstream_refresh_at(cmd_parms *cmd, void *dir, int argc,
                                    char *const argv[]);
const char *ao2_upstream_lifetime(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[]);
const char *ao2_upstream_retry(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);

/* The handlers of what stands inside of both sections (party_directives.c,
 * client_auth.c). */
const char *ao2_party_url(cmd_parms *cmd, void *dir, int argc,
                          char *const argv[]);
const char *ao2_party_metadata(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);
const char *ao2_party_client_auth(cmd_parms *cmd, void *dir, int argc,
                                  char *const argv[]);
const char *ao2_party_timeout(cmd_parms *cmd, void *dir, int argc,
                              char *const argv[]);
const char *ao2_party_tls(cmd_parms *cmd, void *dir, int argc,
                          char *const argv[]);
const char *ao2_party_flag(cmd_parms *cmd, void *dir, int argc,
                           char *const argv[]);

#endif
