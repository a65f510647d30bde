/* htapi token: API tokens, which only their owner ever sees. */
#include "tools/change.h"

#include <stdio.h>

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/rfc3339.h"
#include "base/text.h"
#include "core/api_token.h"
#include "core/registry_words.h"
#include "core/registry_write.h"

/* A token that has been made, with the row that is kept of it. */
typedef struct {
    const char *text;
    ao2_api_token_row_t row;
} new_token_t;

/* The token's identifier is what logs name it by. */
static int make_token(new_token_t *token, ao2_change_t *change)
{
    unsigned char random[AO2_API_TOKEN_RANDOM];
    unsigned char digest[AO2_DIGEST_LEN];
    apr_pool_t *pool = change->pool;

    if (RAND_bytes(random, sizeof(random)) != 1) {
        return ao2_store_fail(&change->fail, AO2_EXIT_USAGE,
                              "no random numbers");
    }
    token->text = ao2_api_token_make(random, pool);
    OPENSSL_cleanse(random, sizeof(random));
    ao2_token_digest(digest, ao2_span(token->text));
    token->row.sha256 = ao2_text_hex(digest, sizeof(digest), pool);
    token->row.id = apr_pstrndup(pool, token->row.sha256, 8);
    token->row.prefix = apr_pstrndup(pool, token->text,
                                     AO2_API_TOKEN_PREFIX);
    return AO2_EXIT_DONE;
}

static void set_words(const char *const **pwords, int *pcount,
                      const apr_array_header_t *words)
{
    *pwords = (const char *const *)words->elts;
    *pcount = words->nelts;
}

/* Add the token to its application, and say with --json what was made. */
static int add_token(ao2_change_t *change, const new_token_t *token)
{
    const char *application = ao2_change_word(change, 0);
    ao2_api_token_t *made = NULL;

    if (ao2_api_token_make_row(&made, &token->row, change->pool,
                               &change->fail) != AO2_OK) {
        return AO2_EXIT_USAGE;
    }
    change->result = ao2_api_token_json(made);
    json_object_set_new(change->result, "application",
                        json_string(application));
    json_object_set_new(change->result, "token", json_string(token->text));
    return change->store->kind->add_token(change->store, application,
                                          &token->row, &change->fail);
}

/* Commit, and show the token this once. */
static int end_new(ao2_change_t *change, const new_token_t *token, int status)
{
    int is_json = ao2_line_option(change->line, "json") != NULL;

    status = ao2_change_end(change, status);
    if (status == AO2_EXIT_DONE && !is_json) {
        status = ao2_output(apr_pstrcat(change->pool, token->text, "\n",
                                        NULL), strlen(token->text) + 1);
    }
    if (status == AO2_EXIT_DONE) {
        fprintf(stderr, "htapi: this is token %s; it is not shown again\n",
                token->row.id);
    }
    return status;
}

static int read_row(ao2_api_token_row_t *row, ao2_change_t *change)
{
    int key_type;
    int status = ao2_change_choice(&key_type, change, "key-type",
                                   ao2_key_types);

    row->key_type = (ao2_key_type_t)key_type;
    row->expires = AO2_TIME_FOREVER;
    set_words(&row->scopes, &row->scope_count,
              ao2_line_all(change->line, "scope"));
    set_words(&row->networks, &row->network_count,
              ao2_line_all(change->line, "ip"));
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_time(&row->not_before, change, "not-before");
    }
    return status == AO2_EXIT_DONE
               ? ao2_change_time(&row->expires, change, "expires")
               : status;
}

static int create_token(new_token_t *token, ao2_change_t *change)
{
    ao2_api_token_t *made;
    int status = read_row(&token->row, change);

    if (status == AO2_EXIT_DONE) {
        status = make_token(token, change);
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_check(change, ao2_api_token_make_row(
            &made, &token->row, change->pool, &change->fail));
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_begin(change);
    }
    if (status == AO2_EXIT_DONE) {
        status = ao2_change_need_application(change,
                                             ao2_change_word(change, 0));
    }
    return status == AO2_EXIT_DONE ? add_token(change, token) : status;
}

