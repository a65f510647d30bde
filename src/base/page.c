#include "base/page.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#define FIRST_ROOM 4096
#define LONGEST_SHOWN 300

void ao2_page_start(ao2_page_t *page, apr_pool_t *pool)
{
    page->pool = pool;
    page->text = apr_pcalloc(pool, FIRST_ROOM);
    page->length = 0;
    page->room = FIRST_ROOM;
}

static void add_bytes(ao2_page_t *page, const char *bytes, apr_size_t count)
{
    apr_size_t room = page->room;
    char *text;

    while (room - page->length <= count) {
        room *= 2;
    }
    if (room != page->room) {
        text = apr_palloc(page->pool, room);
        memcpy(text, page->text, page->length);
        page->text = text;
        page->room = room;
    }
    memcpy(page->text + page->length, bytes, count);
    page->length += count;
    page->text[page->length] = '\0';
}

void ao2_page_add(ao2_page_t *page, const char *text)
{
    add_bytes(page, text, strlen(text));
}

void ao2_page_format(ao2_page_t *page, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    ao2_page_add(page, apr_pvsprintf(page->pool, format, args));
    va_end(args);
}

/* What stands for a character; NULL: itself. */
typedef const char *escape_fn(char c);

static const char *html(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static const char *label(char c)
{
    switch (c) {
    case '\\':
        return "\\\\";
    case '"':
        return "\\\"";
    case '\n':
        return "\\n";
    default:
        return NULL;
    }
}

static void add_escaped(ao2_page_t *page, const char *text, escape_fn *escape)
{
    const char *from = text;
    const char *at;

    for (at = text; *at; at++) {
        const char *instead = escape(*at);

        if (instead) {
            add_bytes(page, from, (apr_size_t)(at - from));
            ao2_page_add(page, instead);
            from = at + 1;
        }
    }
    add_bytes(page, from, (apr_size_t)(at - from));
}

void ao2_page_add_html(ao2_page_t *page, const char *text)
{
    add_escaped(page, text, html);
}

void ao2_page_add_label(ao2_page_t *page, const char *text)
{
    add_escaped(page, text, label);
}

const char *ao2_page_visible(const char *text, apr_pool_t *pool)
{
    ao2_page_t page;
    int left = LONGEST_SHOWN;

    if (!text) {
        return NULL;
    }
    ao2_page_start(&page, pool);
    for (; *text && left > 0; text++, left--) {
        unsigned char c = (unsigned char)*text;

        if (c >= 0x20 && c < 0x7f && c != '\\') {
            add_bytes(&page, text, 1);
        }
        else {
            ao2_page_format(&page, "\\x%02x", c);
        }
    }
    ao2_page_add(&page, *text ? "..." : "");
    return page.text;
}
