/*
 * What a registry costs: reading time, memory and look-ups.
 *
 *     bench/bench_registry SUBSCRIPTIONS [SUBSCRIPTIONS ...]
 *     bench/bench_registry --write SUBSCRIPTIONS      the document alone
 *
 * Ten subscriptions, one client and one API token an application, 200 APIs,
 * 5 plans. One line a size, as tab-separated values with a heading.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "core/registry_read.h"
#include "core/subscription.h"

#define PER_APPLICATION 10
#define APIS 200
#define PLANS 5
#define NAMES 65536
#define LOOKUPS 1000000
#define PIECE (64 * 1024)

static void write_heads(FILE *file)
{
    int i;

    fputs("{\"version\": 1,\n\"plans\": [\n", file);
    for (i = 0; i < PLANS; i++) {
        fprintf(file, "%s  {\"name\": \"plan-%d\", \"limits\": ["
                "{\"requests\": 5000, \"per\": \"1mi\", \"burst\": 500}, "
                "{\"requests\": 1000000, \"per\": \"30d\"}]}",
                i ? ",\n" : "", i);
    }
    fputs("],\n\"apis\": [\n", file);
    for (i = 0; i < APIS; i++) {
        fprintf(file, "%s  {\"name\": \"api-%d\", \"version\": \"1.0\", "
                "\"status\": \"published\"}", i ? ",\n" : "", i);
    }
    fputs("],\n\"applications\": [\n", file);
}

static void write_application(FILE *file, int number, int rows)
{
    int i;

    fprintf(file, "%s  {\"id\": \"app-%d\", \"name\": \"Application %d\", "
            "\"owner\": \"owner-%d\", \"status\": \"active\", "
            "\"token_format\": \"any\",\n   \"clients\": [{\"issuer\": "
            "\"corp\", \"client_id\": \"NtBQkXoKElu0H1a1fQ%010d\", "
            "\"key_type\": \"production\"}],\n   \"tokens\": [{\"id\": "
            "\"t1\", \"sha256\": \"%064d\", \"prefix\": \"api_NtBQ\", "
            "\"scopes\": [\"orders:read\"], \"key_type\": \"production\", "
            "\"expires\": \"2037-01-01T00:00:00Z\", \"status\": \"active\"}]"
            ",\n   \"subscriptions\": [\n", number ? ",\n" : "", number,
            number, number % 1000, number, number);
    for (i = 0; i < rows; i++) {
        fprintf(file, "%s    {\"api\": \"api-%d\", \"version\": \"1.0\", "
                "\"plan\": \"plan-%d\", \"status\": \"active\", "
                "\"starts\": null, \"expires\": null}", i ? ",\n" : "",
                (number + i * 7) % APIS, i % PLANS);
    }
    fputs("]}", file);
}

static void write_document(FILE *file, int subscriptions)
{
    int number;

    write_heads(file);
    for (number = 0; number * PER_APPLICATION < subscriptions; number++) {
        int rest = subscriptions - number * PER_APPLICATION;

        write_application(file, number,
                          rest < PER_APPLICATION ? rest : PER_APPLICATION);
    }
    fputs("]}\n", file);
}

static FILE *make_document(int subscriptions)
{
    FILE *file = tmpfile();

    if (!file) {
        perror("a temporary file");
        exit(2);
    }
    write_document(file, subscriptions);
    rewind(file);
    return file;
}

static const ao2_registry_t *read_document(FILE *file, apr_pool_t *pool)
{
    ao2_registry_reader_t *reader = ao2_registry_reader_make(pool);
    const ao2_registry_t *registry = NULL;
    ao2_code_t code = AO2_OK;
    ao2_fail_t fail = {0};
    char piece[PIECE];
    ao2_span_t bytes = {piece, 0};

    do {
        bytes.len = fread(piece, 1, sizeof(piece), file);
        code = ao2_registry_reader_feed(reader, bytes, &fail);
    } while (bytes.len == sizeof(piece) && code == AO2_OK);
    if (code == AO2_OK) {
        code = ao2_registry_reader_end(&registry, reader, &fail);
    }
    if (code != AO2_OK) {
        fprintf(stderr, "%s\n", fail.detail);
        exit(1);
    }
    return registry;
}

/* Processor time, so that what else runs on the machine does not count. */
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Memory in use, in bytes: pages that are there and not of a file. */
static double memory(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all = 0;
    long resident = 0;
    long shared = 0;

    if (!file || fscanf(file, "%ld %ld %ld", &all, &resident, &shared) != 3) {
        perror("/proc/self/statm");
        exit(2);
    }
    fclose(file);
    return (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE);
}

typedef struct {
    char client_id[40];
    char api[20];
} names_t;

/* The whole way of a call, from names to decision; all are granted. */
static double look_up(const ao2_registry_t *registry, int applications)
{
    names_t *names = calloc(NAMES, sizeof(*names));
    double start;
    int i;

    for (i = 0; i < NAMES; i++) {
        int number = (int)(((unsigned)i * 2654435761u) %
                           (unsigned)applications);

        snprintf(names[i].client_id, sizeof(names[i].client_id),
                 "NtBQkXoKElu0H1a1fQ%010d", number);
        snprintf(names[i].api, sizeof(names[i].api), "api-%d", number % APIS);
    }
    start = seconds();
    for (i = 0; i < LOOKUPS; i++) {
        ao2_call_t call = {.api_version = "1.0", .now = 1};
        const names_t *name = &names[i % NAMES];
        ao2_grant_t grant;

        call.api_name = name->api;
        call.application = ao2_registry_client(registry, "corp",
                                               name->client_id)->application;
        ao2_call_find(&call, registry);
        if (ao2_call_decide(&grant, &call, NULL) != AO2_OK) {
            fprintf(stderr, "%s is refused\n", name->client_id);
            exit(1);
        }
    }
    free(names);
    return seconds() - start;
}

static void measure(int subscriptions)
{
    int applications = (subscriptions + PER_APPLICATION - 1) /
                       PER_APPLICATION;
    FILE *file = make_document(subscriptions);
    const ao2_registry_t *registry;
    apr_allocator_t *allocator;
    apr_pool_t *pool;
    double size;
    double start;
    double took;
    double used = memory();

    fseek(file, 0, SEEK_END);
    size = (double)ftell(file);
    rewind(file);
    apr_allocator_create(&allocator);
    apr_pool_create_ex(&pool, NULL, NULL, allocator);
    apr_allocator_owner_set(allocator, pool);
    start = seconds();
    registry = read_document(file, pool);
    took = seconds() - start;
    used = memory() - used;
    printf("%d\t%d\t%.1f\t%.2f\t%.1f\t%.0f\t%.0f\n", subscriptions,
           applications, size / 1e6, took, used / 1e6, used / subscriptions,
           look_up(registry, applications) / LOOKUPS * 1e9);
    fclose(file);
    apr_pool_destroy(pool);
}

int main(int argc, char **argv)
{
    int i;

    apr_initialize();
    atexit(apr_terminate);
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        write_document(stdout, (int)apr_atoi64(argv[2]));
        return 0;
    }
    puts("subscriptions\tapplications\tdocument_MB\tread_cpu_s\tmemory_MB\t"
         "bytes_per_subscription\tcpu_ns_per_decision");
    for (i = 1; i < argc; i++) {
        measure((int)apr_atoi64(argv[i]));
    }
    return 0;
}
