/**
 * @file core/accept.h
 * What a client would like (RFC 9110 section 12.5.1).
 *
 * Layer core. Pure functions.
 */
#ifndef AO2_CORE_ACCEPT_H
#define AO2_CORE_ACCEPT_H

/**
 * How much a media type is liked, by the most specific range that covers it.
 * Parameters but "q" are not looked at; what cannot be read likes nothing.
 * @param accept  the field's value; NULL: everything is liked
 * @param type    "text/html"
 * @param named   receives whether the type itself was named, not just a
 *                range that covers it; NULL when not wanted
 * @return 0 (not at all) to 1000
 */
int ao2_accept_quality(const char *accept, const char *type, int *named);

#endif
