#include "service/generation.h"

#include <apr_allocator.h>
#include <apr_atomic.h>
#include <apr_strings.h>

#include "base/file.h"
#include "core/metadata.h"

int ao2_key_source_is_remote(const ao2_key_source_t *source)
{
    return source->urls->nelts > 0 || source->use_metadata;
}

static ao2_code_t add_files(ao2_keyset_t *set, const ao2_key_source_t *source,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    int i;

    for (i = 0; i < source->files->nelts; i++) {
        const char *path = APR_ARRAY_IDX(source->files, i, const char *);
        ao2_fail_t why = {0};
        ao2_span_t text;
        ao2_code_t code = ao2_file_read(&text, NULL, path, AO2_MAX_DOCUMENT,
                                        pool, &why);

        if (code == AO2_OK) {
            code = ao2_keyset_parse(set, text, AO2_FOR_VERIFY, 0, pool,
                                    &why);
        }
        if (code != AO2_OK) {
            return ao2_fail(fail, code, "ApiJWKS file:%s: %s", path,
                            why.detail);
        }
    }
    return AO2_OK;
}

static ao2_code_t add_static(ao2_keyset_t *set,
                             const ao2_key_source_t *source,
                             ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    int i;

    for (i = 0; i < source->static_keys->nelts && code == AO2_OK; i++) {
        code = ao2_keyset_add(set,
                              APR_ARRAY_IDX(source->static_keys, i,
                                            const ao2_key_t *),
                              fail);
    }
    return code;
}

ao2_code_t ao2_key_source_check(const ao2_key_source_t *source,
                                apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_keyset_t *set = ao2_keyset_make(pool);
    ao2_code_t code = add_static(set, source, fail);

    if (source->urls->nelts > AO2_MAX_KEY_SOURCES) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "ApiJWKS names more than %d URLs",
                        AO2_MAX_KEY_SOURCES);
    }
    return code == AO2_OK ? add_files(set, source, pool, fail) : code;
}

/* A GET that must bring a 200. */
static ao2_code_t fetch(ao2_http_answer_t *answer, const char *url,
                        const ao2_key_source_t *source, ao2_http_t *http,
                        apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_http_request_t request = {source->way, url,
                                  "application/jwk-set+json, "
                                  "application/json",
                                  AO2_MAX_DOCUMENT};
    ao2_fail_t why = {0};
    const char *shown = apr_pstrmemdup(pool, url, strcspn(url, "?"));
    ao2_code_t code = http->get(http, answer, &request, pool, &why);

    if (code != AO2_OK) {
        return ao2_fail(fail, code, "%s: %s", shown, why.detail);
    }
    if (answer->status != 200) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "%s answered with status %d", shown, answer->status);
    }
    return AO2_OK;
}

static ao2_code_t ask_place(ao2_metadata_t *metadata, const char *place,
                            const ao2_key_source_t *source, ao2_http_t *http,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_http_answer_t answer;
    ao2_code_t code = fetch(&answer, place, source, http, pool, fail);

    if (code == AO2_OK) {
        code = ao2_metadata_parse(metadata, answer.body, source->issuer_url,
                                  source->allow_http, pool, fail);
    }
    if (code == AO2_OK &&
        (!metadata->jwks_uri || strlen(metadata->jwks_uri)
                                    > AO2_MAX_JWKS_URL)) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "%s names no usable \"jwks_uri\"", place);
    }
    return code;
}

/* Where metadata may be is not agreed on: the second place counts where the
 * first has nothing of use. */
static ao2_code_t discover(ao2_generation_t *generation,
                           const ao2_key_source_t *source, ao2_http_t *http,
                           ao2_fail_t *fail)
{
    const char *places[2] = {source->metadata_url, NULL};
    ao2_metadata_t metadata;
    ao2_fail_t first = {0};
    ao2_code_t code;

    if (!source->metadata_url) {
        ao2_metadata_places(places, source->issuer_url, generation->pool);
    }
    code = ask_place(&metadata, places[0], source, http, generation->pool,
                     &first);
    if (code != AO2_OK && places[1]) {
        code = ask_place(&metadata, places[1], source, http,
                         generation->pool, NULL);
    }
    if (code != AO2_OK) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "%s", first.detail);
    }
    apr_cpystrn(generation->found_url, metadata.jwks_uri,
                sizeof(generation->found_url));
    return AO2_OK;
}

