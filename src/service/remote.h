/**
 * @file service/remote.h
 * A remote party (an issuer, an upstream's token endpoint) as this process
 * calls it, and calls to it: not while it is left alone after failures, not
 * more at once than allowed, in bounded time.
 *
 * Layer service. Made once a process; any thread may call.
 */
#ifndef AO2_SERVICE_REMOTE_H
#define AO2_SERVICE_REMOTE_H

#include "port/clock.h"
#include "port/http.h"
#include "port/log.h"
#include "service/board.h"
#include "service/flight.h"
#include "service/gate.h"
#include "service/store.h"

/** How long a party that refuses our credentials is left alone, at most. */
#define AO2_REFUSED_LONGEST apr_time_from_sec(30)

/** What all remotes of a process have in common. Borrowed. */
typedef struct {
    ao2_http_t *http;
    ao2_clock_t *clock;
    ao2_log_t *log;
    ao2_board_t *board;   /**< NULL: nothing is shared with others */
    ao2_flight_t *flight;
    ao2_store_t *store;
} ao2_ports_t;

/** What the configuration says of a remote. Borrowed. */
typedef struct {
    const char *name; /**< for people: "<ApiIssuer corp>" */
    const unsigned char *digest; /**< of all settings, AO2_PARTY_DIGEST */
    const ao2_http_way_t *way;
    int concurrency;  /**< calls at once, 1 to AO2_MAX_CONCURRENCY */
} ao2_remote_settings_t;

typedef struct {
    ao2_remote_settings_t settings;
    ao2_ports_t ports;
    ao2_party_t *party; /**< shared, or this process's own */
    ao2_gate_t *gate;
    ao2_label_t label;  /**< "ApiIssuer corp" */
    ao2_row_t *calls;   /**< figures; NULL: nothing is shared */
    ao2_row_t *call_seconds;
    ao2_row_t *queue_seconds;
} ao2_remote_t;

/**
 * Make a remote. @param settings copied, what it points to is borrowed
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_remote_make(ao2_remote_t **premote,
                           const ao2_remote_settings_t *settings,
                           const ao2_ports_t *ports, apr_pool_t *pool,
                           ao2_fail_t *fail);

/** The time now, by the clock port. */
apr_time_t ao2_remote_now(const ao2_remote_t *remote);

/** Longer than any errand to it may take, with waiting: the patience of a
 *  flight. Microseconds. */
apr_time_t ao2_remote_patience(const ao2_remote_t *remote);

/** Whether calls that show credentials are left alone, since these are
 *  refused; that it fails is another matter. */
int ao2_remote_is_refused(const ao2_remote_t *remote);

/** Whether a call to that target would be refused at once. */
int ao2_remote_is_left_alone(const ao2_remote_t *remote,
                             ao2_target_t target);

/** When to ask again, for Retry-After: at least 1 second. */
int ao2_remote_retry_after(const ao2_remote_t *remote, ao2_target_t target);

/** Waiting for what somebody else's call to a remote brings. As long as it
 *  answers everybody may wait; when it fails or seems to hang, as many as
 *  may call it, those who call counted in: nobody can make it tie up more
 *  threads than that. Used by one thread. */
typedef struct {
    const ao2_remote_t *remote;
    ao2_target_t target;
    int place; /**< at its gate; -1: not needed so far */
} ao2_wait_t;

/** Begin to wait; ao2_wait_end() is due. */
void ao2_wait_begin(ao2_wait_t *wait, const ao2_remote_t *remote,
                    ao2_target_t target);

/** Whether to go on. To be asked every AO2_FLIGHT_LOOK; waits for nothing.
 *  @param wait  an ao2_wait_t */
int ao2_wait_goes_on(void *wait);

/** End it. */
void ao2_wait_end(ao2_wait_t *wait);

/** Tell pages why a call was of no use, or none was made. */
void ao2_remote_note_trouble(const ao2_remote_t *remote,
                             const ao2_fail_t *fail);

/** Random bits, for jitter. */
unsigned ao2_remote_draw(void);

/** Calls that belong together: all of them take at most the way's total
 *  timeout. Used by one thread. */
typedef struct {
    const ao2_remote_t *remote;
    apr_pool_t *pool;    /**< of the answers */
    apr_time_t begun;    /**< by apr_time_now() */
    apr_time_t deadline; /**< by the same */
    ao2_target_t target;
    int place;
} ao2_errand_t;

/**
 * Start: at once refused while the target is left alone; waits at most the
 * way's total timeout while too many others are calling, and not at all when
 * none of them is answered (ao2_gate_hangs()). That our
 * credentials are refused stops no call for documents.
 * @return AO2_OK (then ao2_errand_end() is due) or AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_errand_begin(ao2_errand_t *errand, const ao2_remote_t *remote,
                            ao2_target_t target, apr_pool_t *pool,
                            ao2_fail_t *fail);

/**
 * One call. @param request  way and timeout are set here
 * @return AO2_OK (whatever the status) or AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_errand_call(const ao2_errand_t *errand,
                           ao2_http_answer_t *answer,
                           ao2_http_request_t *request, ao2_fail_t *fail);

/**
 * A GET of a document that must bring a 200.
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE; the detail does not name
 *         @a url
 */
ao2_code_t ao2_errand_get(const ao2_errand_t *errand,
                          ao2_http_answer_t *answer, const char *url,
                          ao2_fail_t *fail);

/** How an errand went. */
typedef enum {
    AO2_ERRAND_DONE,   /**< what the party said was of use */
    AO2_ERRAND_FAILED, /**< no answer, or none of use */
    AO2_ERRAND_REFUSED /**< our credentials are not accepted */
} ao2_errand_end_t;

/**
 * End. After failures the party is left alone (service/pause.h); after
 * refusals as well: 1 s, doubled by each further one in a row, at most
 * AO2_REFUSED_LONGEST.
 */
void ao2_errand_end(ao2_errand_t *errand, ao2_errand_end_t how);

#endif
