#include "service/registry_database.h"

#include "base/text.h"
#include "core/registry_find.h"

/* To those who ask, a row that the schema does not allow is no row at all,
 * and no "no such" either. */
static ao2_code_t unusable(ao2_fail_t *fail, const ao2_fail_t *why)
{
    return ao2_fail(fail, AO2_E_REGISTRY_UNAVAILABLE, "%s", why->detail);
}

/* No name of a registry is longer. */
static int is_name(const char *text)
{
    return strlen(text) <= AO2_MAX_NAME;
}

static ao2_code_t find_client(ao2_registry_source_t *port,
                              const ao2_client_t **pclient,
                              const char *issuer, const char *client_id,
                              apr_pool_t *pool, ao2_fail_t *fail)
{
    const char *values[] = {issuer, client_id};
    ao2_fail_t why = {0};
    ao2_span_t answer;
    ao2_code_t code;

    *pclient = NULL;
    if (!is_name(issuer) || !is_name(client_id)) {
        return AO2_OK;
    }
    code = ao2_answers_get(port->context, &answer, AO2_FIND_CLIENT, values,
                           pool, fail);
    if (code != AO2_OK) {
        return code;
    }
    return ao2_find_client(pclient, answer, issuer, client_id, pool, &why)
                   == AO2_OK
               ? AO2_OK
               : unusable(fail, &why);
}

static ao2_code_t find_token(ao2_registry_source_t *port,
                             const ao2_api_token_t **ptoken,
                             const unsigned char digest[AO2_DIGEST_LEN],
                             apr_pool_t *pool, ao2_fail_t *fail)
{
    const char *values[] = {ao2_text_hex(digest, AO2_DIGEST_LEN, pool)};
    ao2_fail_t why = {0};
    ao2_span_t answer;
    ao2_code_t code = ao2_answers_get(port->context, &answer, AO2_FIND_TOKEN,
                                      values, pool, fail);

    *ptoken = NULL;
    if (code != AO2_OK) {
        return code;
    }
    return ao2_find_token(ptoken, answer, digest, pool, &why) == AO2_OK
               ? AO2_OK
               : unusable(fail, &why);
}

static ao2_code_t find_plan(ao2_registry_source_t *port,
                            const ao2_plan_t **pplan, const char *name,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_fail_t why = {0};
    ao2_span_t answer;
    ao2_code_t code = ao2_answers_get(port->context, &answer, AO2_FIND_PLAN,
                                      &name, pool, fail);

    *pplan = NULL;
    if (code != AO2_OK) {
        return code;
    }
    return ao2_find_plan(pplan, answer, name, pool, &why) == AO2_OK
               ? AO2_OK
               : unusable(fail, &why);
}

static ao2_code_t find_rows(ao2_registry_source_t *port, ao2_call_t *call,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    const char *values[] = {call->application ? call->application->id : "",
                            call->api_name, call->api_version};
    ao2_fail_t why = {0};
    ao2_span_t answer;
    ao2_code_t code;

    call->api = NULL;
    call->subscription = NULL;
    if (strcmp(call->api_version, AO2_ALL_VERSIONS) == 0) {
        return AO2_OK;
    }
    code = ao2_answers_get(port->context, &answer, AO2_FIND_CALL, values,
                           pool, fail);
    if (code != AO2_OK) {
        return code;
    }
    return ao2_find_call(call, answer, pool, &why) == AO2_OK
               ? AO2_OK
               : unusable(fail, &why);
}

static ao2_code_t find_call(ao2_registry_source_t *port, ao2_call_t *call,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_code_t code = find_rows(port, call, pool, fail);

    call->plan = NULL;
    return code == AO2_OK && call->plan_name
               ? find_plan(port, &call->plan, call->plan_name, pool, fail)
               : code;
}

/* Nobody tells when a row has changed: nothing is known longer than the
 * answers themselves. */
static apr_uint32_t epoch(ao2_registry_source_t *port)
{
    (void)port;
    return 0;
}

static int retry_after_sec(ao2_registry_source_t *port)
{
    return ao2_answers_retry_after_sec(port->context);
}

/* Answers are renewed by those who ask for them. */
static void tick(ao2_registry_source_t *port)
{
    (void)port;
}

static void tell_pages(ao2_registry_source_t *port, ao2_registry_told_t *told,
                       apr_pool_t *pool)
{
    (void)port;
    (void)pool;
    memset(told, 0, sizeof(*told));
    told->kind = "dbd";
}

ao2_code_t ao2_registry_database_open(ao2_registry_source_t **psource,
                                      const ao2_answers_settings_t *settings,
                                      apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_registry_source_t *port = apr_pcalloc(pool, sizeof(*port));
    ao2_answers_t *answers;
    ao2_code_t code = ao2_answers_make(&answers, settings, pool, fail);

    port->find_client = find_client;
    port->find_token = find_token;
    port->find_call = find_call;
    port->epoch = epoch;
    port->reuse = 0;
    port->retry_after_sec = retry_after_sec;
    port->tell = tell_pages;
    port->tick = tick;
    port->context = answers;
    *psource = code == AO2_OK ? port : NULL;
    return code;
}
