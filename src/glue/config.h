/**
 * @file glue/config.h
 * The module's configuration records.
 *
 * Layer glue. Written while the configuration is read, const afterwards.
 */
#ifndef AO2_GLUE_CONFIG_H
#define AO2_GLUE_CONFIG_H

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

#include <apr_hash.h>
#include <apr_tables.h>

#include "base/span.h"
#include "base/file.h"
#include "core/report.h"
#include "service/identity_cache.h"
#include "service/registry_token.h"
#include "service/revocations.h"

extern module AP_MODULE_DECLARE_DATA api_oauth2_module;

/** Where a credential may stand. */
typedef enum {
    AO2_CARRIER_HEADER,
    AO2_CARRIER_COOKIE,
    AO2_CARRIER_QUERY,
    AO2_CARRIER_FORM
} ao2_carrier_kind_t;

typedef struct {
    ao2_carrier_kind_t kind;
    const char *name;
} ao2_carrier_t;

/** One ApiPassClaim. */
typedef struct {
    const char *claim;
    const char *name;
    int is_header; /**< else an environment variable */
} ao2_pass_t;

/** What a line of the configuration needs. */
typedef enum {
    AO2_USE_ISSUER,      /**< an issuer object of that name, or apitoken */
    AO2_USE_UPSTREAM,    /**< an upstream object of that name */
    AO2_USE_ANY,         /**< nothing: ApiAudience any */
    AO2_USE_REGISTRY,    /**< an ApiRegistry */
    AO2_USE_API,         /**< the same, where ApiSubscription is not off */
    AO2_USE_PLAN         /**< a plan of that name in the ApiRegistry */
} ao2_use_kind_t;

/** One such line, to be checked once all objects are known. */
typedef struct {
    ao2_use_kind_t kind;
    const char *label; /**< how a message begins: the directive */
    const char *name;  /**< "" where the kind has none */
    const struct ao2_dir *dir; /**< of its section; NULL: not known */
    const char *file;
    int line;
} ao2_use_t;

/** One ApiTokenCache. */
typedef struct {
    apr_size_t bytes;            /**< 0: off */
    ao2_identity_cache_t *cache; /**< of this process */
} ao2_token_cache_t;

/** One ApiRevocations. */
typedef struct {
    const char *path;
    ao2_revocations_t *list; /**< of this process */
} ao2_revocation_file_t;

/** One ApiRegistry. */
typedef struct {
    const char *path;              /**< of the file; NULL: a database, that
                                        of the server */
    apr_hash_t *plans; /**< names of plans in it, as configtest read it;
                            NULL: not known */
    apr_hash_t *issuers; /**< those that its clients have; likewise */
    const char *config_file;       /**< where it was said */
    int config_line;
    const ao2_registry_t *first;   /**< as the parent read it; or NULL */
    ao2_file_stamp_t first_stamp;
    ao2_registry_source_t *source; /**< of this process */
    ao2_verifier_t *verifier;      /**< of its API tokens, as well */
} ao2_registry_object_t;

/** One ApiName; name NULL: off. */
typedef struct {
    const char *name;
    const char *version; /**< "": none */
    const char *label;   /**< "NAME" or "NAME/VERSION", for the figures */
} ao2_api_name_t;

enum {
    AO2_SUBSCRIPTION_REQUIRED,
    AO2_SUBSCRIPTION_OPTIONAL,
    AO2_SUBSCRIPTION_OFF
};
enum { AO2_PREFLIGHT_PROTECT, AO2_PREFLIGHT_PASS };

typedef struct ao2_dir {
#define AO2_NUMBER(member, fallback) int member;
#define AO2_POINTER(type, member) type *member;
#define AO2_LIST(member) apr_array_header_t *member;
#include "glue/dir_settings.def"
#undef AO2_NUMBER
#undef AO2_POINTER
#undef AO2_LIST
    /** Methods (bits of method numbers) that a Require here speaks of. */
    apr_int64_t required_methods;
    int has_require; /**< a Require is in force, here or from outside */
    int is_bearer; /**< AuthType Bearer stands in this very section */
} ao2_dir_t;

/** The fallbacks of the numbers above, as AO2_FALLBACK_member. */
enum {
#define AO2_NUMBER(member, fallback) AO2_FALLBACK_##member = (fallback),
#define AO2_POINTER(type, member)
#define AO2_LIST(member)
#include "glue/dir_settings.def"
#undef AO2_NUMBER
#undef AO2_POINTER
#undef AO2_LIST
};

/** See caches.h. */
typedef struct ao2_cache_choice ao2_cache_choice_t;

typedef struct {
#define AO2_TABLE(member) apr_hash_t *member;
#define AO2_LIST(member) apr_array_header_t *member;
#define AO2_POINTER(type, member) type *member;
#define AO2_OWN(type, member) type *member;
#include "glue/server_settings.def"
#undef AO2_TABLE
#undef AO2_LIST
#undef AO2_POINTER
#undef AO2_OWN
    struct ao2_section *open; /**< the section that is being read */
    void *runtime; /**< runtime.c's own, the same for all servers */
    struct ao2_caches *caches; /**< caches.c's own, there as well */
    struct ao2_store *store;   /**< see ao2_caches_store_of() */
    const char *cache_name;    /**< see ao2_caches_name_of() */
} ao2_server_t;

/** The value of a number, or its fallback where it is not set. */
static inline int ao2_number(int value, int fallback)
{
    return value >= 0 ? value : fallback;
}

/* The hooks of the module record. */
void *ao2_dir_create(apr_pool_t *pool, char *path);
void *ao2_dir_merge(apr_pool_t *pool, void *outer, void *inner);
void *ao2_server_create(apr_pool_t *pool, server_rec *server);
void *ao2_server_merge(apr_pool_t *pool, void *outer, void *inner);

/** The merged settings of a request's location. */
const ao2_dir_t *ao2_dir_of(const request_rec *r);

/** The settings of a server. */
ao2_server_t *ao2_server_of(const server_rec *server);

/** Whether both are one place: header names without regard to case. */
int ao2_carrier_same(const ao2_carrier_t *a, const ao2_carrier_t *b);

/** The directives (directives.c), ended by an empty row. */
extern const command_rec ao2_commands[];

#endif
