/**
 * @file tests/fuzz/keys.h
 * What must hold for every key that was read.
 */
#ifndef AO2_TESTS_FUZZ_KEYS_H
#define AO2_TESTS_FUZZ_KEYS_H

#include "core/jwk.h"

/** @a key was read for @a purpose: its members fit each other and the
 *  limits. */
void fuzz_check_key(const ao2_key_t *key, ao2_purpose_t purpose);

/** The members @a key shares with the JWK it came from. */
void fuzz_check_key_of(const ao2_key_t *key, json_t *jwk,
                       ao2_purpose_t purpose);

#endif
