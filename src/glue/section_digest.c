#include "glue/section.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/file.h"

static void add(EVP_MD_CTX *ctx, const void *bytes, apr_size_t length)
{
    apr_uint64_t before = length;

    EVP_DigestUpdate(ctx, &before, sizeof(before));
    EVP_DigestUpdate(ctx, bytes, length);
}

static void add_text(EVP_MD_CTX *ctx, const char *text)
{
    add(ctx, text ? text : "", text ? strlen(text) : 0);
}

static ao2_code_t take(void *ctx, ao2_span_t bytes, ao2_fail_t *fail)
{
    return EVP_DigestUpdate(ctx, bytes.ptr, bytes.len) == 1
               ? AO2_OK
               : ao2_fail(fail, AO2_E_MISCONFIGURED, "no digest");
}

/* What a file holds. What is none (a folder), or cannot be read yet, counts
 * as its name does. @return 0: no digest can be made */
static int add_file(EVP_MD_CTX *ctx, const char *path)
{
    EVP_MD_CTX *own = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    unsigned length = 0;
    int good = own && EVP_DigestInit_ex(own, EVP_sha256(), NULL) == 1;

    if (good && path &&
        ao2_file_feed(NULL, path, take, own, NULL) == AO2_OK) {
        good = EVP_DigestFinal_ex(own, digest, &length) == 1;
    }
    EVP_MD_CTX_free(own);
    add(ctx, digest, length);
    return good;
}

const char *ao2_section_digest(unsigned char digest[AO2_PARTY_DIGEST],
                               const ao2_section_t *section,
                               const cmd_parms *cmd,
                               const apr_array_header_t *more)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const ap_directive_t *line;
    int good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    int i;

    if (good) {
        add_text(ctx, section->name);
        for (line = cmd->directive->first_child; line; line = line->next) {
            add_text(ctx, line->directive);
            add_text(ctx, line->args);
        }
        add(ctx, section->auth_secret.ptr, section->auth_secret.len);
        for (i = 0; i < more->nelts; i++) {
            ao2_span_t span = APR_ARRAY_IDX(more, i, ao2_span_t);

            add(ctx, span.ptr, span.len);
        }
        good = add_file(ctx, section->way->ca) &&
               add_file(ctx, section->way->cert) &&
               add_file(ctx, section->way->key) &&
               EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    }
    EVP_MD_CTX_free(ctx);
    return good ? NULL
                : ao2_section_error(section, cmd,
                                    "no digest can be made of it");
}
