#include "core/principal.h"

#include <stdlib.h>

#include <apr_strings.h>
#include <openssl/evp.h>

#include "base/text.h"
#include "core/digest.h"

/* What callers see is the front of the block that is allocated: the words
 * of the scope and their text lie behind it. */
typedef struct {
    ao2_principal_t seen;
    int holders; /* atomic */
    ao2_span_t words[];
} block_t;

/* The words of a scope claim, not copied yet. */
typedef struct {
    ao2_span_t words[AO2_MAX_SCOPES];
    int count;
    apr_size_t length; /* of all, with one byte behind each */
} scopes_t;

/* What is read before the block is made. */
typedef struct {
    const char *subject;
    const char *client;
    const char *jti;
    apr_time_t expires;
    apr_time_t not_before;
    apr_time_t issued;
    scopes_t scopes;
} reading_t;

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

static ao2_code_t read_times(reading_t *reading, json_t *claims,
                             const ao2_token_rules_t *rules, apr_time_t now,
                             ao2_fail_t *fail)
{
    ao2_code_t code = read_time(&reading->expires, claims, "exp",
                                AO2_TIME_FOREVER, fail);

    if (code == AO2_OK) {
        code = read_time(&reading->not_before, claims, "nbf", 0, fail);
    }
    if (code == AO2_OK) {
        code = read_time(&reading->issued, claims, "iat", 0, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    if (!json_object_get(claims, "exp") && !rules->allow_no_expiry) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "the claim \"exp\" is missing");
    }
    /* A token from the future: as if "nbf" said so. */
    if (reading->issued > reading->not_before) {
        reading->not_before = reading->issued;
    }
    return check_times(reading->expires, reading->not_before, rules->skew,
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

/* The first of the claims that is there, as a string that the claims own. */
static ao2_code_t read_first(const char **out, json_t *claims,
                             const apr_array_header_t *paths,
                             ao2_fail_t *fail)
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
        *out = text.ptr;
        return AO2_OK;
    }
    return AO2_OK;
}

/* Split at spaces; 0 when there are too many words, or too long ones. */
static int add_words(scopes_t *scopes, ao2_span_t text)
{
    const char *at = text.ptr + strspn(text.ptr, " ");

    while (*at) {
        ao2_span_t word = {at, strcspn(at, " ")};

        if (scopes->count == AO2_MAX_SCOPES || word.len > AO2_MAX_SCOPE) {
            return 0;
        }
        scopes->words[scopes->count++] = word;
        scopes->length += word.len + 1;
        at += word.len;
        at += strspn(at, " ");
    }
    return 1;
}

/* "a b" or ["a", "b"]. */
static int add_scopes(scopes_t *scopes, json_t *member)
{
    ao2_span_t text = ao2_json_text(member);
    size_t i;

    if (text.ptr) {
        return add_words(scopes, text);
    }
    if (!json_is_array(member)) {
        return 0;
    }
    for (i = 0; i < json_array_size(member); i++) {
        text = ao2_json_text(json_array_get(member, i));
        /* A space would make two scopes of one. */
        if (!text.ptr || memchr(text.ptr, ' ', text.len) ||
            !add_words(scopes, text)) {
            return 0;
        }
    }
    return 1;
}

static ao2_code_t read_scopes(scopes_t *scopes, json_t *claims,
                              const apr_array_header_t *paths,
                              ao2_fail_t *fail)
{
    int i;

    scopes->count = 0;
    scopes->length = 0;
    for (i = 0; i < paths->nelts; i++) {
        const char *path = APR_ARRAY_IDX(paths, i, const char *);
        json_t *member = ao2_json_at(claims, path);

        if (member) {
            return add_scopes(scopes, member) ? AO2_OK
                                              : wrong_type(fail, path);
        }
    }
    return AO2_OK;
}

static ao2_code_t read_fixed(reading_t *reading, json_t *claims,
                             const ao2_token_rules_t *rules, ao2_fail_t *fail)
{
    json_t *jti = json_object_get(claims, "jti");
    json_t *iss = json_object_get(claims, "iss");
    ao2_span_t id = ao2_json_text(jti);

    if (jti && (!id.ptr || id.len > AO2_MAX_JTI)) {
        return wrong_type(fail, "jti");
    }
    reading->jti = id.ptr;
    if (!rules->issuer_url || (!iss && rules->allow_no_issuer) ||
        ao2_span_is(ao2_json_text(iss), rules->issuer_url)) {
        return AO2_OK;
    }
    return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                    "\"iss\" is not that of the issuer");
}

