/**
 * @file service/issuer.h
 * An issuer object: what the configuration says of somebody whose tokens
 * may be accepted.
 *
 * Layer service. Const after the configuration was read.
 */
#ifndef AO2_SERVICE_ISSUER_H
#define AO2_SERVICE_ISSUER_H

#include "service/introspection.h"

typedef enum {
    AO2_FORMAT_ANY,
    AO2_FORMAT_JWT,
    AO2_FORMAT_OPAQUE
} ao2_format_t;

typedef struct {
    const char *name;
    const char *label; /**< "<ApiIssuer NAME>" */
    unsigned char digest[AO2_PARTY_DIGEST]; /**< of all settings */
    ao2_token_rules_t rules;
    ao2_format_t format;
    unsigned algorithms; /**< bits of core/alg.h */
    ao2_key_source_t source;
    ao2_discovery_settings_t discovery;
    ao2_introspection_settings_t introspection;
    int introspects;     /**< it can be asked about tokens */
    int introspect_jwt;  /**< and has to be about JWTs, too */
    ao2_http_way_t way;
    int concurrency;     /**< calls at once */
} ao2_issuer_t;

#endif
