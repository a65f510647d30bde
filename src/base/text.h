/**
 * @file base/text.h
 * Text that goes into headers, logs and bodies, and small syntaxes.
 *
 * Layer base. Pure functions; results live in the pool given.
 */
#ifndef AO2_BASE_TEXT_H
#define AO2_BASE_TEXT_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "base/span.h"

/**
 * A quoted-string (RFC 9110 section 5.6.4) with its quotes: " and \ are
 * escaped, every byte outside 0x20..0x7e becomes '?'.
 */
const char *ao2_text_quote(const char *text, apr_pool_t *pool);

/**
 * For one log line: bytes outside 0x20..0x7e, " and \ as \xHH, cut after
 * @a max bytes of input with "..." behind.
 */
const char *ao2_text_for_log(ao2_span_t text, apr_size_t max,
                             apr_pool_t *pool);

/**
 * A string value as it is passed on: printable ASCII (0x20..0x7e) except
 * '%' as it is, and except @a also (0 for none); every other byte as %HH
 * with upper case digits. @a text is UTF-8.
 */
const char *ao2_text_percent(ao2_span_t text, char also, apr_pool_t *pool);

/** The same of a whole string: @a text itself where nothing is to be
 *  encoded, else in @a pool. */
const char *ao2_text_passed(const char *text, apr_pool_t *pool);

/** Lower case hexadecimal. */
const char *ao2_text_hex(const void *bytes, apr_size_t len, apr_pool_t *pool);

/** The same into @a out, which has room for 2 * @a len digits and a NUL. */
void ao2_hex_digits(char *out, const void *bytes, apr_size_t len);

/** What a hexadecimal digit of either case stands for; -1: it is none. */
int ao2_hex_value(char c);

/** An array of the @a count strings at @a words, which are borrowed. */
apr_array_header_t *ao2_text_list(int count, const char *const *words,
                                  apr_pool_t *pool);

/** An array of the words that spaces separate in @a list; in @a pool. */
apr_array_header_t *ao2_text_split(const char *list, apr_pool_t *pool);

/**
 * Whether two field names may be one to a backend: case folded, and all but
 * letters and digits taken as '-' (CGI turns "X-User" and "X_User" into the
 * same variable).
 */
int ao2_text_same_field(ao2_span_t a, ao2_span_t b);

/** Whether @a text is a scope-token: printable ASCII without space, " and \
 *  (RFC 6749 section 3.3). */
int ao2_text_is_scope(const char *text);

/**
 * A duration: digits with one of "ms s mi h d" behind; a bare number is
 * seconds. At most 100 years.
 * @param ptime  microseconds
 * @return 1 when it is one, else 0
 */
int ao2_text_duration(apr_time_t *ptime, const char *text);

/**
 * A size: digits with K, M or G behind (in any case); a bare number is bytes.
 * At most 1 TiB. @return 1 when it is one, else 0
 */
int ao2_text_size(apr_int64_t *psize, const char *text);

/**
 * Whether @a url is an absolute URL that a server may be called at: https,
 * or http where @a allow_http is set or the host is a loopback address
 * (127.0.0.0/8, [::1], localhost); a host; no user part; no fragment; no
 * controls or spaces.
 * @return NULL when it is, else a static sentence part saying what is wrong
 */
const char *ao2_text_check_url(const char *url, int allow_http);

#endif
