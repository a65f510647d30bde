#include "service/status.h"

#include "service/exposition.h"

static ao2_pause_state_t worst(const ao2_party_t *party, apr_time_t now)
{
    ao2_pause_state_t keys = ao2_pause_state(&party->pauses[AO2_TARGET_KEYS],
                                             now);
    ao2_pause_state_t answers = ao2_pause_state(
        &party->pauses[AO2_TARGET_ANSWERS], now);

    return keys > answers ? keys : answers;
}

static void add_circuit(json_t *object, const ao2_remote_t *remote,
                        apr_time_t now)
{
    static const char *const words[] = {"closed", "trial", "open"};
    ao2_pause_state_t state = worst(remote->party, now);
    int retry = 0;
    int i;

    for (i = 0; i < AO2_TARGETS && state == AO2_PAUSE_OPEN; i++) {
        int left = ao2_pause_left_sec(&remote->party->pauses[i], now);

        retry = left > retry ? left : retry;
    }
    json_object_set_new(object, "circuit", json_string(words[state]));
    json_object_set_new(object, "circuit_open",
                        json_boolean(state == AO2_PAUSE_OPEN));
    json_object_set_new(object, "retry_in",
                        retry ? json_integer(retry) : json_null());
    json_object_set_new(object, "credentials_refused",
                        json_boolean(ao2_remote_is_refused(remote)));
}

static void add_reach(json_t *object, const ao2_party_t *party)
{
    apr_time_t answered = __atomic_load_n(&party->went_well,
                                          __ATOMIC_RELAXED);
    apr_time_t failed = __atomic_load_n(&party->went_wrong, __ATOMIC_RELAXED);

    json_object_set_new(object, "reachable",
                        answered || failed ? json_boolean(answered > failed)
                                           : json_null());
    json_object_set_new(object, "answered", ao2_status_time(answered));
    json_object_set_new(object, "failed", ao2_status_time(failed));
}

static void add_trouble(json_t *object, const ao2_party_t *party,
                        apr_pool_t *pool)
{
    ao2_trouble_t trouble = {0, ""};
    int any = ao2_notice_read(&party->trouble_notice, &trouble,
                              &party->trouble, sizeof(trouble));

    trouble.text[sizeof(trouble.text) - 1] = '\0';
    json_object_set_new(object, "trouble",
                        ao2_status_text(any ? trouble.text : NULL, pool));
    json_object_set_new(object, "trouble_at",
                        ao2_status_time(any ? trouble.at : 0));
}

static void add_calls(json_t *object, const ao2_remote_t *remote,
                      apr_pool_t *pool)
{
    json_t *calls = json_object();
    int column = 0;
    const char *word = ao2_metric_word(AO2_METRIC_CALLS, column, pool);

    while (remote->calls && word) {
        json_object_set_new(calls, word,
                            json_integer((json_int_t)ao2_row_sum(
                                remote->calls, column)));
        word = ao2_metric_word(AO2_METRIC_CALLS, ++column, pool);
    }
    json_object_set_new(object, "calls_running",
                        json_integer(ao2_gate_count(remote->gate)));
    json_object_set_new(object, "calls_allowed",
                        json_integer(remote->settings.concurrency));
    json_object_set_new(object, "calls", calls);
}

void ao2_status_add_remote(json_t *object, const ao2_remote_t *remote,
                           apr_time_t now, apr_pool_t *pool)
{
    const ao2_board_t *board = remote->ports.board;
    const char *target = board ? ao2_counters_text(&board->counters,
                                                   remote->label)
                               : remote->settings.name;

    json_object_set_new(object, "target", ao2_status_text(target, pool));
    add_reach(object, remote->party);
    add_circuit(object, remote, now);
    add_trouble(object, remote->party, pool);
    add_calls(object, remote, pool);
}
