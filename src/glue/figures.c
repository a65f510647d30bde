#include "glue/figures.h"

#include <time.h>

#include <apr_strings.h>

#include "glue/runtime.h"

/* APIs that have figures of their own: <ApiName> stands in .htaccess, too. */
#define MOST_APIS 256
/* One look-up in so many is measured. A power of two. */
#define MEASURED 64

/* The columns of AO2_METRIC_LOOKUPS. */
enum { HIT, MISS };
/* The columns of AO2_METRIC_CLIENTS. */
enum { GRANTED, REFUSED, FAILED };

void ao2_figures_open(ao2_figures_t *figures, const ao2_counters_t *counters)
{
    static const char *const paths[AO2_PATHS] = {
        "process", "shared", "jwt", "introspection", "apitoken"};
    int i;

    figures->counters = counters;
    for (i = 0; i < AO2_PATHS; i++) {
        ao2_label_t label = ao2_counters_label(counters, AO2_LABEL_WORD,
                                               paths[i], AO2_MOST_WORDS);

        figures->paths[i] = ao2_counters_row(counters,
                                             AO2_METRIC_AUTHENTICATION,
                                             label, AO2_LABEL_NONE);
        if (i == AO2_PATH_PROCESS) {
            figures->lookups = ao2_counters_row(counters, AO2_METRIC_LOOKUPS,
                                                label, AO2_LABEL_NONE);
        }
    }
}

static apr_uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_uint64_t)now.tv_sec * 1000000000u + (apr_uint64_t)now.tv_nsec;
}

/* The microsecond in which a request came is as good as drawn. */
apr_uint64_t ao2_figures_seek(const request_rec *r)
{
    return r->request_time % MEASURED == 0 ? clock_ns() : 0;
}

void ao2_figures_found(const request_rec *r, apr_uint64_t begun)
{
    const ao2_figures_t *figures = ao2_runtime_figures(r->server);

    ao2_count(figures->lookups, HIT);
    if (begun) {
        ao2_observe(figures->paths[AO2_PATH_PROCESS], clock_ns() - begun);
    }
}

apr_uint64_t ao2_figures_missed(const request_rec *r, int looked)
{
    if (looked) {
        ao2_count(ao2_runtime_figures(r->server)->lookups, MISS);
    }
    return clock_ns();
}

void ao2_figures_checked(const request_rec *r, const ao2_verdict_t *verdict,
                         apr_uint64_t begun)
{
    ao2_observe(ao2_runtime_figures(r->server)->paths[verdict->path],
                clock_ns() - begun);
}

/* The request of a chain that decides what the whole was: the first that was
 * refused, else the last that was let in. @return NULL: none was ours */
static request_rec *find_decided(request_rec *r)
{
    request_rec *granted = NULL;

    for (; r; r = r->next) {
        const ao2_state_t *state = ao2_state_find(r);

        if (state && state->refusal) {
            return r;
        }
        if (state && (state->granted || state->preflight)) {
            granted = r;
        }
    }
    return granted;
}

static ao2_label_t issuer_of(const ao2_state_t *state)
{
    const ao2_verifier_t *verifier = state->verifier ? state->verifier
                                                     : state->asked;

    return verifier ? verifier->label : AO2_LABEL_NONE;
}

/* A column of AO2_METRIC_REQUESTS: behind "ok", the first row of the table of
 * errors that has the number. */
static int column_of(const ao2_error_t *cause)
{
    const ao2_error_t *row;
    int i = 0;

    if (!cause) {
        return 0;
    }
    do {
        row = ao2_error_at(i++);
    } while (row && row->number != cause->number);
    return i;
}

static void count_client(const request_rec *r, const ao2_state_t *state,
                         const ao2_counters_t *counters)
{
    const apr_uint32_t *most = ao2_server_of(r->server)->metrics_clients;
    const ao2_principal_t *who = state->principal ? state->principal
                                                  : state->presumed;
    int column = !state->refusal ? GRANTED
                 : ap_is_HTTP_SERVER_ERROR(state->refusal->cause->status)
                     ? FAILED
                     : REFUSED;

    if (most && *most && who) {
        ao2_label_t label = ao2_counters_label(counters, AO2_LABEL_CLIENT,
                                               who->client, *most);

        ao2_count(ao2_counters_row(counters, AO2_METRIC_CLIENTS, label,
                                   AO2_LABEL_NONE),
                  column);
    }
}

static void copy(char *to, const char *from, apr_size_t room)
{
    apr_cpystrn(to, from ? from : "", room);
}

/* For whoever looks at the status page. */
static void note_refusal(const request_rec *r, const ao2_state_t *state)
{
    const ao2_error_t *cause = state->refusal->cause;
    const ao2_principal_t *who = state->principal ? state->principal
                                                  : state->presumed;
    ao2_board_t *board = ao2_runtime_board(r->server);
    ao2_recent_t refused = {0};

    refused.at = r->request_time;
    refused.number = cause->number;
    refused.status = cause->status;
    copy(refused.reason, cause->id, sizeof(refused.reason));
    copy(refused.address, r->useragent_ip, sizeof(refused.address));
    copy(refused.client, who ? who->client : NULL, sizeof(refused.client));
    copy(refused.location, r->uri, sizeof(refused.location));
    copy(refused.detail, state->refusal->detail, sizeof(refused.detail));
    if (state->credential.token.ptr) {
        ao2_token_id(refused.token_id, state->credential.token);
    }
    ao2_recent_note(board->recent, &refused, board->shared);
}

int ao2_figures_log(request_rec *r)
{
    const ao2_counters_t *counters = ao2_runtime_figures(r->server)->counters;
    const request_rec *at = counters ? find_decided(r) : NULL;
    const ao2_state_t *state;
    const ao2_api_name_t *api;
    ao2_label_t label;

    if (!at) {
        return DECLINED;
    }
    state = ao2_state_find(at);
    api = ao2_dir_of(at)->api;
    label = ao2_counters_label(counters, AO2_LABEL_API,
                               api ? api->label : NULL, MOST_APIS);
    ao2_count(ao2_counters_row(counters, AO2_METRIC_REQUESTS,
                               issuer_of(state), label),
              column_of(state->refusal ? state->refusal->cause : NULL));
    count_client(at, state, counters);
    if (state->refusal) {
        note_refusal(at, state);
    }
    return DECLINED;
}
