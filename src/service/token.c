#include "service/token.h"

#include "base/json.h"
#include "core/api_token.h"
#include "service/refusals.h"
#include "service/registry_token.h"
#include "service/signature_check.h"

/* Two objects may speak for one issuer: the first would be asked. */
static int is_first_of_issuer(int place, const ao2_check_t *check)
{
    const char *url = check->verifiers[place]->issuer->rules.issuer_url;
    int i;

    for (i = 0; url && i < place; i++) {
        const char *other = check->verifiers[i]->issuer->rules.issuer_url;

        if (other && strcmp(other, url) == 0) {
            return 0;
        }
    }
    return 1;
}

static int takes_jwts(const ao2_check_t *check)
{
    int i;

    for (i = 0; i < check->count; i++) {
        if (check->verifiers[i]->issuer->format != AO2_FORMAT_OPAQUE) {
            return 1;
        }
    }
    return 0;
}

int ao2_check_place(const ao2_check_t *check, const ao2_verifier_t *verifier,
                    int jwt_as_opaque)
{
    int place = 0;

    while (place < check->count && check->verifiers[place] != verifier) {
        place++;
    }
    return place < check->count && is_first_of_issuer(place, check) &&
                   !(jwt_as_opaque && takes_jwts(check))
               ? place
               : check->count;
}

/* A JWT, taken apart. */
typedef struct {
    ao2_jws_t *jws;
    json_t *claims;
} jwt_t;

static ao2_code_t parse(jwt_t *jwt, ao2_span_t token, apr_pool_t *pool,
                        ao2_fail_t *fail)
{
    ao2_code_t code = ao2_jws_parse(&jwt->jws, token, pool, fail);

    return code == AO2_OK
               ? ao2_json_parse(&jwt->claims, jwt->jws->payload,
                                AO2_MAX_TOKEN_DEPTH, AO2_E_TOKEN_INVALID,
                                pool, fail)
               : code;
}

/* Which issuer a token says it comes from decides before any key is
 * touched (RFC 8725 section 3.8). */
static const ao2_verifier_t *choose(const jwt_t *jwt,
                                    const ao2_check_t *check)
{
    ao2_span_t issuer = ao2_json_text(json_object_get(jwt->claims, "iss"));
    int i;

    for (i = 0; issuer.ptr && i < check->count; i++) {
        const ao2_issuer_t *one = check->verifiers[i]->issuer;

        if (one->format != AO2_FORMAT_OPAQUE && one->rules.issuer_url &&
            ao2_span_is(issuer, one->rules.issuer_url)) {
            return check->verifiers[i];
        }
    }
    return NULL;
}

static ao2_board_t *board_of(const ao2_verifier_t *verifier)
{
    return verifier->remote->ports.board;
}

/* Checking a signature costs much: whoever sends the same bad token again
 * is told what he was told before. A key that we do not have yet is no
 * reason to remember. */
static ao2_code_t check_jwt(const jwt_t *jwt, const ao2_verifier_t *verifier,
                            const unsigned char *key,
                            ao2_verdict_t *verdict, apr_time_t now,
                            ao2_fail_t *fail)
{
    const ao2_issuer_t *issuer = verifier->issuer;
    ao2_signature_trace_t trace;
    ao2_board_t *board = board_of(verifier);
    ao2_code_t code = board ? ao2_refusals_find(
                                  board, key, now,
                                  issuer->introspection.negative_ttl)
                            : AO2_OK;

    if (code != AO2_OK) {
        return ao2_fail(fail, code, "refused a moment ago, and not checked "
                        "again yet");
    }
    code = ao2_token_check_type(jwt->jws->typ, &issuer->rules, fail);
    if (code != AO2_OK) {
        return code;
    }
    code = ao2_check_signature(jwt->jws, issuer->algorithms, verifier->ring,
                               &trace, fail);
    verdict->retry_after_sec = trace.retry_after_sec;
    if (code == AO2_E_TOKEN_INVALID && trace.keys_tried && board) {
        ao2_refusals_note(board, key, code, now,
                          now + issuer->introspection.negative_ttl);
    }
    return code;
}

static ao2_code_t introspect(ao2_verdict_t *verdict,
                             const ao2_verifier_t *verifier, ao2_span_t token,
                             const ao2_check_t *check, apr_pool_t *pool,
                             ao2_fail_t *fail)
{
    ao2_introspection_answer_t answer;
    ao2_code_t code = ao2_introspect(&answer, verifier->introspection, token,
                                     check->trace, pool, fail);

    verdict->retry_after_sec = answer.retry_after_sec;
    verdict->path = answer.was_shared ? AO2_PATH_SHARED
                                      : AO2_PATH_INTROSPECTION;
    if (code == AO2_OK) {
        verdict->principal = answer.principal;
        verdict->until = answer.until;
        verdict->was_shared = answer.was_shared;
    }
    return code;
}

/* What the token itself says is the issuer's word as much as its answer
 * is; of the latter, only that it is a yes, and until when, counts here. */
static ao2_code_t introspect_too(ao2_verdict_t *verdict,
                                 const ao2_verifier_t *verifier,
                                 ao2_span_t token, const ao2_check_t *check,
                                 apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_principal_t *own = verdict->principal;
    apr_time_t until = verdict->until;
    ao2_code_t code;

    if (!verifier->introspection) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "%s cannot be asked in this process",
                        verifier->issuer->label);
    }
    code = introspect(verdict, verifier, token, check, pool, fail);
    verdict->principal = code == AO2_OK ? own : NULL;
    if (until < verdict->until) {
        verdict->until = until;
    }
    return code;
}

