/**
 * @file glue/pages.h
 * What operators look at: the handlers api-oauth2-metrics and
 * api-oauth2-status.
 *
 * Layer glue. Who may look is up to the location (Require).
 */
#ifndef AO2_GLUE_PAGES_H
#define AO2_GLUE_PAGES_H

#include "glue/config.h"

/** Hook handler. */
int ao2_pages_handle(request_rec *r);

/** Puts the status into mod_status's page, where that module is. */
void ao2_pages_register(void);

#endif
