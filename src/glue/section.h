/**
 * @file glue/section.h
 * A section that describes somebody we call (<ApiIssuer>, <ApiUpstream>),
 * while it is being read.
 *
 * Layer glue. Directives fill it in any order; its end checks how they fit
 * together. What both kinds have in common is set by directives of their
 * own (party_directives.c, client_auth.c).
 */
#ifndef AO2_GLUE_SECTION_H
#define AO2_GLUE_SECTION_H

#include "glue/config.h"
#include "service/discovery.h"

typedef enum {
    AO2_SECTION_ISSUER,
    AO2_SECTION_UPSTREAM
} ao2_section_kind_t;

typedef struct ao2_section {
    ao2_section_kind_t kind;
    const char *name;
    const char *label;                   /**< "<ApiIssuer corp>" */
    ao2_discovery_settings_t *discovery; /**< of the object; as the rest */
    ao2_client_auth_t *auth;
    ao2_http_way_t *way;
    ao2_span_t auth_secret; /**< of ApiClientAuth, as it was read */
    int metadata_off;
} ao2_section_t;

/** "ApiIssuer", "ApiUpstream". @return static */
const char *ao2_section_word(ao2_section_kind_t kind);

/**
 * The name of a section that begins, whose lines are checked to be of those
 * that may stand in one: httpd would take others for settings of the server.
 * @param objects  those of that kind which the server has, by name
 * @return NULL, or a sentence for configtest
 */
const char *ao2_section_begin(const char **name, cmd_parms *cmd,
                              const char *args, ao2_section_kind_t kind,
                              apr_hash_t *objects);

/** Set the defaults of what both kinds have. The pointers are set. */
void ao2_section_init(ao2_section_t *section, ao2_section_kind_t kind,
                      const char *name, apr_pool_t *pool);

/** Read the lines. @return NULL, or a sentence for configtest */
const char *ao2_section_read(ao2_section_t *section, cmd_parms *cmd);

/**
 * The section that is open.
 * @return NULL outside of one; then *error is a sentence
 */
ao2_section_t *ao2_section_of(const cmd_parms *cmd, const char **error);

/** The same for a directive of one kind alone. */
ao2_section_t *ao2_section_of_kind(const cmd_parms *cmd,
                                   ao2_section_kind_t kind,
                                   const char **error);

/** A sentence about the section as a whole. */
const char *ao2_section_error(const ao2_section_t *section,
                              const cmd_parms *cmd, const char *text);

/** Whether a URL may be called, which is known at the end of the section
 *  alone. @return NULL, or a sentence for configtest */
const char *ao2_section_check_url(const ao2_section_t *section,
                                  const cmd_parms *cmd, const char *directive,
                                  const char *url);

/** Whether what both kinds have fits together. @return as above */
const char *ao2_section_check(const ao2_section_t *section,
                              const cmd_parms *cmd);

/**
 * The digest of all settings: of the lines as they stand there, and of what
 * secrets and files they lead to.
 * @param more  of ao2_span_t: what else the lines lead to
 * @return NULL, or a sentence for configtest
 */
const char *ao2_section_digest(unsigned char digest[AO2_PARTY_DIGEST],
                               const ao2_section_t *section,
                               const cmd_parms *cmd,
                               const apr_array_header_t *more);

/**
 * Read a secret; warns where its source is weak.
 * @param secret  in the configuration's pool, never empty
 * @return NULL, or a sentence for configtest
 */
const char *ao2_section_secret(ao2_span_t *secret,
                               const ao2_section_t *section, cmd_parms *cmd,
                               const char *source);

/** A private key out of @a text: PEM, or a JWK. @return as above */
const char *ao2_section_private_key(const ao2_key_t **pkey, ao2_span_t text,
                                    cmd_parms *cmd);

#endif
