#include "adapter/curl_http.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <curl/curl.h>
#include <openssl/crypto.h>

#include "base/text.h"

/** Handles, and so connections, that are kept while nobody uses them. */
#define MAX_IDLE 32
/** All header fields of an answer. */
#define MAX_HEADERS (64 * 1024)
/** The longest Retry-After that is believed, in seconds. */
#define LONGEST_RETRY 3600

typedef struct {
    ao2_http_t port;
    apr_thread_mutex_t *mutex;
    CURL *idle[MAX_IDLE];
    int count;
} pool_t;

/** One call under way. */
typedef struct {
    char *body;
    apr_size_t length;
    apr_size_t room;
    apr_size_t max;
    apr_size_t headers;
    apr_time_t max_age;
    int retry_after_sec;
    const char *refused; /* by us, and why; NULL: not */
    char error[CURL_ERROR_SIZE];
} call_t;

static CURL *take(pool_t *self)
{
    CURL *curl = NULL;

    apr_thread_mutex_lock(self->mutex);
    if (self->count > 0) {
        curl = self->idle[--self->count];
    }
    apr_thread_mutex_unlock(self->mutex);
    return curl ? curl : curl_easy_init();
}

static void give(pool_t *self, CURL *curl)
{
    /* Keeps connections, and drops everything of this call. */
    curl_easy_reset(curl);
    apr_thread_mutex_lock(self->mutex);
    if (self->count < MAX_IDLE) {
        self->idle[self->count++] = curl;
        curl = NULL;
    }
    apr_thread_mutex_unlock(self->mutex);
    curl_easy_cleanup(curl);
}

static apr_status_t close_all(void *data)
{
    pool_t *self = data;

    while (self->count > 0) {
        curl_easy_cleanup(self->idle[--self->count]);
    }
    return APR_SUCCESS;
}

/* Link-local addresses belong to the machine's keeper (cloud metadata
 * services), whatever name led there. */
static int is_link_local(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->sa_family == AF_INET) {
        return (ntohl(v4->sin_addr.s_addr) & 0xffff0000u) == 0xa9fe0000u;
    }
    if (address->sa_family != AF_INET6) {
        return 1;
    }
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        return v6->sin6_addr.s6_addr[12] == 169 &&
               v6->sin6_addr.s6_addr[13] == 254;
    }
    return IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr);
}

static curl_socket_t open_socket(void *data, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    call_t *call = data;

    (void)purpose;
    if (is_link_local(&address->addr)) {
        call->refused = "a link-local address is never called";
        return CURL_SOCKET_BAD;
    }
    call->refused = NULL;
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
    call_t *call = context;
    char *grown;
    apr_size_t room;

    (void)one;
    if (size > call->max - call->length) {
        call->refused = "the answer is longer than allowed";
        return 0;
    }
    if (call->length + size + 1 > call->room) {
        room = 2 * (call->length + size + 1);
        grown = realloc(call->body, room);
        if (!grown) {
            return 0;
        }
        call->body = grown;
        call->room = room;
    }
    memcpy(call->body + call->length, data, size);
    call->length += size;
    return size;
}

static void read_max_age(call_t *call, const char *field, size_t size)
{
    static const char name[] = "max-age=";
    char value[256];
    const char *at;

    if (size >= sizeof(value)) {
        return;
    }
    memcpy(value, field, size);
    value[size] = '\0';
    for (at = value; *at; at++) {
        if (strncasecmp(at, name, sizeof(name) - 1) == 0 &&
            apr_isdigit(at[sizeof(name) - 1])) {
            apr_int64_t seconds = apr_strtoi64(at + sizeof(name) - 1, NULL,
                                               10);

            call->max_age = apr_time_from_sec(
                seconds > 31536000 ? 31536000 : seconds);
            return;
        }
    }
}

/* Seconds; a date is not worth its parser. */
static void read_retry_after(call_t *call, const char *field, size_t size)
{
    int seconds = 0;

    for (; size > 0 && (*field == ' ' || *field == '\t'); size--) {
        field++;
    }
    for (; size > 0 && apr_isdigit(*field) && seconds < LONGEST_RETRY;
         size--) {
        seconds = seconds * 10 + (*field++ - '0');
    }
    call->retry_after_sec = seconds < LONGEST_RETRY ? seconds : LONGEST_RETRY;
}

/* What follows the name of a field; NULL: it is another one. */
static const char *value_of(const char *data, size_t size, const char *name)
{
    size_t length = strlen(name);

    return size > length && strncasecmp(data, name, length) == 0
               ? data + length
               : NULL;
}

static size_t on_header(char *data, size_t one, size_t size, void *context)
{
    call_t *call = context;
    const char *value;

    (void)one;
    call->headers += size;
    if (call->headers > MAX_HEADERS) {
        call->refused = "the answer's header fields are longer than allowed";
        return 0;
    }
    value = value_of(data, size, "cache-control:");
    if (value) {
        read_max_age(call, value, size - (size_t)(value - data));
    }
    value = value_of(data, size, "retry-after:");
    if (value) {
        read_retry_after(call, value, size - (size_t)(value - data));
    }
    return size;
}

