#include "core/api_token.h"

#include <apr_strings.h>

#include "base/base64url.h"

#define MARK "api_"
#define CHECKSUM 6
#define BODY (AO2_API_TOKEN_LENGTH - CHECKSUM)

/* CRC-32 (ISO 3309, as in zlib), a bit at a time: 47 bytes, now and then. */
static apr_uint32_t crc32_of(const char *bytes, apr_size_t length)
{
    apr_uint32_t crc = 0xffffffffu;
    apr_size_t i;
    int bit;

    for (i = 0; i < length; i++) {
        crc ^= (unsigned char)bytes[i];
        for (bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}

/* 62^6 is more than 2^32: six digits always do. */
static void write_checksum(char digits[CHECKSUM], const char *body)
{
    static const char alphabet[] = "0123456789"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz";
    apr_uint32_t crc = crc32_of(body, BODY);
    int i;

    for (i = CHECKSUM - 1; i >= 0; i--) {
        digits[i] = alphabet[crc % 62];
        crc /= 62;
    }
}

const char *ao2_api_token_make(const unsigned char *random, apr_pool_t *pool)
{
    ao2_span_t bytes = {(const char *)random, AO2_API_TOKEN_RANDOM};
    char *token = apr_palloc(pool, AO2_API_TOKEN_LENGTH + 1);

    memcpy(token, MARK, AO2_API_TOKEN_MARK);
    memcpy(token + AO2_API_TOKEN_MARK, ao2_base64url_encode(bytes, pool),
           BODY - AO2_API_TOKEN_MARK);
    write_checksum(token + BODY, token);
    token[AO2_API_TOKEN_LENGTH] = '\0';
    return token;
}

int ao2_api_token_looks(ao2_span_t text)
{
    apr_size_t i;

    if (text.len != AO2_API_TOKEN_LENGTH ||
        memcmp(text.ptr, MARK, AO2_API_TOKEN_MARK) != 0) {
        return 0;
    }
    for (i = AO2_API_TOKEN_MARK; i < text.len; i++) {
        char c = text.ptr[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
            !(c >= 'a' && c <= 'z') && c != '-' && c != '_') {
            return 0;
        }
    }
    return 1;
}

ao2_code_t ao2_api_token_check(ao2_span_t text, ao2_fail_t *fail)
{
    char expected[CHECKSUM];

    if (!ao2_api_token_looks(text)) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID, "no API token");
    }
    write_checksum(expected, text.ptr);
    if (memcmp(expected, text.ptr + BODY, CHECKSUM) != 0) {
        return ao2_fail(fail, AO2_E_TOKEN_INVALID,
                        "the checksum of the API token is wrong");
    }
    return AO2_OK;
}
