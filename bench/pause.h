/* A pause between two looks at something that nobody announces. */
#ifndef TALLY_BENCH_PAUSE_H
#define TALLY_BENCH_PAUSE_H

#include <time.h>

static inline void pause_ms(long ms) {
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

#endif
