/**
 * @file glue/state.h
 * What the module knows of one request_rec.
 *
 * Layer glue. One thread at a time, as the request itself.
 */
#ifndef AO2_GLUE_STATE_H
#define AO2_GLUE_STATE_H

#include "glue/config.h"

#include "core/credential.h"

typedef struct ao2_form ao2_form_t;
typedef struct ao2_attachment ao2_attachment_t;

/** What a refusal says to the caller. */
typedef struct {
    const ao2_error_t *error; /**< the row that the caller may know of */
    const ao2_error_t *cause; /**< the row of what is the matter */
    const char *detail;       /**< for the log, and the status page */
    const char *note;         /**< for the access log */
    const char *challenge;    /**< NULL: none */
    int retry_after_sec;      /**< 0: not said */
} ao2_refusal_t;

typedef struct {
    const void *bearer_under; /**< per_dir_config whose AuthType is Bearer */

    /* What the request carried; filled by ao2_carriers_collect(). */
    int collected;
    ao2_credential_t credential;
    ao2_carrier_t carrier;  /**< of the credential, when there is one */
    ao2_fail_t carrier_fail; /**< code AO2_OK: nothing was wrong */
    ao2_form_t *form; /**< NULL: the body was not read */

    /* Who it is; filled by authentication. */
    const ao2_principal_t *principal;
    const ao2_verifier_t *verifier; /**< that made the principal */
    int jwt_as_opaque;   /**< of its verdict */
    const ao2_verifier_t *asked;    /**< that was asked for one; NULL: it is
                                         not known whom to ask */
    const ao2_principal_t *presumed; /**< whose token it is, if not all that
                                          the location asks is so */
    const void *config;  /**< per_dir_config that this was asked under */
    int admitted_below;  /**< a sub-request was admitted with a token */
    int anonymous;                  /**< let in without a credential */
    int preflight;                  /**< let in as a CORS preflight */
    const apr_table_t *fields; /**< that ApiPassClaim set; NULL: not yet */
    int warned_too_long;       /**< of claims; in the chain's first request */

    /* What the registry says of the caller; filled when first asked. */
    int caller_known;
    ao2_fail_t caller_fail; /**< code AO2_OK: it could be asked */
    const ao2_application_t *application; /**< NULL: none */
    ao2_key_type_t key_type;
    ao2_span_t counted_for; /**< whose allowance was used; absent: nobody's */

    ao2_attachment_t *attachment; /**< the upstream's token; NULL: none */

    /* Authorization under way. */
    int asking_access; /**< inside our own run of access_checker_ex */
    int asking_rights; /**< inside our own run of auth_checker */
    int granted;       /**< the answer was yes */
    int asked_early;   /**< a no may have come from not knowing who */
    int force;         /**< authentication must follow */
    ao2_code_t denied; /**< the most telling reason of a Require so far */
    const char *needed_scopes;

    const ao2_refusal_t *refusal; /**< once there is one */
    const ao2_refusal_t *below;   /**< of a sub-request; may become ours */
} ao2_state_t;

/** The state of @a r, made when there is none. */
ao2_state_t *ao2_state_of(request_rec *r);

/** The state of @a r; NULL when there is none. */
ao2_state_t *ao2_state_find(const request_rec *r);

/** The principal is another: what the registry said of the one before does
 *  not count. */
void ao2_state_forget_caller(ao2_state_t *state);

/**
 * The next request_rec up the chain of internal redirects and
 * sub-requests; NULL at its start.
 */
request_rec *ao2_state_parent(const request_rec *r);

/**
 * The state with which @a r was let in: its own, or that of the chain where
 * httpd skipped authentication because the settings are the same.
 * NULL: none.
 */
const ao2_state_t *ao2_state_granted(const request_rec *r);

/**
 * The principal of that state. NULL: none, or nobody.
 */
const ao2_principal_t *ao2_state_principal(const request_rec *r);

/** Whether AuthType Bearer is in force; httpd is asked once where it is. */
int ao2_is_bearer(request_rec *r);

#endif
