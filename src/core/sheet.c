#include "core/sheet_cells.h"

#include <string.h>

#include "base/json.h"

#define MOST_COLUMNS 12

typedef struct {
    const char *heading;
    ao2_cell_kind_t kind;
    const char *member; /* "^x" is the member x of the outer object */
} column_t;

/* A table of the page. */
typedef struct {
    const char *id;
    const char *title;
    const char *empty;
    const char *list;  /* the member that is an array of objects, or one */
    const char *inner; /* the member of these that is one; NULL: none */
    int is_facts;      /* one row a column: what, and how it is */
    column_t columns[MOST_COLUMNS];
} table_t;

static const table_t tables[] = {
    {"decisions", "Decisions", "", ".", NULL, 1,
     {{"Granted", AO2_CELL_NUMBER, "counters.granted"},
      {"Refused (4xx)", AO2_CELL_NUMBER, "counters.refused"},
      {"Failed (5xx)", AO2_CELL_NUMBER, "counters.failed"},
      {"Counted since (UTC)", AO2_CELL_TIME, "since"},
      {"Processes", AO2_CELL_NUMBER, "processes"},
      {"Shared calls under way", AO2_CELL_NUMBER, "flights.running"},
      {"Callers waiting", AO2_CELL_NUMBER, "flights.waiting"},
      {"Calls made for many", AO2_CELL_NUMBER, "flights.led"},
      {"Callers served by them", AO2_CELL_NUMBER, "flights.followed"}}},
    {"issuers", "Issuers", "There is no ApiIssuer.", "issuers", NULL, 0,
     {{"Issuer", AO2_CELL_LONG, "name"},
      {"URL", AO2_CELL_LONG, "url"},
      {"Reachable", AO2_CELL_YES, "reachable"},
      {"Circuit", AO2_CELL_STATE, "circuit"},
      {"We are refused", AO2_CELL_NO, "credentials_refused"},
      {"Last trouble", AO2_CELL_LONG, "trouble"},
      {"At (UTC)", AO2_CELL_TIME, "trouble_at"},
      {"Calls now", AO2_CELL_NUMBER, "calls_running"},
      {"At most", AO2_CELL_NUMBER, "calls_allowed"},
      {"Calls good", AO2_CELL_NUMBER, "calls.ok"},
      {"Calls bad", AO2_CELL_NUMBER, "calls.failed"}}},
    {"keys", "Keys", "No keys are loaded.", "issuers", "keys", 0,
     {{"Key (kid)", AO2_CELL_LONG, "kid"},
      {"Algorithm", AO2_CELL_TEXT, "alg"},
      {"Issuer", AO2_CELL_LONG, "^name"},
      {"Age", AO2_CELL_SECONDS, "^key_age"},
      {"Next renewal", AO2_CELL_SECONDS, "^key_due_in"},
      {"Usable for", AO2_CELL_SECONDS, "^key_usable_for"}}},
    {"upstreams", "Upstreams", "There is no ApiUpstream.", "upstreams", NULL,
     0,
     {{"Upstream", AO2_CELL_LONG, "name"},
      {"Reachable", AO2_CELL_YES, "reachable"},
      {"Circuit", AO2_CELL_STATE, "circuit"},
      {"We are refused", AO2_CELL_NO, "credentials_refused"},
      {"Token age", AO2_CELL_SECONDS, "token_age"},
      {"Token expires in", AO2_CELL_SECONDS, "token_expires_in"},
      {"Next renewal", AO2_CELL_SECONDS, "token_due_in"},
      {"Last trouble", AO2_CELL_LONG, "trouble"},
      {"At (UTC)", AO2_CELL_TIME, "trouble_at"},
      {"Calls good", AO2_CELL_NUMBER, "calls.ok"},
      {"Calls bad", AO2_CELL_NUMBER, "calls.failed"}}},
    {"caches", "Caches", "", "caches", NULL, 0,
     {{"Cache", AO2_CELL_TEXT, "name"},
      {"Kept in", AO2_CELL_TEXT, "provider"},
      {"Hit rate", AO2_CELL_RATE, "hit"},
      {"Hits", AO2_CELL_NUMBER, "hit"},
      {"Misses", AO2_CELL_NUMBER, "miss"},
      {"Rejected", AO2_CELL_NUMBER, "rejected"},
      {"Entries", AO2_CELL_NUMBER, "entries"},
      {"Memory", AO2_CELL_BYTES, "bytes"},
      {"Allowed", AO2_CELL_BYTES, "bytes_allowed"},
      {"Evictions", AO2_CELL_NUMBER, "evictions"}}},
    {"authentication", "Authentication", "", "authentication", NULL, 0,
     {{"Known by", AO2_CELL_TEXT, "path"},
      {"Measured", AO2_CELL_NUMBER, "measured"},
      {"Mean", AO2_CELL_MICROS, "mean_us"},
      {"Half within", AO2_CELL_MICROS, "half_within_us"},
      {"95 % within", AO2_CELL_MICROS, "most_within_us"}}},
    {"registry", "Registry", "There is no ApiRegistry.", "registry", NULL, 1,
     {{"Source", AO2_CELL_TEXT, "source"},
      {"File", AO2_CELL_LONG, "path"},
      {"Read (UTC)", AO2_CELL_TIME, "read"},
      {"Versions read", AO2_CELL_NUMBER, "version"},
      {"Faulty", AO2_CELL_NO, "faulty"},
      {"Fault", AO2_CELL_LONG, "fault"},
      {"Applications", AO2_CELL_NUMBER, "applications"},
      {"Clients", AO2_CELL_NUMBER, "clients"},
      {"API tokens", AO2_CELL_NUMBER, "tokens"},
      {"APIs", AO2_CELL_NUMBER, "apis"},
      {"Subscriptions", AO2_CELL_NUMBER, "subscriptions"}}},
    {"plans", "Plans", "No plan is known.", "plans", NULL, 0,
     {{"Plan", AO2_CELL_LONG, "name"},
      {"Limits", AO2_CELL_LONG, "limits"},
      {"Admitted", AO2_CELL_NUMBER, "admitted"},
      {"Refused", AO2_CELL_NUMBER, "refused"}}},
    {"busiest", "Busiest subscriptions", "No allowance is in use.", "busiest",
     NULL, 0,
     {{"Application", AO2_CELL_LONG, "application"},
      {"API", AO2_CELL_LONG, "api"},
      {"Version", AO2_CELL_TEXT, "version"},
      {"Plan", AO2_CELL_LONG, "plan"},
      {"Per", AO2_CELL_TEXT, "window"},
      {"Left", AO2_CELL_NUMBER, "left"},
      {"Of", AO2_CELL_NUMBER, "of"},
      {"Next in", AO2_CELL_SECONDS, "reset_in"}}},
    {"refusals", "Last refusals", "Nobody was refused.", "refusals", NULL, 0,
     {{"Time (UTC)", AO2_CELL_TIME, "time"},
      {"Code", AO2_CELL_TEXT, "code"},
      {"Reason", AO2_CELL_TEXT, "reason"},
      {"Status", AO2_CELL_NUMBER, "status"},
      {"Location", AO2_CELL_LONG, "location"},
      {"Client", AO2_CELL_LONG, "client"},
      {"Address", AO2_CELL_LONG, "address"},
      {"Token", AO2_CELL_TEXT, "token"},
      {"Detail", AO2_CELL_LONG, "detail"}}},
    {"requests", "Requests by issuer and API", "There was none.",
     "counters.requests", NULL, 0,
     {{"Issuer", AO2_CELL_LONG, "issuer"},
      {"API", AO2_CELL_LONG, "api"},
      {"Result", AO2_CELL_STATE, "result"},
      {"Reason", AO2_CELL_TEXT, "reason"},
      {"Requests", AO2_CELL_NUMBER, "count"}}},
};

