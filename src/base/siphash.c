#include "base/siphash.h"

#include <string.h>

typedef struct {
    apr_uint64_t v0, v1, v2, v3;
} state_t;

static inline apr_uint64_t rotate(apr_uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void round_of(state_t *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static void finish(state_t *s)
{
    round_of(s);
    round_of(s);
    round_of(s);
    round_of(s);
}

static inline void absorb(state_t *s, apr_uint64_t word)
{
    s->v3 ^= word;
    round_of(s);
    round_of(s);
    s->v0 ^= word;
}

/* Little-endian, whatever the machine is. */
static inline apr_uint64_t word_at(const unsigned char *bytes)
{
    apr_uint64_t word;

    memcpy(&word, bytes, sizeof(word));
#if APR_IS_BIGENDIAN
    word = __builtin_bswap64(word);
#endif
    return word;
}

void ao2_siphash(apr_uint64_t hash[2], const apr_uint64_t secret[2],
                 ao2_span_t text)
{
    state_t s = {secret[0] ^ APR_UINT64_C(0x736f6d6570736575),
                 secret[1] ^ APR_UINT64_C(0x646f72616e646f6d) ^ 0xee,
                 secret[0] ^ APR_UINT64_C(0x6c7967656e657261),
                 secret[1] ^ APR_UINT64_C(0x7465646279746573)};
    const unsigned char *at = (const unsigned char *)text.ptr;
    apr_size_t left = text.len;
    apr_uint64_t last = (apr_uint64_t)text.len << 56;
    apr_size_t i;

    for (; left >= 8; left -= 8, at += 8) {
        absorb(&s, word_at(at));
    }
    for (i = 0; i < left; i++) {
        last |= (apr_uint64_t)at[i] << 8 * i;
    }
    absorb(&s, last);
    s.v2 ^= 0xee;
    finish(&s);
    hash[0] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    s.v1 ^= 0xdd;
    finish(&s);
    hash[1] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
