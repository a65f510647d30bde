/**
 * @file core/digest.h
 * SHA-2, fetched once: OpenSSL looks an algorithm up anew each time it is
 * named, and EVP_sha256() is but a name.
 *
 * Layer core. Any thread may call.
 */
#ifndef AO2_CORE_DIGEST_H
#define AO2_CORE_DIGEST_H

#include <openssl/evp.h>

#include <apr.h>

/**
 * SHA-256, SHA-384 or SHA-512.
 * @param length  of its result: 32, 48 or 64 bytes
 * @return static; NULL where OpenSSL does not have it
 */
const EVP_MD *ao2_digest_of(apr_size_t length);

#endif
