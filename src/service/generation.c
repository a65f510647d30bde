#include "service/generation.h"

#include <apr_allocator.h>
#include <apr_atomic.h>
#include <apr_strings.h>

#include "base/file.h"
#include "service/errand.h"

int ao2_key_source_is_remote(const ao2_key_source_t *source)
{
    return source->urls->nelts > 0 || source->use_metadata;
}

static ao2_span_t copy(ao2_span_t text, apr_pool_t *pool)
{
    text.ptr = apr_pstrmemdup(pool, text.ptr, text.len);
    return text;
}

/* Read and parse a key file. */
static ao2_code_t add_file(ao2_keyset_t *set, ao2_span_t *text,
                           const char *path, apr_pool_t *pool,
                           ao2_fail_t *fail)
{
    ao2_fail_t why = {0};
    ao2_code_t code = ao2_file_read(text, NULL, path, AO2_MAX_DOCUMENT, pool,
                                    &why);

    if (code != AO2_OK) {
        return ao2_fail(fail, code, "ApiJWKS: %s", why.detail);
    }
    code = ao2_keyset_parse(set, *text, AO2_FOR_VERIFY, 0, pool, &why);
    return code == AO2_OK ? code
                          : ao2_fail(fail, code, "ApiJWKS file:%s: %s", path,
                                     why.detail);
}

/* What file @a i was when it was last good; absent: never. */
static ao2_span_t last_good(const ao2_key_source_t *source,
                            const ao2_generation_t *old, int i)
{
    ao2_span_t none = {NULL, 0};

    if (old) {
        return old->files[i];
    }
    return source->file_texts ? source->file_texts[i] : none;
}

static ao2_code_t add_files(ao2_generation_t *generation,
                            const ao2_key_source_t *source,
                            const ao2_generation_t *old, ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    int i;

    for (i = 0; i < source->files->nelts && code == AO2_OK; i++) {
        ao2_span_t *text = &generation->files[i];
        ao2_span_t before = last_good(source, old, i);
        ao2_fail_t why = {0};

        code = add_file(generation->set, text,
                        APR_ARRAY_IDX(source->files, i, const char *),
                        generation->pool, &why);
        if (code != AO2_OK && before.ptr) {
            ao2_fail(&generation->trouble, code, "%s", why.detail);
            *text = copy(before, generation->pool);
            code = ao2_keyset_parse(generation->set, *text, AO2_FOR_VERIFY, 0,
                                    generation->pool, &why);
        }
        if (code != AO2_OK) {
            ao2_fail(fail, code, "%s", why.detail);
        }
    }
    return code;
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

ao2_code_t ao2_key_source_check(ao2_key_source_t *source, apr_pool_t *pool,
                                apr_pool_t *temp, ao2_fail_t *fail)
{
    ao2_keyset_t *set = ao2_keyset_make(temp);
    ao2_span_t *texts = apr_pcalloc(pool, AO2_MAX_KEY_SOURCES
                                              * sizeof(*texts));
    ao2_code_t code = add_static(set, source, fail);
    int i;

    if (source->urls->nelts > AO2_MAX_KEY_SOURCES ||
        source->files->nelts > AO2_MAX_KEY_SOURCES) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "ApiJWKS names more than %d %s", AO2_MAX_KEY_SOURCES,
                        source->urls->nelts > AO2_MAX_KEY_SOURCES ? "URLs"
                                                                  : "files");
    }
    for (i = 0; i < source->files->nelts && code == AO2_OK; i++) {
        ao2_span_t text;

        code = add_file(set, &text,
                        APR_ARRAY_IDX(source->files, i, const char *), temp,
                        fail);
        if (code == AO2_OK) {
            texts[i] = copy(text, pool);
        }
    }
    source->file_texts = texts;
    return code;
}

/* @param text  in the generation's pool */
static ao2_code_t add_document(ao2_generation_t *generation, int slot,
                               ao2_span_t text, const char *url,
                               ao2_fail_t *fail)
{
    ao2_fail_t why = {0};

    generation->remote[slot] = text;
    /* A bad answer is the server's fault, not the configuration's. */
    if (ao2_keyset_parse(generation->set, text, AO2_FOR_VERIFY, 0,
                         generation->pool, &why) != AO2_OK) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "%.*s: %s", (int)strcspn(url, "?"), url, why.detail);
    }
    return AO2_OK;
}

static ao2_code_t fetch_into(ao2_generation_t *generation, int slot,
                             const char *url, const ao2_errand_t *errand,
                             ao2_fail_t *fail)
{
    ao2_http_answer_t answer;
    ao2_fail_t why = {0};

    if (ao2_errand_get(&answer, url, errand, &why) != AO2_OK) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "%.*s: %s",
                        (int)strcspn(url, "?"), url, why.detail);
    }
    if (answer.max_age >= 0 && (generation->max_age < 0 ||
                                answer.max_age < generation->max_age)) {
        generation->max_age = answer.max_age;
    }
    return add_document(generation, slot, answer.body, url, fail);
}

/* What servers said when @a old was built. */
static ao2_code_t add_known(ao2_generation_t *generation,
                            const ao2_generation_t *old, ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    int i;

    generation->max_age = old->max_age;
    for (i = 0; i < AO2_MAX_KEY_SOURCES && code == AO2_OK; i++) {
        if (old->remote[i].ptr) {
            code = add_document(generation, i,
                                copy(old->remote[i], generation->pool),
                                "", fail);
        }
    }
    return code;
}

static ao2_code_t add_remote(ao2_generation_t *generation,
                             const ao2_key_source_t *source,
                             ao2_http_t *http, ao2_fail_t *fail)
{
    ao2_errand_t errand = ao2_errand_start(source, http, generation->pool);
    ao2_code_t code = AO2_OK;
    const char *found;
    int i;

    if (source->use_metadata) {
        code = ao2_errand_discover(&found, &errand, fail);
        return code == AO2_OK
                   ? fetch_into(generation, 0, found, &errand, fail)
                   : code;
    }
    for (i = 0; i < source->urls->nelts && code == AO2_OK; i++) {
        code = fetch_into(generation, i,
                          APR_ARRAY_IDX(source->urls, i, const char *),
                          &errand, fail);
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
                                const ao2_generation_t *old, ao2_http_t *http,
                                ao2_fail_t *fail)
{
    ao2_generation_t *generation = make();
    ao2_code_t code;

    *pgeneration = NULL;
    if (!generation) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "no memory");
    }
    code = add_static(generation->set, source, fail);
    if (code == AO2_OK) {
        code = add_files(generation, source, old, fail);
    }
    if (code == AO2_OK && http) {
        code = add_remote(generation, source, http, fail);
    }
    else if (code == AO2_OK && old) {
        code = add_known(generation, old, fail);
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
