#include "service/remote.h"

#include <apr_general.h>
#include <apr_strings.h>

/* What noting down an answer may take. */
#define SLACK apr_time_from_msec(250)
/* Most parties that have figures of their own. */
#define MOST_TARGETS 256

/* The columns of AO2_METRIC_CALLS; the first are those of
 * ao2_errand_end_t. */
enum { CALL_OK, CALL_FAILED, CALL_REFUSED, CALL_PAUSED, CALL_FULL };

/* "<ApiIssuer corp>" is "ApiIssuer corp". */
static void open_rows(ao2_remote_t *remote, apr_pool_t *pool)
{
    ao2_board_t *board = remote->ports.board;
    const ao2_counters_t *counters = board ? &board->counters : NULL;
    const char *name = remote->settings.name;
    size_t length = strlen(name);

    if (length > 2 && name[0] == '<') {
        name = apr_pstrmemdup(pool, name + 1, length - 2);
    }
    remote->label = ao2_counters_label(counters, AO2_LABEL_TARGET, name,
                                       MOST_TARGETS);
    remote->calls = ao2_counters_row(counters, AO2_METRIC_CALLS,
                                     remote->label, AO2_LABEL_NONE);
    remote->call_seconds = ao2_counters_row(counters,
                                            AO2_METRIC_CALL_SECONDS,
                                            remote->label, AO2_LABEL_NONE);
    remote->queue_seconds = ao2_counters_row(counters,
                                             AO2_METRIC_QUEUE_SECONDS,
                                             remote->label, AO2_LABEL_NONE);
}

/* This process alone, which is there as long as anybody asks. */
static int lives(ao2_shared_t *self, ao2_member_t who)
{
    return who == self->me;
}

ao2_code_t ao2_remote_make(ao2_remote_t **premote,
                           const ao2_remote_settings_t *settings,
                           const ao2_ports_t *ports, apr_pool_t *pool,
                           ao2_fail_t *fail)
{
    static ao2_shared_t alone = {.me = 1, .lives = lives};
    ao2_remote_t *remote = apr_pcalloc(pool, sizeof(*remote));
    ao2_board_t *board = ports->board;

    *premote = NULL;
    remote->settings = *settings;
    remote->ports = *ports;
    remote->party = board ? ao2_board_party(board, settings->digest)
                          : apr_pcalloc(pool, sizeof(ao2_party_t));
    if (!remote->party) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED,
                        "no room in shared memory: stop and start httpd");
    }
    open_rows(remote, pool);
    *premote = remote;
    return ao2_gate_make(&remote->gate, remote->party,
                         board ? board->shared : &alone,
                         settings->concurrency, pool, fail);
}

apr_time_t ao2_remote_now(const ao2_remote_t *remote)
{
    return remote->ports.clock->now(remote->ports.clock);
}

apr_time_t ao2_remote_patience(const ao2_remote_t *remote)
{
    return 2 * remote->settings.way->total_timeout + SLACK;
}

static apr_time_t refused_for(const ao2_remote_t *remote, apr_time_t now)
{
    apr_time_t left = __atomic_load_n(&remote->party->refused_until,
                                      __ATOMIC_RELAXED) - now;

    return left > 0 && left <= AO2_REFUSED_LONGEST ? left : 0;
}

int ao2_remote_is_refused(const ao2_remote_t *remote)
{
    return refused_for(remote, ao2_remote_now(remote)) > 0;
}

int ao2_remote_is_left_alone(const ao2_remote_t *remote, ao2_target_t target)
{
    return ao2_pause_holds(&remote->party->pauses[target],
                           ao2_remote_now(remote)) ||
           (target == AO2_TARGET_ANSWERS && ao2_remote_is_refused(remote));
}

