#include "service/recent.h"

_Static_assert(sizeof(ao2_recent_t) % 8 == 0, "as notices are");

void ao2_recent_note(ao2_recent_memory_t *memory, const ao2_recent_t *refused,
                     ao2_shared_t *shared)
{
    apr_uint64_t index = __atomic_fetch_add(&memory->next, 1,
                                            __ATOMIC_RELAXED)
                         % AO2_RECENT_PLACES;

    ao2_notice_write(&memory->places[index].notice,
                     &memory->places[index].refused, refused,
                     sizeof(*refused), shared);
}

static void end_strings(ao2_recent_t *refused)
{
    refused->reason[sizeof(refused->reason) - 1] = '\0';
    refused->token_id[sizeof(refused->token_id) - 1] = '\0';
    refused->address[sizeof(refused->address) - 1] = '\0';
    refused->client[sizeof(refused->client) - 1] = '\0';
    refused->location[sizeof(refused->location) - 1] = '\0';
    refused->detail[sizeof(refused->detail) - 1] = '\0';
}

int ao2_recent_list(const ao2_recent_memory_t *memory, ao2_recent_t *list,
                    int most)
{
    apr_uint64_t next = __atomic_load_n(&memory->next, __ATOMIC_RELAXED);
    apr_uint64_t back;
    int count = 0;

    for (back = 1; back <= AO2_RECENT_PLACES && back <= next && count < most;
         back++) {
        apr_uint64_t index = (next - back) % AO2_RECENT_PLACES;

        if (ao2_notice_read(&memory->places[index].notice, &list[count],
                            &memory->places[index].refused,
                            sizeof(*list))) {
            end_strings(&list[count]);
            count++;
        }
    }
    return count;
}
