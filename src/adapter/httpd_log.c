#include "adapter/httpd_log.h"

#include <http_config.h>
#include <http_log.h>

extern module AP_MODULE_DECLARE_DATA api_oauth2_module;
APLOG_USE_MODULE(api_oauth2);

static void write_line(ao2_log_t *self, ao2_level_t level, ao2_code_t code,
                       const char *text)
{
    static const int levels[] = {APLOG_DEBUG, APLOG_INFO, APLOG_WARNING,
                                 APLOG_ERR};
    server_rec *server = self->context;

    if (code == AO2_OK) {
        ap_log_error(APLOG_MARK, levels[level], 0, server, "%s", text);
        return;
    }
    ap_log_error(APLOG_MARK, levels[level], 0, server, "AO2-%03d %s: %s",
                 ao2_error_of(code)->number, ao2_error_of(code)->id, text);
}

ao2_log_t *ao2_httpd_log_make(server_rec *server, apr_pool_t *pool)
{
    ao2_log_t *log = apr_pcalloc(pool, sizeof(*log));

    log->write = write_line;
    log->context = server;
    return log;
}
