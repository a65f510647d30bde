#include "service/issuer.h"

#include "base/json.h"

/* Which issuer a token says it comes from decides before any key is
 * touched (RFC 8725 section 3.8). */
static const ao2_verifier_t *choose(const json_t *claims,
                                    const ao2_verifier_t *const *verifiers,
                                    int count)
{
    ao2_span_t issuer = ao2_json_text(json_object_get(claims, "iss"));
    int i;

    for (i = 0; issuer.ptr && i < count; i++) {
        if (ao2_span_is(issuer, verifiers[i]->issuer->rules.issuer_url)) {
            return verifiers[i];
        }
    }
    return NULL;
}

static ao2_code_t verify_with(const ao2_jws_t *jws, const ao2_keyset_t *set,
                              ao2_fail_t *fail)
{
    const ao2_key_t *found[AO2_MAX_CANDIDATES];
    int count = ao2_keyset_select(found, set, jws->alg, jws->kid);

    return ao2_jws_verify_any(jws, found, count, fail);
}

/* Keys may have changed since they were loaded: a token that fits none of
 * them asks for newer ones, once. */
static ao2_code_t check_signature(const ao2_jws_t *jws, ao2_keyring_t *ring,
                                  int *retry_after_sec, ao2_fail_t *fail)
{
    ao2_key_hold_t hold;
    ao2_fail_t first = {0};
    ao2_code_t code = ao2_keyring_hold(&hold, ring, retry_after_sec, fail);

    if (code != AO2_OK) {
        return code;
    }
    code = verify_with(jws, hold.set, &first);
    if (code != AO2_OK) {
        code = ao2_keyring_hold_newer(&hold, ring, retry_after_sec, fail);
        if (code == AO2_OK) {
            code = verify_with(jws, hold.set, fail);
        }
        else if (code == AO2_E_TOKEN_INVALID) {
            code = ao2_fail(fail, code, "%s", first.detail);
        }
    }
    ao2_keyring_release(&hold, ring);
    return code;
}

static ao2_code_t check_header(const ao2_jws_t *jws,
                               const ao2_issuer_t *issuer, ao2_fail_t *fail)
{
    if ((issuer->algorithms & jws->alg->bit) == 0) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "%s is not allowed by ApiAlgorithms", jws->alg->name);
    }
    return ao2_token_check_type(jws->typ, &issuer->rules, fail);
}

ao2_code_t ao2_token_verify(ao2_principal_t **pprincipal,
                            int *retry_after_sec, ao2_span_t token,
                            const ao2_check_t *check, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    ao2_token_context_t context = {NULL, token, check->now};
    const ao2_verifier_t *verifier;
    ao2_jws_t *jws;
    json_t *claims;
    ao2_code_t code;

    *pprincipal = NULL;
    if (!ao2_jws_looks_like(token)) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID, "the token is no JWT");
    }
    code = ao2_jws_parse(&jws, token, pool, fail);
    if (code == AO2_OK) {
        code = ao2_json_parse(&claims, jws->payload, AO2_MAX_TOKEN_DEPTH,
                              AO2_E_TOKEN_INVALID, pool, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    verifier = choose(claims, check->verifiers, check->count);
    if (!verifier) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "\"iss\" names no issuer that is accepted here");
    }
    if (!verifier->ring) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "<ApiIssuer %s> has no keys in this process",
                        verifier->issuer->name);
    }
    code = check_header(jws, verifier->issuer, fail);
    if (code == AO2_OK) {
        code = check_signature(jws, verifier->ring, retry_after_sec, fail);
    }
    context.rules = &verifier->issuer->rules;
    return code == AO2_OK ? ao2_principal_make(pprincipal, claims, &context,
                                               pool, fail)
                          : code;
}
