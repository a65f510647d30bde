/**
 * @file port/database.h
 * A database, as the service layer sees it: somebody who may take for ever.
 *
 * Layer port: an interface alone. Nobody waits here: the answer comes in
 * another thread, some time or never. Any thread may call.
 */
#ifndef AO2_PORT_DATABASE_H
#define AO2_PORT_DATABASE_H

#include "base/span.h"
#include "core/registry_find.h"

/** What came of a question. Borrowed for the call. */
typedef struct {
    ao2_code_t code;    /**< AO2_OK or AO2_E_REGISTRY_UNAVAILABLE */
    ao2_span_t columns; /**< of all rows, each ended by a NUL; "" for NULL */
    const char *detail; /**< of a failure; never a secret */
} ao2_database_answer_t;

/** A question. Lives, and stays as it is, until it is answered. */
typedef struct ao2_question {
    int which; /**< of ao2_find_statements */
    const char *values[AO2_FIND_MOST_VALUES];

    /** Called once, without any lock of the database held. Not called when
     *  the process ends first. */
    void (*answered)(struct ao2_question *self,
                     const ao2_database_answer_t *answer);
    void *context;
} ao2_question_t;

typedef struct ao2_database {
    /**
     * Have a question asked; returns at once.
     * @return 1, or 0 when too many are waiting already: then nothing was
     *         done
     */
    int (*ask)(struct ao2_database *self, ao2_question_t *question);
    void *context;
} ao2_database_t;

#endif
