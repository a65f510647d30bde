#include "glue/directive.h"
#include "glue/upstream_draft.h"

#include <apr_strings.h>

#define REFRESH_PERCENT 75
#define DEFAULT_LIFETIME apr_time_from_sec(5 * 60)
#define RETRY_BODY (64 * 1024)

ao2_upstream_draft_t *ao2_upstream_draft_of(const cmd_parms *cmd,
                                            const char **error)
{
    ao2_section_t *section = ao2_section_of_kind(cmd, AO2_SECTION_UPSTREAM,
                                                 error);

    return section ? (ao2_upstream_draft_t *)section : NULL;
}

static void make_lists(ao2_upstream_draft_t *draft, apr_pool_t *pool)
{
    ao2_upstream_object_t *object = &draft->object;
    ao2_token_grant_t *grant = &object->settings.grant;

    draft->origins = apr_array_make(pool, 2, sizeof(ao2_origin_t));
    draft->scopes = apr_array_make(pool, 2, sizeof(char *));
    draft->audiences = apr_array_make(pool, 2, sizeof(char *));
    draft->resources = apr_array_make(pool, 2, sizeof(char *));
    draft->params = apr_array_make(pool, 2, sizeof(char *));
    draft->fields = apr_array_make(pool, 2, sizeof(char *));
    object->origins = draft->origins;
    grant->scopes = draft->scopes;
    grant->audiences = draft->audiences;
    grant->resources = draft->resources;
    grant->params = draft->params;
    object->settings.fields = draft->fields;
}

/* With every default of the reference. */
static ao2_upstream_draft_t *make_draft(const char *name, apr_pool_t *pool)
{
    ao2_upstream_draft_t *draft = apr_pcalloc(pool, sizeof(*draft));
    ao2_upstream_object_t *object = &draft->object;
    ao2_upstream_settings_t *settings = &object->settings;

    draft->section.discovery = &settings->discovery;
    draft->section.auth = &settings->auth;
    draft->section.way = &settings->way;
    ao2_section_init(&draft->section, AO2_SECTION_UPSTREAM, name, pool);
    make_lists(draft, pool);
    object->name = name;
    object->header = "Authorization";
    object->scheme = "Bearer";
    object->retry = 1;
    object->retry_body = RETRY_BODY;
    settings->label = draft->section.label;
    settings->grant.type = AO2_GRANT_CLIENT_CREDENTIALS;
    settings->refresh_percent = REFRESH_PERCENT;
    settings->default_lifetime = DEFAULT_LIFETIME;
    return draft;
}

static const char *check_endpoint(const ao2_upstream_draft_t *draft,
                                  const cmd_parms *cmd)
{
    const ao2_upstream_settings_t *settings = &draft->object.settings;
    const ao2_discovery_settings_t *discovery = &settings->discovery;

    if (settings->endpoint) {
        return ao2_section_check_url(&draft->section, cmd, "ApiTokenEndpoint",
                                     settings->endpoint);
    }
    if (!discovery->issuer_url || draft->section.metadata_off) {
        return ao2_section_error(&draft->section, cmd, "no token endpoint: "
                                 "name ApiTokenEndpoint, or ApiIssuerURL "
                                 "whose metadata names it");
    }
    return discovery->metadata_url
               ? NULL
               : ao2_section_check_url(&draft->section, cmd, "ApiIssuerURL",
                                       discovery->issuer_url);
}

/* Who an assertion speaks for, once the client is known. */
static const char *finish_grant(ao2_upstream_draft_t *draft,
                                const cmd_parms *cmd)
{
    ao2_token_grant_t *grant = &draft->object.settings.grant;

    if (grant->type != AO2_GRANT_JWT_BEARER) {
        return NULL;
    }
    if (!grant->issuer) {
        grant->issuer = draft->section.auth->client_id;
    }
    if (!grant->issuer) {
        return ao2_section_error(&draft->section, cmd, "ApiGrant jwt_bearer "
                                 "needs iss=, or a client id in "
                                 "ApiClientAuth");
    }
    if (!grant->subject) {
        grant->subject = grant->issuer;
    }
    return NULL;
}

static const char *check_all(ao2_upstream_draft_t *draft,
                             const cmd_parms *cmd)
{
    const ao2_section_t *section = &draft->section;
    const char *error;

    if (draft->origins->nelts == 0) {
        return ao2_section_error(section, cmd, "ApiUpstreamOrigin is missing: "
                                 "it says where the token may be sent to");
    }
    if (draft->insecure_origin && !section->discovery->allow_http) {
        return ao2_section_error(section, cmd, apr_psprintf(
            cmd->temp_pool, "ApiUpstreamOrigin \"%s\" would have the token "
            "sent in clear text: use https, or ApiAllowInsecureHTTP On",
            draft->insecure_origin));
    }
    if (!section->auth->is_set) {
        return ao2_section_error(section, cmd, "ApiClientAuth is missing");
    }
    error = check_endpoint(draft, cmd);
    if (!error) {
        error = finish_grant(draft, cmd);
    }
    return error ? error : ao2_section_check(section, cmd);
}

static const char *make_digest(ao2_upstream_draft_t *draft,
                               const cmd_parms *cmd)
{
    apr_array_header_t *more = apr_array_make(cmd->temp_pool, 1,
                                              sizeof(ao2_span_t));

    APR_ARRAY_PUSH(more, ao2_span_t) = draft->grant_secret;
    return ao2_section_digest(draft->object.settings.digest, &draft->section,
                              cmd, more);
}

const char *ao2_open_upstream(cmd_parms *cmd, void *dir, const char *args)
{
    ao2_server_t *server = ao2_server_of(cmd->server);
    const char *name;
    const char *error = ao2_section_begin(&name, cmd, args,
                                          AO2_SECTION_UPSTREAM,
                                          server->upstreams);
    ao2_upstream_draft_t *draft;

    (void)dir;
    if (error) {
        return error;
    }
    if (strcasecmp(name, "off") == 0) {
        return "<ApiUpstream off>: in ApiUpstreamToken this word means none";
    }
    draft = make_draft(name, cmd->pool);
    error = ao2_section_read(&draft->section, cmd);
    if (!error) {
        error = check_all(draft, cmd);
    }
    if (!error) {
        error = make_digest(draft, cmd);
    }
    if (!error) {
        apr_hash_set(server->upstreams, name, APR_HASH_KEY_STRING,
                     &draft->object);
    }
    return error;
}