int ao2_remote_retry_after(const ao2_remote_t *remote, ao2_target_t target)
{
    apr_time_t now = ao2_remote_now(remote);
    apr_time_t refused = target == AO2_TARGET_ANSWERS
                             ? refused_for(remote, now)
                             : 0;
    int paused = ao2_pause_left_sec(&remote->party->pauses[target], now);
    int sec = (int)apr_time_sec(refused + APR_USEC_PER_SEC - 1);

    return sec > paused ? sec : paused;
}

void ao2_remote_note_trouble(const ao2_remote_t *remote,
                             const ao2_fail_t *fail)
{
    ao2_board_t *board = remote->ports.board;
    ao2_trouble_t trouble = {ao2_remote_now(remote), ""};

    if (board) {
        apr_cpystrn(trouble.text, fail->detail, sizeof(trouble.text));
        ao2_notice_write(&remote->party->trouble_notice,
                         &remote->party->trouble, &trouble, sizeof(trouble),
                         board->shared);
    }
}

unsigned ao2_remote_draw(void)
{
    unsigned bits = 0;

    apr_generate_random_bytes((unsigned char *)&bits, sizeof(bits));
    return bits;
}

static ao2_code_t left_alone(const ao2_remote_t *remote, ao2_fail_t *fail)
{
    ao2_count(remote->calls, CALL_PAUSED);
    return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                    "it failed again and again and is left alone for a "
                    "moment");
}

void ao2_wait_begin(ao2_wait_t *wait, const ao2_remote_t *remote,
                    ao2_target_t target)
{
    wait->remote = remote;
    wait->target = target;
    wait->place = -1;
}

int ao2_wait_goes_on(void *context)
{
    ao2_wait_t *wait = context;
    const ao2_remote_t *remote = wait->remote;

    if (wait->place >= 0 ||
        (!ao2_pause_is_due(&remote->party->pauses[wait->target]) &&
         !ao2_gate_hangs(remote->gate, remote->settings.way->total_timeout))) {
        return 1;
    }
    wait->place = ao2_gate_take(remote->gate);
    return wait->place >= 0;
}

void ao2_wait_end(ao2_wait_t *wait)
{
    if (wait->place >= 0) {
        ao2_gate_leave(wait->remote->gate, wait->place);
    }
}

static void observe(ao2_row_t *row, apr_time_t since, apr_time_t now)
{
    if (now >= since) {
        ao2_observe(row, (apr_uint64_t)(now - since) * 1000);
    }
}

/* @param now  receives the time at which it ended */
static int take_turn(const ao2_remote_t *remote, apr_time_t patience,
                     apr_time_t *now)
{
    ao2_board_t *board = remote->ports.board;
    ao2_census_t *census = ao2_counters_census(board ? &board->counters
                                                     : NULL);
    apr_time_t since = apr_time_now();
    int place;

    ao2_census_add(census ? &census->waiting : NULL, 1);
    place = ao2_gate_enter(remote->gate, patience);
    ao2_census_add(census ? &census->waiting : NULL, -1);
    *now = apr_time_now();
    observe(remote->queue_seconds, since, *now);
    return place;
}

/* The pause is looked at before the gate, where nobody waits in vain, and
 * behind it, since it may have begun meanwhile: only who then calls has the
 * one trial, so that it is never lost. */
ao2_code_t ao2_errand_begin(ao2_errand_t *errand, const ao2_remote_t *remote,
                            ao2_target_t target, apr_pool_t *pool,
                            ao2_fail_t *fail)
{
    apr_time_t total = remote->settings.way->total_timeout;
    ao2_pause_t *pause = &remote->party->pauses[target];

    errand->remote = remote;
    errand->pool = pool;
    errand->target = target;
    if (target == AO2_TARGET_ANSWERS &&
        ao2_remote_is_refused(remote)) {
        ao2_count(remote->calls, CALL_PAUSED);
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "it refuses our credentials and is left alone for a "
                        "while");
    }
    if (ao2_pause_holds(pause, ao2_remote_now(remote))) {
        return left_alone(remote, fail);
    }
    errand->place = take_turn(remote, total, &errand->begun);
    if (errand->place < 0) {
        ao2_count(remote->calls, CALL_FULL);
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "%d calls are under way, none %s",
                        remote->settings.concurrency,
                        ao2_gate_hangs(remote->gate, total)
                            ? "is answered: it seems to hang"
                            : "ended in time");
    }
    if (!ao2_pause_may_call(pause, ao2_remote_now(remote),
                            ao2_remote_patience(remote))) {
        ao2_gate_leave(remote->gate, errand->place);
        return left_alone(remote, fail);
    }
    errand->deadline = errand->begun + total;
    return AO2_OK;
}

