#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

/* The longest input: more than any limit of base/limits.h. */
#define LONGEST ((size_t)1024 * 1024)

/* One input, as a block of exactly its size. */
static int run_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    char *room = malloc(LONGEST);
    uint8_t *input = NULL;
    size_t size = 0;
    int good = 0;

    if (file && room) {
        size = fread(room, 1, LONGEST, file);
        good = !ferror(file) && size < LONGEST;
        input = malloc(size);
    }
    if (good && input) {
        memcpy(input, room, size);
        LLVMFuzzerTestOneInput(input, size);
    }
    else {
        fprintf(stderr, "%s cannot be read\n", name);
    }
    if (file) {
        fclose(file);
    }
    free(input);
    free(room);
    return good && input;
}

/* @return how many inputs were run; -1 when one could not be */
static int run_folder(const char *folder)
{
    DIR *dir = chdir(folder) == 0 ? opendir(".") : NULL;
    struct dirent *entry;
    int count = 0;

    if (!dir) {
        fprintf(stderr, "%s cannot be opened\n", folder);
        return -1;
    }
    for (entry = readdir(dir); entry && count >= 0; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        printf("%s\n", entry->d_name);
        fflush(stdout);
        count = run_file(entry->d_name) ? count + 1 : -1;
    }
    closedir(dir);
    return count;
}

/* fuzz_NAME [FOLDER]: without it, tests/fuzz/corpus/NAME of the source. */
int main(int argc, char **argv)
{
    const char *source = getenv("AO2_SOURCE");
    char folder[4096];
    int count;

    snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
             source ? source : ".", fuzz_name);
    count = run_folder(argc > 1 ? argv[1] : folder);
    printf("%s: %d inputs, %lu accepted\n", fuzz_name, count, fuzz_accepted);
    if (count <= 0 || fuzz_accepted == 0) {
        fprintf(stderr, "%s: nothing was tested\n", fuzz_name);
        return 1;
    }
    return 0;
}
