/**
 * @file tests/fuzz/fuzz.h
 * What the fuzz targets share.
 *
 * A target is one file fuzz_NAME.c with fuzz_one(). Its program runs the
 * inputs that lie in corpus/NAME (replay.c); configured --enable-fuzzing,
 * libFuzzer makes the inputs. Whatever the input, a target asserts what must
 * hold, and asks a second, slower implementation where it can.
 */
#ifndef AO2_TESTS_FUZZ_H
#define AO2_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include <apr_pools.h>

#include "base/fail.h"
#include "base/span.h"

/** What libFuzzer and the replay call. @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The target's NAME. */
extern const char fuzz_name[];

/**
 * The target: look at one input.
 * @param pool  cleared behind the input; each apr_palloc() in it is a block
 *              of its own, so that AddressSanitizer sees its ends
 */
void fuzz_one(ao2_span_t input, apr_pool_t *pool);

/** Inputs that the target accepted: a replay without any has tested
 *  refusals alone, and fails. */
extern unsigned long fuzz_accepted;

/** Abort, and say @a what does not hold. */
void fuzz_check(int holds, const char *what);

/** A call failed with @a code: check that @a fail says so, in a line that
 *  a log can hold. */
void fuzz_check_fail(ao2_code_t code, const ao2_fail_t *fail);

/** Cut the bytes up to the first newline off @a rest, which becomes empty
 *  where there is none. */
ao2_span_t fuzz_line(ao2_span_t *rest);

/** @a bytes up to their first NUL as a terminated string. */
const char *fuzz_text(ao2_span_t bytes, apr_pool_t *pool);

/** Whether all of @a text is in 0x20..0x7e. */
int fuzz_is_printable(const char *text);

/** The bytes that %HH in @a text stand for. */
ao2_span_t fuzz_unpercent(const char *text, apr_pool_t *pool);

#endif
