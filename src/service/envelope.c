#include "service/envelope.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

/* "AO2", then the version of the layout with a bit for encryption. */
#define MAGIC 4
#define VERSION 1
#define ENCRYPTED 0x80
#define NONCE 12
#define TAG 16

int ao2_envelope_prepare(ao2_envelope_t *envelope, ao2_span_t secret)
{
    static char digest[] = "SHA256";
    static char info[] = "mod_api_oauth2 cache";
    EVP_KDF *kdf;
    EVP_KDF_CTX *ctx;
    OSSL_PARAM params[4];
    int good;

    memset(envelope, 0, sizeof(*envelope));
    if (!secret.ptr) {
        return 1;
    }
    envelope->is_secret = 1;
    kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                                 digest, 0);
    params[1] = OSSL_PARAM_construct_octet_string(
        OSSL_KDF_PARAM_KEY, (void *)secret.ptr, secret.len);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
                                                  sizeof(info) - 1);
    params[3] = OSSL_PARAM_construct_end();
    good = ctx && EVP_KDF_derive(ctx, envelope->key, sizeof(envelope->key),
                                 params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return good;
}

static void put_magic(unsigned char *to, const ao2_envelope_t *envelope)
{
    memcpy(to, "AO2", 3);
    to[3] = (unsigned char)(VERSION | (envelope->is_secret ? ENCRYPTED : 0));
}

/* The magic is bound as well: an entry says truly what it is. */
static int start(EVP_CIPHER_CTX *ctx, const ao2_envelope_t *envelope,
                 int encrypt, const unsigned char *nonce,
                 const unsigned char *key)
{
    unsigned char magic[MAGIC];
    int length;

    put_magic(magic, envelope);
    return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, envelope->key,
                             nonce, encrypt) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &length, magic, MAGIC) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &length, key, AO2_CACHE_KEY) == 1;
}

static int encrypt(const ao2_envelope_t *envelope, unsigned char *to,
                   ao2_span_t value, const unsigned char *key)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char *text = to + NONCE;
    int length = 0;
    int good;

    good = ctx && RAND_bytes(to, NONCE) == 1 &&
           start(ctx, envelope, 1, to, key) &&
           EVP_CipherUpdate(ctx, text, &length,
                            (const unsigned char *)value.ptr,
                            (int)value.len) == 1 &&
           EVP_CipherFinal_ex(ctx, text + value.len, &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG,
                               text + value.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

static int decrypt(const ao2_envelope_t *envelope, unsigned char *to,
                   const unsigned char *from, apr_size_t size,
                   const unsigned char *key)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const unsigned char *text = from + NONCE;
    int length = 0;
    int good;

    good = ctx && start(ctx, envelope, 0, from, key) &&
           EVP_CipherUpdate(ctx, to, &length, text, (int)size) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG,
                               (void *)(text + size)) == 1 &&
           EVP_CipherFinal_ex(ctx, to + size, &length) == 1;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

int ao2_envelope_seal(const ao2_envelope_t *envelope, ao2_span_t *sealed,
                      ao2_span_t value,
                      const unsigned char key[AO2_CACHE_KEY],
                      apr_pool_t *pool)
{
    unsigned char *entry = apr_palloc(pool, value.len + AO2_ENVELOPE_EXTRA);

    put_magic(entry, envelope);
    sealed->ptr = (const char *)entry;
    if (envelope->is_secret) {
        sealed->len = MAGIC + NONCE + value.len + TAG;
        return encrypt(envelope, entry + MAGIC, value, key);
    }
    memcpy(entry + MAGIC, key, AO2_CACHE_KEY);
    memcpy(entry + MAGIC + AO2_CACHE_KEY, value.ptr, value.len);
    sealed->len = MAGIC + AO2_CACHE_KEY + value.len;
    return 1;
}

int ao2_envelope_open(const ao2_envelope_t *envelope, ao2_span_t *value,
                      ao2_span_t sealed,
                      const unsigned char key[AO2_CACHE_KEY],
                      apr_pool_t *pool)
{
    const unsigned char *entry = (const unsigned char *)sealed.ptr;
    apr_size_t extra = envelope->is_secret ? MAGIC + NONCE + TAG
                                           : MAGIC + AO2_CACHE_KEY;
    unsigned char magic[MAGIC];
    unsigned char *plain;

    put_magic(magic, envelope);
    if (sealed.len < extra || memcmp(entry, magic, MAGIC) != 0) {
        return 0;
    }
    value->len = sealed.len - extra;
    if (!envelope->is_secret) {
        value->ptr = sealed.ptr + extra;
        return memcmp(entry + MAGIC, key, AO2_CACHE_KEY) == 0;
    }
    plain = apr_palloc(pool, value->len + 1);
    value->ptr = (const char *)plain;
    plain[value->len] = '\0';
    return decrypt(envelope, plain, entry + MAGIC, value->len, key);
}
