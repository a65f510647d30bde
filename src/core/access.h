/**
 * @file core/access.h
 * The rules of Require lines, compiled once and asked on every request.
 *
 * Layer core. A compiled rule never changes; safe from any thread.
 */
#ifndef AO2_CORE_ACCESS_H
#define AO2_CORE_ACCESS_H

#include <apr_tables.h>

#include "core/principal.h"

typedef struct ao2_rule ao2_rule_t;

/**
 * Compile "oauth2-scope", "oauth2-client", "oauth2-issuer" or
 * "oauth2-token" with the words behind it.
 * @param words  of const char *; copied
 * @return NULL and *prule, or a sentence for configtest that names what is
 *         wrong and what is allowed, in @a pool: no word; a scope with
 *         characters outside RFC 6749 section 3.3; another word than user
 *         and application after oauth2-token
 */
const char *ao2_rule_compile(const ao2_rule_t **prule, const char *name,
                             const apr_array_header_t *words,
                             apr_pool_t *pool);

/** Tells whether @a text matches; @a context is the compiled expression. */
typedef int ao2_match_fn(const void *context, const char *text);

/**
 * Compile "oauth2-claim": a path alone (present and not null), or a path
 * and values (strings byte for byte; numbers and booleans as JSON writes
 * them; any element of an array; objects never), or a path and a matcher.
 * @param values   of const char *; NULL or empty: none
 * @param match    NULL: none; then @a context lives as long as the rule.
 *                 Called with scalars as text; never with one that holds NUL
 */
const ao2_rule_t *ao2_rule_claim(const char *path,
                                 const apr_array_header_t *values,
                                 ao2_match_fn *match, const void *context,
                                 apr_pool_t *pool);

/**
 * Whether @a principal satisfies the rule.
 * @return AO2_OK, AO2_E_SCOPE_MISSING, AO2_E_CLAIM_MISMATCH or
 *         AO2_E_ACCESS_DENIED
 */
ao2_code_t ao2_rule_check(const ao2_rule_t *rule,
                          const ao2_principal_t *principal);

/** The words of an oauth2-scope rule separated by spaces, living as long as
 *  the rule; NULL for any other rule. */
const char *ao2_rule_scopes(const ao2_rule_t *rule);

/**
 * A claim as it is passed on to others (docs: "Values passed on"): a
 * string's printable ASCII as it is except '%', all else percent-encoded;
 * numbers and booleans as JSON; arrays of scalars joined by ',' with the
 * commas of elements encoded; objects, and arrays that hold more than
 * scalars, as compact JSON, encoded.
 * @param too_long  set when the claim is there but over
 *                  AO2_MAX_CLAIM_VALUE; NULL when not wanted
 * @return in @a pool; NULL: absent, null, or too long
 */
const char *ao2_claim_value(json_t *claims, const char *path, int *too_long,
                            apr_pool_t *pool);

#endif
