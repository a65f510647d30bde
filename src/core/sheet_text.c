#include "core/sheet_cells.h"

#include <string.h>

/* A column is at most so wide; what is longer pushes the rest aside. */
#define WIDEST 48

/* Characters, not bytes: cells are UTF-8. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

static int widest(const ao2_sheet_t *sheet, int column)
{
    int width = width_of(sheet->headings[column]);
    int i;

    for (i = 0; i < sheet->rows->nelts; i++) {
        const ao2_cell_t *cells = APR_ARRAY_IDX(sheet->rows, i, ao2_cell_t *);
        int own = width_of(cells[column].text);

        width = own > width ? own : width;
    }
    return width < WIDEST ? width : WIDEST;
}

static void add_spaces(ao2_page_t *page, int count)
{
    while (count-- > 0) {
        ao2_page_add(page, " ");
    }
}

static void add_padded(ao2_page_t *page, const char *text, int width,
                       int right, int last)
{
    int room = width - width_of(text);

    add_spaces(page, right ? room : 0);
    ao2_page_add(page, text);
    add_spaces(page, right || last ? 0 : room);
    ao2_page_add(page, last ? "\n" : "  ");
}

static void write_rows(ao2_page_t *page, const ao2_sheet_t *sheet,
                       const int *widths)
{
    int count = sheet->column_count;
    int i;
    int k;

    ao2_page_add(page, "  ");
    for (k = 0; k < count; k++) {
        add_padded(page, sheet->headings[k], widths[k], 0, k == count - 1);
    }
    for (i = 0; i < sheet->rows->nelts; i++) {
        const ao2_cell_t *cells = APR_ARRAY_IDX(sheet->rows, i, ao2_cell_t *);

        ao2_page_add(page, "  ");
        for (k = 0; k < count; k++) {
            add_padded(page, cells[k].text, widths[k],
                       cells[k].shape == AO2_SHAPE_NUMBER,
                       k == count - 1);
        }
    }
}

static void write_sheet(ao2_page_t *page, const ao2_sheet_t *sheet)
{
    int *widths = apr_pcalloc(page->pool, (apr_size_t)sheet->column_count
                                              * sizeof(*widths));
    int k;

    ao2_page_format(page, "\n%s\n", sheet->title);
    if (sheet->rows->nelts == 0) {
        ao2_page_format(page, "  %s\n", sheet->empty);
        return;
    }
    for (k = 0; k < sheet->column_count; k++) {
        widths[k] = widest(sheet, k);
    }
    write_rows(page, sheet, widths);
}

void ao2_sheets_write_text(ao2_page_t *page, const apr_array_header_t *sheets,
                           const json_t *model, const char *server)
{
    const char *version = json_string_value(json_object_get(model,
                                                            "version"));
    json_int_t now = json_integer_value(json_object_get(model, "time"));
    int i;

    ao2_page_format(page, "mod_api_oauth2 %s at %s, %s UTC\n", version,
                    server, ao2_cell_time(now, page->pool));
    for (i = 0; i < sheets->nelts; i++) {
        write_sheet(page, APR_ARRAY_IDX(sheets, i, const ao2_sheet_t *));
    }
}
