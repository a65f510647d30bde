#include "core/alg.h"

#include <stddef.h>

#define ROW(name, family, curve, digest, bytes, half, place) \
    {name, AO2_FAMILY_##family, AO2_CURVE_##curve, digest, bytes, half, \
     1u << (place)}

static const ao2_alg_t algs[] = {
    ROW("RS256", RSA_PKCS1, NONE, "SHA256", 32, 0, 0),
    ROW("RS384", RSA_PKCS1, NONE, "SHA384", 48, 0, 1),
    ROW("RS512", RSA_PKCS1, NONE, "SHA512", 64, 0, 2),
    ROW("PS256", RSA_PSS, NONE, "SHA256", 32, 0, 3),
    ROW("PS384", RSA_PSS, NONE, "SHA384", 48, 0, 4),
    ROW("PS512", RSA_PSS, NONE, "SHA512", 64, 0, 5),
    ROW("ES256", ECDSA, P256, "SHA256", 32, 32, 6),
    ROW("ES384", ECDSA, P384, "SHA384", 48, 48, 7),
    ROW("ES512", ECDSA, P521, "SHA512", 64, 66, 8),
    ROW("EdDSA", EDDSA, NONE, NULL, 0, 0, 9),
    ROW("Ed25519", EDDSA, ED25519, NULL, 0, 0, 10),
    ROW("Ed448", EDDSA, ED448, NULL, 0, 0, 11),
    ROW("HS256", HMAC, NONE, "SHA256", 32, 0, 12),
    ROW("HS384", HMAC, NONE, "SHA384", 48, 0, 13),
    ROW("HS512", HMAC, NONE, "SHA512", 64, 0, 14),
};

#define ALGS ((int)(sizeof(algs) / sizeof(algs[0])))

const ao2_alg_t *ao2_alg_at(int index)
{
    return index >= 0 && index < ALGS ? &algs[index] : NULL;
}

const ao2_alg_t *ao2_alg_find(ao2_span_t name)
{
    int i;

    for (i = 0; i < ALGS; i++) {
        if (ao2_span_is(name, algs[i].name)) {
            return &algs[i];
        }
    }
    return NULL;
}

static unsigned bits_of(ao2_family_t family)
{
    unsigned bits = 0;
    int i;

    for (i = 0; i < ALGS; i++) {
        if (algs[i].family == family) {
            bits |= algs[i].bit;
        }
    }
    return bits;
}

unsigned ao2_alg_allows(const ao2_alg_t *alg)
{
    return alg->family == AO2_FAMILY_EDDSA && alg->curve == AO2_CURVE_NONE
               ? bits_of(AO2_FAMILY_EDDSA)
               : alg->bit;
}

unsigned ao2_alg_hmac(void)
{
    return bits_of(AO2_FAMILY_HMAC);
}

unsigned ao2_alg_default(void)
{
    unsigned bits = 0;
    int i;

    for (i = 0; i < ALGS; i++) {
        bits |= algs[i].bit;
    }
    return bits & ~ao2_alg_hmac();
}
