/**
 * @file core/registry_write.h
 * A registry as its JSON document.
 *
 * Layer core. Safe from any thread.
 */
#ifndef AO2_CORE_REGISTRY_WRITE_H
#define AO2_CORE_REGISTRY_WRITE_H

#include "core/registry.h"

/** Takes the next bytes. @return 0, or anything else to end the writing */
typedef int ao2_write_fn(void *context, const char *bytes, apr_size_t length);

/** How the document is laid out. */
typedef enum { AO2_ROW_A_LINE, AO2_ONE_LINE } ao2_layout_t;

/**
 * Write the whole document, in pieces.
 * @return AO2_OK, or AO2_E_MISCONFIGURED: @a put ended it, or a name is not
 *         UTF-8
 */
ao2_code_t ao2_registry_write(const ao2_registry_t *registry,
                              ao2_layout_t layout, ao2_write_fn *put,
                              void *context, ao2_fail_t *fail);

/* Single rows, as objects of the document; NULL: a name is not UTF-8.
 * Owned: release with json_decref(). */
json_t *ao2_plan_json(const ao2_plan_t *plan);
json_t *ao2_api_json(const ao2_api_t *api);
/** Without its clients, tokens and subscriptions. */
json_t *ao2_application_json(const ao2_application_t *application);
json_t *ao2_client_json(const ao2_client_t *client);
json_t *ao2_api_token_json(const ao2_api_token_t *token);
json_t *ao2_subscription_json(const ao2_subscription_t *subscription);

#endif
