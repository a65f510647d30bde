#include "service/registry_token.h"

#include "core/api_token.h"

static apr_array_header_t *one_name(const char *name, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 1, sizeof(char *));

    APR_ARRAY_PUSH(names, const char *) = name;
    return names;
}

ao2_verifier_t *ao2_registry_verifier_make(ao2_registry_source_t *registry,
                                           apr_pool_t *pool)
{
    ao2_verifier_t *verifier = apr_pcalloc(pool, sizeof(*verifier));
    ao2_issuer_t *issuer = apr_pcalloc(pool, sizeof(*issuer));

    issuer->name = AO2_API_TOKEN_ISSUER;
    issuer->label = "ApiRegistry";
    issuer->format = AO2_FORMAT_OPAQUE;
    issuer->rules.issuer_name = AO2_API_TOKEN_ISSUER;
    issuer->rules.subject_claims = one_name("sub", pool);
    issuer->rules.client_claims = one_name("client_id", pool);
    issuer->rules.scope_claims = one_name("scope", pool);
    issuer->rules.allow_no_expiry = 1;
    issuer->rules.makes_api_tokens = 1;
    verifier->issuer = issuer;
    verifier->registry = registry;
    return verifier;
}

/* What the registry says of a token, as claims. Expiry and networks are the
 * registry's own business, on every use. */
static json_t *claims_of(const ao2_api_token_t *row, apr_pool_t *pool)
{
    const char *application = row->application->id;

    return ao2_json_own(json_pack("{s:s, s:s, s:s, s:s}", "sub", application,
                                  "client_id", application, "scope",
                                  row->scope, "jti", row->id),
                        pool);
}

ao2_code_t ao2_registry_token_verify(ao2_verdict_t *verdict,
                                     const ao2_verifier_t *verifier,
                                     ao2_span_t token, apr_time_t now,
                                     apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_registry_source_t *registry = verifier->registry;
    unsigned char digest[AO2_DIGEST_LEN];
    ao2_token_context_t context = {&verifier->issuer->rules, token, now,
                                   digest};
    const ao2_api_token_t *row;
    json_t *claims;
    ao2_code_t code = ao2_api_token_check(token, fail);

    verdict->verifier = verifier;
    verdict->epoch = ao2_verifier_epoch(verifier);
    if (code == AO2_OK) {
        ao2_token_digest(digest, token);
        code = registry->find_token(registry, &row, digest, pool, fail);
    }
    if (code != AO2_OK) {
        return code;
    }
    claims = row ? claims_of(row, pool) : NULL;
    if (!claims) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "the registry does not know the API token");
    }
    verdict->until = now + registry->reuse;
    return ao2_principal_make(&verdict->principal, claims, &context, pool,
                              fail);
}

ao2_code_t ao2_registry_token_check(const ao2_verifier_t *verifier,
                                    const ao2_principal_t *principal,
                                    apr_sockaddr_t *address, apr_time_t now,
                                    apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_registry_source_t *registry = verifier->registry;
    const ao2_api_token_t *row;
    ao2_code_t code = registry->find_token(registry, &row, principal->digest,
                                           pool, fail);

    return code == AO2_OK ? ao2_api_token_check_use(row, address, now, fail)
                          : code;
}
