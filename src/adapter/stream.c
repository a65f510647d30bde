#include "adapter/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_errno.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "adapter/system_clock.h"

struct ao2_tls {
    SSL_CTX *context;
};

struct ao2_stream {
    int socket;
    SSL *ssl; /* NULL: none */
};

static apr_status_t free_context(void *data)
{
    ao2_tls_t *tls = data;

    SSL_CTX_free(tls->context);
    return APR_SUCCESS;
}

static int trust(SSL_CTX *context, const char *ca, apr_pool_t *pool)
{
    apr_finfo_t info;

    if (!ca) {
        return SSL_CTX_set_default_verify_paths(context) == 1;
    }
    if (apr_stat(&info, ca, APR_FINFO_TYPE, pool) != APR_SUCCESS) {
        return 0;
    }
    return info.filetype == APR_DIR
               ? SSL_CTX_load_verify_dir(context, ca) == 1
               : SSL_CTX_load_verify_file(context, ca) == 1;
}

/* Instead of asking for one at the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return 0;
}

static int is_file(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS &&
           info.filetype == APR_REG;
}

static int present(SSL_CTX *context, const ao2_tls_files_t *files,
                   apr_pool_t *pool)
{
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    return !files->cert ||
           (is_file(files->cert, pool) && is_file(files->key, pool) &&
            SSL_CTX_use_certificate_chain_file(context, files->cert) == 1 &&
            SSL_CTX_use_PrivateKey_file(context, files->key,
                                        SSL_FILETYPE_PEM) == 1);
}

ao2_code_t ao2_tls_make(ao2_tls_t **ptls, const ao2_tls_files_t *files,
                        apr_pool_t *pool, ao2_fail_t *fail)
{
    ao2_tls_t *tls = apr_pcalloc(pool, sizeof(*tls));
    int good;
    int is_known;

    *ptls = NULL;
    tls->context = SSL_CTX_new(TLS_client_method());
    if (!tls->context) {
        ERR_clear_error();
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "TLS cannot be set up");
    }
    apr_pool_cleanup_register(pool, tls, free_context, apr_pool_cleanup_null);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS);
    good = SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) == 1 &&
           trust(tls->context, files->ca, pool);
    is_known = present(tls->context, files, pool);
    ERR_clear_error();
    if (!good) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no CA certificates in %s",
                        files->ca ? files->ca : "the system's list");
    }
    if (!is_known) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no certificate in %s, or "
                        "no key for it in %s", files->cert, files->key);
    }
    *ptls = tls;
    return AO2_OK;
}

static void say(char *why, const char *text)
{
    apr_cpystrn(why, text, AO2_STREAM_WHY);
}

static ao2_io_t wait_for(const ao2_stream_t *stream, short events,
                         apr_time_t deadline)
{
    struct pollfd poll_one = {stream->socket, events, 0};

    for (;;) {
        apr_time_t left = deadline - ao2_monotonic();
        int ready;

        if (left <= 0) {
            return AO2_IO_LATE;
        }
        ready = poll(&poll_one, 1, (int)(left / 1000) + 1);
        if (ready > 0) {
            return AO2_IO_DONE;
        }
        if (ready < 0 && errno != EINTR) {
            return AO2_IO_CLOSED;
        }
    }
}

static int open_socket(ao2_stream_t *stream, const struct addrinfo *address)
{
    int on = 1;

    stream->socket = socket(address->ai_family,
                            SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (stream->socket < 0) {
        return 0;
    }
    setsockopt(stream->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(stream->socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    return 1;
}

static void close_socket(ao2_stream_t *stream)
{
    if (stream->socket >= 0) {
        close(stream->socket);
        stream->socket = -1;
    }
}

/* @return 0, or an error as in errno */
static int connect_one(ao2_stream_t *stream, const struct addrinfo *address,
                       apr_time_t deadline)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (!open_socket(stream, address)) {
        return errno;
    }
    if (connect(stream->socket, address->ai_addr, address->ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    if (wait_for(stream, POLLOUT, deadline) != AO2_IO_DONE) {
        return ETIMEDOUT;
    }
    return getsockopt(stream->socket, SOL_SOCKET, SO_ERROR, &error, &size)
                   == 0
               ? error
               : errno;
}

static int connect_any(ao2_stream_t *stream, const struct addrinfo *addresses,
                       apr_time_t deadline, char *why)
{
    const struct addrinfo *at;
    int left = 0;
    int error = EADDRNOTAVAIL;

    for (at = addresses; at; at = at->ai_next) {
        left++;
    }
    for (at = addresses; at; at = at->ai_next) {
        apr_time_t now = ao2_monotonic();

        error = connect_one(stream, at, now + (deadline - now) / left--);
        if (error == 0) {
            return 1;
        }
        close_socket(stream);
    }
    apr_strerror(APR_FROM_OS_ERROR(error), why, AO2_STREAM_WHY);
    return 0;
}

/* What an operation of OpenSSL has to wait for; 0: it failed. */
static short wants(const ao2_stream_t *stream, int result)
{
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    default:
        return 0;
    }
}

