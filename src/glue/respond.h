/**
 * @file glue/respond.h
 * The one place where a failure becomes an answer.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_RESPOND_H
#define AO2_GLUE_RESPOND_H

#include "glue/state.h"

/** What goes with a failure. All zero is fine. */
typedef struct {
    const char *scope;   /**< that would be needed; NULL: not said */
    int retry_after_sec; /**< 0: not said */
} ao2_hint_t;

/**
 * Refuse: log line, note, challenge, Cache-Control, Retry-After, and the
 * body for the error page.
 * @param hint  NULL: none
 * @return the HTTP status for the hook to return
 */
int ao2_respond(request_rec *r, const ao2_fail_t *fail,
                const ao2_hint_t *hint);

/** Hook log_transaction, first of all: a log shows the notes of the last
 *  request of a chain, which may be an error page. */
int ao2_respond_before_log(request_rec *r);

/** Hook note_auth_failure: the bare challenge, for other modules that
 *  refuse where AuthType is Bearer. */
int ao2_respond_note_failure(request_rec *r, const char *auth_type);

/** Hook insert_error_filter: puts our body into httpd's error answer. */
void ao2_respond_insert_filter(request_rec *r);

/** Registers the output filters. */
void ao2_respond_register(void);

/** Hook insert_filter: marks answers to tokens from query and cookie as
 *  private (RFC 6750 section 2.3). */
void ao2_respond_insert_private(request_rec *r);

#endif
