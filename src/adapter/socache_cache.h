/**
 * @file adapter/socache_cache.h
 * The cache port over httpd's shared object caches (mod_socache_*).
 *
 * Layer adapter. Opened by the parent before it forks; each child makes its
 * own port on what was opened.
 */
#ifndef AO2_ADAPTER_SOCACHE_CACHE_H
#define AO2_ADAPTER_SOCACHE_CACHE_H

#include <httpd.h>

#include "base/fail.h"
#include "port/cache.h"

/** The least bytes that shmcb is given. */
#define AO2_SHMCB_LEAST (64 * 1024)

typedef struct ao2_socache ao2_socache_t;

/** Hook pre_config: the name by which the directive Mutex knows the lock. */
void ao2_socache_name_mutex(apr_pool_t *conf);

/** Whether the module of this provider is loaded. */
int ao2_socache_is_there(const char *provider);

/**
 * Whether a provider that is there takes these arguments.
 * @param args  as the provider wants them; NULL: none
 * @return NULL when it does, else a sentence in @a temp
 */
const char *ao2_socache_check(const char *provider, const char *args,
                              apr_pool_t *temp);

/** Before the caches of a new configuration are opened: lets go of what the
 *  configurations before it did not use any more. */
void ao2_socache_sweep(void);

/**
 * Open a cache, in the parent. One of shmcb lives on from configuration to
 * configuration, as long as provider and arguments are the same; so do the
 * locks of all.
 * @param psocache  lives in @a conf
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_socache_open(ao2_socache_t **psocache, const char *provider,
                            const char *args, server_rec *main_server,
                            apr_pool_t *conf, ao2_fail_t *fail);

/**
 * Make the port, in a child. A call waits for the lock where the provider
 * needs one, and for a server as long as the provider does.
 * @param pcache  lives in @a child
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_socache_cache_make(ao2_cache_t **pcache,
                                  const ao2_socache_t *socache,
                                  apr_pool_t *child, ao2_fail_t *fail);

#endif
