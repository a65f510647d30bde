/**
 * @file service/revocations.h
 * Tokens that an operator takes back before they expire: a file that is
 * read again when it changes.
 *
 *     # a comment
 *     jti:4711
 *     sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
 *     client:mobile-app
 *     sub:alice before=2027-01-01T00:00:00Z
 *
 * Layer service. One a file and process; any thread may call. Looked at on
 * every request, whatever a cache says.
 */
#ifndef AO2_SERVICE_REVOCATIONS_H
#define AO2_SERVICE_REVOCATIONS_H

#include "core/principal.h"
#include "port/clock.h"
#include "port/log.h"

/** How often the file is looked at. */
#define AO2_REVOCATIONS_PAUSE apr_time_from_msec(250)

typedef struct ao2_revocations ao2_revocations_t;

/**
 * Read the file once, as configtest does; nothing is kept.
 * @return AO2_OK or AO2_E_MISCONFIGURED; the detail names the line
 */
ao2_code_t ao2_revocations_check_file(const char *path, ao2_fail_t *fail);

/** Open it. Everything is borrowed for the pool's life.
 *  @return AO2_OK or AO2_E_MISCONFIGURED */
ao2_code_t ao2_revocations_make(ao2_revocations_t **prevocations,
                                const char *path, ao2_clock_t *clock,
                                ao2_log_t *log, apr_pool_t *pool,
                                ao2_fail_t *fail);

/**
 * Whether a token still counts. "before" compares with "iat": a token that
 * does not say when it was issued is taken for an old one. A file that
 * turned bad leaves what it said before in force.
 * @return AO2_OK or AO2_E_TOKEN_REVOKED
 */
ao2_code_t ao2_revocations_check(ao2_revocations_t *revocations,
                                 const ao2_principal_t *principal,
                                 ao2_fail_t *fail);

#endif