static void set_tls(CURL *curl, const ao2_http_way_t *way)
{
    struct stat info;
    int is_folder;

    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, way->verify ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, way->verify ? 2L : 0L);
    /* One that is gone fails the call: the system's are no substitute. */
    if (way->ca) {
        is_folder = stat(way->ca, &info) == 0 && S_ISDIR(info.st_mode);
        curl_easy_setopt(curl, CURLOPT_CAINFO, is_folder ? NULL : way->ca);
        curl_easy_setopt(curl, CURLOPT_CAPATH, is_folder ? way->ca : NULL);
    }
    if (way->cert) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, way->cert);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, way->key);
    }
}

static long milliseconds(apr_time_t time)
{
    apr_time_t ms = apr_time_as_msec(time);

    return ms < 1 ? 1 : ms > 86400000 ? 86400000 : (long)ms;
}

static void set_protocols(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
                     (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* A look-up of a name runs in a thread of its own, which nothing can stop.
 * Without this a call that is over waits for that thread to end. */
static void set_leaving(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
#else
    (void)curl;
#endif
}

static void set_options(CURL *curl, const ao2_http_request_t *request,
                        call_t *call)
{
    const ao2_http_way_t *way = request->way;

    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    /* An empty name switches off what the environment says. */
    curl_easy_setopt(curl, CURLOPT_PROXY, way->proxy ? way->proxy : "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "mod_api_oauth2");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     milliseconds(way->connect_timeout));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     milliseconds(request->timeout ? request->timeout
                                                   : way->total_timeout));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, call);
    set_protocols(curl);
    set_leaving(curl);
    set_tls(curl, way);
}

static const char *media_type(CURL *curl, apr_pool_t *pool)
{
    char *type = NULL;
    char *copy;
    char *at;

    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (!type) {
        return "";
    }
    copy = apr_pstrmemdup(pool, type, strcspn(type, "; \t"));
    for (at = copy; *at; at++) {
        *at = (char)apr_tolower(*at);
    }
    return copy;
}

static ao2_code_t finish(CURL *curl, CURLcode result, const call_t *call,
                         ao2_http_answer_t *answer, apr_pool_t *pool,
                         ao2_fail_t *fail)
{
    long status = 0;

    if (result == CURLE_OK || call->refused) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        answer->status = (int)status;
    }
    if (result != CURLE_OK) {
        const char *why = call->refused    ? call->refused
                          : call->error[0] ? call->error
                                           : curl_easy_strerror(result);

        /* It may quote what the server sent. */
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "%s",
                        ao2_text_for_log(ao2_span(why), AO2_MAX_DETAIL,
                                         pool));
    }
    answer->max_age = call->max_age;
    answer->retry_after_sec = call->retry_after_sec;
    answer->media_type = media_type(curl, pool);
    answer->body.ptr = apr_pstrmemdup(pool, call->body ? call->body : "",
                                      call->length);
    answer->body.len = call->length;
    return AO2_OK;
}

/* The body is borrowed: curl must not keep a copy of what is secret. "Expect"
 * would only cost a round trip. */
static void set_form(CURL *curl, const ao2_http_request_t *request,
                     struct curl_slist **headers)
{
    if (request->form.ptr) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)request->form.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->form.ptr);
        *headers = curl_slist_append(*headers, "Expect:");
    }
}

static struct curl_slist *set_fields(CURL *curl,
                                     const ao2_http_request_t *request,
                                     apr_pool_t *pool)
{
    struct curl_slist *headers = NULL;
    int i;

    if (request->accept) {
        headers = curl_slist_append(
            NULL, apr_pstrcat(pool, "Accept: ", request->accept, NULL));
    }
    for (i = 0; request->fields && i < request->fields->nelts; i++) {
        headers = curl_slist_append(
            headers, APR_ARRAY_IDX(request->fields, i, const char *));
    }
    set_form(curl, request, &headers);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

static void free_fields(struct curl_slist *headers)
{
    struct curl_slist *at;

    for (at = headers; at; at = at->next) {
        OPENSSL_cleanse(at->data, strlen(at->data));
    }
    curl_slist_free_all(headers);
}

static ao2_code_t send_request(ao2_http_t *port, ao2_http_answer_t *answer,
                               const ao2_http_request_t *request,
                               apr_pool_t *pool, ao2_fail_t *fail)
{
    pool_t *self = port->context;
    CURL *curl = take(self);
    struct curl_slist *headers;
    call_t call = {0};
    ao2_code_t code;

    memset(answer, 0, sizeof(*answer));
    if (!curl) {
        return ao2_fail(fail, AO2_E_ISSUER_UNAVAILABLE, "no memory");
    }
    call.max = request->max_body;
    call.max_age = -1;
    set_options(curl, request, &call);
    headers = set_fields(curl, request, pool);
    code = finish(curl, curl_easy_perform(curl), &call, answer, pool, fail);
    free_fields(headers);
    free(call.body);
    give(self, curl);
    return code;
}

ao2_code_t ao2_curl_http_make(ao2_http_t **phttp, apr_pool_t *pool,
                              ao2_fail_t *fail)
{
    pool_t *self = apr_pcalloc(pool, sizeof(*self));

    *phttp = NULL;
    if (apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT, pool)
        != APR_SUCCESS) {
        return ao2_fail(fail, AO2_E_MISCONFIGURED, "no mutex");
    }
    apr_pool_cleanup_register(pool, self, close_all, apr_pool_cleanup_null);
    self->port.call = send_request;
    self->port.context = self;
    *phttp = &self->port;
    return AO2_OK;
}
