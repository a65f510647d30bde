/**
 * @file core/sheet.h
 * The model of the status page (docs/reference.md, "Status") as tables of
 * cells, and these as HTML and as text.
 *
 * Layer core. Pure functions; results live in the pool given. Strings of the
 * model are taken for anybody's: what has to be escaped is.
 */
#ifndef AO2_CORE_SHEET_H
#define AO2_CORE_SHEET_H

#include <apr_tables.h>
#include <jansson.h>

#include "base/page.h"

/** How things are. */
typedef enum {
    AO2_MOOD_NONE,
    AO2_MOOD_GOOD,
    AO2_MOOD_DOUBTFUL,
    AO2_MOOD_BAD
} ao2_mood_t;

/** What room a cell takes. */
typedef enum {
    AO2_SHAPE_SHORT,
    AO2_SHAPE_NUMBER, /**< stands at the right */
    AO2_SHAPE_LONG,   /**< may be broken anywhere */
    AO2_SHAPE_NOTHING /**< says that there is nothing */
} ao2_shape_t;

typedef struct {
    const char *text;
    ao2_mood_t mood;
    ao2_shape_t shape;
} ao2_cell_t;

/** One table. */
typedef struct {
    const char *id;      /**< static: for links */
    const char *title;   /**< static */
    const char *empty;   /**< static: what is said where there are no rows */
    int is_facts;        /**< two columns: what, and how it is */
    int column_count;
    const char **headings;       /**< static texts */
    apr_array_header_t *rows;    /**< of ao2_cell_t *: column_count cells */
} ao2_sheet_t;

/** Make the tables of @a model. @return of const ao2_sheet_t * */
apr_array_header_t *ao2_sheets_make(const json_t *model, apr_pool_t *pool);

/** A whole page. @param server  whose page it is, for people */
void ao2_sheets_write_html(ao2_page_t *page, const apr_array_header_t *sheets,
                           const json_t *model, const char *server);

/** A part of somebody else's page: headings of the second level, tables. */
void ao2_sheets_write_part(ao2_page_t *page,
                           const apr_array_header_t *sheets);

/** Plain text, UTF-8. */
void ao2_sheets_write_text(ao2_page_t *page, const apr_array_header_t *sheets,
                           const json_t *model, const char *server);

#endif