static ao2_code_t read_all(reading_t *reading, json_t *claims,
                           const ao2_token_rules_t *rules, apr_time_t now,
                           ao2_fail_t *fail)
{
    ao2_code_t code = read_fixed(reading, claims, rules, fail);

    if (code == AO2_OK) {
        code = read_times(reading, claims, rules, now, fail);
    }
    if (code == AO2_OK) {
        code = read_first(&reading->subject, claims, rules->subject_claims,
                          fail);
    }
    if (code == AO2_OK) {
        code = read_first(&reading->client, claims, rules->client_claims,
                          fail);
    }
    if (code == AO2_OK) {
        code = read_scopes(&reading->scopes, claims, rules->scope_claims,
                           fail);
    }
    if (code == AO2_OK && !reading->subject && !reading->client) {
        code = ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "the token names neither a subject nor a client");
    }
    return code;
}

static void copy_scopes(block_t *block, const scopes_t *scopes)
{
    char *text = (char *)(block->words + scopes->count);
    char *to = text;
    int i;

    for (i = 0; i < scopes->count; i++) {
        if (i) {
            *to++ = ' ';
        }
        memcpy(to, scopes->words[i].ptr, scopes->words[i].len);
        block->words[i].ptr = to;
        block->words[i].len = scopes->words[i].len;
        to += scopes->words[i].len;
    }
    *to = '\0';
    block->seen.scope = text;
    block->seen.scopes = block->words;
    block->seen.scope_count = scopes->count;
}

static block_t *make_block(const scopes_t *scopes)
{
    apr_size_t size = sizeof(block_t) + scopes->length + 1 +
                      (apr_size_t)scopes->count * sizeof(ao2_span_t);
    block_t *block = calloc(1, size);

    if (block) {
        block->holders = 1;
        block->seen.bytes = size;
        copy_scopes(block, scopes);
    }
    return block;
}

ao2_code_t ao2_principal_make(ao2_principal_t **pprincipal, json_t *claims,
                              const ao2_token_context_t *context,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    reading_t reading = {0};
    ao2_code_t code = read_all(&reading, claims, context->rules, context->now,
                               fail);
    ao2_principal_t *principal;
    block_t *block;

    *pprincipal = NULL;
    if (code != AO2_OK) {
        return code;
    }
    block = make_block(&reading.scopes);
    if (!block) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no memory");
    }
    principal = &block->seen;
    principal->issuer_name = context->rules->issuer_name;
    principal->issuer_url = context->rules->issuer_url;
    principal->subject = reading.subject;
    principal->client = reading.client;
    principal->user = reading.subject ? reading.subject : reading.client;
    principal->jti = reading.jti;
    principal->is_api_token = context->rules->makes_api_tokens;
    principal->expires = reading.expires;
    if (reading.expires != AO2_TIME_FOREVER) {
        apr_snprintf(principal->expires_text,
                     sizeof(principal->expires_text), "%" APR_TIME_T_FMT,
                     apr_time_sec(reading.expires));
    }
    principal->not_before = reading.not_before;
    principal->issued = reading.issued;
    principal->claims = ao2_json_disown(claims, pool);
    principal->bytes += ao2_json_bytes(claims);
    if (context->digest) {
        memcpy(principal->digest, context->digest, AO2_DIGEST_LEN);
    }
    else {
        ao2_token_digest(principal->digest, context->token);
    }
    ao2_hex_digits(principal->token_id, principal->digest, 4);
    ao2_principal_release_with(principal, pool);
    *pprincipal = principal;
    return AO2_OK;
}

void ao2_principal_hold(ao2_principal_t *principal)
{
    __atomic_add_fetch(&((block_t *)principal)->holders, 1, __ATOMIC_RELAXED);
}

void ao2_principal_release(ao2_principal_t *principal)
{
    block_t *block = (block_t *)principal;

    if (block &&
        __atomic_sub_fetch(&block->holders, 1, __ATOMIC_ACQ_REL) == 0) {
        json_decref(block->seen.claims);
        free(block);
    }
}

static apr_status_t release(void *data)
{
    ao2_principal_release(data);
    return APR_SUCCESS;
}

void ao2_principal_release_with(ao2_principal_t *principal, apr_pool_t *pool)
{
    apr_pool_cleanup_register(pool, principal, release,
                              apr_pool_cleanup_null);
}

void ao2_token_digest(unsigned char digest[AO2_DIGEST_LEN], ao2_span_t token)
{
    memset(digest, 0, AO2_DIGEST_LEN);
    EVP_Digest(token.ptr, token.len, digest, NULL,
               ao2_digest_of(AO2_DIGEST_LEN), NULL);
}

void ao2_token_id(char id[9], ao2_span_t token)
{
    unsigned char digest[AO2_DIGEST_LEN];

    ao2_token_digest(digest, token);
    ao2_hex_digits(id, digest, 4);
}
