/**
 * @file core/registry_words.h
 * The words that stand for states in documents, tables and commands.
 *
 * Layer core. Constant; safe from any thread.
 */
#ifndef AO2_CORE_REGISTRY_WORDS_H
#define AO2_CORE_REGISTRY_WORDS_H

#include "base/span.h"

/* Each list is in the order of its enumeration, NULL behind the last. */
extern const char *const ao2_key_types[];
extern const char *const ao2_application_statuses[];
extern const char *const ao2_bindings[];
extern const char *const ao2_api_statuses[];
extern const char *const ao2_subscription_statuses[];
extern const char *const ao2_api_token_statuses[];

/** Which word of a list @a text is, exactly; -1: none of them. */
int ao2_word_find(const char *const *words, ao2_span_t text);

#endif
