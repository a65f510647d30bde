#include "core/claims.h"

#include <apr_strings.h>
#include <openssl/evp.h>

/* "application/" may be left out (RFC 7515 section 4.1.9). */
static ao2_span_t short_type(ao2_span_t type)
{
    static const char prefix[] = "application/";
    apr_size_t length = sizeof(prefix) - 1;

    if (type.len > length && strncasecmp(type.ptr, prefix, length) == 0) {
        type.ptr += length;
        type.len -= length;
    }
    return type;
}

ao2_code_t ao2_token_check_type(ao2_span_t typ, const ao2_token_rules_t *rules,
                                ao2_fail_t *fail)
{
    ao2_span_t have = short_type(typ);
    int i;

    if (!rules->types) {
        return AO2_OK;
    }
    for (i = 0; typ.ptr && i < rules->types->nelts; i++) {
        ao2_span_t want = short_type(
            ao2_span(APR_ARRAY_IDX(rules->types, i, const char *)));

        if (have.len == want.len &&
            strncasecmp(have.ptr, want.ptr, want.len) == 0) {
            return AO2_OK;
        }
    }
    return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                    typ.ptr ? "\"typ\" is none of those required"
                            : "\"typ\" is missing");
}

/* Sums that stay within the type: both are at most AO2_TIME_FOREVER. */
static apr_time_t later(apr_time_t time, apr_time_t skew)
{
    return time >= AO2_TIME_FOREVER - skew ? AO2_TIME_FOREVER : time + skew;
}

static ao2_code_t check_times(apr_time_t expires, apr_time_t not_before,
                              apr_time_t skew, apr_time_t now,
                              ao2_fail_t *fail)
{
    if (expires != AO2_TIME_FOREVER && now >= later(expires, skew)) {
        return ao2_fail(fail, AO2_E_TOKEN_EXPIRED,
                        "expired %" APR_TIME_T_FMT " s ago",
                        apr_time_sec(now - expires));
    }
    if (later(now, skew) < not_before) {
        return ao2_fail(fail, AO2_E_TOKEN_NOT_YET_VALID,
                        "valid in %" APR_TIME_T_FMT " s",
                        apr_time_sec(not_before - now));
    }
    return AO2_OK;
}

ao2_code_t ao2_principal_check_time(const ao2_principal_t *principal,
                                    apr_time_t skew, apr_time_t now,
                                    ao2_fail_t *fail)
{
    return check_times(principal->expires, principal->not_before, skew, now,
                       fail);
}

static ao2_code_t wrong_type(ao2_fail_t *fail, const char *claim)
{
    return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                    "the claim \"%s\" is of a wrong type or form", claim);
}

static ao2_code_t read_time(apr_time_t *ptime, json_t *claims,
                            const char *name, apr_time_t absent,
                            ao2_fail_t *fail)
{
    json_t *member = json_object_get(claims, name);

    *ptime = absent;
    if (member && !ao2_json_time(ptime, member)) {
        return wrong_type(fail, name);
    }
    return AO2_OK;
}

static ao2_code_t read_times(ao2_principal_t *principal,
                             const ao2_token_rules_t *rules, apr_time_t now,
                             ao2_fail_t *fail)
{
    json_t *claims = principal->claims;
    apr_time_t issued;
    ao2_code_t code;

    code = read_time(&principal->expires, claims, "exp", AO2_TIME_FOREVER,
                     fail);
    if (code == AO2_OK) {
        code = read_time(&principal->not_before, claims, "nbf", 0, fail);
    }
    if (code == AO2_OK) {
        code = read_time(&issued, claims, "iat", 0, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    if (!json_object_get(claims, "exp") && !rules->allow_no_expiry) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "the claim \"exp\" is missing");
    }
    /* A token from the future: as if "nbf" said so. */
    if (issued > principal->not_before) {
        principal->not_before = issued;
    }
    return check_times(principal->expires, principal->not_before, rules->skew,
                       now, fail);
}

/* What REMOTE_USER and the log can hold. */
static int is_plain(ao2_span_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c == 0x7f) {
            return 0;
        }
    }
    return text.len > 0;
}

/* The first of the claims that is there, as a string. */
static ao2_code_t read_first(const char **out, json_t *claims,
                             const apr_array_header_t *paths,
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    int i;

    *out = NULL;
    for (i = 0; i < paths->nelts; i++) {
        const char *path = APR_ARRAY_IDX(paths, i, const char *);
        json_t *member = ao2_json_at(claims, path);
        ao2_span_t text;

        if (!member) {
            continue;
        }
        text = ao2_json_text(member);
        if (!text.ptr || !is_plain(text)) {
            return wrong_type(fail, path);
        }
        *out = apr_pstrmemdup(pool, text.ptr, text.len);
        return AO2_OK;
    }
    return AO2_OK;
}

