#include "glue/replay.h"

#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

/* What is read and dropped of a 401, so that the connection to the backend
 * can be used again. A longer one costs that connection. */
#define MOST_DROPPED (64 * 1024)

struct ao2_replay {
    /* What mod_proxy, its schemes and a backend's answer change. */
    apr_table_t *headers_out;
    apr_table_t *err_headers_out;
    apr_table_t *trailers_out;
    const char *content_type;
    const char *content_encoding;
    apr_array_header_t *content_languages;
    const char *handler;
    char *filename;
    int proxyreq;
    int no_cache;

    /* The answer. */
    int refused; /* it is a 401, and is dropped */
    apr_off_t dropped;

    /* The body. */
    apr_bucket_brigade *body; /* what is kept of it; NULL: there is none */
    apr_size_t room;          /* for that much more */
    int at_end;               /* all of it has been read */
    int lost;                 /* not all of it was kept */
    int playing;              /* it is sent again */
};

static ap_filter_rec_t *answer_filter;
static ap_filter_rec_t *body_filter;

static apr_status_t filter_answer(ap_filter_t *f, apr_bucket_brigade *brigade)
{
    ao2_replay_t *replay = f->ctx;
    apr_off_t length = 0;

    if (!replay->refused && f->r->status != HTTP_UNAUTHORIZED) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, brigade);
    }
    replay->refused = 1;
    apr_brigade_length(brigade, 1, &length);
    replay->dropped += length;
    apr_brigade_cleanup(brigade);
    /* An error has mod_proxy close the connection to the backend. */
    return replay->dropped > MOST_DROPPED ? APR_EGENERAL : APR_SUCCESS;
}

static void lose_body(ap_filter_t *f, ao2_replay_t *replay)
{
    replay->lost = 1;
    apr_brigade_cleanup(replay->body);
    ap_remove_input_filter(f);
}

/* Copies the bytes: the buckets themselves may be far larger than what they
 * hold. */
static apr_status_t keep(ap_filter_t *f, ao2_replay_t *replay,
                         const apr_bucket_brigade *brigade)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade);
         bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t size;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            replay->at_end = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        status = apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ);
        if (status != APR_SUCCESS) {
            return status;
        }
        if (size > replay->room) {
            lose_body(f, replay);
            break;
        }
        replay->room -= size;
        apr_brigade_write(replay->body, NULL, NULL, data, size);
    }
    return APR_SUCCESS;
}

/* At most @a want bytes of what was kept. */
static apr_status_t play(ap_filter_t *f, ao2_replay_t *replay,
                         apr_bucket_brigade *out, apr_off_t want)
{
    apr_bucket *bucket;
    apr_bucket *after;
    apr_status_t status = apr_brigade_partition(replay->body, want, &after);

    if (status != APR_SUCCESS && status != APR_INCOMPLETE) {
        return status;
    }
    while (!APR_BRIGADE_EMPTY(replay->body)) {
        bucket = APR_BRIGADE_FIRST(replay->body);
        if (bucket == after) {
            break;
        }
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(out, bucket);
    }
    if (APR_BRIGADE_EMPTY(replay->body) && replay->at_end) {
        APR_BRIGADE_INSERT_TAIL(out,
                                apr_bucket_eos_create(f->c->bucket_alloc));
    }
    return APR_SUCCESS;
}

static apr_status_t filter_body(ap_filter_t *f, apr_bucket_brigade *out,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t want)
{
    ao2_replay_t *replay = f->ctx;
    apr_status_t status;

    if (mode == AP_MODE_READBYTES && replay->playing &&
        (replay->at_end || !APR_BRIGADE_EMPTY(replay->body))) {
        return play(f, replay, out, want);
    }
    status = ap_get_brigade(f->next, out, mode, block, want);
    if (mode != AP_MODE_READBYTES || status != APR_SUCCESS ||
        replay->playing) {
        return status;
    }
    return keep(f, replay, out);
}

/* Whether the body is known to be too long. */
static int is_too_long(const request_rec *r, apr_size_t limit)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t size;

    if (limit == 0) {
        return 1;
    }
    return length && !apr_table_get(r->headers_in, "Transfer-Encoding") &&
           (!ap_parse_strict_length(&size, length) ||
            size > (apr_off_t)limit);
}

