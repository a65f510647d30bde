/**
 * @file service/keyring.h
 * The keys of one issuer over time: loaded when first needed, renewed ahead
 * of time, kept while their server does not answer.
 *
 * Layer service. One keyring an issuer and process. Settings are const; the
 * state is guarded inside: any thread may call anything. Key sets are
 * generations: built aside, swapped in, released by their last reader.
 */
#ifndef AO2_SERVICE_KEYRING_H
#define AO2_SERVICE_KEYRING_H

#include "core/keyset.h"
#include "service/key_supply.h"

/** A key file is looked at this seldom. */
#define AO2_KEYRING_FILE_PAUSE apr_time_from_sec(1)

typedef struct ao2_keyring ao2_keyring_t;

/** A generation of keys, held by a reader. */
typedef struct ao2_key_hold {
    const ao2_keyset_t *set; /**< borrowed until released */
    void *generation;
} ao2_key_hold_t;

/**
 * Make a keyring. Nothing is fetched; files are read.
 * @param source  borrowed for the pool's life, as are the others
 * @param supply  NULL where nobody is to be called
 * @return AO2_OK or AO2_E_MISCONFIGURED (a file is bad and always was)
 */
ao2_code_t ao2_keyring_make(ao2_keyring_t **pring,
                            const ao2_key_source_t *source,
                            ao2_key_supply_t *supply,
                            const ao2_remote_t *remote, apr_pool_t *pool,
                            ao2_fail_t *fail);

/**
 * Hold the current keys. Where there are none yet, the first caller loads
 * them while the others wait for it, at most the way's total timeout; after
 * failures calls pause (0.5 s growing to 2 s, +-20 %) and callers fail at
 * once. Past the due time (ttl, or a shorter max-age, at 75-100 % of it)
 * with nobody renewing in the background, the first caller to notice renews
 * while the others go on. Keys serve until ttl + stale.
 * @param retry_after_sec  on failure: when to try again, at least 1; NULL
 *                         when not wanted
 * @return AO2_OK or AO2_E_ISSUER_UNAVAILABLE
 */
ao2_code_t ao2_keyring_hold(ao2_key_hold_t *hold, ao2_keyring_t *ring,
                            int *retry_after_sec, ao2_fail_t *fail);

/**
 * Hold the keys that no server has to say, where those that one has to say
 * are not there: whoever comes with such a key need not wait for it.
 * @return 1 when held
 */
int ao2_keyring_hold_local(ao2_key_hold_t *hold, ao2_keyring_t *ring);

/**
 * Hold newer keys than @a hold, because none of these fitted a token: looks
 * at files, and fetches at most once in AO2_KEYS_UNKNOWN_PAUSE (the
 * first load does not count). Callers during that fetch wait for it. On
 * AO2_OK @a hold was released and holds the newer set; else it is as it was.
 * @return AO2_OK, AO2_E_TOKEN_INVALID (no newer keys are to be had, and
 *         that is certain), AO2_E_ISSUER_UNAVAILABLE (the fetch failed)
 */
ao2_code_t ao2_keyring_hold_newer(ao2_key_hold_t *hold, ao2_keyring_t *ring,
                                  int *retry_after_sec, ao2_fail_t *fail);

/** Let go. A hold that is all zero is let be. */
void ao2_keyring_release(ao2_key_hold_t *hold, ao2_keyring_t *ring);

/** How often the keys have changed: what was verified under another number
 *  was verified with other keys. */
apr_uint32_t ao2_keyring_swaps(const ao2_keyring_t *ring);

/** When keys were fetched and will be, for pages; all 0 where they never
 *  are. */
void ao2_keyring_times(const ao2_keyring_t *ring, ao2_key_times_t *times);

/**
 * Background work: renews what is due if it was ever used, looks at files.
 * Call about once a second from one thread. Once it was called, requests
 * leave renewal to it, as long as it keeps being called.
 */
void ao2_keyring_tick(ao2_keyring_t *ring);

#endif