ao2_code_t ao2_errand_call(const ao2_errand_t *errand,
                           ao2_http_answer_t *answer,
                           ao2_http_request_t *request, ao2_fail_t *fail)
{
    const ao2_http_way_t *way = errand->remote->settings.way;
    ao2_http_t *http = errand->remote->ports.http;
    apr_time_t now = apr_time_now();
    ao2_code_t code;

    request->way = way;
    request->timeout = errand->deadline - now;
    if (request->timeout <= 0) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "no time was left to ask");
    }
    /* It is more where the clock was set back. */
    if (request->timeout > way->total_timeout) {
        request->timeout = way->total_timeout;
    }
    code = http->call(http, answer, request, errand->pool, fail);
    /* A document may be there at once where every answer takes its time. */
    if (code == AO2_OK) {
        ao2_gate_answered(errand->remote->gate,
                          request->form.ptr ? apr_time_now() - now : 0);
    }
    return code;
}

ao2_code_t ao2_errand_get(const ao2_errand_t *errand,
                          ao2_http_answer_t *answer, const char *url,
                          ao2_fail_t *fail)
{
    ao2_http_request_t request = {0};
    ao2_code_t code;

    request.url = url;
    request.accept = "application/jwk-set+json, application/json";
    request.max_body = AO2_MAX_DOCUMENT;
    code = ao2_errand_call(errand, answer, &request, fail);
    if (code == AO2_OK && answer->status != 200) {
        code = ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE,
                        "answered with status %d", answer->status);
    }
    return code;
}

static void note_refusal(ao2_party_t *party, apr_time_t now)
{
    apr_uint32_t count = __atomic_add_fetch(&party->refusals, 1,
                                            __ATOMIC_RELAXED);
    apr_time_t length = APR_USEC_PER_SEC;

    while (--count > 0 && length < AO2_REFUSED_LONGEST) {
        length *= 2;
    }
    if (length > AO2_REFUSED_LONGEST) {
        length = AO2_REFUSED_LONGEST;
    }
    __atomic_store_n(&party->refused_until, now + length, __ATOMIC_RELAXED);
}

void ao2_errand_end(ao2_errand_t *errand, ao2_errand_end_t how)
{
    ao2_party_t *party = errand->remote->party;
    ao2_pause_t *pause = &party->pauses[errand->target];
    apr_time_t now = ao2_remote_now(errand->remote);

    ao2_gate_leave(errand->remote->gate, errand->place);
    observe(errand->remote->call_seconds, errand->begun, apr_time_now());
    ao2_count(errand->remote->calls, (int)how);
    __atomic_store_n(how == AO2_ERRAND_DONE ? &party->went_well
                                            : &party->went_wrong,
                     now, __ATOMIC_RELAXED);
    if (how == AO2_ERRAND_FAILED) {
        ao2_pause_failed(pause, now, ao2_remote_draw());
        return;
    }
    ao2_pause_succeeded(pause);
    if (how == AO2_ERRAND_REFUSED) {
        note_refusal(party, now);
    }
    else if (errand->target == AO2_TARGET_ANSWERS) {
        __atomic_store_n(&party->refusals, 0, __ATOMIC_RELAXED);
    }
}
