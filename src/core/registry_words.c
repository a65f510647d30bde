#include "core/registry_words.h"

#include <stddef.h>

const char *const ao2_key_types[] = {"production", "sandbox", NULL};
const char *const ao2_application_statuses[] = {"active", "blocked", NULL};
const char *const ao2_bindings[] = {"any", "jwt", "opaque", NULL};
const char *const ao2_api_statuses[] = {"published", "deprecated", "blocked",
                                        "retired", NULL};
const char *const ao2_subscription_statuses[] = {
    "active", "blocked", "production_blocked", "pending", "rejected",
    "closed", NULL};
const char *const ao2_api_token_statuses[] = {"active", "revoked", NULL};

int ao2_word_find(const char *const *words, ao2_span_t text)
{
    int i;

    for (i = 0; words[i]; i++) {
        if (ao2_span_is(text, words[i])) {
            return i;
        }
    }
    return -1;
}
