/**
 * @file service/recent.h
 * The last requests that were refused, for pages.
 *
 * Layer service. A ring in shared memory: whoever notes one takes no lock
 * and waits for nobody; where two meet at one place, one of them is not
 * noted. Any thread of any process may call.
 */
#ifndef AO2_SERVICE_RECENT_H
#define AO2_SERVICE_RECENT_H

#include <apr_time.h>

#include "base/limits.h"
#include "service/notice.h"

/** Places in the ring. */
#define AO2_RECENT_PLACES 64

/** A refused request. Strings are cut, end with NUL, and may hold anything
 *  that a client sends; never a token. */
typedef struct {
    apr_time_t at;
    apr_int32_t number;  /**< of the error, as in AO2-014 */
    apr_int32_t status;
    char reason[40];     /**< the error's id */
    char token_id[16];   /**< 8 hex digits; "": no token */
    char address[48];    /**< of the client */
    char client[96];     /**< of a token that is good; "": none */
    char location[160];  /**< the URL's path */
    char detail[AO2_MAX_DETAIL + 8];
} ao2_recent_t;

/** The ring; all zero at first. */
typedef struct {
    apr_uint64_t next; /**< how many were noted; atomic */
    struct {
        ao2_notice_t notice;
        ao2_recent_t refused;
    } places[AO2_RECENT_PLACES];
} ao2_recent_memory_t;

/** Note one. */
void ao2_recent_note(ao2_recent_memory_t *memory, const ao2_recent_t *refused,
                     ao2_shared_t *shared);

/**
 * The last ones, the newest first.
 * @param list  room for @a most
 * @return how many
 */
int ao2_recent_list(const ao2_recent_memory_t *memory, ao2_recent_t *list,
                    int most);

#endif
