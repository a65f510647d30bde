/**
 * @file mod_api_oauth2.h
 * What other modules and configurations may rely on: names, and functions
 * found with APR_RETRIEVE_OPTIONAL_FN.
 */
#ifndef MOD_API_OAUTH2_H
#define MOD_API_OAUTH2_H

#include <apr_optional.h>
#include <httpd.h>

/** The version of the module. */
#define API_OAUTH2_VERSION "0.1.0"

/** Environment variables of an authenticated request. Values are written as
 *  ApiPassClaim writes them: printable ASCII but '%', all else %HH. */
#define API_OAUTH2_ENV_SUBJECT "OAUTH2_SUBJECT"
#define API_OAUTH2_ENV_CLIENT "OAUTH2_CLIENT"
#define API_OAUTH2_ENV_SCOPE "OAUTH2_SCOPE"
/** The NAME of the <ApiIssuer> object. */
#define API_OAUTH2_ENV_ISSUER "OAUTH2_ISSUER"
/** Seconds since the epoch; absent when the token does not expire. */
#define API_OAUTH2_ENV_EXPIRES "OAUTH2_EXPIRES"
/** The first 8 hexadecimal digits of the token's SHA-256. */
#define API_OAUTH2_ENV_TOKEN_ID "OAUTH2_TOKEN_ID"

/** Where ApiName is set: the API, its version, the application that calls
 *  it, its plan, and the type of its key, "production" or "sandbox". */
#define API_OAUTH2_ENV_API_NAME "API_NAME"
#define API_OAUTH2_ENV_API_VERSION "API_VERSION"
#define API_OAUTH2_ENV_API_APPLICATION "API_APPLICATION"
#define API_OAUTH2_ENV_API_PLAN "API_PLAN"
#define API_OAUTH2_ENV_API_KEY_TYPE "API_KEY_TYPE"

/** A note on a request that was refused: "AO2-014 token_expired". */
#define API_OAUTH2_NOTE_ERROR "oauth2-error"
/** A note on a request with a token: where what is known of it came from,
 *  "process", "shared" (the shared cache) or "miss" (it was checked). */
#define API_OAUTH2_NOTE_CACHE "oauth2-cache"
/** A note on a request that was sent to a backend with the token of an
 *  <ApiUpstream>: "cached", "fetched" (now, for this request or another that
 *  it waited for) or "retried" (with another token, after the backend's
 *  401). */
#define API_OAUTH2_NOTE_UPSTREAM "oauth2-upstream"

/**
 * A claim of the token that authenticated @a r, written as ApiPassClaim
 * writes it. @param path a claim, members of objects separated by dots
 * @return in the request's pool; NULL when there is no such claim, or no
 *         token was accepted
 */
APR_DECLARE_OPTIONAL_FN(const char *, api_oauth2_claim,
                        (request_rec *r, const char *path));

#endif
