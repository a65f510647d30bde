/**
 * @file glue/replay.h
 * Sending a proxied request once more after the backend's 401.
 *
 * Layer glue. Nothing of an answer has reached the caller when it is known
 * to be a 401: an output filter in front of all others looks at the status
 * first. The request is sent again by calling mod_proxy's handler again,
 * from its own hook request_status, where all that belonged to the first
 * exchange is done with.
 */
#ifndef AO2_GLUE_REPLAY_H
#define AO2_GLUE_REPLAY_H

#include <httpd.h>

/** Of one request, in its pool. */
typedef struct ao2_replay ao2_replay_t;

/** Why a request cannot be sent again. */
typedef enum {
    AO2_REPLAY_POSSIBLE,
    AO2_REPLAY_BODY_LOST, /**< not all of the body was kept */
    AO2_REPLAY_CALLER_LEFT
} ao2_replay_verdict_t;

/**
 * Get ready, before mod_proxy has the request: keep what it will change,
 * watch the answer, and keep the body while it is sent.
 * @param body_limit  bytes of a body that are kept. A body whose length is
 *                    known to be over it meets no filter of ours, since
 *                    mod_proxy would hold it back for one
 */
ao2_replay_t *ao2_replay_arm(request_rec *r, apr_size_t body_limit);

/**
 * Whether the backend answered 401, which was kept from the caller.
 * @param status  mod_proxy's result: where ProxyErrorOverride is on, the
 *                answer has passed no filter
 */
int ao2_replay_is_refused(const ao2_replay_t *replay, int status);

ao2_replay_verdict_t ao2_replay_verdict(const request_rec *r,
                                        const ao2_replay_t *replay);

/** Make @a r what it was when it was armed, but for headers_in, which is the
 *  caller's: so that it can be sent again, or refused without a trace of
 *  the answer. */
void ao2_replay_rewind(request_rec *r, const ao2_replay_t *replay);

/** Send a rewound request again, once. @return mod_proxy's result */
int ao2_replay_run(request_rec *r, ao2_replay_t *replay);

/** Registers the filters. */
void ao2_replay_register(void);

#endif
