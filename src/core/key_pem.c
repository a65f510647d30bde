#include "core/key_internal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* Without it OpenSSL asks for a pass phrase on the terminal. */
static int no_pass_phrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

static EVP_PKEY *try_public(BIO *bio)
{
    return PEM_read_bio_PUBKEY(bio, NULL, no_pass_phrase, NULL);
}

static EVP_PKEY *try_certificate(BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL);
    EVP_PKEY *pkey = certificate ? X509_get_pubkey(certificate) : NULL;

    X509_free(certificate);
    return pkey;
}

static EVP_PKEY *try_private(BIO *bio)
{
    return PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
}

ao2_code_t ao2_key_read_pem(ao2_key_t **pkey, ao2_span_t pem, const char *kid,
                            const ao2_alg_t *alg, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    static EVP_PKEY *(*const tries[])(BIO *) = {try_private, try_public,
                                                try_certificate};
    EVP_PKEY *found = NULL;
    ao2_code_t code;
    int i;

    *pkey = NULL;
    for (i = 0; i < 3 && !found; i++) {
        BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);

        found = bio ? tries[i](bio) : NULL;
        BIO_free(bio);
        ERR_clear_error();
        if (found) {
            break;
        }
    }
    if (!found) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "no PEM public key, certificate or unencrypted "
                        "private key is in it");
    }
    code = ao2_key_adopt(pkey, found, i == 0, pool, fail);
    if (code == AO2_OK) {
        (*pkey)->kid = kid;
        code = ao2_key_pin(*pkey, alg, fail);
    }
    if (code != AO2_OK) {
        *pkey = NULL;
    }
    return code;
}
