/**
 * @file core/form.h
 * Bodies of application/x-www-form-urlencoded (WHATWG URL section 5).
 *
 * Layer core. Pure functions; everything lives in the pool given.
 */
#ifndef AO2_CORE_FORM_H
#define AO2_CORE_FORM_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/span.h"

/** Letters, digits and "*-._" as they are, a space as '+', every other byte
 *  as %HH. */
const char *ao2_form_encode(ao2_span_t text, apr_pool_t *pool);

/** Add a parameter, encoded. @param form  of const char * */
void ao2_form_add(apr_array_header_t *form, const char *name,
                  ao2_span_t value);

/** All parameters as one text. */
ao2_span_t ao2_form_text(const apr_array_header_t *form, apr_pool_t *pool);

#endif