static ao2_code_t verify_jwt(ao2_verdict_t *verdict, const jwt_t *jwt,
                             ao2_span_t token, const ao2_check_t *check,
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_verifier_t *verifier = verdict->verifier;
    const ao2_issuer_t *issuer = verifier->issuer;
    unsigned char digest[AO2_DIGEST_LEN];
    ao2_span_t name = {(const char *)digest, sizeof(digest)};
    ao2_token_context_t context = {&issuer->rules, token, check->now, digest};
    ao2_store_key_t key;
    ao2_code_t code;

    if (!verifier->ring) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "%s has no keys in this process", issuer->label);
    }
    verdict->epoch = ao2_verifier_epoch(verifier);
    ao2_token_digest(digest, token);
    ao2_store_key(key, AO2_KIND_REFUSED_JWT, issuer->digest, name);
    code = check_jwt(jwt, verifier, key, verdict, check->now, fail);
    if (code == AO2_OK) {
        code = ao2_principal_make(&verdict->principal, jwt->claims, &context,
                                  pool, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    verdict->until = check->now + issuer->introspection.ttl;
    if (verdict->principal->expires < verdict->until) {
        verdict->until = verdict->principal->expires;
    }
    return issuer->introspect_jwt
               ? introspect_too(verdict, verifier, token, check, pool, fail)
               : AO2_OK;
}

/* Ask those who can be asked, and whose tokens may look like this one. */
static ao2_code_t verify_opaque(ao2_verdict_t *verdict, int is_jwt,
                                ao2_span_t token, const ao2_check_t *check,
                                apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_fail_t no = {0};
    ao2_fail_t unsure = {0};
    int retry_after_sec = 0;
    int i;

    for (i = 0; i < check->count; i++) {
        const ao2_verifier_t *verifier = check->verifiers[i];
        ao2_fail_t why = {0};
        ao2_code_t code;

        if (!verifier->introspection ||
            verifier->issuer->format == AO2_FORMAT_JWT ||
            (is_jwt && verifier->issuer->format != AO2_FORMAT_OPAQUE) ||
            token.len < AO2_MIN_OPAQUE) {
            continue;
        }
        verdict->epoch = ao2_verifier_epoch(verifier);
        code = introspect(verdict, verifier, token, check, pool, &why);
        if (code == AO2_OK) {
            verdict->verifier = verifier;
            verdict->jwt_as_opaque = is_jwt;
            return code;
        }
        if (code == AO2_E_ISSUER_UNAVAILABLE) {
            ao2_fail(&unsure, code, "%s: %s", verifier->issuer->label,
                     why.detail);
            retry_after_sec = verdict->retry_after_sec;
        }
        else {
            ao2_fail(&no, code, "%s", why.detail);
        }
    }
    verdict->retry_after_sec = retry_after_sec;
    if (unsure.code != AO2_OK) {
        return ao2_fail(fail, unsure.code, "%s", unsure.detail);
    }
    return no.code != AO2_OK
               ? ao2_fail(fail, no.code, "%s", no.detail)
               : ao2_fail(fail, AO2_E_TOKEN_INVALID,
                          is_jwt ? "\"iss\" names no issuer that is accepted "
                                   "here"
                                 : "the token is no JWT, and no issuer here "
                                   "is to be asked about it");
}

/* Whether somebody takes what looks like a JWT for an opaque token. */
static int has_opaque(const ao2_check_t *check)
{
    int i;

    for (i = 0; i < check->count; i++) {
        if (check->verifiers[i]->issuer->format == AO2_FORMAT_OPAQUE) {
            return 1;
        }
    }
    return 0;
}

/* Who knows API tokens here; NULL: nobody. */
static const ao2_verifier_t *find_registry(const ao2_check_t *check)
{
    int i;

    for (i = 0; i < check->count; i++) {
        if (check->verifiers[i]->registry) {
            return check->verifiers[i];
        }
    }
    return NULL;
}

ao2_code_t ao2_token_verify(ao2_verdict_t *verdict, ao2_span_t token,
                            const ao2_check_t *check, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    const ao2_verifier_t *registry = find_registry(check);
    int is_jwt = ao2_jws_looks_like(token);
    ao2_fail_t why = {0};
    jwt_t jwt;

    memset(verdict, 0, sizeof(*verdict));
    verdict->path = is_jwt ? AO2_PATH_JWT : AO2_PATH_INTROSPECTION;
    if (registry && ao2_api_token_looks(token)) {
        verdict->path = AO2_PATH_API_TOKEN;
        return ao2_registry_token_verify(verdict, registry, token, check->now,
                                         pool, fail);
    }
    /* A secret of our own is nobody else's business. */
    if (ao2_api_token_check(token, NULL) == AO2_OK) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "API tokens are not accepted here");
    }
    if (is_jwt && parse(&jwt, token, pool, &why) == AO2_OK) {
        verdict->verifier = choose(&jwt, check);
        if (verdict->verifier) {
            return verify_jwt(verdict, &jwt, token, check, pool, fail);
        }
    }
    /* What is wrong with a JWT is no news to those who take it as opaque. */
    if (why.code != AO2_OK && !has_opaque(check)) {
        return ao2_fail(fail, why.code, "%s", why.detail);
    }
    return verify_opaque(verdict, is_jwt, token, check, pool, fail);
}