#define TABLES ((int)(sizeof(tables) / sizeof(tables[0])))

static int count_columns(const table_t *table)
{
    int count = 0;

    while (count < MOST_COLUMNS && table->columns[count].heading) {
        count++;
    }
    return count;
}

static ao2_cell_t cell_of(const column_t *column, json_t *object,
                          json_t *outer, apr_pool_t *pool)
{
    int is_outer = column->member[0] == '^';

    return ao2_cell_make(column->kind, is_outer ? outer : object,
                         column->member + is_outer, pool);
}

static void add_row(const ao2_sheet_t *sheet, const table_t *table,
                    json_t *object, json_t *outer, apr_pool_t *pool)
{
    ao2_cell_t *cells = apr_pcalloc(pool, (apr_size_t)sheet->column_count
                                              * sizeof(*cells));
    int i;

    for (i = 0; i < sheet->column_count; i++) {
        cells[i] = cell_of(&table->columns[i], object, outer, pool);
    }
    APR_ARRAY_PUSH(sheet->rows, ao2_cell_t *) = cells;
}

/* What there is none of has no row. */
static void add_facts(const ao2_sheet_t *sheet, const table_t *table,
                      json_t *object, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < count_columns(table) && json_is_object(object); i++) {
        const column_t *column = &table->columns[i];
        const json_t *value = ao2_json_at(object, column->member);
        ao2_cell_t *cells;

        if (value && !json_is_null(value)) {
            cells = apr_pcalloc(pool, 2 * sizeof(*cells));
            cells[0].text = column->heading;
            cells[1] = cell_of(column, object, NULL, pool);
            if (cells[1].shape == AO2_SHAPE_NUMBER) {
                cells[1].shape = AO2_SHAPE_SHORT;
            }
            APR_ARRAY_PUSH(sheet->rows, ao2_cell_t *) = cells;
        }
    }
}

