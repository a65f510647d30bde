#include "core/sheet_cells.h"

#include <string.h>

/* Where there is no room for wide tables their rows become cards. Cells do
 * not break, but for those that may be long. */
static const char style[] =
    ":root{color-scheme:light dark;--back:#fff;--paper:#f6f7f9;--text:#1b1f24;"
    "--weak:#4d5661;--line:#d3d8de;--link:#0a58ad;--good:#116329;"
    "--doubtful:#7a4b00;--bad:#b3141f}"
    "@media (prefers-color-scheme:dark){:root{--back:#14171b;--paper:#1d2126;"
    "--text:#e6e9ed;--weak:#a9b2bd;--line:#39414b;--link:#7fb4f5;"
    "--good:#6fd08c;--doubtful:#e8b45a;--bad:#ff8f8f}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--back);color:var(--text);"
    "font:15px/1.5 system-ui,sans-serif}"
    "header,nav,main,footer{max-width:110rem;margin:0 auto;padding:0 1.5rem}"
    "header{padding-top:1.25rem}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0;overflow-wrap:anywhere}"
    "header p,footer p{color:var(--weak);margin:.25rem 0 1rem}"
    "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;"
    "margin:0;padding:.5rem 0;border-top:1px solid var(--line);"
    "border-bottom:1px solid var(--line)}"
    "a{color:var(--link)}nav a{display:inline-block;padding:.25rem 0}"
    "a:focus-visible{outline:2px solid var(--link);outline-offset:2px}"
    "h2{font-size:1.15rem;margin:1.75rem 0 .5rem}"
    "footer{margin-top:2rem}"
    "table{border-collapse:collapse;background:var(--paper);"
    "border:1px solid var(--line)}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .75rem;"
    "border-bottom:1px solid var(--line);white-space:nowrap}"
    "thead th{color:var(--weak);font-weight:600;vertical-align:bottom;"
    "white-space:normal}"
    "tbody th{font-weight:600}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}"
    ".w{white-space:normal;overflow-wrap:anywhere;min-width:9rem}"
    ".v{color:var(--weak)}.good{color:var(--good)}"
    ".doubtful{color:var(--doubtful);font-weight:600}"
    ".bad{color:var(--bad);font-weight:600}"
    ".none{color:var(--weak);margin:0}"
    "@media (max-width:80rem){"
    ".cards,.cards tr{display:block;width:100%}"
    ".cards{border:0;background:none}"
    ".cards thead{position:absolute;width:1px;height:1px;overflow:hidden;"
    "clip-path:inset(50%)}"
    ".cards tbody{display:grid;gap:.75rem;"
    "grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr))}"
    ".cards tbody tr{background:var(--paper);border:1px solid var(--line);"
    "padding:.5rem .75rem}"
    ".cards tbody th{display:block;padding:0 0 .25rem;border:0;"
    "white-space:normal;overflow-wrap:anywhere}"
    ".cards tbody td{display:flex;justify-content:space-between;gap:1rem;"
    "padding:.125rem 0;border:0;text-align:right;white-space:normal}"
    ".cards tbody td::before{content:attr(data-of);color:var(--weak);"
    "font-weight:400;text-align:left;flex:none;max-width:50%}"
    ".cards tbody td.v{display:none}}"
    "@media (max-width:30rem){header,nav,main,footer{padding-left:1rem;"
    "padding-right:1rem}th,td{white-space:normal}.w{min-width:0}}";

static const char *const moods[] = {"", "good", "doubtful", "bad"};

static void write_cell(ao2_page_t *page, const ao2_cell_t *cell,
                       const char *heading, int is_head)
{
    static const char *const shapes[] = {"", "n", "w", "v"};
    const char *tag = is_head ? "th" : "td";
    const char *mood = moods[cell->mood];
    const char *shape = shapes[cell->shape];

    ao2_page_format(page, "<%s role=\"%s\"%s data-of=\"", tag,
                    is_head ? "rowheader" : "cell",
                    is_head ? " scope=\"row\"" : "");
    ao2_page_add_html(page, heading);
    ao2_page_add(page, "\"");
    if (*mood || *shape) {
        ao2_page_format(page, " class=\"%s%s%s\"", shape,
                        *mood && *shape ? " " : "", mood);
    }
    ao2_page_add(page, "><span>");
    ao2_page_add_html(page, cell->text);
    ao2_page_format(page, "</span></%s>", tag);
}

static int column_is_number(const ao2_sheet_t *sheet, int column)
{
    int i;

    for (i = 0; i < sheet->rows->nelts; i++) {
        const ao2_cell_t *cells = APR_ARRAY_IDX(sheet->rows, i, ao2_cell_t *);

        if (cells[column].shape == AO2_SHAPE_NUMBER) {
            return 1;
        }
    }
    return 0;
}

/* The roles say again what the tags do: where a style sheet makes blocks of
 * rows, browsers forget it. */
