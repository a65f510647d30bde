#include "tools/htapi.h"

#include <stdio.h>

#include <openssl/crypto.h>

#include "base/file.h"
#include "base/json.h"

static apr_status_t wipe(void *data)
{
    ao2_span_t *span = data;

    OPENSSL_cleanse((void *)span->ptr, span->len);
    return APR_SUCCESS;
}

static ao2_code_t read_stdin(ao2_span_t *out, apr_size_t max,
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    char *bytes = apr_palloc(pool, max + 2);
    apr_size_t length = fread(bytes, 1, max + 1, stdin);

    if (ferror(stdin) || length == 0) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "standard input is empty or cannot be read");
    }
    if (length > max) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "standard input is longer than %" APR_SIZE_T_FMT
                        " bytes", max);
    }
    bytes[length] = '\0';
    out->ptr = bytes;
    out->len = length;
    return AO2_OK;
}

ao2_code_t ao2_input_read(ao2_span_t *out, const char *path, apr_size_t max,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t *kept = apr_palloc(pool, sizeof(*kept));
    ao2_code_t code = strcmp(path, "-") == 0
                          ? read_stdin(out, max, pool, fail)
                          : ao2_file_read(out, NULL, path, max, pool, fail);

    if (code == AO2_OK) {
        *kept = *out;
        apr_pool_cleanup_register(pool, kept, wipe, apr_pool_cleanup_null);
    }
    return code;
}

ao2_code_t ao2_input_keys(ao2_keyset_t **pset, const char *path,
                          ao2_purpose_t purpose, int secrets,
                          apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t text;
    ao2_key_t *key;
    ao2_code_t code = ao2_input_read(&text, path, AO2_MAX_DOCUMENT, pool,
                                     fail);

    *pset = ao2_keyset_make(pool);
    if (code != AO2_OK) {
        return code;
    }
    if (text.ptr[strspn(text.ptr, " \t\r\n")] == '{') {
        return ao2_keyset_parse(*pset, text, purpose, secrets, pool, fail);
    }
    code = ao2_key_read_pem(&key, text, NULL, NULL, pool, fail);
    if (code == AO2_OK && purpose == AO2_FOR_SIGN && !key->is_private) {
        code = ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "the key has no private part");
    }
    return code == AO2_OK ? ao2_keyset_add(*pset, key, fail) : code;
}
