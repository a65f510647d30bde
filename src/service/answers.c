#include "service/answers.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/siphash.h"
#include "service/answer_table.h"
#include "service/pause.h"

#define STRIPES 16
/* A cause that stays the same is told so often. */
#define TELL_AGAIN apr_time_from_sec(60)

/* Each with a mutex of its own. */
typedef struct {
    ao2_answer_table_t table;
    ao2_answers_counts_t counts;
} stripe_t;

/* A question that is with the database. */
typedef struct {
    ao2_question_t question;
    struct ao2_answers *answers;
    ao2_answer_t *answer;
    apr_time_t since;    /* what comes of it is not older */
    apr_uint64_t number; /* 1 or more; grows, whatever the clock does */
} ask_t;

struct ao2_answers {
    ao2_answers_settings_t settings;
    apr_uint64_t secret[2];
    ao2_pause_t pause;
    apr_thread_mutex_t *telling; /* guards what follows */
    apr_time_t told_at;
    char told[AO2_MAX_DETAIL + 1]; /* what is wrong; empty: nothing */
    stripe_t stripes[STRIPES];
};

/* One caller. */
typedef struct {
    ao2_answers_t *answers;
    stripe_t *stripe;
    ao2_answer_t *answer;
    int was_late; /* his patience ended before anybody else's */
} caller_t;

static apr_time_t now_of(const ao2_answers_t *answers)
{
    return answers->settings.clock->now(answers->settings.clock);
}

/* --- what the operator hears -------------------------------------------- */

static void tell(ao2_answers_t *answers, const char *what)
{
    apr_time_t now = now_of(answers);
    ao2_log_t *log = answers->settings.log;
    char text[2 * AO2_MAX_DETAIL];

    apr_thread_mutex_lock(answers->telling);
    if (strcmp(answers->told, what) != 0 ||
        now - answers->told_at >= TELL_AGAIN) {
        apr_cpystrn(answers->told, what, sizeof(answers->told));
        answers->told_at = now;
        apr_snprintf(text, sizeof(text), "%s: %s; what it said up to %d s ago "
                     "stays in force", answers->settings.label, what,
                     AO2_MAX_REGISTRY_STALE_SEC);
        log->write(log, AO2_LEVEL_ERROR, AO2_E_REGISTRY_UNAVAILABLE, text);
    }
    apr_thread_mutex_unlock(answers->telling);
}

static void tell_back(ao2_answers_t *answers)
{
    ao2_log_t *log = answers->settings.log;
    char text[AO2_MAX_DETAIL];

    apr_thread_mutex_lock(answers->telling);
    if (answers->told[0]) {
        answers->told[0] = '\0';
        apr_snprintf(text, sizeof(text), "%s: the database answers again",
                     answers->settings.label);
        log->write(log, AO2_LEVEL_INFO, AO2_OK, text);
    }
    apr_thread_mutex_unlock(answers->telling);
}

static void note_failure(ao2_answers_t *answers, const char *what)
{
    apr_time_t now = now_of(answers);

    ao2_pause_failed(&answers->pause, now,
                     (unsigned)(now ^ (apr_time_t)answers->secret[0]));
    tell(answers, what);
}

/* --- asking ------------------------------------------------------------- */

/* Whether something was said, not longer ago than @a age. */
static int is_younger(const ao2_answer_t *answer, apr_time_t now,
                      apr_time_t age)
{
    return answer->since && now >= answer->since && now - answer->since < age;
}

static apr_time_t longest(const ao2_answers_t *answers)
{
    apr_time_t stale = apr_time_from_sec(AO2_MAX_REGISTRY_STALE_SEC);

    return stale > answers->settings.ttl ? stale : answers->settings.ttl;
}