/* "a b" or ["a", "b"] as one text; NULL for anything else. */
static const char *join_scopes(json_t *member, apr_pool_t *pool)
{
    ao2_span_t text = ao2_json_text(member);
    const char *joined = "";
    size_t i;

    if (text.ptr) {
        return apr_pstrmemdup(pool, text.ptr, text.len);
    }
    if (!json_is_array(member) || json_array_size(member) > AO2_MAX_SCOPES) {
        return NULL;
    }
    for (i = 0; i < json_array_size(member); i++) {
        text = ao2_json_text(json_array_get(member, i));
        /* A space would make two scopes of one. */
        if (!text.ptr || memchr(text.ptr, ' ', text.len)) {
            return NULL;
        }
        joined = apr_pstrcat(pool, joined, i ? " " : "",
                             apr_pstrmemdup(pool, text.ptr, text.len), NULL);
    }
    return joined;
}

static ao2_code_t split_scopes(ao2_principal_t *principal, const char *text,
                               const char *claim, apr_pool_t *pool,
                               ao2_fail_t *fail)
{
    apr_array_header_t *scopes = apr_array_make(pool, 8, sizeof(ao2_span_t));
    char *joined = apr_palloc(pool, strlen(text) + 1);
    char *to = joined;

    while (*(text += strspn(text, " "))) {
        ao2_span_t scope = {to, strcspn(text, " ")};

        if (scopes->nelts == AO2_MAX_SCOPES || scope.len > AO2_MAX_SCOPE) {
            return wrong_type(fail, claim);
        }
        if (to > joined) {
            *to++ = ' ';
            scope.ptr = to;
        }
        memcpy(to, text, scope.len);
        to += scope.len;
        text += scope.len;
        APR_ARRAY_PUSH(scopes, ao2_span_t) = scope;
    }
    *to = '\0';
    principal->scope = joined;
    principal->scopes = scopes;
    return AO2_OK;
}

static ao2_code_t read_scopes(ao2_principal_t *principal,
                              const apr_array_header_t *paths,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    const char *path = "scope";
    const char *text = "";
    int i;

    for (i = 0; i < paths->nelts; i++) {
        json_t *member;

        path = APR_ARRAY_IDX(paths, i, const char *);
        member = ao2_json_at(principal->claims, path);
        if (member) {
            text = join_scopes(member, pool);
            break;
        }
    }
    return text ? split_scopes(principal, text, path, pool, fail)
                : wrong_type(fail, path);
}

static ao2_code_t check_fixed(json_t *claims, const ao2_token_rules_t *rules,
                              ao2_fail_t *fail)
{
    json_t *jti = json_object_get(claims, "jti");
    ao2_span_t id = ao2_json_text(jti);
    ao2_span_t issuer = ao2_json_text(json_object_get(claims, "iss"));

    if (jti && (!id.ptr || id.len > AO2_MAX_JTI)) {
        return wrong_type(fail, "jti");
    }
    if (rules->issuer_url && !ao2_span_is(issuer, rules->issuer_url)) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "\"iss\" is not that of the issuer");
    }
    return AO2_OK;
}

ao2_code_t ao2_principal_make(ao2_principal_t **pprincipal, json_t *claims,
                              ao2_span_t token,
                              const ao2_token_rules_t *rules, apr_time_t now,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_principal_t *principal = apr_pcalloc(pool, sizeof(*principal));
    ao2_code_t code = check_fixed(claims, rules, fail);

    *pprincipal = NULL;
    principal->claims = claims;
    principal->issuer_name = rules->issuer_name;
    principal->issuer_url = rules->issuer_url;
    if (code == AO2_OK) {
        code = read_times(principal, rules, now, fail);
    }
    if (code == AO2_OK) {
        code = read_first(&principal->subject, claims, rules->subject_claims,
                          pool, fail);
    }
    if (code == AO2_OK) {
        code = read_first(&principal->client, claims, rules->client_claims,
                          pool, fail);
    }
    if (code == AO2_OK) {
        code = read_scopes(principal, rules->scope_claims, pool, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    principal->user = principal->subject ? principal->subject
                                         : principal->client;
    if (!principal->user) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "the token names neither a subject nor a client");
    }
    ao2_token_id(principal->token_id, token);
    *pprincipal = principal;
    return AO2_OK;
}

static int in_list(const json_t *value, const apr_array_header_t *audiences)
{
    ao2_span_t text = ao2_json_text(value);
    int i;

    for (i = 0; text.ptr && i < audiences->nelts; i++) {
        if (ao2_span_is(text, APR_ARRAY_IDX(audiences, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

ao2_code_t ao2_token_check_audience(const json_t *claims,
                                    const apr_array_header_t *audiences,
                                    ao2_fail_t *fail)
{
    json_t *aud = json_object_get(claims, "aud");
    size_t i;

    if (in_list(aud, audiences)) {
        return AO2_OK;
    }
    for (i = 0; i < json_array_size(aud); i++) {
        if (in_list(json_array_get(aud, i), audiences)) {
            return AO2_OK;
        }
    }
    return ao2_fail(fail, AO2_E_TOKEN_AUDIENCE,
                    aud ? "\"aud\" holds none of the audiences accepted here"
                        : "the claim \"aud\" is missing");
}

void ao2_token_id(char id[9], ao2_span_t token)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    int i;

    EVP_Digest(token.ptr, token.len, digest, NULL, EVP_sha256(), NULL);
    for (i = 0; i < 4; i++) {
        id[2 * i] = digits[digest[i] >> 4];
        id[2 * i + 1] = digits[digest[i] & 15];
    }
    id[8] = '\0';
}
