#include "service/documents.h"

#include <stdlib.h>

#include <apr_strings.h>
#include <openssl/evp.h>

#include "base/json.h"
#include "core/keyset.h"

/* Of the texts with their lengths: what comes in another cut is another
 * version. */
static apr_uint64_t version_of(const ao2_documents_t *documents)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    apr_uint64_t version = 0;
    int good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    int i;

    for (i = 0; good && i < documents->count; i++) {
        const ao2_span_t *text = &documents->texts[i];

        good = EVP_DigestUpdate(ctx, &text->len, sizeof(text->len)) == 1 &&
               EVP_DigestUpdate(ctx, text->ptr, text->len) == 1;
    }
    if (good) {
        EVP_DigestFinal_ex(ctx, digest, NULL);
    }
    EVP_MD_CTX_free(ctx);
    memcpy(&version, digest, sizeof(version));
    return version ? version : 1;
}

/* A bad answer is the server's fault, not the configuration's; and it must
 * never replace a good one. */
static ao2_code_t check(ao2_span_t text, const char *url, apr_pool_t *pool,
                        ao2_fail_t *fail)
{
    ao2_fail_t why = {0};

    return ao2_keyset_parse(ao2_keyset_make(pool), text, AO2_FOR_VERIFY, 0,
                            pool, &why) == AO2_OK
               ? AO2_OK
               : ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "%.*s: %s",
                          (int)strcspn(url, "?"), url, why.detail);
}

static ao2_code_t fetch_one(ao2_documents_t *documents, const char *url,
                            const ao2_errand_t *errand, ao2_fail_t *fail)
{
    ao2_http_answer_t answer;
    ao2_fail_t why = {0};

    if (ao2_errand_get(errand, &answer, url, &why) != AO2_OK) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "%.*s: %s",
                        (int)strcspn(url, "?"), url, why.detail);
    }
    if (answer.max_age >= 0 && (documents->max_age < 0 ||
                                answer.max_age < documents->max_age)) {
        documents->max_age = answer.max_age;
    }
    documents->texts[documents->count++] = answer.body;
    return check(answer.body, url, errand->pool, fail);
}

static ao2_code_t fetch_at(ao2_documents_t *documents,
                           const ao2_metadata_t *metadata,
                           const ao2_errand_t *errand, ao2_fail_t *fail)
{
    documents->count = 0;
    return metadata->jwks_uri
               ? fetch_one(documents, metadata->jwks_uri, errand, fail)
               : ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                          "the metadata has no \"jwks_uri\"");
}

/* Where it led to before may be no place any more. */
static ao2_code_t fetch_found(ao2_documents_t *documents,
                              ao2_discovery_t *discovery,
                              const ao2_errand_t *errand, ao2_fail_t *fail)
{
    ao2_metadata_t metadata;
    ao2_metadata_t again;
    ao2_fail_t why = {0};
    ao2_code_t code = ao2_discovery_get(&metadata, discovery, 0, errand,
                                        fail);

    if (code != AO2_OK) {
        return code;
    }
    code = fetch_at(documents, &metadata, errand, &why);
    if (code == AO2_OK) {
        return code;
    }
    if (ao2_discovery_get(&again, discovery, 1, errand, NULL) == AO2_OK &&
        again.jwks_uri &&
        (!metadata.jwks_uri ||
         strcmp(again.jwks_uri, metadata.jwks_uri) != 0)) {
        return fetch_at(documents, &again, errand, fail);
    }
    return ao2_fail(fail, code, "%s", why.detail);
}

ao2_code_t ao2_documents_fetch(ao2_documents_t *documents,
                               const ao2_key_source_t *source,
                               ao2_discovery_t *discovery,
                               const ao2_errand_t *errand, ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    int i;

    memset(documents, 0, sizeof(*documents));
    documents->max_age = -1;
    if (source->use_metadata) {
        code = fetch_found(documents, discovery, errand, fail);
    }
    for (i = 0; i < source->urls->nelts && code == AO2_OK; i++) {
        code = fetch_one(documents,
                         APR_ARRAY_IDX(source->urls, i, const char *),
                         errand, fail);
    }
    documents->fetched = ao2_remote_now(errand->remote);
    documents->version = version_of(documents);
    return code;
}

ao2_span_t ao2_documents_pack(const ao2_documents_t *documents,
                              apr_pool_t *pool)
{
    json_t *texts = json_array();
    json_t *whole;
    char *dumped;
    ao2_span_t packed;
    int i;

    for (i = 0; i < documents->count; i++) {
        json_array_append_new(texts,
                              json_stringn(documents->texts[i].ptr,
                                           documents->texts[i].len));
    }
    whole = json_pack("{s:I, s:I, s:o}", "fetched",
                      (json_int_t)documents->fetched, "max_age",
                      (json_int_t)documents->max_age, "texts", texts);
    dumped = json_dumps(whole, JSON_COMPACT);
    packed = ao2_span(apr_pstrdup(pool, dumped));
    free(dumped);
    json_decref(whole);
    return packed;
}

int ao2_documents_unpack(ao2_documents_t *documents, ao2_span_t text,
                         apr_pool_t *pool)
{
    json_int_t fetched;
    json_int_t max_age;
    json_t *texts;
    json_t *whole;
    size_t i;

    memset(documents, 0, sizeof(*documents));
    if (ao2_json_parse(&whole, text, AO2_MAX_DOCUMENT_DEPTH,
                       AO2_E_ISSUER_UNAVAILABLE, pool, NULL) != AO2_OK ||
        json_unpack(whole, "{s:I, s:I, s:o}", "fetched", &fetched, "max_age",
                    &max_age, "texts", &texts) != 0 ||
        json_array_size(texts) > AO2_MAX_KEY_SOURCES) {
        return 0;
    }
    for (i = 0; i < json_array_size(texts); i++) {
        documents->texts[i] = ao2_json_text(json_array_get(texts, i));
        if (!documents->texts[i].ptr) {
            return 0;
        }
        documents->count++;
    }
    documents->fetched = fetched;
    documents->max_age = max_age;
    documents->version = version_of(documents);
    return documents->count > 0;
}

ao2_documents_t ao2_documents_copy(const ao2_documents_t *documents,
                                   apr_pool_t *pool)
{
    ao2_documents_t copy = *documents;
    int i;

    for (i = 0; i < copy.count; i++) {
        copy.texts[i].ptr = apr_pstrmemdup(pool, documents->texts[i].ptr,
                                           documents->texts[i].len);
    }
    return copy;
}
