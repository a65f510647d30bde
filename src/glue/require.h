/**
 * @file glue/require.h
 * What the Require providers share.
 *
 * Layer glue.
 */
#ifndef AO2_GLUE_REQUIRE_H
#define AO2_GLUE_REQUIRE_H

#include <mod_auth.h>

#include "glue/state.h"

/**
 * How many <RequireNone> and "not" stand around a line; odd: a no of it is
 * what lets in. An alias may be used anywhere: it counts as negated twice.
 */
int ao2_require_negations(const cmd_parms *cmd);

/** The words of a line, of const char *. */
apr_array_header_t *ao2_require_words(apr_pool_t *pool, const char *line);

/** The answer of a line while it is not known who calls. */
authz_status ao2_require_unknown(ao2_state_t *state, int negations);

/** Note why a line said no, where that is a reason for a refusal. */
void ao2_require_denied(ao2_state_t *state, ao2_code_t code, int negations);

#endif