static void write_table(ao2_page_t *page, const ao2_sheet_t *sheet)
{
    int i;
    int k;

    ao2_page_format(page, "<table role=\"table\"%s aria-labelledby=\"%s\">\n"
                    "<thead role=\"rowgroup\"><tr role=\"row\">",
                    sheet->is_facts ? "" : " class=\"cards\"", sheet->id);
    for (k = 0; k < sheet->column_count; k++) {
        ao2_page_format(page, "<th role=\"columnheader\" scope=\"col\"%s>",
                        column_is_number(sheet, k) ? " class=\"n\"" : "");
        ao2_page_add_html(page, sheet->headings[k]);
        ao2_page_add(page, "</th>");
    }
    ao2_page_add(page, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
    for (i = 0; i < sheet->rows->nelts; i++) {
        const ao2_cell_t *cells = APR_ARRAY_IDX(sheet->rows, i, ao2_cell_t *);

        ao2_page_add(page, "<tr role=\"row\">");
        for (k = 0; k < sheet->column_count; k++) {
            write_cell(page, &cells[k], sheet->headings[k], k == 0);
        }
        ao2_page_add(page, "</tr>\n");
    }
    ao2_page_add(page, "</tbody></table>\n");
}

static void write_section(ao2_page_t *page, const ao2_sheet_t *sheet)
{
    ao2_page_format(page, "<section aria-labelledby=\"%s\">\n"
                    "<h2 id=\"%s\">%s</h2>\n", sheet->id, sheet->id,
                    sheet->title);
    if (sheet->rows->nelts) {
        write_table(page, sheet);
    }
    else {
        ao2_page_format(page, "<p class=\"none\">%s</p>\n", sheet->empty);
    }
    ao2_page_add(page, "</section>\n");
}

static void write_head(ao2_page_t *page, const json_t *model,
                       const char *server)
{
    json_int_t now = json_integer_value(json_object_get(model, "time"));

    ao2_page_add(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                 "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                 "content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"robots\" content=\"noindex\">\n"
                 "<link rel=\"icon\" href=\"data:,\">\n<title>"
                 "mod_api_oauth2 at ");
    ao2_page_add_html(page, server);
    ao2_page_format(page, "</title>\n<style>%s</style>\n</head>\n<body>\n"
                    "<header>\n<h1>mod_api_oauth2 at ", style);
    ao2_page_add_html(page, server);
    ao2_page_add(page, "</h1>\n<p>Version ");
    ao2_page_add_html(page, json_string_value(json_object_get(model,
                                                              "version")));
    ao2_page_format(page, ", as of %s UTC</p>\n</header>\n",
                    ao2_cell_time(now, page->pool));
}

void ao2_sheets_write_html(ao2_page_t *page, const apr_array_header_t *sheets,
                           const json_t *model, const char *server)
{
    int i;

    write_head(page, model, server);
    ao2_page_add(page, "<nav aria-label=\"Sections\"><ul>\n");
    for (i = 0; i < sheets->nelts; i++) {
        const ao2_sheet_t *sheet = APR_ARRAY_IDX(sheets, i,
                                                 const ao2_sheet_t *);

        ao2_page_format(page, "<li><a href=\"#%s\">%s</a></li>\n", sheet->id,
                        sheet->title);
    }
    ao2_page_add(page, "</ul></nav>\n<main>\n");
    for (i = 0; i < sheets->nelts; i++) {
        write_section(page, APR_ARRAY_IDX(sheets, i, const ao2_sheet_t *));
    }
    ao2_page_add(page, "</main>\n<footer><p>The same as "
                 "<a href=\"?format=json\">JSON</a> and as "
                 "<a href=\"?format=text\">text</a>.</p></footer>\n"
                 "</body>\n</html>\n");
}

void ao2_sheets_write_part(ao2_page_t *page, const apr_array_header_t *sheets)
{
    int i;
    int k;
    int n;

    for (i = 0; i < sheets->nelts; i++) {
        const ao2_sheet_t *sheet = APR_ARRAY_IDX(sheets, i,
                                                 const ao2_sheet_t *);

        ao2_page_format(page, "<h2>mod_api_oauth2: %s</h2>\n<table "
                        "border=\"1\"><tr>", sheet->title);
        for (k = 0; k < sheet->column_count; k++) {
            ao2_page_format(page, "<th>%s</th>", sheet->headings[k]);
        }
        ao2_page_add(page, "</tr>\n");
        for (n = 0; n < sheet->rows->nelts; n++) {
            ao2_page_add(page, "<tr>");
            for (k = 0; k < sheet->column_count; k++) {
                ao2_page_add(page, "<td>");
                ao2_page_add_html(page, APR_ARRAY_IDX(sheet->rows, n,
                                                      ao2_cell_t *)[k].text);
                ao2_page_add(page, "</td>");
            }
            ao2_page_add(page, "</tr>\n");
        }
        ao2_page_add(page, "</table>\n");
    }
}
