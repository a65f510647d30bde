/**
 * @file core/registry.h
 * Who may use what: applications with their clients, API tokens and
 * subscriptions; APIs; plans.
 *
 * The rows are plain values, so that what decides (core/subscription.h)
 * does not care whether they come from a document or a database.
 *
 * Layer core. A registry never changes once built (core/registry_build.h);
 * it and its rows live in one pool. Safe from any thread.
 */
#ifndef AO2_CORE_REGISTRY_H
#define AO2_CORE_REGISTRY_H

#include <apr_network_io.h>
#include <apr_time.h>

#include "base/json.h"
#include "core/gcra.h"
#include "core/principal.h"

/* The words of documents and tables, in the order of ao2_registry_words. */
typedef enum { AO2_KEY_PRODUCTION, AO2_KEY_SANDBOX } ao2_key_type_t;
typedef enum {
    AO2_APPLICATION_ACTIVE,
    AO2_APPLICATION_BLOCKED
} ao2_application_status_t;
/** The kind of access token that an application is bound to. */
typedef enum { AO2_BINDS_ANY, AO2_BINDS_JWT, AO2_BINDS_OPAQUE } ao2_binding_t;
typedef enum {
    AO2_API_PUBLISHED,
    AO2_API_DEPRECATED,
    AO2_API_BLOCKED,
    AO2_API_RETIRED
} ao2_api_status_t;
typedef enum {
    AO2_SUBSCRIPTION_ACTIVE,
    AO2_SUBSCRIPTION_BLOCKED,
    AO2_SUBSCRIPTION_PRODUCTION_BLOCKED,
    AO2_SUBSCRIPTION_PENDING,
    AO2_SUBSCRIPTION_REJECTED,
    AO2_SUBSCRIPTION_CLOSED
} ao2_subscription_status_t;
typedef enum {
    AO2_API_TOKEN_ACTIVE,
    AO2_API_TOKEN_REVOKED
} ao2_api_token_status_t;

/** The version of a subscription to all versions. */
#define AO2_ALL_VERSIONS "*"

/** How fast and how much. */
typedef struct ao2_plan {
    const char *name;
    int count;                 /**< of limits */
    const ao2_limit_t *limits; /**< in the order of the plan */
    const char *const *windows; /**< as written: "1mi" */
    const char *const *labels; /**< PLAN-WINDOW as a quoted RFC 9651 string */
    const char *policy; /**< RateLimit-Policy field value; NULL: no limits */
    int quota; /**< the longest of several windows; -1: one limit or none */
    const struct ao2_plan *next; /**< in the registry */
} ao2_plan_t;

/** A version of an API. */
typedef struct ao2_api {
    const char *name;
    const char *version; /**< "" for none */
    ao2_api_status_t status;
    apr_time_t deprecation; /**< when it became deprecated; 0: not said */
    apr_time_t sunset;      /**< when it will be gone; 0: not said */
    const struct ao2_api *next;
} ao2_api_t;

/** Who calls. */
typedef struct ao2_application {
    const char *id;
    const char *name;  /**< for people; "" for none */
    const char *owner; /**< for people; "" for none */
    ao2_application_status_t status;
    ao2_binding_t binds;
    const struct ao2_client *clients;
    const struct ao2_api_token *tokens;
    const struct ao2_subscription *subscriptions;
    const struct ao2_application *next;
} ao2_application_t;

/** An OAuth2 client of an application. */
typedef struct ao2_client {
    const char *issuer; /**< NAME of an issuer object */
    const char *client_id;
    const ao2_application_t *application;
    ao2_key_type_t key_type;
    const struct ao2_client *next; /**< of the application */
} ao2_client_t;

/** An API token of an application; the token itself is known to nobody. */
typedef struct ao2_api_token {
    unsigned char digest[AO2_DIGEST_LEN]; /**< SHA-256 of the token */
    const char *id;     /**< unique in the application */
    const char *prefix; /**< its first characters, for people; "" for none */
    const char *scope;  /**< separated by one space; "" for none */
    const ao2_application_t *application;
    ao2_key_type_t key_type;
    ao2_api_token_status_t status;
    apr_time_t not_before; /**< 0: always */
    apr_time_t expires;    /**< AO2_TIME_FOREVER: never */
    int network_count;     /**< 0: from anywhere */
    apr_ipsubnet_t *const *networks;
    const char *ip; /**< the networks as written, separated by one space */
    const struct ao2_api_token *next; /**< of the application */
} ao2_api_token_t;

/** An application's right to call an API. */
typedef struct ao2_subscription {
    const ao2_application_t *application;
    const ao2_api_t *api; /**< version AO2_ALL_VERSIONS: all of that name */
    const ao2_plan_t *plan; /**< NULL: none, no limits */
    ao2_subscription_status_t status;
    apr_time_t starts;  /**< 0: always */
    apr_time_t expires; /**< AO2_TIME_FOREVER: never */
    const struct ao2_subscription *next; /**< of the application */
} ao2_subscription_t;

/** How many rows there are. */
typedef struct {
    int plans;
    int apis;
    int applications;
    int clients;
    int tokens;
    int subscriptions;
} ao2_registry_counts_t;

typedef struct ao2_registry ao2_registry_t;

/* Look-ups: one hash each, NULL for "no such". What they return lives as
 * long as the registry. */

const ao2_plan_t *ao2_registry_plan(const ao2_registry_t *registry,
                                    const char *name);
/** Never the one that stands for all versions. */
const ao2_api_t *ao2_registry_api(const ao2_registry_t *registry,
                                  const char *name, const char *version);
/** Whether any version of that API is there. */
int ao2_registry_has_api(const ao2_registry_t *registry, const char *name);
const ao2_application_t *
ao2_registry_application(const ao2_registry_t *registry, const char *id);
const ao2_client_t *ao2_registry_client(const ao2_registry_t *registry,
                                        const char *issuer,
                                        const char *client_id);
const ao2_api_token_t *
ao2_registry_token(const ao2_registry_t *registry,
                   const unsigned char digest[AO2_DIGEST_LEN]);
/**
 * The subscription that counts for a call: the one to exactly this version
 * when there is one, whatever its state, else the one to all versions.
 * @param application  of this registry
 * @param api          of this registry
 */
const ao2_subscription_t *
ao2_registry_subscription(const ao2_registry_t *registry,
                          const ao2_application_t *application,
                          const ao2_api_t *api);

/** The first row of each list; the others by their next. */
const ao2_plan_t *ao2_registry_plans(const ao2_registry_t *registry);
/** Without those that stand for all versions. */
const ao2_api_t *ao2_registry_apis(const ao2_registry_t *registry);
const ao2_application_t *
ao2_registry_applications(const ao2_registry_t *registry);

ao2_registry_counts_t ao2_registry_count(const ao2_registry_t *registry);

#endif
