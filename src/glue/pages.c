#include "glue/pages.h"

#include <http_protocol.h>
#include <mod_status.h>

#include <stdlib.h>

#include <apr_optional_hooks.h>
#include <apr_strings.h>

#include "core/accept.h"
#include "core/sheet.h"
#include "glue/runtime.h"
#include "service/exposition.h"

#define METRICS "api-oauth2-metrics"
#define STATUS "api-oauth2-status"

/* Nothing but the page's own style sheet. */
#define POLICY "default-src 'none'; style-src 'unsafe-inline'; " \
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

typedef enum { HTML, JSON, TEXT } format_t;

/* Neither is for caches, nor for other sites. */
static int send_page(request_rec *r, const char *type, const ao2_page_t *page)
{
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)page->length);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_mergen(r->headers_out, "Vary", "Accept");
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
    return send_page(r,
                     is_openmetrics ? AO2_OPENMETRICS_TYPE
                                    : AO2_PROMETHEUS_TYPE,
                     &page);
}

/* Text is for those who do not say what they want. */
static format_t format_by_accept(const request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");
    int wants_html;
    int wants_json;
    int html = ao2_accept_quality(accept, "text/html", &wants_html);
    int json = ao2_accept_quality(accept, "application/json", &wants_json);

    if (wants_json && json > 0 && (!wants_html || json > html)) {
        return JSON;
    }
    return wants_html && html > 0 ? HTML : TEXT;
}

/* @return 0: another format was asked for than there is */
static int find_format(const request_rec *r, format_t *format)
{
    static const struct {
        const char *query;
        format_t format;
    } rows[] = {{"format=html", HTML}, {"format=json", JSON},
                {"format=text", TEXT}};
    size_t i;

    if (!r->args || !*r->args || strcmp(r->args, "format=auto") == 0) {
        *format = format_by_accept(r);
        return 1;
    }
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(r->args, rows[i].query) == 0) {
            *format = rows[i].format;
            return 1;
        }
    }
    return 0;
}

static int send_json(request_rec *r, const json_t *model)
{
    char *text = json_dumps(model, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    ao2_page_t page;

    if (!text) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ao2_page_start(&page, r->pool);
    ao2_page_add(&page, text);
    ao2_page_add(&page, "\n");
    free(text);
    return send_page(r, "application/json", &page);
}

static int send_status(request_rec *r)
{
    const char *server = ao2_page_visible(r->server->server_hostname,
                                          r->pool);
    apr_array_header_t *sheets;
    ao2_page_t page;
    format_t format;
    json_t *model;

    if (!find_format(r, &format)) {
        return HTTP_BAD_REQUEST;
    }
    model = make_model(r);
    if (format == JSON) {
        return send_json(r, model);
    }
    sheets = ao2_sheets_make(model, r->pool);
    ao2_page_start(&page, r->pool);
    if (format == TEXT) {
        ao2_sheets_write_text(&page, sheets, model, server);
        return send_page(r, "text/plain; charset=utf-8", &page);
    }
    ao2_sheets_write_html(&page, sheets, model, server);
    apr_table_setn(r->headers_out, "Content-Security-Policy", POLICY);
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    return send_page(r, "text/html; charset=utf-8", &page);
}

int ao2_pages_handle(request_rec *r)
{
    int is_status = r->handler && strcmp(r->handler, STATUS) == 0;

    if (!is_status && (!r->handler || strcmp(r->handler, METRICS) != 0)) {
        return DECLINED;
    }
    r->allowed |= AP_METHOD_BIT << M_GET;
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    return is_status ? send_status(r) : send_metrics(r);
}

/* In its short form, a line for each figure. */
static void write_short(ao2_page_t *page, const json_t *model)
{
    static const char *const results[] = {"granted", "refused", "failed"};
    static const char *const names[] = {"Granted", "Refused", "Failed"};
    const json_t *counters = json_object_get(model, "counters");
    int i;

    for (i = 0; i < 3; i++) {
        ao2_page_format(page, "ApiOAuth2%s: %" APR_INT64_T_FMT "\n", names[i],
                        (apr_int64_t)json_integer_value(
                            json_object_get(counters, results[i])));
    }
}

static int add_to_status(request_rec *r, int flags)
{
    json_t *model = make_model(r);
    ao2_page_t page;

    ao2_page_start(&page, r->pool);
    if (flags & AP_STATUS_SHORT) {
        write_short(&page, model);
    }
    else {
        ao2_sheets_write_part(&page, ao2_sheets_make(model, r->pool));
    }
    ap_rwrite(page.text, (int)page.length, r);
    return OK;
}

void ao2_pages_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, add_to_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
