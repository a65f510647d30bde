#include "glue/pages.h"

#include <http_protocol.h>

#include "core/accept.h"
#include "glue/runtime.h"
#include "service/exposition.h"
#include "service/status.h"

#define METRICS "api-oauth2-metrics"

/* Neither is for caches, nor for other sites. */
static int send_page(request_rec *r, const char *type, const ao2_page_t *page)
{
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)page->length);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    if (!r->header_only) {
        ap_rwrite(page->text, (int)page->length, r);
    }
    return OK;
}

static json_t *make_model(const request_rec *r)
{
    ao2_status_sources_t sources;

    ao2_runtime_sources(r->server, &sources);
    return ao2_status_make(&sources, r->pool);
}

static int send_metrics(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");
    int named;
    int open = ao2_accept_quality(accept, "application/openmetrics-text",
                                  &named);
    int is_openmetrics = named && open > 0 &&
                         open >= ao2_accept_quality(accept, "text/plain",
                                                    NULL);
    ao2_page_t page;

    ao2_page_start(&page, r->pool);
    ao2_exposition_write(&page, ao2_runtime_figures(r->server)->counters,
                         make_model(r), is_openmetrics);
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    return send_page(r,
                     is_openmetrics ? AO2_OPENMETRICS_TYPE
                                    : AO2_PROMETHEUS_TYPE,
                     &page);
}

int ao2_pages_handle(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, METRICS) != 0) {
        return DECLINED;
    }
    r->allowed |= AP_METHOD_BIT << M_GET;
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    return send_metrics(r);
}