static void arm_body(request_rec *r, ao2_replay_t *replay, apr_size_t limit)
{
    if (!ap_request_has_body(r)) {
        return;
    }
    if (is_too_long(r, limit)) {
        replay->lost = 1;
        return;
    }
    replay->room = limit;
    replay->body = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    ap_add_input_filter_handle(body_filter, replay, r, r->connection);
}

ao2_replay_t *ao2_replay_arm(request_rec *r, apr_size_t body_limit)
{
    ao2_replay_t *replay = apr_pcalloc(r->pool, sizeof(*replay));

    replay->headers_out = apr_table_copy(r->pool, r->headers_out);
    replay->err_headers_out = apr_table_copy(r->pool, r->err_headers_out);
    replay->trailers_out = apr_table_copy(r->pool, r->trailers_out);
    replay->content_type = r->content_type;
    replay->content_encoding = r->content_encoding;
    replay->content_languages = r->content_languages;
    replay->handler = r->handler;
    replay->filename = r->filename;
    replay->proxyreq = r->proxyreq;
    replay->no_cache = r->no_cache;
    ap_add_output_filter_handle(answer_filter, replay, r, r->connection);
    arm_body(r, replay, body_limit);
    return replay;
}

int ao2_replay_is_refused(const ao2_replay_t *replay, int status)
{
    return replay->refused || status == HTTP_UNAUTHORIZED;
}

ao2_replay_verdict_t ao2_replay_verdict(const request_rec *r,
                                        const ao2_replay_t *replay)
{
    if (r->connection->aborted) {
        return AO2_REPLAY_CALLER_LEFT;
    }
    return replay->lost ? AO2_REPLAY_BODY_LOST : AO2_REPLAY_POSSIBLE;
}

void ao2_replay_rewind(request_rec *r, const ao2_replay_t *replay)
{
    /* mod_proxy's notes to itself. */
    static const char *const notes[] = {
        "proxy-error-override", "proxy-status", "proxy-source-port",
        "proxy-100-continue", "proxy_timedout", "uds_path"};
    size_t i;

    r->headers_out = apr_table_copy(r->pool, replay->headers_out);
    r->err_headers_out = apr_table_copy(r->pool, replay->err_headers_out);
    r->trailers_out = apr_table_copy(r->pool, replay->trailers_out);
    r->content_type = replay->content_type;
    r->content_encoding = replay->content_encoding;
    r->content_languages = replay->content_languages;
    r->handler = replay->handler;
    r->filename = replay->filename;
    r->proxyreq = replay->proxyreq;
    r->no_cache = replay->no_cache;
    r->status = HTTP_OK;
    r->status_line = NULL;
    r->sent_bodyct = 0;
    for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        apr_table_unset(r->notes, notes[i]);
    }
    /* Where mod_proxy_http keeps what it has read of the body. */
    apr_pool_userdata_setn(NULL, "proxy-req-input", NULL, r->pool);
}

int ao2_replay_run(request_rec *r, ao2_replay_t *replay)
{
    const apr_array_header_t *all = ap_hook_get_handler();
    int i;

    replay->refused = 0;
    replay->dropped = 0;
    replay->playing = replay->body != NULL;
    for (i = 0; i < all->nelts; i++) {
        const ap_LINK_handler_t *hook = &APR_ARRAY_IDX(all, i,
                                                       ap_LINK_handler_t);

        if (strcmp(hook->szName, "mod_proxy.c") == 0) {
            return hook->pFunc(r);
        }
    }
    return HTTP_INTERNAL_SERVER_ERROR;
}

void ao2_replay_register(void)
{
    /* In front of all others: nearest to mod_proxy. */
    answer_filter = ap_register_output_filter(
        "API_OAUTH2_ANSWER", filter_answer, NULL,
        (ap_filter_type)(AP_FTYPE_RESOURCE - 1));
    body_filter = ap_register_input_filter(
        "API_OAUTH2_BODY", filter_body, NULL,
        (ap_filter_type)(AP_FTYPE_RESOURCE - 1));
}
