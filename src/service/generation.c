#include "service/generation.h"

#include <apr_atomic.h>
#include <apr_strings.h>

#include "base/file.h"

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

/* What servers said was looked at when it came. */
static ao2_code_t add_documents(ao2_generation_t *generation,
                                const ao2_documents_t *documents,
                                ao2_fail_t *fail)
{
    ao2_code_t code = AO2_OK;
    int i;

    generation->documents = ao2_documents_copy(documents, generation->pool);
    for (i = 0; i < documents->count && code == AO2_OK; i++) {
        code = ao2_keyset_parse(generation->set,
                                generation->documents.texts[i],
                                AO2_FOR_VERIFY, 0, generation->pool, fail);
    }
    return code;
}

static ao2_generation_t *make(void)
{
    ao2_generation_t *generation;
    apr_pool_t *pool;

    /* Unmanaged: its end may come on any thread, and no parent is told. */
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return NULL;
    }
    generation = apr_pcalloc(pool, sizeof(*generation));
    generation->pool = pool;
    generation->readers = 1;
    generation->set = ao2_keyset_make(pool);
    return generation;
}

ao2_code_t ao2_generation_build(ao2_generation_t **pgeneration,
                                const ao2_key_source_t *source,
                                const ao2_generation_t *old,
                                const ao2_documents_t *documents,
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
    generation->local = *generation->set;
    if (code == AO2_OK && (documents || old)) {
        code = add_documents(generation,
                             documents ? documents : &old->documents, fail);
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
