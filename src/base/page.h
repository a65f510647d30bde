/**
 * @file base/page.h
 * Text that grows, and what has to be escaped in it.
 *
 * Layer base. One thread at a time; everything lives in the pool given.
 */
#ifndef AO2_BASE_PAGE_H
#define AO2_BASE_PAGE_H

#include <apr_pools.h>

typedef struct {
    apr_pool_t *pool;
    char *text; /**< ends with NUL */
    apr_size_t length;
    apr_size_t room;
} ao2_page_t;

/** An empty page. */
void ao2_page_start(ao2_page_t *page, apr_pool_t *pool);

/** Add text as it is. */
void ao2_page_add(ao2_page_t *page, const char *text);

/** Add text that is made of pieces. */
void ao2_page_format(ao2_page_t *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Add text between tags or quotes of HTML: & < > " ' as references. */
void ao2_page_add_html(ao2_page_t *page, const char *text);

/** Add a label's value of the Prometheus text format: \ " and newline with
 *  a backslash. */
void ao2_page_add_label(ao2_page_t *page, const char *text);

/**
 * A string of anybody's as it may be shown, once it is escaped for where it
 * stands: printable ASCII but \ as it is, every other byte as \xHH; cut.
 * @param text  NULL: NULL
 */
const char *ao2_page_visible(const char *text, apr_pool_t *pool);

#endif