static ao2_code_t add_document(ao2_generation_t *generation, int slot,
                               ao2_span_t text, const char *url,
                               ao2_fail_t *fail)
{
    ao2_fail_t why = {0};

    generation->remote[slot].ptr = apr_pstrmemdup(generation->pool, text.ptr,
                                                  text.len);
    generation->remote[slot].len = text.len;
    /* A bad answer is the server's fault, not the configuration's. */
    if (ao2_keyset_parse(generation->set, generation->remote[slot],
                         AO2_FOR_VERIFY, 0, generation->pool, &why)
        != AO2_OK) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "%.*s: %s", (int)strcspn(url, "?"), url, why.detail);
    }
    return AO2_OK;
}

static ao2_code_t fetch_into(ao2_generation_t *generation, int slot,
                             const char *url, const ao2_key_source_t *source,
                             ao2_http_t *http, ao2_fail_t *fail)
{
    ao2_http_answer_t answer;
    ao2_code_t code = fetch(&answer, url, source, http, generation->pool,
                            fail);

    if (code != AO2_OK) {
        return code;
    }
    if (answer.max_age >= 0 && (generation->max_age < 0 ||
                                answer.max_age < generation->max_age)) {
        generation->max_age = answer.max_age;
    }
    return add_document(generation, slot, answer.body, url, fail);
}

static ao2_code_t fetch_found(ao2_generation_t *generation,
                              const ao2_key_source_t *source,
                              const char *hint, ao2_http_t *http,
                              ao2_fail_t *fail)
{
    ao2_code_t code;

    if (*hint) {
        apr_cpystrn(generation->found_url, hint,
                    sizeof(generation->found_url));
        code = fetch_into(generation, 0, hint, source, http, NULL);
        if (code == AO2_OK) {
            return code;
        }
    }
    code = discover(generation, source, http, fail);
    return code == AO2_OK ? fetch_into(generation, 0, generation->found_url,
                                       source, http, fail)
                          : code;
}

static ao2_code_t add_remote(ao2_generation_t *generation,
                             const ao2_key_source_t *source,
                             const ao2_generation_t *old, const char *hint,
                             ao2_http_t *http, ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    int i;

    if (old) {
        apr_cpystrn(generation->found_url, old->found_url,
                    sizeof(generation->found_url));
        generation->max_age = old->max_age;
        for (i = 0; i < AO2_MAX_KEY_SOURCES && code == AO2_OK; i++) {
            if (old->remote[i].ptr) {
                code = add_document(generation, i, old->remote[i], "", fail);
            }
        }
        return code;
    }
    if (source->use_metadata) {
        return fetch_found(generation, source, hint, http, fail);
    }
    for (i = 0; i < source->urls->nelts && code == AO2_OK; i++) {
        code = fetch_into(generation, i,
                          APR_ARRAY_IDX(source->urls, i, const char *),
                          source, http, fail);
    }
    return code;
}

static ao2_generation_t *make(void)
{
    ao2_generation_t *generation;
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        return NULL;
    }
    /* Unmanaged: its end may come on any thread, and no parent is told. */
    if (apr_pool_create_unmanaged_ex(&pool, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    generation = apr_pcalloc(pool, sizeof(*generation));
    generation->pool = pool;
    generation->readers = 1;
    generation->max_age = -1;
    generation->set = ao2_keyset_make(pool);
    return generation;
}

ao2_code_t ao2_generation_build(ao2_generation_t **pgeneration,
                                const ao2_key_source_t *source,
                                const ao2_generation_t *old, const char *hint,
                                ao2_http_t *http, ao2_fail_t *fail)
{
    ao2_generation_t *generation = make();
    ao2_code_t code;

    *pgeneration = NULL;
    if (!generation) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "no memory");
    }
    code = add_static(generation->set, source, fail);
    if (code == AO2_OK) {
        code = add_files(generation->set, source, generation->pool, fail);
    }
    if (code == AO2_OK) {
        code = add_remote(generation, source, old, hint, http, fail);
    }
    if (code != AO2_OK) {
        ao2_generation_release(generation);
        return code;
    }
    *pgeneration = generation;
    return AO2_OK;
}

void ao2_generation_hold(ao2_generation_t *generation)
{
    apr_atomic_inc32(&generation->readers);
}

void ao2_generation_release(ao2_generation_t *generation)
{
    if (generation && apr_atomic_dec32(&generation->readers) == 0) {
        apr_pool_destroy(generation->pool);
    }
}
