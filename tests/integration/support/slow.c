/*
 * Makes each look into a token's claims cost thousands of instructions more:
 * for LD_PRELOAD, to see that a measurement notices.
 */
#include <string.h>

#include <jansson.h>

#define TURNS 2000

json_t *json_object_get(const json_t *object, const char *key)
{
    volatile int turn;

    for (turn = 0; turn < TURNS; turn++) {
    }
    return json_object_getn(object, key, strlen(key));
}
