/**
 * @file glue/attach.h
 * The upstream's token on what mod_proxy sends.
 *
 * Layer glue. mod_proxy's hooks are found at run time: without it nothing
 * of this is called.
 */
#ifndef AO2_GLUE_ATTACH_H
#define AO2_GLUE_ATTACH_H

#include "glue/state.h"

/**
 * Hook handler, behind ao2_identity_prepare() and before mod_proxy's: where
 * ApiUpstreamToken is set and mod_proxy is about to take the request, checks
 * where it would go, gets the token, and puts it in the place of what the
 * caller sent under the same name. Refuses what must not be sent.
 */
int ao2_attach_prepare(request_rec *r);

/** mod_proxy's hook fixups: the field once more, behind its removal of what
 *  stands in Connection. */
int ao2_attach_fixup(request_rec *r);

/** mod_proxy's hook request_status: takes the token off the request, and
 *  sends it once more when the backend did not accept that token. */
int ao2_attach_finish(int *status, request_rec *r);

/** Registers the filters. */
void ao2_attach_register(void);

#endif
