/**
 * @file service/keys_shown.h
 * Telling pages which keys an issuer has.
 *
 * Layer service. Any thread may call.
 */
#ifndef AO2_SERVICE_KEYS_SHOWN_H
#define AO2_SERVICE_KEYS_SHOWN_H

#include "core/keyset.h"
#include "service/remote.h"

/** These are the keys now: kid and alg of each, nothing else. */
void ao2_keys_show(const ao2_remote_t *remote, const ao2_keyset_t *set,
                   apr_time_t now);

/** What was told last, by any process. All zero: nothing was. */
void ao2_keys_shown(ao2_keys_shown_t *shown, const ao2_remote_t *remote);

#endif
