#include "service/keys_shown.h"

#include <apr_strings.h>

static const char *alg_of(const ao2_key_t *key)
{
    static const char *const kinds[] = {"RSA", "EC", "OKP", "secret"};

    return key->alg ? key->alg->name : kinds[key->kind];
}

void ao2_keys_show(const ao2_remote_t *remote, const ao2_keyset_t *set,
                   apr_time_t now)
{
    ao2_party_t *party = remote->party;
    ao2_board_t *board = remote->ports.board;
    ao2_keys_shown_t shown = {0};
    int i;

    if (!board) {
        return;
    }
    shown.at = now;
    shown.count = set->count;
    for (i = 0; i < set->count && i < AO2_KEYS_SHOWN; i++) {
        const ao2_key_t *key = set->keys[i];

        apr_cpystrn(shown.keys[i].kid, key->kid ? key->kid : "",
                    sizeof(shown.keys[i].kid));
        apr_cpystrn(shown.keys[i].alg, alg_of(key),
                    sizeof(shown.keys[i].alg));
    }
    ao2_notice_write(&party->shown_notice, &party->shown, &shown,
                     sizeof(shown), board->shared);
}

void ao2_keys_shown(ao2_keys_shown_t *shown, const ao2_remote_t *remote)
{
    const ao2_party_t *party = remote->party;

    if (!ao2_notice_read(&party->shown_notice, shown, &party->shown,
                         sizeof(*shown))) {
        memset(shown, 0, sizeof(*shown));
    }
}