static void answered(ao2_question_t *question,
                     const ao2_database_answer_t *said)
{
    ask_t *ask = question->context;
    ao2_answer_t *answer = ask->answer;
    ao2_answer_table_t *table = answer->table;

    /* Before anybody is woken up, who may ask again. */
    if (said->code == AO2_OK) {
        ao2_pause_succeeded(&ask->answers->pause);
        tell_back(ask->answers);
    }
    else {
        note_failure(ask->answers, said->detail);
    }
    apr_thread_mutex_lock(table->mutex);
    if (said->code == AO2_OK &&
        ao2_answer_keep(answer, said->columns, ask->number)) {
        answer->since = ask->since;
    }
    if (answer->current == ask->number) {
        answer->current = 0;
    }
    answer->outstanding--;
    apr_thread_cond_broadcast(table->answered);
    apr_thread_mutex_unlock(table->mutex);
    free(ask);
}

static ask_t *make_ask(const caller_t *caller, apr_time_t now)
{
    const char *value = caller->answer->key;
    ask_t *ask = calloc(1, sizeof(*ask));
    int i;

    if (!ask) {
        return NULL;
    }
    ask->answers = caller->answers;
    ask->answer = caller->answer;
    ask->since = now;
    ask->number = caller->stripe->counts.asked + 1;
    ask->question.which = caller->answer->which;
    ask->question.answered = answered;
    ask->question.context = ask;
    for (i = 0; i < ao2_find_statements[ask->question.which].values; i++) {
        ask->question.values[i] = value;
        value += strlen(value) + 1;
    }
    return ask;
}

/* Unless it is asked already, or left alone. */
static void ask_database(const caller_t *caller, apr_time_t now)
{
    ao2_answers_settings_t *settings = &caller->answers->settings;
    ao2_answer_t *answer = caller->answer;
    ask_t *ask;

    if (answer->current || !ao2_pause_may_call(&caller->answers->pause, now,
                                               settings->patience)) {
        return;
    }
    ask = make_ask(caller, now);
    if (!ask || !settings->database->ask(settings->database,
                                         &ask->question)) {
        free(ask);
        return;
    }
    answer->current = ask->number;
    answer->outstanding++;
    caller->stripe->counts.asked++;
}

/* An answer that does not come in time is one that nobody waits for any
 * more: it is asked for again, and may still come. */
static void await(caller_t *caller)
{
    ao2_answer_t *answer = caller->answer;
    apr_time_t patience = caller->answers->settings.patience;
    apr_time_t deadline = apr_time_now() + patience;
    apr_time_t left = patience;
    apr_uint64_t number = answer->current;

    answer->waiting++;
    while (number && answer->current == number && left > 0 &&
           left <= patience) {
        apr_thread_cond_timedwait(answer->table->answered,
                                  answer->table->mutex, left);
        left = deadline - apr_time_now();
    }
    answer->waiting--;
    if (number && answer->current == number) {
        answer->current = 0;
        caller->was_late = 1;
    }
}

/* Whether there is an answer to be taken. */
static int find(caller_t *caller)
{
    ao2_answers_counts_t *counts = &caller->stripe->counts;
    ao2_answer_t *answer = caller->answer;
    apr_time_t ttl = caller->answers->settings.ttl;
    apr_time_t now = now_of(caller->answers);
    apr_uint64_t number = answer->number;

    /* Who comes once only is the first to go. */
    answer->used = number != 0;
    if (is_younger(answer, now, ttl)) {
        counts->hits++;
        if (!is_younger(answer, now, ttl - ttl / 4)) {
            ask_database(caller, now);
        }
        return 1;
    }
    ask_database(caller, now);
    await(caller);
    /* Also what came just now may be of long ago. */
    if (!is_younger(answer, now_of(caller->answers),
                    longest(caller->answers))) {
        counts->failed++;
        return 0;
    }
    counts->stale += answer->number == number;
    return 1;
}