/* The name that the certificate must have, as a name or as an address. */
static int expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) {
        return 1;
    }
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static ao2_io_t shake_hands(ao2_stream_t *stream, apr_time_t deadline)
{
    for (;;) {
        ao2_io_t io;
        int result;
        short events;

        ERR_clear_error();
        result = SSL_connect(stream->ssl);
        if (result == 1) {
            return AO2_IO_DONE;
        }
        events = wants(stream, result);
        if (!events) {
            return AO2_IO_CLOSED;
        }
        io = wait_for(stream, events, deadline);
        if (io != AO2_IO_DONE) {
            return io;
        }
    }
}

static int start_tls(ao2_stream_t *stream, const ao2_tls_t *tls,
                     const char *name, apr_time_t deadline, char *why)
{
    ao2_io_t io = AO2_IO_CLOSED;
    long verified;

    stream->ssl = SSL_new(tls->context);
    if (stream->ssl && expect_name(stream->ssl, name) &&
        SSL_set_fd(stream->ssl, stream->socket) == 1) {
        io = shake_hands(stream, deadline);
    }
    if (io == AO2_IO_DONE) {
        return 1;
    }
    verified = stream->ssl ? SSL_get_verify_result(stream->ssl) : X509_V_OK;
    if (io == AO2_IO_LATE) {
        say(why, "the TLS handshake took too long");
    }
    else if (verified != X509_V_OK) {
        apr_snprintf(why, AO2_STREAM_WHY, "its certificate: %s",
                     X509_verify_cert_error_string(verified));
    }
    else {
        say(why, "the TLS handshake failed");
    }
    ERR_clear_error();
    return 0;
}

ao2_stream_t *ao2_stream_open(const struct addrinfo *addresses,
                              const char *name, const ao2_tls_t *tls,
                              apr_time_t deadline, char *why)
{
    ao2_stream_t *stream = calloc(1, sizeof(*stream));

    if (!stream) {
        say(why, "no memory");
        return NULL;
    }
    stream->socket = -1;
    if (connect_any(stream, addresses, deadline, why) &&
        (!tls || start_tls(stream, tls, name, deadline, why))) {
        return stream;
    }
    ao2_stream_close(stream);
    return NULL;
}

/* One step, without waiting. @return bytes; 0 with *events to wait for, or
 * with 0 there when it is closed */
static apr_size_t write_some(ao2_stream_t *stream, const char *data,
                             apr_size_t length, short *events)
{
    size_t written = 0;
    ssize_t sent;
    int result;

    if (stream->ssl) {
        ERR_clear_error();
        result = SSL_write_ex(stream->ssl, data, length, &written);
        *events = result == 1 ? 0 : wants(stream, result);
        return result == 1 ? written : 0;
    }
    sent = send(stream->socket, data, length, MSG_NOSIGNAL);
    *events = sent < 0 && (errno == EAGAIN || errno == EINTR) ? POLLOUT : 0;
    return sent > 0 ? (apr_size_t)sent : 0;
}

static apr_size_t read_some(ao2_stream_t *stream, char *data, apr_size_t room,
                            short *events)
{
    size_t read = 0;
    ssize_t got;
    int result;

    if (stream->ssl) {
        ERR_clear_error();
        result = SSL_read_ex(stream->ssl, data, room, &read);
        *events = result == 1 ? 0 : wants(stream, result);
        return result == 1 ? read : 0;
    }
    got = recv(stream->socket, data, room, 0);
    *events = got < 0 && (errno == EAGAIN || errno == EINTR) ? POLLIN : 0;
    return got > 0 ? (apr_size_t)got : 0;
}

ao2_io_t ao2_stream_write(ao2_stream_t *stream, const char *data,
                          apr_size_t length, apr_time_t deadline)
{
    while (length > 0) {
        short events;
        apr_size_t done = write_some(stream, data, length, &events);
        ao2_io_t io;

        data += done;
        length -= done;
        if (done > 0) {
            continue;
        }
        io = events ? wait_for(stream, events, deadline) : AO2_IO_CLOSED;
        if (io != AO2_IO_DONE) {
            return io;
        }
    }
    return AO2_IO_DONE;
}

ao2_io_t ao2_stream_read(ao2_stream_t *stream, char *data, apr_size_t room,
                         apr_size_t *got, apr_time_t deadline)
{
    for (;;) {
        short events;
        ao2_io_t io;

        *got = read_some(stream, data, room, &events);
        if (*got > 0) {
            return AO2_IO_DONE;
        }
        io = events ? wait_for(stream, events, deadline) : AO2_IO_CLOSED;
        if (io != AO2_IO_DONE) {
            return io;
        }
    }
}

int ao2_stream_is_quiet(ao2_stream_t *stream)
{
    char byte;
    size_t read;
    int result;

    if (stream->ssl) {
        /* Tickets may have come, which are no data. */
        ERR_clear_error();
        result = SSL_peek_ex(stream->ssl, &byte, 1, &read);
        return result != 1 && wants(stream, result) == POLLIN;
    }
    return recv(stream->socket, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

void ao2_stream_close(ao2_stream_t *stream)
{
    if (stream) {
        SSL_free(stream->ssl);
        close_socket(stream);
        free(stream);
    }
}
