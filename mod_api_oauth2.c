/**
 * @file mod_api_oauth2.c
 * The module record and its hooks.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include <ap_expr.h>
#include <mod_proxy.h>

#include "glue/attach.h"
#include "glue/authenticate.h"
#include "glue/authorize.h"
#include "glue/caches.h"
#include "glue/carriers.h"
#include "glue/config.h"
#include "glue/dump.h"
#include "glue/figures.h"
#include "glue/form.h"
#include "glue/identity.h"
#include "glue/lifecycle.h"
#include "glue/mask.h"
#include "glue/pages.h"
#include "glue/respond.h"
#include "glue/runtime.h"
#include "mod_api_oauth2.h"

/* What operators look at. */
static void register_pages(void)
{
    ap_hook_handler(ao2_pages_handle, NULL, NULL, APR_HOOK_MIDDLE);
    ao2_pages_register();
    ap_hook_log_transaction(ao2_figures_log, NULL, NULL,
                            APR_HOOK_REALLY_FIRST);
}

/* What reads and checks a configuration. */
static void register_configuration(void)
{
    ap_hook_pre_config(ao2_caches_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(ao2_mask_check_config, NULL, NULL,
                         APR_HOOK_REALLY_FIRST);
    ap_hook_check_config(ao2_lifecycle_check_config, NULL, NULL,
                         APR_HOOK_MIDDLE);
    ap_hook_test_config(ao2_dump_test_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(ao2_runtime_post_config, NULL, NULL,
                        APR_HOOK_MIDDLE);
}

static void register_hooks(apr_pool_t *pool)
{
    /* A request that becomes HTTP/2 takes its credential along. */
    static const char *const after_upgrade[] = {"core.c", NULL};

    register_configuration();
    ap_hook_child_init(ao2_runtime_child_init, NULL, NULL,
                       APR_HOOK_REALLY_FIRST);

    ap_hook_post_read_request(ao2_identity_scrub, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    ap_hook_post_read_request(ao2_carriers_post_read, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    ap_hook_check_access(ao2_carriers_check_access, NULL, NULL,
                         APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(ao2_authenticate_check_access, NULL, NULL,
                            APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_force_authn(ao2_authenticate_force, NULL, NULL,
                        APR_HOOK_REALLY_FIRST);
    ap_hook_check_authn(ao2_authenticate_check_user, NULL, NULL,
                        APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(ao2_authorize_check, NULL, NULL,
                        APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(ao2_respond_note_failure, NULL, NULL,
                              APR_HOOK_MIDDLE);
    ap_hook_fixups(ao2_identity_fixup, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(ao2_identity_prepare, after_upgrade, NULL,
                    APR_HOOK_REALLY_FIRST);
    ap_hook_handler(ao2_attach_prepare, NULL, NULL,
                    APR_HOOK_REALLY_FIRST + 1);
    APR_OPTIONAL_HOOK(proxy, fixups, ao2_identity_proxy, NULL, NULL,
                      APR_HOOK_LAST);
    APR_OPTIONAL_HOOK(proxy, fixups, ao2_attach_fixup, NULL, NULL,
                      APR_HOOK_LAST + 1);
    APR_OPTIONAL_HOOK(proxy, request_status, ao2_attach_finish, NULL, NULL,
                      APR_HOOK_REALLY_FIRST);
    ap_hook_insert_filter(ao2_respond_insert_private, NULL, NULL,
                          APR_HOOK_MIDDLE);
    ap_hook_insert_filter(ao2_form_insert_filter, NULL, NULL,
                          APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(ao2_respond_insert_filter, NULL, NULL,
                                APR_HOOK_MIDDLE);
    ap_hook_log_transaction(ao2_carriers_before_log, NULL, NULL,
                            APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(ao2_respond_before_log, NULL, NULL,
                            APR_HOOK_REALLY_FIRST);

    ap_hook_expr_lookup(ao2_expression_lookup, NULL, NULL, APR_HOOK_MIDDLE);
    register_pages();
    ao2_authorize_register(pool);
    ao2_respond_register();
    ao2_form_register();
    ao2_attach_register();
    APR_REGISTER_OPTIONAL_FN(api_oauth2_claim);
}

AP_DECLARE_MODULE(api_oauth2) = {
    STANDARD20_MODULE_STUFF, ao2_dir_create, ao2_dir_merge, ao2_server_create,
    ao2_server_merge,        ao2_commands,   register_hooks,
    AP_MODULE_FLAG_NONE
};
