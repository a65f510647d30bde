/*
 * What a decision costs whose rows are in a database that holds a document
 * of bench_registry.
 *
 *     bench/bench_database DRIVER PARAMS SUBSCRIPTIONS
 *
 * Two figures, separated by a tab: microseconds of a decision that has to
 * ask (twice), and nanoseconds of one whose answers are there. Each of the
 * best of many short series, so that what else runs on the machine counts
 * little.
 */
#include <stdio.h>
#include <stdlib.h>

#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "adapter/dbd_threads.h"
#include "adapter/system_clock.h"
#include "service/registry_database.h"

#define PER_APPLICATION 10
#define APIS 200
#define SERIES 400
#define ASKED 5
#define KEPT 500
/* Applications that a process has the answers of. */
#define HOT 1000

static void write_log(ao2_log_t *log, ao2_level_t level, ao2_code_t code,
                      const char *text)
{
    (void)log;
    (void)level;
    (void)code;
    fprintf(stderr, "%s\n", text);
}

static void decide(ao2_registry_source_t *source, int number,
                   apr_pool_t *pool)
{
    ao2_call_t call = {.api_version = "1.0", .now = 1};
    const ao2_client_t *client = NULL;
    ao2_fail_t fail = {0};
    ao2_grant_t grant;

    source->find_client(source, &client, "corp",
                        apr_psprintf(pool, "NtBQkXoKElu0H1a1fQ%010d", number),
                        pool, &fail);
    call.application = client ? client->application : NULL;
    call.api_name = apr_psprintf(pool, "api-%d", number % APIS);
    source->find_call(source, &call, pool, &fail);
    if (ao2_call_decide(&grant, &call, &fail) != AO2_OK) {
        fprintf(stderr, "application %d is refused: %s\n", number,
                fail.detail);
        exit(1);
    }
}

/* Microseconds for one decision, in the best series. */
static double measure(ao2_registry_source_t *source, int applications,
                      int decisions, apr_pool_t *pool)
{
    unsigned next = 0;
    double least = 0;
    int series;
    int i;

    for (series = 0; series < SERIES; series++) {
        apr_time_t begin = apr_time_now();
        double took;

        for (i = 0; i < decisions; i++) {
            decide(source, (int)(next++ * 2654435761u %
                                 (unsigned)applications),
                   pool);
            apr_pool_clear(pool);
        }
        took = (double)(apr_time_now() - begin) / decisions;
        least = series == 0 || took < least ? took : least;
    }
    return least;
}

int main(int argc, char **argv)
{
    ao2_dbd_target_t target = {argc > 1 ? argv[1] : "",
                               argc > 2 ? argv[2] : "", NULL};
    ao2_log_t log = {write_log, NULL};
    ao2_answers_settings_t settings = {
        NULL, ao2_system_clock(), &log, "the registry", 0,
        apr_time_from_sec(60), AO2_MAX_REGISTRY_ANSWERS};
    int applications = argc > 3 ? atoi(argv[3]) / PER_APPLICATION : 0;
    ao2_registry_source_t *asks;
    ao2_registry_source_t *keeps;
    apr_pool_t *scratch;
    apr_pool_t *pool;
    double asked;
    double kept;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    apr_pool_create(&scratch, pool);
    apr_dbd_init(pool);
    if (applications < 1 ||
        ao2_dbd_threads_make(&settings.database, &target, pool, NULL)
            != AO2_OK ||
        ao2_registry_database_open(&asks, &settings, pool, NULL) != AO2_OK) {
        fputs("bench_database DRIVER PARAMS SUBSCRIPTIONS\n", stderr);
        return 2;
    }
    settings.ttl = apr_time_from_sec(3600);
    ao2_registry_database_open(&keeps, &settings, pool, NULL);
    asked = measure(asks, applications, ASKED, scratch);
    applications = applications < HOT ? applications : HOT;
    kept = measure(keeps, applications, KEPT, scratch);
    printf("%.0f\t%.0f\n", asked, kept * 1000);
    apr_pool_destroy(pool);
    return 0;
}
