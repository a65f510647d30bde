#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

/* What apr_palloc() gave out; freed with the pool, or never. */
typedef struct {
    void **blocks;
    size_t count;
    size_t room;
} heap_t;

unsigned long fuzz_accepted;

static apr_pool_t *input_pool;
static heap_t of_input;
static heap_t of_process;

static void note(heap_t *heap, void *block)
{
    if (heap->count == heap->room) {
        heap->room = 2 * heap->room + 64;
        heap->blocks = realloc(heap->blocks,
                               heap->room * sizeof(heap->blocks[0]));
    }
    if (!block || !heap->blocks) {
        abort();
    }
    heap->blocks[heap->count++] = block;
}

/*
 * Stands before libapr's: a pool hands out pieces of large blocks, and what
 * is written behind a piece would go unseen.
 */
void *apr_palloc(apr_pool_t *pool, apr_size_t size)
{
    void *block = malloc(size);

    note(input_pool && apr_pool_is_ancestor(input_pool, pool) ? &of_input
                                                              : &of_process,
         block);
    return block;
}

static void free_all(heap_t *heap)
{
    while (heap->count > 0) {
        free(heap->blocks[--heap->count]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ao2_span_t input = {(const char *)data, size};

    if (!input_pool && (apr_initialize() != APR_SUCCESS ||
                        apr_pool_create(&input_pool, NULL) != APR_SUCCESS)) {
        abort();
    }
    fuzz_one(input, input_pool);
    apr_pool_clear(input_pool);
    free_all(&of_input);
    return 0;
}

void fuzz_check(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

void fuzz_check_fail(ao2_code_t code, const ao2_fail_t *fail)
{
    const char *detail = fail->detail;

    fuzz_check(code != AO2_OK && fail->code == code, "the failure is noted");
    fuzz_check(*detail, "there is a detail");
    for (; *detail; detail++) {
        fuzz_check((unsigned char)*detail >= 0x20 && *detail != 0x7f,
                   "the detail is one line of text");
    }
}

ao2_span_t fuzz_line(ao2_span_t *rest)
{
    const char *end = memchr(rest->ptr, '\n', rest->len);
    ao2_span_t line = *rest;

    if (end) {
        line.len = (apr_size_t)(end - line.ptr);
        rest->ptr += line.len + 1;
        rest->len -= line.len + 1;
    }
    else {
        rest->ptr += rest->len;
        rest->len = 0;
    }
    return line;
}

const char *fuzz_text(ao2_span_t bytes, apr_pool_t *pool)
{
    return apr_pstrndup(pool, bytes.ptr, bytes.len);
}

int fuzz_is_printable(const char *text)
{
    while (*text >= 0x20 && *text <= 0x7e) {
        text++;
    }
    return *text == '\0';
}

ao2_span_t fuzz_unpercent(const char *text, apr_pool_t *pool)
{
    char *bytes = apr_palloc(pool, strlen(text) + 1);
    ao2_span_t out = {bytes, 0};
    unsigned value;

    while (*text) {
        if (*text == '%' && sscanf(text, "%%%2x", &value) == 1) {
            bytes[out.len++] = (char)value;
            text += 3;
        }
        else {
            bytes[out.len++] = *text++;
        }
    }
    return out;
}