static void add_rows(const ao2_sheet_t *sheet, const table_t *table,
                     json_t *list, apr_pool_t *pool)
{
    size_t i;
    size_t k;

    for (i = 0; i < json_array_size(list); i++) {
        json_t *object = json_array_get(list, i);
        json_t *inner = table->inner ? json_object_get(object, table->inner)
                                     : NULL;

        for (k = 0; k < json_array_size(inner); k++) {
            add_row(sheet, table, json_array_get(inner, k), object, pool);
        }
        if (!table->inner) {
            add_row(sheet, table, object, NULL, pool);
        }
    }
}

static const ao2_sheet_t *make_sheet(const table_t *table, json_t *model,
                                     apr_pool_t *pool)
{
    static const char *facts[] = {"What", "How it is"};
    ao2_sheet_t *sheet = apr_pcalloc(pool, sizeof(*sheet));
    json_t *found = strcmp(table->list, ".") == 0
                        ? model
                        : ao2_json_at(model, table->list);
    int i;

    sheet->id = table->id;
    sheet->title = table->title;
    sheet->empty = table->empty;
    sheet->rows = apr_array_make(pool, 8, sizeof(ao2_cell_t *));
    if (table->is_facts) {
        sheet->is_facts = 1;
        sheet->column_count = 2;
        sheet->headings = facts;
        add_facts(sheet, table, found, pool);
        return sheet;
    }
    sheet->column_count = count_columns(table);
    sheet->headings = apr_pcalloc(pool, MOST_COLUMNS * sizeof(char *));
    for (i = 0; i < sheet->column_count; i++) {
        sheet->headings[i] = table->columns[i].heading;
    }
    add_rows(sheet, table, found, pool);
    return sheet;
}

apr_array_header_t *ao2_sheets_make(const json_t *model, apr_pool_t *pool)
{
    apr_array_header_t *sheets = apr_array_make(pool, TABLES,
                                                sizeof(ao2_sheet_t *));
    int i;

    for (i = 0; i < TABLES; i++) {
        APR_ARRAY_PUSH(sheets, const ao2_sheet_t *) =
            make_sheet(&tables[i], (json_t *)model, pool);
    }
    return sheets;
}