int ao2_token_command_create(ao2_line_t *line, int argc,
                             const char *const *argv)
{
    static const ao2_usage_t usage = {
        "scope=* expires= not-before= ip=* key-type=", 1, 1, 0};
    new_token_t token = {0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = create_token(&token, &change);
    }
    return end_new(&change, &token, status);
}

static const char *time_text(apr_time_t time, apr_time_t absent,
                             apr_pool_t *pool)
{
    char *text = apr_palloc(pool, AO2_RFC3339_SIZE);

    if (time == absent) {
        return "-";
    }
    ao2_rfc3339_write(text, time);
    return text;
}

static int print_table(const apr_array_header_t *tokens, apr_pool_t *pool)
{
    static const char format[] = "%s%-8s  %-8s  %-7s  %-10s  %-20s  %-20s  "
                                 "%s  %s\n";
    const char *text = apr_psprintf(pool, format, "", "ID", "PREFIX",
                                    "STATUS", "KEY-TYPE", "NOT-BEFORE",
                                    "EXPIRES", "SCOPES", "IP");
    int i;

    for (i = 0; i < tokens->nelts; i++) {
        const ao2_api_token_t *token = APR_ARRAY_IDX(
            tokens, i, const ao2_api_token_t *);

        text = apr_psprintf(
            pool, format, text,
            ao2_text_for_log(ao2_span(token->id), AO2_MAX_NAME, pool),
            ao2_text_for_log(ao2_span(token->prefix), AO2_MAX_NAME, pool),
            ao2_api_token_statuses[token->status],
            ao2_key_types[token->key_type],
            time_text(token->not_before, 0, pool),
            time_text(token->expires, AO2_TIME_FOREVER, pool),
            *token->scope ? token->scope : "-", *token->ip ? token->ip : "-");
    }
    return ao2_output(text, strlen(text));
}

