/**
 * @file glue/environment.h
 * Variables for CGI, logs and expressions.
 *
 * Layer glue. One thread at a time, as the request itself.
 */
#ifndef AO2_GLUE_ENVIRONMENT_H
#define AO2_GLUE_ENVIRONMENT_H

#include <httpd.h>

typedef struct {
    const char *name;
    const char *value; /**< NULL or "": the variable is left as it is */
} ao2_variable_t;

/**
 * Set variables of @a r, written as ApiPassClaim writes values.
 * @param prefix  that all of the names begin with; they differ otherwise
 * @param all  names and values borrowed for as long as @a r
 */
void ao2_environment_set(request_rec *r, const char *prefix,
                         const ao2_variable_t *all, int count);

#endif
