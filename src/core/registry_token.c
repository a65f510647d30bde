/* A token's row out of its words: digest, scopes, networks. */
#include "core/registry_internal.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/text.h"

static ao2_code_t read_digest(ao2_api_token_t *token, const char *sha256,
                              ao2_fail_t *fail)
{
    size_t length = 0;

    if (strlen(sha256) == 2 * AO2_DIGEST_LEN &&
        OPENSSL_hexstr2buf_ex(token->digest, AO2_DIGEST_LEN, &length, sha256,
                              '\0') == 1) {
        return AO2_OK;
    }
    ERR_clear_error();
    return ao2_fail(fail, AO2_E_MISCONFIGURED,
                    "sha256 must be %d hexadecimal digits",
                    2 * AO2_DIGEST_LEN);
}

static ao2_code_t read_scopes(ao2_api_token_t *token,
                              const ao2_api_token_row_t *row,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_array_header_t *scopes = apr_array_make(pool, row->scope_count + 1,
                                                sizeof(char *));
    int i;

    if (row->scope_count > AO2_MAX_SCOPES) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "more than %d scopes",
                        AO2_MAX_SCOPES);
    }
    for (i = 0; i < row->scope_count; i++) {
        if (!ao2_text_is_scope(row->scopes[i]) ||
            strlen(row->scopes[i]) > AO2_MAX_SCOPE) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED,
                            "scope %d must be 1 to %d printable ASCII "
                            "characters without space, \" and \\", i + 1,
                            AO2_MAX_SCOPE);
        }
        APR_ARRAY_PUSH(scopes, const char *) = row->scopes[i];
    }
    token->scope = row->scope_count ? apr_array_pstrcat(pool, scopes, ' ')
                                    : "";
    return AO2_OK;
}

/* ADDRESS or ADDRESS/BITS; APR alone would also take "10.1" and masks. */
static apr_ipsubnet_t *read_network(const char *text, apr_pool_t *pool)
{
    const char *slash = strchr(text, '/');
    const char *bits = slash ? slash + 1 : NULL;
    const char *address = slash ? apr_pstrmemdup(pool, text,
                                                 (apr_size_t)(slash - text))
                                : text;
    unsigned char binary[sizeof(struct in6_addr)];
    apr_ipsubnet_t *network;

    if (inet_pton(AF_INET, address, binary) != 1 &&
        inet_pton(AF_INET6, address, binary) != 1) {
        return NULL;
    }
    if (bits && (!apr_isdigit(*bits) ||
                 strspn(bits, "0123456789") != strlen(bits) ||
                 strlen(bits) > 3)) {
        return NULL;
    }
    return apr_ipsubnet_create(&network, address, bits, pool) == APR_SUCCESS
               ? network : NULL;
}

static ao2_code_t read_networks(ao2_api_token_t *token,
                                const ao2_api_token_row_t *row,
                                apr_pool_t *pool, ao2_fail_t *fail)
{
    apr_ipsubnet_t **networks;
    const char *ip = "";
    int i;

    if (row->network_count > AO2_MAX_NETWORKS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "more than %d addresses or networks",
                        AO2_MAX_NETWORKS);
    }
    networks = apr_palloc(pool, (apr_size_t)row->network_count *
                                    sizeof(*networks));
    for (i = 0; i < row->network_count; i++) {
        networks[i] = read_network(row->networks[i], pool);
        if (!networks[i]) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED,
                            "ip %d must be an address or ADDRESS/BITS, as "
                            "192.0.2.0/24 or 2001:db8::/32", i + 1);
        }
        ip = apr_pstrcat(pool, ip, i ? " " : "", row->networks[i], NULL);
    }
    token->network_count = row->network_count;
    token->networks = networks;
    token->ip = ip;
    return AO2_OK;
}

ao2_code_t ao2_api_token_make_row(ao2_api_token_t **ptoken,
                                  const ao2_api_token_row_t *row,
                                  apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_api_token_t *token = apr_pcalloc(pool, sizeof(*token));
    ao2_code_t code = ao2_build_check_name(row->id, 0, "a token's id", fail);

    *ptoken = NULL;
    if (code == AO2_OK) {
        code = ao2_build_check_name(row->prefix, 1, "a token's prefix", fail);
    }
    if (code == AO2_OK) {
        code = read_digest(token, row->sha256, fail);
    }
    if (code == AO2_OK) {
        code = read_scopes(token, row, pool, fail);
    }
    if (code == AO2_OK) {
        code = read_networks(token, row, pool, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    token->id = apr_pstrdup(pool, row->id);
    token->prefix = *row->prefix ? apr_pstrdup(pool, row->prefix) : "";
    token->key_type = row->key_type;
    token->status = row->status;
    token->not_before = row->not_before;
    token->expires = row->expires;
    *ptoken = token;
    return AO2_OK;
}
