/**
 * @file service/refusals.h
 * Tokens that were refused a moment ago, for all processes: a table of its
 * own, so that a flood of junk takes no room from good tokens.
 *
 * Layer service. Without locks; any thread of any process may call. An
 * entry that is torn by two writers fits no key.
 */
#ifndef AO2_SERVICE_REFUSALS_H
#define AO2_SERVICE_REFUSALS_H

#include "service/board.h"

/** Bytes of a key that count. Keys are digests. */
#define AO2_REFUSAL_KEY 24

/** Remember that a token was refused with @a code until @a until. */
void ao2_refusals_note(ao2_board_t *board,
                       const unsigned char key[AO2_REFUSAL_KEY],
                       ao2_code_t code, apr_time_t now, apr_time_t until);

/**
 * What a token was refused with; AO2_OK: nothing is known.
 * @param longest  how far ahead a note may end: what lies further is of a
 *                 clock that was set back since
 */
ao2_code_t ao2_refusals_find(const ao2_board_t *board,
                             const unsigned char key[AO2_REFUSAL_KEY],
                             apr_time_t now, apr_time_t longest);

#endif