static int list_tokens(ao2_change_t *change)
{
    const ao2_store_kind_t *kind = change->store->kind;
    const char *application = ao2_change_word(change, 0);
    apr_array_header_t *tokens = NULL;
    int status = kind->begin(change->store, 0, &change->fail);
    int i;

    if (status == AO2_EXIT_DONE) {
        status = ao2_change_need_application(change, application);
    }
    if (status == AO2_EXIT_DONE) {
        status = kind->list_tokens(&tokens, change->store, application,
                                   &change->fail);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (!ao2_line_option(change->line, "json")) {
        return print_table(tokens, change->pool);
    }
    change->result = json_array();
    for (i = 0; i < tokens->nelts; i++) {
        json_array_append_new(change->result, ao2_api_token_json(
            APR_ARRAY_IDX(tokens, i, const ao2_api_token_t *)));
    }
    return AO2_EXIT_DONE;
}

int ao2_token_command_list(ao2_line_t *line, int argc,
                           const char *const *argv)
{
    static const ao2_usage_t usage = {"", 1, 1, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = list_tokens(&change);
    }
    return ao2_change_end(&change, status);
}

/* Begin, and find the token that the words name: APP TOKEN-ID. */
static int find_token(const ao2_api_token_t **ptoken, ao2_change_t *change)
{
    const char *application = ao2_change_word(change, 0);
    const char *id = ao2_change_word(change, 1);
    apr_array_header_t *tokens = NULL;
    int status = ao2_change_begin(change);
    int i;

    if (status == AO2_EXIT_DONE) {
        status = ao2_change_need_application(change, application);
    }
    if (status == AO2_EXIT_DONE) {
        status = change->store->kind->list_tokens(
            &tokens, change->store, application, &change->fail);
    }
    if (status != AO2_EXIT_DONE) {
        return status;
    }
    for (i = 0; i < tokens->nelts; i++) {
        *ptoken = APR_ARRAY_IDX(tokens, i, const ao2_api_token_t *);
        if (strcmp((*ptoken)->id, id) == 0) {
            return AO2_EXIT_DONE;
        }
    }
    return ao2_change_refuse(change, "no token \"%s\" of application \"%s\"",
                             id, application);
}

/* Give a token another status and expiry. */
static int set_token(ao2_change_t *change, const ao2_api_token_t *token,
                     ao2_api_token_status_t status, apr_time_t expires)
{
    ao2_api_token_row_t row = {.id = token->id, .status = status,
                               .expires = expires};

    return change->store->kind->set_token(change->store,
                                          ao2_change_word(change, 0), &row,
                                          &change->fail);
}

static int revoke_token(ao2_change_t *change)
{
    const ao2_api_token_t *token;
    int status = find_token(&token, change);

    if (status != AO2_EXIT_DONE) {
        return status;
    }
    change->result = json_pack(
        "{s:s, s:s, s:s}", "id", token->id, "application",
        ao2_change_word(change, 0), "status",
        ao2_api_token_statuses[AO2_API_TOKEN_REVOKED]);
    return set_token(change, token, AO2_API_TOKEN_REVOKED, token->expires);
}

int ao2_token_command_revoke(ao2_line_t *line, int argc,
                             const char *const *argv)
{
    static const ao2_usage_t usage = {"", 2, 2, 0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = revoke_token(&change);
    }
    return ao2_change_end(&change, status);
}

/* The new token may do what the old one may. */
static int take_over(new_token_t *token, const ao2_api_token_t *old,
                     ao2_change_t *change)
{
    ao2_api_token_row_t *row = &token->row;
    int status;

    set_words(&row->scopes, &row->scope_count,
              ao2_text_split(old->scope, change->pool));
    set_words(&row->networks, &row->network_count,
              ao2_text_split(old->ip, change->pool));
    row->key_type = old->key_type;
    row->expires = old->expires;
    status = ao2_change_time(&row->expires, change, "expires");
    if (status == AO2_EXIT_DONE && row->expires <= apr_time_now()) {
        return ao2_change_refuse(change, "the new token would have expired: "
                                 "say --expires");
    }
    return status == AO2_EXIT_DONE ? make_token(token, change) : status;
}

/* When the old token goes: at once, or after --grace at the latest. */
static int retire(ao2_change_t *change, const ao2_api_token_t *old)
{
    apr_time_t end = AO2_TIME_FOREVER;
    int status = ao2_change_time(&end, change, "grace");

    if (status != AO2_EXIT_DONE) {
        return status;
    }
    if (!ao2_line_option(change->line, "grace")) {
        return set_token(change, old, AO2_API_TOKEN_REVOKED, old->expires);
    }
    return set_token(change, old, old->status,
                     end < old->expires ? end : old->expires);
}

static int rotate_token(new_token_t *token, ao2_change_t *change)
{
    const ao2_api_token_t *old;
    int status = find_token(&old, change);

    if (status == AO2_EXIT_DONE && old->status == AO2_API_TOKEN_REVOKED) {
        status = ao2_change_refuse(change, "token \"%s\" is revoked",
                                   old->id);
    }
    if (status == AO2_EXIT_DONE) {
        status = take_over(token, old, change);
    }
    if (status == AO2_EXIT_DONE) {
        status = retire(change, old);
    }
    return status == AO2_EXIT_DONE ? add_token(change, token) : status;
}

int ao2_token_command_rotate(ao2_line_t *line, int argc,
                             const char *const *argv)
{
    static const ao2_usage_t usage = {"grace= expires=", 2, 2, 0};
    new_token_t token = {0};
    ao2_change_t change;
    int status = ao2_change_start(&change, line, &usage, argc, argv);

    if (status == AO2_EXIT_DONE) {
        status = rotate_token(&token, &change);
    }
    return end_new(&change, &token, status);
}
