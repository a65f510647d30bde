/**
 * @file base/limits.h
 * Every limit on what comes from outside, in one place.
 *
 * Layer base. docs/reference.md lists the same names and values; a guard
 * compares the two. Sizes are bytes unless the name says otherwise.
 */
#ifndef AO2_BASE_LIMITS_H
#define AO2_BASE_LIMITS_H

/** A credential as it stands in the request. */
#define AO2_MAX_CREDENTIAL (16 * 1024)
/** A form body that is searched for a credential (RFC 6750 section 2.2). */
#define AO2_MAX_FORM_BODY (64 * 1024)
/** The shortest opaque token that an issuer is asked about. */
#define AO2_MIN_OPAQUE 8
/** The header of a JWT, decoded. */
#define AO2_MAX_JWT_HEADER (2 * 1024)
/** A key identifier. */
#define AO2_MAX_KID 256
/** The "jti" claim. */
#define AO2_MAX_JTI 256
/** Nesting of JSON in a token: objects and arrays open at once. */
#define AO2_MAX_TOKEN_DEPTH 16
/** Nesting of JSON in what a server or a file says. */
#define AO2_MAX_DOCUMENT_DEPTH 32
/** Values in one JSON text: each costs the parser far more than its bytes. */
#define AO2_MAX_JSON_VALUES 50000
/** A JWK Set, or a metadata document. */
#define AO2_MAX_DOCUMENT (512 * 1024)
/** Any other answer of a remote server. */
#define AO2_MAX_ANSWER (256 * 1024)
/** An access token, or a refresh token, that a token endpoint gives us. */
#define AO2_MAX_UPSTREAM_TOKEN (16 * 1024)
/** What may be kept of a request's body to send it once more. */
#define AO2_MAX_RETRY_BODY (16 * 1024 * 1024)
/** A value in the shared cache: as long as the longest document, with room
 *  for what is noted beside it. */
#define AO2_MAX_STORED (1024 * 1024)
/** A file of revocations. */
#define AO2_MAX_REVOCATIONS (16 * 1024 * 1024)
/** A key, a certificate or a secret in a file. */
#define AO2_MAX_KEY_FILE (64 * 1024)
/** Keys of one set that are kept; a set with more is refused. */
#define AO2_MAX_KEYS 64
/** Keys that are tried for a token without "kid". */
#define AO2_MAX_CANDIDATES 8
/** Scopes of one token. */
#define AO2_MAX_SCOPES 64
/** One scope. */
#define AO2_MAX_SCOPE 256
/** A registry document; it is read piece by piece. */
#define AO2_MAX_REGISTRY (1024 * 1024 * 1024)
/** One record of it, an application with all that is its own. */
#define AO2_MAX_REGISTRY_RECORD (4 * 1024 * 1024)
/** How old an answer of a registry in a database may be, in seconds, while
 *  the database does not answer; ApiRegistryTTL where that is longer. */
#define AO2_MAX_REGISTRY_STALE_SEC 300
/** How long a request waits for such a database, in milliseconds. */
#define AO2_MAX_REGISTRY_WAIT_MSEC 1000
/** What one process keeps of the answers of such a database. */
#define AO2_MAX_REGISTRY_ANSWERS (16 * 1024 * 1024)
/** One answer of such a database. */
#define AO2_MAX_REGISTRY_ANSWER (64 * 1024)
/** Questions that wait for such a database in one process; one more fails. */
#define AO2_MAX_REGISTRY_QUEUE 256
/** Threads of one process, each with a connection, that talk to such a
 *  database; twice as many while some are stuck. */
#define AO2_MAX_REGISTRY_THREADS 4
/** A name, identifier or version in a registry. */
#define AO2_MAX_NAME 255
/** Limits of one plan. */
#define AO2_MAX_PLAN_LIMITS 8
/** Addresses and networks of one API token. */
#define AO2_MAX_NETWORKS 64
/** An RSA modulus, in bits. */
#define AO2_MIN_RSA_BITS 2048
#define AO2_MAX_RSA_BITS 8192
/** An RSA exponent, in bits: a huge one makes a verification cost 7 ms. */
#define AO2_MAX_RSA_EXPONENT_BITS 32
/** One claim that is passed on, encoded. */
#define AO2_MAX_CLAIM_VALUE (4 * 1024)
/** All claims that are passed on with one request, encoded. */
#define AO2_MAX_CLAIM_VALUES (16 * 1024)
/** The detail of a failure, for the log. */
#define AO2_MAX_DETAIL 200
/** A WWW-Authenticate value. */
#define AO2_MAX_CHALLENGE 1023

#endif
