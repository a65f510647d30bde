/**
 * @file adapter/secret.h
 * Secrets that the configuration names (docs: "secret source").
 *
 * Layer adapter. Called while the configuration is read.
 */
#ifndef AO2_ADAPTER_SECRET_H
#define AO2_ADAPTER_SECRET_H

#include <apr_pools.h>

#include "base/fail.h"
#include "base/span.h"

/** How long a command may take, from its start to its end. */
#ifndef AO2_SECRET_PATIENCE_SEC
#define AO2_SECRET_PATIENCE_SEC 10
#endif

/**
 * Get a secret: "file:PATH" (one trailing newline dropped), "env:NAME",
 * "exec:COMMAND" (its first line; run without a shell, arguments separated
 * by spaces, it has to end by itself) or the literal itself.
 * @param bytes    in @a pool, a NUL behind them; wiped with it
 * @param warning  a static sentence where the source is legal but weak: a
 *                 literal, or a file that everybody can read; else NULL
 * @param root     relative paths start here
 * @return AO2_OK or AO2_E_MISCONFIGURED; the detail names the source's kind
 *         and path, never the secret
 */
ao2_code_t ao2_secret_read(ao2_span_t *bytes, const char **warning,
                           const char *source, const char *root,
                           apr_pool_t *pool, ao2_fail_t *fail);

/** Whether a source is the secret itself: it names neither a file, nor a
 *  variable, nor a command. */
int ao2_secret_is_literal(const char *source);

#endif
