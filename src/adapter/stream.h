/**
 * @file adapter/stream.h
 * A TCP connection, with TLS where it is asked for, on which nothing takes
 * longer than its caller allows.
 *
 * Layer adapter; knows POSIX and OpenSSL alone. A stream belongs to one
 * thread at a time. Deadlines are times of ao2_monotonic(). Without TLS, as
 * with it, SIGPIPE must be ignored.
 */
#ifndef AO2_ADAPTER_STREAM_H
#define AO2_ADAPTER_STREAM_H

#include <netdb.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "base/fail.h"

/** Room for a sentence part that says what went wrong. */
#define AO2_STREAM_WHY 128

typedef struct ao2_stream ao2_stream_t;

/** How TLS is spoken; any number of streams, any thread. */
typedef struct ao2_tls ao2_tls_t;

typedef enum {
    AO2_IO_DONE,
    AO2_IO_LATE,  /**< not until the deadline */
    AO2_IO_CLOSED /**< by the other side, or broken */
} ao2_io_t;

/** Paths of PEM files. */
typedef struct {
    const char *ca;   /**< whom to trust; or a folder of hashed certificates;
                           NULL: the system's list */
    const char *cert; /**< who we are, with the chain; NULL: not said */
    const char *key;  /**< of cert, without a passphrase */
} ao2_tls_files_t;

/**
 * TLS 1.2 or later, to servers whose certificate is trusted and names the
 * host. The files are read now.
 * @return AO2_OK or AO2_E_MISCONFIGURED
 */
ao2_code_t ao2_tls_make(ao2_tls_t **ptls, const ao2_tls_files_t *files,
                        apr_pool_t *pool, ao2_fail_t *fail);

/**
 * Connect to the first of the addresses that can be reached; they share the
 * time there is.
 * @param name  what the certificate has to name; borrowed for the call
 * @param tls   NULL: none
 * @param why   AO2_STREAM_WHY bytes, written when it fails
 * @return owned: release with ao2_stream_close(); NULL: failed
 */
ao2_stream_t *ao2_stream_open(const struct addrinfo *addresses,
                              const char *name, const ao2_tls_t *tls,
                              apr_time_t deadline, char *why);

/** Send all of it. */
ao2_io_t ao2_stream_write(ao2_stream_t *stream, const char *data,
                          apr_size_t length, apr_time_t deadline);

/** Wait for what comes, at least a byte. @param got  bytes, when done */
ao2_io_t ao2_stream_read(ao2_stream_t *stream, char *data, apr_size_t room,
                         apr_size_t *got, apr_time_t deadline);

/** Whether it is open and nothing has come that nobody asked for. */
int ao2_stream_is_quiet(ao2_stream_t *stream);

/** @param stream  NULL: nothing happens */
void ao2_stream_close(ao2_stream_t *stream);

#endif
