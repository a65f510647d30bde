#include "tools/progress.h"

#include <stdio.h>
#include <unistd.h>

#define WIDTH 40

void ao2_progress_begin(ao2_progress_t *progress, const char *what,
                        apr_int64_t total)
{
    progress->what = what;
    progress->total = total;
    progress->done = 0;
    progress->shown = total > 0 && isatty(STDERR_FILENO) ? -1 : -2;
}

void ao2_progress_add(ao2_progress_t *progress, apr_int64_t more)
{
    static const char bar[] = "########################################";
    int percent;

    progress->done += more;
    if (progress->shown == -2) {
        return;
    }
    percent = (int)(progress->done * 100 / progress->total);
    percent = percent > 100 ? 100 : percent;
    if (percent == progress->shown) {
        return;
    }
    progress->shown = percent;
    fprintf(stderr, "\r%-8s [%-*.*s] %3d %%", progress->what, WIDTH,
            percent * WIDTH / 100, bar, percent);
    fflush(stderr);
}

void ao2_progress_end(ao2_progress_t *progress)
{
    if (progress->shown >= 0) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}