static ao2_code_t take(caller_t *caller, ao2_span_t *columns,
                       apr_pool_t *pool, ao2_fail_t *fail)
{
    const ao2_answer_t *answer = caller->answer;

    if (!find(caller)) {
        return ao2_fail(fail, AO2_E_REGISTRY_UNAVAILABLE,
                        "the database does not answer");
    }
    columns->len = answer->length;
    columns->ptr = answer->length
                       ? apr_pmemdup(pool, answer->columns, answer->length)
                       : "";
    return AO2_OK;
}

/* --- public ------------------------------------------------------------- */

static apr_status_t free_all(void *data)
{
    ao2_answers_t *answers = data;
    int i;

    for (i = 0; i < STRIPES; i++) {
        ao2_answer_table_clear(&answers->stripes[i].table);
    }
    return APR_SUCCESS;
}

ao2_code_t ao2_answers_make(ao2_answers_t **panswers,
                            const ao2_answers_settings_t *settings,
                            apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_answers_t *answers = apr_pcalloc(pool, sizeof(*answers));
    int i;

    *panswers = NULL;
    answers->settings = *settings;
    if (apr_generate_random_bytes((unsigned char *)answers->secret,
                                  sizeof(answers->secret)) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no random bytes");
    }
    if (apr_thread_mutex_create(&answers->telling, APR_THREAD_MUTEX_DEFAULT,
                                pool) != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    for (i = 0; i < STRIPES; i++) {
        if (!ao2_answer_table_make(&answers->stripes[i].table,
                                   settings->bytes / STRIPES, pool)) {
            return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
        }
    }
    apr_pool_cleanup_register(pool, answers, free_all, apr_pool_cleanup_null);
    *panswers = answers;
    return AO2_OK;
}

static ao2_span_t make_key(int which, const char *const *values,
                           apr_pool_t *pool)
{
    int count = ao2_find_statements[which].values;
    ao2_span_t key = {NULL, 0};
    char *at;
    int i;

    for (i = 0; i < count; i++) {
        key.len += strlen(values[i]) + 1;
    }
    at = apr_palloc(pool, key.len);
    key.ptr = at;
    for (i = 0; i < count; i++) {
        size_t length = strlen(values[i]) + 1;

        memcpy(at, values[i], length);
        at += length;
    }
    return key;
}

ao2_code_t ao2_answers_get(ao2_answers_t *answers, ao2_span_t *columns,
                           int which, const char *const *values,
                           apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_span_t key = make_key(which, values, pool);
    caller_t caller = {.answers = answers};
    apr_uint64_t hash[2];
    ao2_code_t code;

    memset(columns, 0, sizeof(*columns));
    ao2_siphash(hash, answers->secret, key);
    caller.stripe = &answers->stripes[hash[1] % STRIPES];
    apr_thread_mutex_lock(caller.stripe->table.mutex);
    caller.answer = ao2_answer_get(&caller.stripe->table, hash[0], which,
                                   key);
    code = caller.answer ? take(&caller, columns, pool, fail)
                         : ao2_fail(fail, AO2_E_REGISTRY_UNAVAILABLE,
                                    "no memory");
    apr_thread_mutex_unlock(caller.stripe->table.mutex);
    if (caller.was_late) {
        note_failure(answers, "the database does not answer in time");
    }
    return code;
}

int ao2_answers_retry_after_sec(const ao2_answers_t *answers)
{
    return ao2_pause_left_sec(&answers->pause, now_of(answers));
}

void ao2_answers_counts(ao2_answers_t *answers, ao2_answers_counts_t *counts)
{
    int i;

    memset(counts, 0, sizeof(*counts));
    for (i = 0; i < STRIPES; i++) {
        stripe_t *stripe = &answers->stripes[i];

        apr_thread_mutex_lock(stripe->table.mutex);
        counts->hits += stripe->counts.hits;
        counts->asked += stripe->counts.asked;
        counts->stale += stripe->counts.stale;
        counts->failed += stripe->counts.failed;
        counts->entries += stripe->table.entries;
        counts->bytes += stripe->table.bytes;
        apr_thread_mutex_unlock(stripe->table.mutex);
    }
}
